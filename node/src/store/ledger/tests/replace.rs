//! What a replaced record reads as, and that nothing else changes.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::segment::HEADER_BYTES;
use super::super::{Record, replaced_by, verify};
use super::*;

/// Segments of six records of [`LONG`] bytes each.
pub(super) const SEVERAL: u64 = 2_048;
/// A payload that spans sectors together with its neighbours.
pub(super) const LONG: usize = 300;

/// What a record of `bytes` payload bytes holds after it was scrubbed.
pub(super) fn scrubbed(bytes: usize, by: Position) -> Vec<u8> {
    let mut payload = vec![0; bytes];
    payload[0] = 1;
    payload[1..9].copy_from_slice(&by.0.to_le_bytes());
    payload
}

/// All records of a folder's ledger.
pub(super) fn records(reader: &LedgerReader) -> Vec<Record> {
    reader.iter_from(Position::START).map(Result::unwrap).collect()
}

/// The records after `scrubs`.
pub(super) fn after(mut records: Vec<Record>, scrubs: &[(Position, Position)]) -> Vec<Record> {
    for &(old, by) in scrubs {
        let record = records.iter_mut().find(|record| record.position == old).unwrap();
        (record.kind, record.payload) = (Kind::SCRUBBED, scrubbed(record.payload.len(), by));
    }
    records
}

/// Whether any file of the folder holds sixteen bytes of `payload` in a row.
pub(super) fn holds(folder: &Path, payload: &[u8]) -> bool {
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let pieces: Vec<_> = payload.chunks_exact(16).collect();
    assert!(!pieces.is_empty(), "too short to be searched");
    files.into_iter().any(|file| file.windows(16).any(|bytes| pieces.contains(&bytes)))
}

/// Twenty records over four segments.
pub(super) fn twenty(folder: &Path) -> (Ledger, Faults, Vec<Position>) {
    let (mut ledger, faults) = open_with_faults(folder, SEVERAL);
    let positions = (0..20).map(|number| commit(&mut ledger, &payload(number, LONG))).collect();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 4);
    (ledger, faults, positions)
}

#[test]
fn replaced_records_name_their_successor_and_all_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _, at) = twenty(folder.path());
    let replaced = [1, 2, 13, 18];
    let scrubs: Vec<_> = replaced.iter().map(|&number| (at[number], at[19])).collect();
    let before = records(&ledger.reader());
    let known = ledger.sync().unwrap();
    for number in replaced {
        assert!(holds(folder.path(), &payload(number as u32, LONG)));
    }
    ledger.replace(&scrubs).unwrap();
    let expected = after(before, &scrubs);
    assert_eq!(records(&ledger.reader()), expected);
    let record = ledger.reader().read(at[13]).unwrap();
    assert_eq!((record.kind, replaced_by(&record.payload)), (Kind::SCRUBBED, Some(at[19])));
    assert_eq!(verify(folder.path()).unwrap().records, 20);
    for number in 0..20 {
        let kept = !replaced.contains(&number);
        assert_eq!(holds(folder.path(), &payload(number as u32, LONG)), kept, "record {number}");
    }
    commit(&mut ledger, &payload(20, LONG));
    drop(ledger);
    let options = Options { segment_bytes: SEVERAL, known_durable: Some(known) };
    let (ledger, opened) = Ledger::open(folder.path(), options).unwrap();
    assert_eq!((opened.cut_bytes, opened.segments), (0, 5));
    let found = records(&ledger.reader());
    assert_eq!(found[..20], expected);
    assert_eq!(found[20].payload, payload(20, LONG));
}

#[test]
fn reader_that_had_the_segment_open_and_read_ahead_sees_the_scrubbed_record() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _, at) = twenty(folder.path());
    let reader = ledger.reader();
    assert_eq!(reader.read(at[2]).unwrap().payload, payload(2, LONG));
    let mut ahead = reader.iter_from(Position::START);
    assert_eq!(ahead.next().unwrap().unwrap().payload, payload(0, LONG));
    let mut last = reader.iter_from(at[18]);
    assert_eq!(last.next().unwrap().unwrap().payload, payload(18, LONG));
    ledger.replace(&[(at[2], at[19]), (at[18], at[19])]).unwrap();
    assert_eq!(reader.read(at[2]).unwrap().payload, scrubbed(LONG, at[19]));
    assert_eq!(ahead.next().unwrap().unwrap().payload, payload(1, LONG));
    assert_eq!(ahead.next().unwrap().unwrap().payload, scrubbed(LONG, at[19]));
    assert_eq!(ahead.next().unwrap().unwrap().payload, payload(3, LONG));
    assert_eq!(last.next().unwrap().unwrap().payload, payload(19, LONG));
    assert!(last.next().is_none());
    commit(&mut ledger, &payload(20, LONG));
    assert_eq!(last.next().unwrap().unwrap().payload, payload(20, LONG));
}

#[test]
fn readers_in_other_threads_read_old_or_scrubbed_records_while_they_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _, at) = twenty(folder.path());
    let by = at[19];
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (reader, at, done) = (ledger.reader(), at.clone(), Arc::clone(&done));
            thread::spawn(move || {
                loop {
                    let last_round = done.load(Ordering::Acquire);
                    let found = payloads(&reader);
                    assert_eq!(found.len(), 20);
                    for (number, found) in found.iter().enumerate() {
                        let is_scrubbed = number < 19 && *found == scrubbed(LONG, by);
                        let is_old = *found == payload(number as u32, LONG);
                        let may_be_old = !last_round || number == 19;
                        assert!(is_scrubbed || (is_old && may_be_old), "record {number}");
                    }
                    let single = reader.read(at[7]).unwrap().payload;
                    assert!(single == scrubbed(LONG, by) || (single == payload(7, LONG) && !last_round));
                    if last_round {
                        break;
                    }
                }
            })
        })
        .collect();
    for &old in &at[..19] {
        ledger.replace(&[(old, by)]).unwrap();
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn repeat_keeps_the_first_successor_and_touches_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, faults, at) = twenty(folder.path());
    ledger.replace(&[(at[4], at[12]), (at[4], at[13])]).unwrap();
    faults.crash_after(0);
    ledger.replace(&[(at[4], at[12])]).unwrap();
    ledger.replace(&[(at[4], at[13])]).unwrap();
    ledger.replace(&[]).unwrap();
    assert_eq!(ledger.reader().read(at[4]).unwrap().payload, scrubbed(LONG, at[12]));
}

#[test]
fn successor_may_be_replaced_in_turn_and_following_comes_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _, at) = twenty(folder.path());
    ledger.replace(&[(at[4], at[12])]).unwrap();
    ledger.replace(&[(at[12], at[19])]).unwrap();
    let next = |position| replaced_by(&ledger.reader().read(position).unwrap().payload).unwrap();
    assert_eq!(next(next(at[4])), at[19]);
}

#[test]
fn beginning_of_the_ledger_and_of_a_segment_stand_for_their_first_record() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _, at) = twenty(folder.path());
    let second = ledger.reader().read(at[5]).unwrap().next;
    assert_eq!(second.after(HEADER_BYTES), at[6]);
    ledger.replace(&[(Position::START, second)]).unwrap();
    assert_eq!(ledger.reader().read(at[0]).unwrap().payload, scrubbed(LONG, at[6]));
    ledger.replace(&[(second, at[7])]).unwrap();
    assert_eq!(ledger.reader().read(at[6]).unwrap().payload, scrubbed(LONG, at[7]));
}

#[test]
fn record_in_the_last_segment_is_replaced_and_what_is_not_synced_still_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), ROOMY);
    let old = commit(&mut ledger, &payload(1, LONG));
    let by = commit(&mut ledger, &payload(2, LONG));
    let waiting = append(&mut ledger, &[payload(3, LONG)]).unwrap()[0];
    ledger.replace(&[(old, by)]).unwrap();
    assert_eq!(payloads(&ledger.reader()), [scrubbed(LONG, by), payload(2, LONG)]);
    assert!(matches!(ledger.reader().read(waiting), Err(LedgerError::BeyondEnd { .. })));
    append(&mut ledger, &[payload(4, LONG)]).unwrap();
    ledger.sync().unwrap();
    let expected = [scrubbed(LONG, by), payload(2, LONG), payload(3, LONG), payload(4, LONG)];
    assert_eq!(payloads(&ledger.reader()), expected);
    assert_eq!(verify(folder.path()).unwrap().records, 4);
    drop(ledger);
    assert_eq!(payloads(&open(folder.path(), ROOMY).0.reader()), expected);
}

#[test]
fn copy_ends_with_its_last_record_and_can_be_the_last_segment_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), ROOMY);
    let old = commit(&mut ledger, &payload(1, LONG));
    let by = commit(&mut ledger, &payload(2, LONG));
    let end = ledger.end();
    ledger.replace(&[(old, by)]).unwrap();
    drop(ledger);
    assert_eq!(fs::metadata(segment_path(folder.path(), 1)).unwrap().len(), end.0);
    fs::write(segment_path(folder.path(), 2), [0; 100]).unwrap();
    let (mut ledger, opened) = open(folder.path(), ROOMY);
    assert_eq!((opened.segments, opened.end), (1, end));
    commit(&mut ledger, &payload(3, LONG));
    assert_eq!(payloads(&ledger.reader()), [scrubbed(LONG, by), payload(2, LONG), payload(3, LONG)]);
    assert_eq!(verify(folder.path()).unwrap().records, 3);
}

#[test]
#[should_panic(expected = "a scrubbed record is never appended")]
fn scrubbed_record_is_never_appended() {
    let folder = tempfile::tempdir().unwrap();
    let _ = open(folder.path(), ROOMY).0.append(&[(Kind::SCRUBBED, &[1; 9])]);
}
