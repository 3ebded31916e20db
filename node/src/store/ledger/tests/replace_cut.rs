//! Crashes and power cuts at every step of replacing records.

use std::fs;

use super::super::{Record, verify};
use super::replace::{LONG, SEVERAL, after, holds, records, twenty};
use super::*;
use crate::host::Step;

/// Checks a folder after a cut: each record is as it was, or scrubbed if it is one of `scrubs`; a
/// repeat scrubs the rest and the ledger goes on. Gives how many were scrubbed by then.
fn check(folder: &Path, before: &[Record], scrubs: &[(Position, Position)], about: &str) -> usize {
    verify(folder).unwrap_or_else(|error| panic!("{about}: {error}"));
    let (mut ledger, _) =
        Ledger::open(folder, options(SEVERAL)).unwrap_or_else(|error| panic!("{about}: {error}"));
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(name.to_str().unwrap().ends_with(".ledger"), "{about}: {name:?} was left");
    }
    let mut found = records(&ledger.reader());
    // What was appended last was not synced and may be lost.
    assert!((before.len() - 1..=before.len()).contains(&found.len()), "{about}: {}", found.len());
    let is_scrubbed =
        |old| found.iter().any(|record| record.position == old && record.kind == Kind::SCRUBBED);
    let done: Vec<_> = scrubs.iter().copied().filter(|&(old, _)| is_scrubbed(old)).collect();
    let before = &before[..found.len()];
    assert_eq!(found, after(before.to_vec(), &done), "{about}");

    ledger.replace(scrubs).unwrap_or_else(|error| panic!("{about}: {error}"));
    found = records(&ledger.reader());
    assert_eq!(found, after(before.to_vec(), scrubs), "{about}");
    for old in before.iter().filter(|record| scrubs.iter().any(|&(old, _)| record.position == old)) {
        assert!(!holds(folder, &old.payload), "{about}: {} is still there", old.position);
    }
    commit(&mut ledger, b"next");
    assert_eq!(verify(folder).unwrap().records, found.len() as u64 + 1, "{about}");
    done.len()
}

/// Twenty synced records, one that is not, and pairs in the first, third and last of four segments.
fn scenario(folder: &Path) -> (Ledger, Faults, Vec<Record>, Vec<(Position, Position)>) {
    let (mut ledger, faults, at) = twenty(folder);
    let scrubs = vec![(at[0], at[17]), (at[3], at[19]), (at[14], at[19]), (at[18], at[19])];
    let mut before = records(&ledger.reader());
    faults.record(folder);
    let position = append(&mut ledger, &[payload(20, LONG)]).unwrap()[0];
    let next = ledger.end();
    before.push(Record { kind: Kind(3), position, payload: payload(20, LONG), next });
    (ledger, faults, before, scrubs)
}

#[test]
fn power_cut_at_any_step_leaves_each_record_old_or_scrubbed_and_all_others_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, faults, before, scrubs) = scenario(folder.path());
    ledger.replace(&scrubs).unwrap();
    let recording = faults.recorded();
    // One write before it; six steps of a new segment with the sync of the one before, six of each copy.
    assert_eq!(recording.steps(), 1 + 7 + 3 * 6);
    let mut seen = [0; 5];
    for done in 0..=recording.steps() {
        let mut folders = 0;
        recording.power_cuts(done, 8, |folder| {
            folders += 1;
            let about = format!("after {done} steps, folder {folders}");
            let scrubbed = check(folder, &before, &scrubs, &about);
            seen[scrubbed] += 1;
            assert!(done < recording.steps() || scrubbed == scrubs.len(), "{about}: not durable on return");
        });
    }
    // Two records of one segment go together.
    assert!(seen[1] == 0 && [0, 2, 3, 4].iter().all(|&count| seen[count] > 0), "{seen:?}");
}

#[test]
fn crash_at_any_step_leaves_each_record_old_or_scrubbed_and_a_repeat_finishes() {
    let mut steps = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults, before, scrubs) = scenario(folder.path());
        faults.crash_after(steps);
        let crashed = ledger.replace(&scrubs).is_err();
        assert!(!crashed || matches!(ledger.sync(), Err(LedgerError::Stopped)));
        drop(ledger);
        let scrubbed = check(folder.path(), &before, &scrubs, &format!("after {steps} steps"));
        if !crashed {
            assert_eq!(scrubbed, scrubs.len());
            break;
        }
        steps += 1;
    }
    assert_eq!(steps, 7 + 3 * 6, "steps of replacing in three segments");
}

#[test]
fn leftover_copies_are_removed_at_open_and_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _, before, _) = scenario(folder.path());
    drop(ledger);
    let left = folder.path().join("00000002.ledger.new");
    fs::write(&left, b"half a copy").unwrap();
    assert_eq!(verify(folder.path()).unwrap().records, 21);
    let (ledger, _) = open(folder.path(), SEVERAL);
    assert!(!left.exists());
    assert_eq!(records(&ledger.reader()), before);
}

#[test]
fn copy_is_synced_before_it_takes_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, faults, _, scrubs) = scenario(folder.path());
    ledger.replace(&scrubs[..1]).unwrap();
    let expected = [
        Step::Write,
        Step::Create,
        Step::Preallocate,
        Step::Write,
        Step::SyncFile,
        Step::Rename,
        Step::SyncFolder,
    ];
    assert_eq!(faults.recorded().order(), expected);
}
