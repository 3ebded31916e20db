//! Segment files of the ledger: cut, altered, foreign.

use crate::edits::Script;
use danso_node::store::ledger::{self, Kind, Ledger, LedgerError, Options, Position};
use std::fs;
use tempfile::TempDir;

/// Size of the segments of a ledger of a few records.
const SEGMENT_BYTES: u64 = 1_024;

fn options() -> Options {
    Options { segment_bytes: SEGMENT_BYTES, known_durable: None }
}

/// A small ledger: its two segment files, and its records.
type Written = Vec<(Kind, Vec<u8>)>;

fn small_ledger() -> (Vec<Vec<u8>>, Written) {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = Ledger::open(folder.path(), options()).unwrap();
    let records: Vec<(Kind, Vec<u8>)> =
        (0..12u8).map(|place| (Kind(1 + place % 3), vec![place; 20 + usize::from(place) * 10])).collect();
    for (kind, payload) in &records {
        writer.append(&[(*kind, payload)]).unwrap();
        writer.sync().unwrap();
    }
    let segments: Vec<Vec<u8>> =
        (1..=2).map(|number| fs::read(folder.path().join(format!("{number:08}.ledger"))).unwrap()).collect();
    (segments, records)
}

/// A folder on which the runs of a target write, over and over.
struct Scratch(TempDir);

impl Scratch {
    fn put(&self, segments: [&[u8]; 2]) {
        for (place, bytes) in segments.iter().enumerate() {
            fs::write(self.0.path().join(format!("{:08}.ledger", place + 1)), bytes).unwrap();
        }
        for entry in fs::read_dir(self.0.path()).unwrap() {
            let path = entry.unwrap().path();
            if !path.ends_with("00000001.ledger") && !path.ends_with("00000002.ledger") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

const DAMAGES: [&str; 3] = ["ledger_damaged", "ledger_missing_segment", "ledger_newer_format"];

/// Whatever the segment files hold: what is read was appended, or the place of the damage is named. A torn end
/// may be cut, never the beginning or the middle.
fn check_segments(scratch: &Scratch, segments: [&[u8]; 2], records: &[(Kind, Vec<u8>)]) -> bool {
    scratch.put(segments);
    let folder = scratch.0.path();
    let verified = ledger::verify(folder);
    let before = fs::read(folder.join("00000001.ledger")).unwrap();
    assert_eq!(before, segments[0], "a check writes nothing");
    let opened = Ledger::open(folder, options());
    let (Ok((writer, found)), Ok(summary)) = (&opened, &verified) else {
        for error in [opened.as_ref().err(), verified.as_ref().err()].into_iter().flatten() {
            assert!(DAMAGES.contains(&error.code()), "{error}");
            assert!(matches!(error, LedgerError::MissingSegment { .. }) || !error.to_string().is_empty());
        }
        return false;
    };
    assert_eq!(found.end, summary.end);
    let read: Result<Vec<_>, _> = writer.reader().iter_from(Position::START).collect();
    let read = read.expect("a ledger that was verified whole is read to its end");
    assert_eq!(read.len() as u64, summary.records);
    let same = read
        .iter()
        .zip(records)
        .all(|(read, (kind, payload))| read.kind == *kind && read.payload == *payload);
    // A record's check sum finds every edit but one made with a new check sum.
    assert!(same && read.len() <= records.len());
    read.len() == records.len()
}

#[test]
fn segment() {
    let (segments, records) = small_ledger();
    let scratch = Scratch(tempfile::tempdir().unwrap());
    assert!(check_segments(&scratch, [&segments[0], &segments[1]], &records));
    fuzz!((bool, Script), |(second, script): &(bool, Script)| {
        let edited = script.bytes(&segments);
        let pair: [&[u8]; 2] = if *second { [&segments[0], &edited] } else { [&edited, &segments[1]] };
        check_segments(&scratch, pair, &records);
    });
}

#[test]
fn an_empty_or_foreign_file_in_the_ledger_is_named_and_left_as_it_is() {
    let (segments, records) = small_ledger();
    let scratch = Scratch(tempfile::tempdir().unwrap());
    for foreign in [&b""[..], b"PK\x03\x04", &[0; 2_048], &[0xff; 2_048]] {
        let found = check_segments(&scratch, [foreign, &segments[1]], &records);
        assert!(!found);
        assert_eq!(fs::read(scratch.0.path().join("00000001.ledger")).unwrap(), foreign);
    }
}
