//! Blocks that are written before records come to lie there.

use super::{append, open, payload, segment_path};
use danso_tier_config::limits::LEDGER_AHEAD_BYTES;
use rustix::fs::{SeekFrom, seek};
use std::fs::File;

/// A segment of which a part is written ahead.
const WIDE: u64 = 4 * LEDGER_AHEAD_BYTES;

#[test]
fn blocks_ahead_of_the_records_count_as_written_and_nothing_is_read_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut payloads = Vec::new();
    for round in 0..3 {
        let (mut ledger, opened) = open(folder.path(), WIDE);
        assert_eq!(opened.cut_bytes, 0);
        payloads.push(payload(round, LEDGER_AHEAD_BYTES as usize / 2));
        append(&mut ledger, &payloads[round as usize..]).unwrap();
        let end = ledger.sync().unwrap();
        assert_eq!(super::payloads(&ledger.reader()), payloads);
        let segment = File::open(segment_path(folder.path(), 1)).unwrap();
        let written = seek(&segment, SeekFrom::Hole(0)).unwrap();
        assert!(written >= end.0 + LEDGER_AHEAD_BYTES, "{written} are written, the records end at {end:?}");
    }
}
