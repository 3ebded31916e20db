//! Replacing that is refused, or finds no space, leaves the ledger as it was and usable.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use super::super::{Damage, Refusal, verify};
use super::replace::{LONG, SEVERAL, after, holds, records, twenty};
use super::*;
use crate::host::Step;

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn pair_that_cannot_be_replaced_is_refused_with_all_others_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, faults, at) = twenty(folder.path());
    let short = commit(&mut ledger, &payload(20, 8));
    let by = commit(&mut ledger, &payload(21, 9));
    let end = ledger.end();
    let waiting = append(&mut ledger, &[payload(22, 40)]).unwrap()[0];
    let before = files(folder.path());
    faults.crash_after(0);
    let inside = Position(at[3].0 + 1);
    let refused = [
        ((inside, by), inside, Refusal::NoRecord),
        ((at[3], Position(by.0 + 1)), Position(by.0 + 1), Refusal::NoRecord),
        ((Position(1), by), Position(1), Refusal::NoRecord),
        ((short, by), short, Refusal::TooShort { bytes: 8, bytes_min: 9 }),
        ((at[3], at[3]), at[3], Refusal::ReplacedByEarlier { replaced_by: at[3] }),
        ((at[9], at[3]), at[9], Refusal::ReplacedByEarlier { replaced_by: at[3] }),
    ];
    for (pair, place, reason) in refused {
        let error = ledger.replace(&[(at[1], by), pair]).unwrap_err();
        assert!(
            matches!(error, LedgerError::NotReplaceable { position, refusal } if position == place && refusal == reason),
            "{pair:?}: {error}"
        );
        assert_eq!(error.code(), "ledger_not_replaceable");
    }
    for (pair, place) in [
        ((waiting, by), waiting),
        ((at[3], waiting), waiting),
        ((end, by), end),
        ((Position(u64::MAX), by), Position(u64::MAX)),
    ] {
        let error = ledger.replace(&[(at[1], by), pair]).unwrap_err();
        let beyond = matches!(error, LedgerError::BeyondEnd { position, end: synced } if position == place && synced == end);
        assert!(beyond, "{pair:?}: {error}");
    }
    assert_eq!(files(folder.path()), before);
    faults.crash_after(usize::MAX);
    ledger.sync().unwrap();
    ledger.replace(&[(at[1], by), (by, waiting)]).unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, 23);
}

#[test]
fn damage_anywhere_in_the_segment_is_named_and_its_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _, at) = twenty(folder.path());
    for damaged in [at[1], at[4]] {
        flip(&segment_path(folder.path(), 1), damaged.0 + 30, 2);
        let before = files(folder.path());
        let error = ledger.replace(&[(at[1], at[19])]).unwrap_err();
        assert!(
            matches!(error, LedgerError::Damaged { position, damage: Damage::Checksum, .. } if position == damaged),
            "{error}"
        );
        assert_eq!(files(folder.path()), before);
        flip(&segment_path(folder.path(), 1), damaged.0 + 30, 2);
    }
    ledger.replace(&[(at[1], at[19])]).unwrap();
    assert!(!holds(folder.path(), &payload(1, LONG)));
}

#[test]
fn damage_in_a_record_that_is_not_synced_does_not_get_into_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, _) = open_with_faults(folder.path(), SEVERAL);
    let old = commit(&mut ledger, &payload(0, LONG));
    let by = commit(&mut ledger, &payload(1, LONG));
    let waiting: Vec<_> = (2..9).map(|number| payload(number, LONG)).collect();
    let waiting = append(&mut ledger, &waiting).unwrap();
    flip(&segment_path(folder.path(), 1), waiting[1].0 + 30, 2);
    let before = files(folder.path());
    let error = ledger.replace(&[(old, by)]).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { position, .. } if position == waiting[1]), "{error}");
    assert_eq!(files(folder.path()), before);
}

/// Steps of replacing that a full disk can refuse.
const REFUSED: [Step; 6] =
    [Step::Create, Step::Preallocate, Step::WriteHeader, Step::Write, Step::SyncFile, Step::Rename];

#[test]
fn full_disk_leaves_the_old_files_and_a_repeat_with_space_succeeds() {
    for step in REFUSED.into_iter().filter(|&step| step != Step::WriteHeader) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults, at) = twenty(folder.path());
        let expected = after(records(&ledger.reader()), &[(at[8], at[19])]);
        let before = files(folder.path());
        faults.write_at_most(700);
        faults.fail_once(step, 0, ErrorKind::StorageFull);
        let error = ledger.replace(&[(at[8], at[19])]).unwrap_err();
        assert!(matches!(error, LedgerError::DiskFull { .. }), "{step:?}: {error}");
        assert!(!faults.is_waiting());
        assert_eq!(files(folder.path()), before, "{step:?}");
        assert_eq!(ledger.reader().read(at[8]).unwrap().payload, payload(8, LONG));

        commit(&mut ledger, &payload(20, LONG));
        ledger.replace(&[(at[8], at[19])]).unwrap();
        let found = records(&ledger.reader());
        assert_eq!((&found[..20], &found[20].payload), (&expected[..], &payload(20, LONG)));
        assert!(!holds(folder.path(), &payload(8, LONG)));
    }
}

#[test]
fn full_disk_between_segments_leaves_each_record_old_or_scrubbed_and_the_ledger_usable() {
    let mut refusals = 0;
    for step in REFUSED {
        for skip in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (mut ledger, faults, at) = twenty(folder.path());
            let scrubs = [(at[1], at[19]), (at[8], at[19]), (at[18], at[19])];
            let before = records(&ledger.reader());
            faults.fail_once(step, skip, ErrorKind::StorageFull);
            let Err(error) = ledger.replace(&scrubs) else { break };
            refusals += 1;
            assert!(matches!(error, LedgerError::DiskFull { .. }), "{step:?} {skip}: {error}");
            let found = records(&ledger.reader());
            let done = scrubs
                .iter()
                .take_while(|(old, _)| found.iter().any(|r| r.position == *old && r.kind == Kind::SCRUBBED));
            let done = done.count();
            assert!(done < 3, "{step:?} {skip}");
            assert_eq!(found, after(before.clone(), &scrubs[..done]), "{step:?} {skip}");
            assert_eq!(verify(folder.path()).unwrap().records, 20);

            commit(&mut ledger, &payload(20, LONG));
            ledger.replace(&scrubs).unwrap();
            drop(ledger);
            let (ledger, opened) = open(folder.path(), SEVERAL);
            assert_eq!(opened.cut_bytes, 0);
            assert_eq!(records(&ledger.reader())[..20], after(before, &scrubs), "{step:?} {skip}");
        }
    }
    // A new segment and three copies; only a new segment's header is written, only copies are filled.
    assert_eq!(refusals, 4 + 4 + 1 + 3 + 4 + 4);
}

#[test]
fn any_other_failure_to_write_stops_the_ledger() {
    for (step, kind) in [
        (Step::Create, ErrorKind::Other),
        (Step::Write, ErrorKind::Other),
        (Step::SyncFile, ErrorKind::Other),
        (Step::SyncData, ErrorKind::StorageFull),
        (Step::Rename, ErrorKind::Other),
        (Step::SyncFolder, ErrorKind::StorageFull),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults, at) = twenty(folder.path());
        faults.fail_once(step, 0, kind);
        let error = ledger.replace(&[(at[18], at[19])]).unwrap_err();
        assert!(matches!(error, LedgerError::Io { .. }), "{step:?}: {error}");
        assert!(matches!(ledger.replace(&[(at[18], at[19])]), Err(LedgerError::Stopped)), "{step:?}");
        assert!(matches!(append(&mut ledger, &[payload(20, 9)]), Err(LedgerError::Stopped)), "{step:?}");
        drop(ledger);
        let (mut ledger, _) = open(folder.path(), SEVERAL);
        ledger.replace(&[(at[18], at[19])]).unwrap();
        assert_eq!(records(&ledger.reader()).len(), 20, "{step:?}");
    }
}
