//! Crashes between the steps of making a segment, and folders that nobody should have touched.

use std::fs;

use super::super::{Damage, SegmentNumber, verify};
use super::*;

#[test]
fn crash_at_any_step_of_the_first_creation_leaves_a_ledger_that_opens() {
    let mut steps = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let faults = Faults::default();
        faults.crash_after(steps);
        let crashed = Ledger::open_watched(&path, options(ROOMY), faults.watch()).is_err();
        let (mut ledger, opened) = open(&path, ROOMY);
        assert_eq!((opened.segments, opened.cut_bytes), (1, 0), "after {steps} steps");
        commit(&mut ledger, &payload(1, 20));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "after {steps} steps");
        if !crashed {
            break;
        }
        steps += 1;
    }
    assert_eq!(steps, 8, "steps of a first creation");
}

#[test]
fn crash_at_any_step_of_a_roll_over_keeps_what_was_synced() {
    let mut steps = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults) = open_with_faults(folder.path(), TIGHT);
        let synced = commit(&mut ledger, &payload(1, 60));
        faults.write_at_most(50);
        faults.crash_after(steps);
        let written: Vec<_> = (2..7).map(|number| payload(number, 60)).collect();
        let crashed = append(&mut ledger, &written).and_then(|_| ledger.sync()).is_err();
        assert!(!crashed || matches!(ledger.sync(), Err(LedgerError::Stopped)));
        drop(ledger);

        let (mut ledger, _) = open(folder.path(), TIGHT);
        let found = payloads(&ledger.reader());
        assert_eq!(found[0], payload(1, 60), "after {steps} steps");
        assert_eq!(found[1..], written[..found.len() - 1], "after {steps} steps");
        assert_eq!(ledger.reader().read(synced).unwrap().payload, payload(1, 60));
        commit(&mut ledger, &payload(9, 60));
        assert_eq!(verify(folder.path()).unwrap().records, found.len() as u64 + 1, "after {steps} steps");
        if !crashed {
            assert_eq!(found.len(), 6);
            break;
        }
        steps += 1;
    }
    assert!(steps > 20, "{steps} steps");
}

#[test]
fn empty_or_zeroed_last_segment_was_never_finished() {
    for bytes in [0, 10, TIGHT] {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = open(folder.path(), TIGHT);
        commit(&mut ledger, &payload(1, 60));
        let end = ledger.end();
        drop(ledger);
        fs::write(segment_path(folder.path(), 2), vec![0; bytes as usize]).unwrap();
        fs::write(folder.path().join("00000003.ledger.new"), b"half").unwrap();
        fs::write(folder.path().join("notes.txt"), b"not ours").unwrap();
        assert_eq!(verify(folder.path()).unwrap().segments, 1);
        let (mut ledger, opened) = open(folder.path(), TIGHT);
        assert_eq!(opened, Opened { end, cut_bytes: 0, segments: 1, created: false });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        for number in 2..6 {
            commit(&mut ledger, &payload(number, 60));
        }
        assert_eq!(payloads(&open(folder.path(), TIGHT).0.reader()).len(), 5);
    }
}

#[test]
fn missing_segments_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open(folder.path(), TIGHT);
    let ends: Vec<_> = (0..8)
        .map(|number| {
            commit(&mut ledger, &payload(number, 150));
            ledger.end()
        })
        .collect();
    drop(ledger);
    let path = segment_path(folder.path(), 4);
    let content = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    for error in
        [Ledger::open(folder.path(), options(TIGHT)).unwrap_err(), verify(folder.path()).unwrap_err()]
    {
        assert!(matches!(error, LedgerError::MissingSegment { segment: SegmentNumber(4), .. }), "{error}");
        assert_eq!(error.code(), "ledger_missing_segment");
    }
    fs::write(&path, content).unwrap();

    fs::remove_file(segment_path(folder.path(), 8)).unwrap();
    let known = Options { known_durable: Some(ends[7]), ..options(TIGHT) };
    let error = Ledger::open(folder.path(), known).unwrap_err();
    assert!(
        matches!(error, LedgerError::Damaged { segment: SegmentNumber(7), position, .. } if position == ends[6])
    );

    for number in 1..8 {
        fs::remove_file(segment_path(folder.path(), number)).unwrap();
    }
    let error = Ledger::open(folder.path(), known).unwrap_err();
    assert!(matches!(error, LedgerError::MissingSegment { segment: SegmentNumber(1), .. }), "{error}");
}

#[test]
fn segment_of_another_ledger_does_not_join() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (path, bytes) in [(folder.path(), 150), (other.path(), 20)] {
        let (mut ledger, _) = open(path, TIGHT);
        for number in 0..20 {
            commit(&mut ledger, &payload(number, bytes));
        }
    }
    fs::copy(segment_path(folder.path(), 1), segment_path(other.path(), 2)).unwrap();
    let error = Ledger::open(other.path(), options(TIGHT)).unwrap_err();
    let expected = matches!(
        error,
        LedgerError::Damaged { segment: SegmentNumber(2), offset: 0, damage: Damage::Join, .. }
    );
    assert!(expected, "{error}");
}
