//! Power cuts: sectors and pages of an unsynced commit are lost, torn and kept in any order.

use std::fs;

use super::*;

/// A small reproducible generator.
pub(super) struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A file as a disk may hold it: each block either as synced or as written, one of them torn.
pub(super) fn torn(synced: &[u8], written: &[u8], dice: &mut Dice) -> Vec<u8> {
    let block = [512, 4_096][dice.below(2)];
    let mut disk = synced.to_vec();
    let kept_of_eight = dice.below(9);
    for start in (0..written.len()).step_by(block) {
        let end = written.len().min(start + block);
        let kept = match dice.below(8) {
            roll if roll < kept_of_eight => end,
            7 => start + dice.below(block - 64).min(end - start),
            _ => start,
        };
        disk[start..kept].copy_from_slice(&written[start..kept]);
    }
    disk
}

#[test]
fn acknowledged_records_survive_power_cuts_and_the_ledger_opens() {
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = open(folder.path(), 4 * ROOMY);
        let mut written = Vec::new();
        for _ in 0..dice.below(12) {
            let group: Vec<_> =
                (0..=dice.below(5)).map(|n| payload(n as u32, 1 + dice.below(2_000))).collect();
            append(&mut ledger, &group).unwrap();
            ledger.sync().unwrap();
            written.extend(group);
        }
        let acknowledged = written.len();
        let known = ledger.end();
        let segments = fs::read_dir(folder.path()).unwrap().count();
        let synced = fs::read(segment_path(folder.path(), segments as u32)).unwrap();
        for _ in 0..=dice.below(3) {
            let group: Vec<_> =
                (0..=dice.below(6)).map(|n| payload(n as u32, 1 + dice.below(6_000))).collect();
            append(&mut ledger, &group).unwrap();
            written.extend(group);
        }
        drop(ledger);
        let last = fs::read_dir(folder.path()).unwrap().count();
        let path = segment_path(folder.path(), last as u32);
        let after = fs::read(&path).unwrap();
        let before = if last == segments {
            synced
        } else {
            let mut fresh = after[..32].to_vec();
            fresh.resize(after.len(), 0);
            fresh
        };
        fs::write(&path, torn(&before, &after, &mut dice)).unwrap();

        let options =
            Options { segment_bytes: 4 * ROOMY, known_durable: Some(known).filter(|_| dice.below(2) == 0) };
        let (mut ledger, opened) =
            Ledger::open(folder.path(), options).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = payloads(&ledger.reader());
        assert!(found.len() >= acknowledged, "seed {seed}: {} of {acknowledged}", found.len());
        assert_eq!(found, written[..found.len()], "seed {seed}");
        assert!(opened.end >= known, "seed {seed}");
        commit(&mut ledger, b"next");
        drop(ledger);
        let (ledger, opened) = open(folder.path(), 4 * ROOMY);
        assert_eq!(opened.cut_bytes, 0, "seed {seed}");
        assert_eq!(payloads(&ledger.reader()).len(), found.len() + 1, "seed {seed}");
    }
}
