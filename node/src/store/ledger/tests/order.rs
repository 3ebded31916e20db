//! Appending, opening again, rolling over, and reading beside the writer.

use std::fs;
use std::thread;

use super::super::segment::HEADER_BYTES;
use super::super::{Record, verify};
use super::*;

#[test]
fn what_was_synced_is_read_back_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (mut ledger, opened) = open(&path, ROOMY);
    assert!(opened.created);
    let written = vec![payload(1, 40), Vec::new(), payload(2, 300)];
    let positions = append(&mut ledger, &written).unwrap();
    let end = ledger.sync().unwrap();
    drop(ledger);

    let (ledger, opened) = open(&path, ROOMY);
    assert_eq!(opened, Opened { end, cut_bytes: 0, segments: 1, created: false });
    assert_eq!(payloads(&ledger.reader()), written);
    let record = ledger.reader().read(positions[2]).unwrap();
    let expected = Record { kind: Kind(3), position: positions[2], payload: written[2].clone(), next: end };
    assert_eq!(record, expected);
    let summary = verify(&path).unwrap();
    assert_eq!((summary.segments, summary.records, summary.bytes, summary.end), (1, 3, 340, end));
}

#[test]
fn readers_see_nothing_before_it_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, opened) = open(folder.path(), ROOMY);
    let reader = ledger.reader();
    let position = append(&mut ledger, &[payload(1, 40)]).unwrap()[0];
    let error = reader.read(position).unwrap_err();
    assert!(matches!(error, LedgerError::BeyondEnd { end, .. } if end == opened.end));
    assert!(reader.iter_from(Position::START).next().is_none());
    assert_eq!(ledger.sync().unwrap(), ledger.end());
    assert_eq!(reader.read(position).unwrap().payload, payload(1, 40));
}

#[test]
fn iterator_goes_on_when_more_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), TIGHT);
    let mut records = ledger.reader().iter_from(Position::START);
    for number in 0..20 {
        assert!(records.next().is_none());
        let position = commit(&mut ledger, &payload(number, 60));
        let record = records.next().unwrap().unwrap();
        assert_eq!((record.position, record.payload), (position, payload(number, 60)));
    }
}

#[test]
fn segments_roll_over_inside_and_between_appends() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), TIGHT);
    let written: Vec<_> = (0..40).map(|number| payload(number, 10 + number as usize * 4)).collect();
    let mut positions = Vec::new();
    for group in written.chunks(7) {
        positions.extend(append(&mut ledger, group).unwrap());
        ledger.sync().unwrap();
    }
    let end = ledger.end();
    drop(ledger);
    let (mut ledger, opened) = open(folder.path(), TIGHT);
    assert_eq!((opened.end, opened.cut_bytes), (end, 0));
    assert!(opened.segments > 10, "{} segments", opened.segments);
    let reader = ledger.reader();
    assert_eq!(payloads(&reader), written);
    for (from, &position) in positions.iter().enumerate() {
        let record = reader.read(position).unwrap();
        assert_eq!((record.position, &record.payload), (position, &written[from]));
        if let Some(next) = written.get(from + 1) {
            assert_eq!(&reader.read(record.next).unwrap().payload, next);
        }
        let rest: Vec<_> = reader.iter_from(position).map(|record| record.unwrap().payload).collect();
        assert_eq!(rest, written[from..]);
    }
    assert_eq!(verify(folder.path()).unwrap().records, 40);
    assert!(commit(&mut ledger, &payload(99, 10)) >= end);
}

#[test]
fn segment_can_be_filled_to_its_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), TIGHT);
    let full = payload(1, ledger.payload_bytes_max());
    let positions = append(&mut ledger, &[full.clone(), full.clone()]).unwrap();
    assert_eq!(positions, [Position(HEADER_BYTES), Position(TIGHT + HEADER_BYTES)]);
    ledger.sync().unwrap();
    drop(ledger);
    let (ledger, opened) = open(folder.path(), TIGHT);
    assert_eq!((opened.segments, opened.end), (2, Position(2 * TIGHT)));
    assert_eq!(payloads(&ledger.reader()), [full.clone(), full]);
}

#[test]
fn record_too_large_is_refused_and_the_ledger_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), TIGHT);
    let bytes_max = ledger.payload_bytes_max();
    let end = ledger.end();
    let error = append(&mut ledger, &[payload(1, 10), payload(2, bytes_max + 1)]).unwrap_err();
    assert!(matches!(error, LedgerError::RecordTooLarge { bytes, .. } if bytes == bytes_max + 1));
    assert_eq!(error.code(), "ledger_record_too_large");
    assert_eq!(ledger.end(), end);
    commit(&mut ledger, &payload(3, bytes_max));
    assert_eq!(payloads(&ledger.reader()), [payload(3, bytes_max)]);
}

#[test]
fn new_segment_size_concerns_new_segments_only() {
    let folder = tempfile::tempdir().unwrap();
    commit(&mut open(folder.path(), TIGHT).0, &payload(1, 100));
    let (mut ledger, _) = open(folder.path(), ROOMY);
    commit(&mut ledger, &payload(2, 4_000));
    assert_eq!(fs::metadata(segment_path(folder.path(), 1)).unwrap().len(), TIGHT);
    assert_eq!(fs::metadata(segment_path(folder.path(), 2)).unwrap().len(), ROOMY);
    assert_eq!(payloads(&ledger.reader()), [payload(1, 100), payload(2, 4_000)]);
}

#[test]
fn readers_in_other_threads_read_whole_records_while_the_writer_appends() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), ROOMY);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let reader = ledger.reader();
            thread::spawn(move || {
                let mut records = reader.iter_from(Position::START);
                for number in 0..300 {
                    let record = loop {
                        match records.next() {
                            Some(record) => break record.unwrap(),
                            None => thread::yield_now(),
                        }
                    };
                    assert_eq!(record.payload, payload(number, 500));
                }
            })
        })
        .collect();
    for number in (0..300).step_by(3) {
        append(&mut ledger, &[payload(number, 500), payload(number + 1, 500), payload(number + 2, 500)])
            .unwrap();
        ledger.sync().unwrap();
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn damage_is_named_by_readers_and_ends_the_iteration() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), ROOMY);
    let first = commit(&mut ledger, &payload(1, 50));
    let second = commit(&mut ledger, &payload(2, 50));
    flip(&segment_path(folder.path(), 1), second.0 + 30, 2);
    let reader = ledger.reader();
    assert_eq!(reader.read(first).unwrap().payload, payload(1, 50));
    let error = reader.read(second).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { position, .. } if position == second));
    let mut records = reader.iter_from(Position::START);
    assert!(records.next().unwrap().is_ok());
    assert!(
        matches!(records.next().unwrap(), Err(LedgerError::Damaged { position, .. }) if position == second)
    );
    assert!(records.next().is_none());
}
