//! Blocks that are written before records come to lie there.

use super::super::segment::HEADER_BYTES;
use super::*;
use crate::host::Step;
use danso_tier_config::limits::LEDGER_AHEAD_BYTES;
use rustix::fs::{SeekFrom, seek};
use std::{collections::BTreeSet, fs::File, io::ErrorKind};

/// A segment of which parts are written ahead.
const WIDE: u64 = 4 * LEDGER_AHEAD_BYTES;
/// Records that fill a segment and begin the next.
const RECORDS: u32 = 34;

fn part(number: u32) -> Vec<u8> {
    payload(number, WIDE as usize / 32)
}

/// Up to where the first segment is written; what is only reserved is a hole.
fn written(folder: &Path) -> u64 {
    seek(File::open(segment_path(folder, 1)).unwrap(), SeekFrom::Hole(0)).unwrap()
}

#[test]
fn blocks_count_as_written_before_records_lie_there_a_few_times_a_segment() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path(), WIDE).0;
    let mut reached = BTreeSet::new();
    for number in 0..31 {
        commit(&mut ledger, &part(number));
        assert!(written(folder.path()) >= HEADER_BYTES + ledger.end().0);
        reached.insert(written(folder.path()));
    }
    assert!((2..=4).contains(&reached.len()), "written up to {reached:?}, in turn");
}

#[test]
fn no_record_is_lost_by_writing_ahead_of_it_also_after_a_full_disk_and_in_a_new_segment() {
    for refused in 0..RECORDS {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, faults) = open_with_faults(folder.path(), WIDE);
        for number in 0..RECORDS {
            if number == refused {
                faults.write_at_most(4_000);
                faults.fail_once(Step::Write, 3, ErrorKind::StorageFull);
                assert_eq!(append(&mut ledger, &[part(number)]).unwrap_err().code(), "disk_full");
                faults.write_at_most(usize::MAX);
            }
            commit(&mut ledger, &part(number));
        }
        let expected: Vec<_> = (0..RECORDS).map(part).collect();
        assert!(payloads(&ledger.reader()) == expected, "{refused}");
        drop(ledger);
        let (mut ledger, opened) = open(folder.path(), WIDE);
        commit(&mut ledger, &part(RECORDS));
        assert_eq!((opened.cut_bytes, opened.segments), (0, 2));
        assert!(payloads(&ledger.reader()) == [expected, vec![part(RECORDS)]].concat(), "{refused}");
    }
}
