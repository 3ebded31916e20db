//! Full disks are survived; every other failed write or sync stops the ledger.

use std::fs;
use std::io::ErrorKind;

use super::super::verify;
use super::*;
use crate::host::Step;

/// Steps of an append over several segments that a full disk can refuse, with how many there are.
const REFUSED: [(Step, usize); 6] = [
    (Step::Create, 3),
    (Step::Preallocate, 3),
    (Step::WriteHeader, 3),
    (Step::SyncFile, 3),
    (Step::Rename, 3),
    (Step::Write, 8),
];

#[test]
fn append_on_a_full_disk_is_taken_back_and_works_when_space_is_freed() {
    for (step, count) in REFUSED {
        for skip in 0..count {
            let folder = tempfile::tempdir().unwrap();
            let (mut ledger, faults) = open_with_faults(folder.path(), TIGHT);
            commit(&mut ledger, &payload(0, 30));
            append(&mut ledger, &[payload(1, 30)]).unwrap();
            let end = ledger.end();
            let before = fs::read(segment_path(folder.path(), 1)).unwrap();
            let written: Vec<_> = (2..8).map(|number| payload(number, 90)).collect();
            faults.write_at_most(70);
            faults.fail_once(step, skip, ErrorKind::StorageFull);
            let error = append(&mut ledger, &written).unwrap_err();
            assert!(matches!(error, LedgerError::DiskFull { .. }), "{step:?} {skip}: {error}");
            assert_eq!(error.code(), "disk_full");
            assert!(!faults.is_waiting());
            assert_eq!(ledger.end(), end, "{step:?} {skip}");
            assert_eq!(fs::read(segment_path(folder.path(), 1)).unwrap(), before, "{step:?} {skip}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{step:?} {skip}");

            assert_eq!(ledger.sync().unwrap(), end);
            append(&mut ledger, &written).unwrap();
            ledger.sync().unwrap();
            let expected: Vec<_> = [payload(0, 30), payload(1, 30)].into_iter().chain(written).collect();
            assert_eq!(payloads(&ledger.reader()), expected);
            drop(ledger);
            let (ledger, opened) = open(folder.path(), TIGHT);
            assert_eq!((payloads(&ledger.reader()), opened.cut_bytes), (expected, 0));
            assert_eq!(verify(folder.path()).unwrap().records, 8);
        }
    }
}

#[test]
fn crash_while_a_refused_append_is_taken_back_leaves_a_ledger_that_opens() {
    for steps in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults) = open_with_faults(folder.path(), TIGHT);
        commit(&mut ledger, &payload(0, 30));
        let written: Vec<_> = (1..8).map(|number| payload(number, 90)).collect();
        faults.fail_once(Step::Preallocate, 2, ErrorKind::StorageFull);
        faults.crash_after(steps);
        append(&mut ledger, &written).unwrap_err();
        drop(ledger);
        let found = payloads(&open(folder.path(), TIGHT).0.reader());
        assert_eq!(found[0], payload(0, 30), "after {steps} steps");
        assert_eq!(found[1..], written[..found.len() - 1], "after {steps} steps");
    }
}

#[test]
fn new_ledger_on_a_full_disk_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    faults.fail_once(Step::Preallocate, 0, ErrorKind::StorageFull);
    let error = Ledger::open_watched(folder.path(), options(ROOMY), faults.watch()).unwrap_err();
    assert!(matches!(error, LedgerError::DiskFull { action: "preallocate", .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn failed_sync_stops_the_ledger_even_if_it_says_disk_full() {
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults) = open_with_faults(folder.path(), ROOMY);
        let known = commit(&mut ledger, &payload(1, 30));
        let lost = append(&mut ledger, &[payload(2, 30)]).unwrap()[0];
        faults.fail_once(Step::SyncData, 0, kind);
        let error = ledger.sync().unwrap_err();
        assert!(matches!(error, LedgerError::Io { action: "sync", .. }), "{error}");
        assert!(matches!(ledger.sync(), Err(LedgerError::Stopped)));
        assert!(matches!(append(&mut ledger, &[payload(3, 30)]), Err(LedgerError::Stopped)));
        assert_eq!(ledger.reader().read(known).unwrap().payload, payload(1, 30));
        assert!(matches!(ledger.reader().read(lost), Err(LedgerError::BeyondEnd { .. })));
    }
}

#[test]
fn failed_write_stops_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, faults) = open_with_faults(folder.path(), ROOMY);
    commit(&mut ledger, &payload(1, 30));
    faults.write_at_most(30);
    faults.fail_once(Step::Write, 1, ErrorKind::Other);
    let error = append(&mut ledger, &[payload(2, 30)]).unwrap_err();
    assert!(matches!(error, LedgerError::Io { action: "write", .. }), "{error}");
    assert!(matches!(ledger.sync(), Err(LedgerError::Stopped)));
    drop(ledger);
    let (ledger, opened) = open(folder.path(), ROOMY);
    assert_eq!(opened.cut_bytes, 30);
    assert_eq!(payloads(&ledger.reader()), [payload(1, 30)]);
}

#[test]
fn sync_with_nothing_new_touches_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, faults) = open_with_faults(folder.path(), ROOMY);
    commit(&mut ledger, &payload(1, 30));
    faults.crash_after(0);
    assert_eq!(ledger.sync().unwrap(), ledger.end());
}
