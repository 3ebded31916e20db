//! What a node's data folder takes up on the disk, by what it is.

use crate::samples::line;
use danso_node::store::ledger::{Position, look};
use danso_tests::{Tree, tree::central, unit};
use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

/// Names of the kinds of record that take up much.
const KINDS: [(u8, &str); 5] =
    [(1, "own changes"), (2, "own batches"), (3, "accepted batches"), (4, "receipts"), (16, "audit entries")];

/// Bytes of the blocks of all files below a folder.
pub fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let metadata = path.metadata().unwrap();
            if metadata.is_dir() { bytes_below(&path) } else { metadata.blocks() * 512 }
        })
        .sum()
}

/// How long it is waited until sled has written what it was given.
pub const SLED_SETTLES: Duration = Duration::from_secs(3);

/// Lines for each of the four tiers.
pub fn show_all(tree: &Tree, changes: u64) {
    let way = [unit("00001"), unit("001"), unit("01"), central()];
    for (unit, tier) in way.into_iter().zip(["commune", "district", "province", "central"]) {
        show(&tree.home(unit).join("data"), tier, changes);
    }
}

/// Lines for a node's folder, each a change: the ledger up to its end, by kind of record, and the index with all that
/// sled keeps. What is reserved beyond the end for what comes is told apart.
fn show(data: &Path, tier: &str, changes: u64) {
    let (reader, _) = look(&data.join("ledger"), Position::START).unwrap();
    let mut kinds: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    for record in reader.iter_from(Position::START) {
        let record = record.unwrap();
        let (count, bytes) = kinds.entry(record.kind.0).or_default();
        *count += 1;
        *bytes += record.next.0 - record.position.0;
    }
    let each = |bytes: u64| bytes as f64 / changes as f64;
    let ledger = bytes_below(&data.join("ledger"));
    let used = reader.end().0.min(ledger);
    let index = bytes_below(&data.join("index"));
    line(
        &format!("bytes on disk a change, {tier}, of {changes}: ledger + index"),
        &format!("{:.0} + {:.0} = {:.0}", each(used), each(index), each(used + index)),
    );
    let shown = KINDS.iter().filter_map(|(kind, name)| {
        let (count, bytes) = kinds.get(kind)?;
        Some(format!("{count} {name} {:.1}", each(*bytes)))
    });
    let reserved = (ledger - used) as f64 / f64::from(1 << 20);
    let shown: Vec<String> = shown.collect();
    line(&format!("{tier}: of its ledger"), &format!("{}; {reserved:.1} MiB reserved", shown.join(", ")));
}
