//! What is a torn tail and may be cut, and what is damage and may not.

use std::fs::{self, OpenOptions};

use super::super::record::HEAD_BYTES;
use super::super::segment::HEADER_BYTES;
use super::super::{Damage, SegmentNumber, verify};
use super::*;

fn damaged_at(error: &LedgerError, place: Position) -> bool {
    matches!(error, LedgerError::Damaged { segment: SegmentNumber(1), offset, position, .. }
        if *offset == place.0 && *position == place)
}

/// Three records in one segment; the last is not zero at its end.
fn three(folder: &Path, one_commit: bool) -> Vec<Position> {
    let (mut ledger, _) = open(folder, ROOMY);
    let written = [payload(1, 50), payload(2, 60), payload(3, 70)];
    let mut positions = if one_commit {
        append(&mut ledger, &written).unwrap()
    } else {
        written.iter().map(|payload| commit(&mut ledger, payload)).collect()
    };
    positions.push(ledger.sync().unwrap());
    positions
}

#[test]
fn torn_tail_of_every_length_is_cut_at_the_last_whole_record() {
    for shortened_file in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let positions = three(folder.path(), false);
        let (start, end) = (positions[2].0, positions[3].0);
        let path = segment_path(folder.path(), 1);
        let whole = fs::read(&path).unwrap();
        for kept in start..end {
            let mut torn = whole[..kept as usize].to_vec();
            torn.resize(if shortened_file { kept as usize } else { whole.len() }, 0);
            fs::write(&path, &torn).unwrap();
            let torn_bytes = torn.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1 - start;
            let summary = verify(folder.path()).unwrap();
            assert_eq!((summary.records, summary.torn_bytes, summary.end), (2, torn_bytes, positions[2]));

            let (mut ledger, opened) = open(folder.path(), ROOMY);
            assert_eq!((opened.end, opened.cut_bytes), (positions[2], torn_bytes), "kept {kept}");
            assert_eq!(payloads(&ledger.reader()), [payload(1, 50), payload(2, 60)]);
            assert!(fs::read(&path).unwrap()[start as usize..].iter().all(|&byte| byte == 0));
            commit(&mut ledger, &payload(4, 20));
            assert_eq!(payloads(&open(folder.path(), ROOMY).0.reader()).len(), 3);
            // A shortened file may have no room left, so that the new record went to a second segment.
            let rolled = shortened_file && kept - start < 20 + HEAD_BYTES as u64;
            assert_eq!(fs::remove_file(segment_path(folder.path(), 2)).is_ok(), rolled);
        }
    }
}

#[test]
fn flipped_bit_in_a_middle_record_is_damage_at_that_record() {
    for one_commit in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let positions = three(folder.path(), one_commit);
        let path = segment_path(folder.path(), 1);
        let mut places = vec![];
        for offset in HEADER_BYTES..positions[2].0 {
            let place = if offset < positions[1].0 { positions[0] } else { positions[1] };
            for bit in 0..8 {
                places.push((offset, bit, place));
            }
        }
        for (offset, bit, place) in places {
            flip(&path, offset, bit);
            let before = fs::read(&path).unwrap();
            let error = Ledger::open(folder.path(), options(ROOMY)).unwrap_err();
            assert!(damaged_at(&error, place), "byte {offset} bit {bit}: {error}");
            assert_eq!(error.code(), "ledger_damaged");
            assert!(damaged_at(&verify(folder.path()).unwrap_err(), place));
            assert_eq!(fs::read(&path).unwrap(), before, "a damaged ledger was written to");
            flip(&path, offset, bit);
        }
        assert_eq!(open(folder.path(), ROOMY).1.cut_bytes, 0);
    }
}

#[test]
fn flipped_bit_in_the_last_record_is_damage_if_it_is_known_to_be_durable() {
    let folder = tempfile::tempdir().unwrap();
    let positions = three(folder.path(), false);
    let path = segment_path(folder.path(), 1);
    for offset in positions[2].0..positions[3].0 {
        flip(&path, offset, 5);
        let known = Options { known_durable: Some(positions[3]), ..options(ROOMY) };
        let error = Ledger::open(folder.path(), known).unwrap_err();
        assert!(damaged_at(&error, positions[2]), "byte {offset}: {error}");
        flip(&path, offset, 5);
    }
    flip(&path, positions[2].0 + 40, 5);
    let known = Options { known_durable: Some(positions[2]), ..options(ROOMY) };
    let (_, opened) = Ledger::open(folder.path(), known).unwrap();
    assert_eq!((opened.end, opened.cut_bytes), (positions[2], positions[3].0 - positions[2].0));
}

#[test]
fn ledger_that_ends_before_what_is_known_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let positions = three(folder.path(), false);
    let known = Options { known_durable: Some(Position(positions[3].0 + 1)), ..options(ROOMY) };
    let error = Ledger::open(folder.path(), known).unwrap_err();
    assert!(damaged_at(&error, positions[3]), "{error}");
    let known = Options { known_durable: Some(positions[3]), ..options(ROOMY) };
    assert_eq!(Ledger::open(folder.path(), known).unwrap().1.end, positions[3]);
}

#[test]
fn flipped_bit_in_unused_space_has_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    let positions = three(folder.path(), false);
    flip(&segment_path(folder.path(), 1), 4_000, 1);
    let (ledger, opened) = open(folder.path(), ROOMY);
    assert_eq!(opened.end, positions[3]);
    assert_eq!(payloads(&ledger.reader()).len(), 3);
    assert_eq!(open(folder.path(), ROOMY).1.cut_bytes, 0);
}

#[test]
fn stale_bytes_do_not_come_alive_after_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), ROOMY);
    let kept = commit(&mut ledger, &payload(1, 50));
    let torn = append(&mut ledger, &[payload(2, 600), payload(3, 600), payload(4, 600)]).unwrap();
    drop(ledger);
    let path = segment_path(folder.path(), 1);
    // A power cut lost the beginning of the commit and kept two whole records behind it.
    overwrite(&path, torn[0].0, &[0; 600]);
    let (mut ledger, opened) = open(folder.path(), ROOMY);
    assert_eq!(opened.end, torn[0]);
    assert!(opened.cut_bytes > 1_200);
    // A record of the same size would make the stale ones next in line.
    assert_eq!(commit(&mut ledger, &payload(5, 600)), torn[0]);
    drop(ledger);
    let (ledger, opened) = open(folder.path(), ROOMY);
    assert_eq!(opened.cut_bytes, 0);
    assert_eq!(payloads(&ledger.reader()), [payload(1, 50), payload(5, 600)]);
    assert_eq!(ledger.reader().read(kept).unwrap().payload, payload(1, 50));
}

#[test]
fn hole_before_a_record_that_was_written_later_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), ROOMY);
    let lost = commit(&mut ledger, &payload(1, 600));
    commit(&mut ledger, &payload(2, 600));
    drop(ledger);
    overwrite(&segment_path(folder.path(), 1), lost.0, &[0; 600]);
    let error = Ledger::open(folder.path(), options(ROOMY)).unwrap_err();
    assert!(damaged_at(&error, lost), "{error}");
}

#[test]
fn damage_in_an_earlier_segment_is_found_by_verify_and_by_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), TIGHT);
    let positions: Vec<_> = (0..6).map(|number| commit(&mut ledger, &payload(number, 80))).collect();
    drop(ledger);
    let path = segment_path(folder.path(), 1);
    flip(&path, positions[1].0 + 3, 0);
    assert!(damaged_at(&verify(folder.path()).unwrap_err(), positions[1]));
    flip(&path, positions[1].0 + 3, 0);
    flip(&path, 20, 0);
    let error = Ledger::open(folder.path(), options(TIGHT)).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { offset: 0, damage: Damage::Header, .. }), "{error}");
    flip(&path, 20, 0);
    OpenOptions::new().write(true).open(&path).unwrap().set_len(200).unwrap();
    let error = Ledger::open(folder.path(), options(TIGHT)).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { offset: 200, damage: Damage::FileLength, .. }), "{error}");
}
