//! One flipped bit anywhere in a data folder is found by `danso verify` and named, or is provably without effect.

use crate::scene::{State, data, files, open, state, stopped, tiers, verified};
use danso_core::chain::Digest;
use danso_tests::{Dice, Tree, folder, unit};
use danso_tier_config::UnitId;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Codes under which a flip is found outside of the index.
const FOUND: &[&str] = &[
    "ledger_damaged",
    "ledger_newer_format",
    "folder_not_danso",
    "folder_newer_format",
    "folder_other_unit",
    "folder_unusable",
    "at_rest_damaged",
];

/// How a flip came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// `verify` refuses the folder and names file, place and what lay there.
    Refused,
    /// `verify` lists differences of the index, and a start makes it anew, equal.
    Differs,
    /// The recount, all digests and what a start opens are as before.
    NoEffect,
}

struct Folder<'a> {
    tree: &'a Tree,
    at: UnitId,
    data: PathBuf,
    tallies: Digest,
    heads: Digest,
    good: State,
}

impl<'a> Folder<'a> {
    async fn of(tree: &'a Tree, at: UnitId) -> Self {
        let data = data(tree, at);
        let report = verified(tree, at, &data).unwrap();
        assert_eq!((report.differences, report.torn_bytes), (Vec::new(), 0), "{at}");
        let copy = tree.path("good");
        copied(&data, &copy);
        let good = state(tree, at, &copy).await.unwrap().0;
        Self { tree, at, data, tallies: report.tallies, heads: report.heads, good }
    }

    /// Flips a bit, looks, and flips it back.
    async fn flip(&self, file: &Path, byte: u64, bit: u8) -> Outcome {
        let handle = File::options().read(true).write(true).open(file).unwrap();
        let mut held = [0];
        handle.read_exact_at(&mut held, byte).unwrap();
        handle.write_all_at(&[held[0] ^ (1 << bit)], byte).unwrap();
        let outcome = self.look(file, byte, bit).await;
        handle.write_all_at(&held, byte).unwrap();
        outcome
    }

    async fn look(&self, file: &Path, byte: u64, bit: u8) -> Outcome {
        let place = format!("{} byte {byte} bit {bit} of {}", file.display(), self.at);
        match verified(self.tree, self.at, &self.data) {
            Err(error) => {
                let (code, message) = (error.code(), error.to_string());
                assert!(FOUND.contains(&code), "{place}: {code} {message}");
                // The message names the file: a segment by its number, all others by their path.
                let stem = file.file_stem().unwrap().to_string_lossy();
                assert!(message.contains(&*stem), "{place}: {message}");
                // A start finds the same: its one segment is read whole.
                let opened = open(self.tree, self.at, &self.copy()).map(drop);
                assert_eq!(opened.err().map(|error| error.code()), Some(code), "{place}: {message}");
                Outcome::Refused
            }
            Ok(report) => {
                assert_eq!((report.tallies, report.heads), (self.tallies, self.heads), "{place}");
                let (state, opened) = state(self.tree, self.at, &self.copy()).await.unwrap();
                assert!(state == self.good, "{place}: a start opened another state ({opened:?})");
                if report.differences.is_empty() {
                    assert_eq!(opened.cut_bytes, report.torn_bytes, "{place}");
                    return Outcome::NoEffect;
                }
                assert!(opened.rebuilt_because.is_some(), "{place}: {:?}", report.differences);
                Outcome::Differs
            }
        }
    }

    fn copy(&self) -> PathBuf {
        let copy = self.tree.path("copy");
        copied(&self.data, &copy);
        copy
    }

    /// A file as likely as any other, and in it mostly a place that is used: not filled up with one and the same.
    fn place(&self, dice: &mut Dice) -> (PathBuf, u64, u8) {
        let all: Vec<PathBuf> =
            files(&self.data).into_iter().filter(|file| fs::metadata(file).unwrap().len() > 0).collect();
        let file = all[dice.below(all.len() as u64) as usize].clone();
        let bytes = fs::read(&file).unwrap();
        let mut counts = [0_u64; 256];
        for byte in &bytes {
            counts[usize::from(*byte)] += 1;
        }
        let filling = (0..=u8::MAX).max_by_key(|byte| counts[usize::from(*byte)]).unwrap();
        let used = bytes.len() as u64 - counts[usize::from(filling)];
        let place = if used == 0 || dice.below(5) == 0 {
            dice.below(bytes.len() as u64)
        } else {
            let nth = dice.below(used) as usize;
            let mut used = bytes.iter().enumerate().filter(|(_, byte)| **byte != filling);
            used.nth(nth).unwrap().0 as u64
        };
        (file, place, dice.below(8) as u8)
    }
}

fn copied(from: &Path, to: &Path) {
    folder::put_back(from, to);
}

async fn flip_everywhere(rounds: u64) {
    let tree = stopped().await;
    let mut dice = Dice::thrown();
    let mut outcomes = BTreeMap::new();
    for at in tiers() {
        let folder = Folder::of(&tree, at).await;
        let before = files(&folder.data);
        for _ in 0..rounds {
            let (file, byte, bit) = folder.place(&mut dice);
            let outcome = folder.flip(&file, byte, bit).await;
            let name = file.strip_prefix(&folder.data).unwrap().display().to_string();
            *outcomes.entry((name.split('.').next().unwrap().to_owned(), outcome)).or_insert(0) += 1;
        }
        // Looking changed nothing.
        assert_eq!(files(&folder.data), before);
        let report = verified(&tree, at, &folder.data).unwrap();
        assert_eq!(
            (report.tallies, report.heads, report.differences.len()),
            (folder.tallies, folder.heads, 0)
        );
    }
    for ((file, outcome), count) in &outcomes {
        println!("{file}: {outcome:?} {count}");
        let harmless = ["BALLAST", "LOCK"].contains(&file.as_str());
        assert!(!harmless || *outcome == Outcome::NoEffect, "{file} is never read");
    }
    assert!(outcomes.keys().any(|(_, outcome)| *outcome == Outcome::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_and_named_or_without_effect() {
    flip_everywhere(50).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; DANSO_ROUNDS says how many flips in each of three folders, 2,000 without it"]
async fn many_flipped_bits_are_found_and_named_or_without_effect() {
    let rounds = std::env::var("DANSO_ROUNDS").map_or(2_000, |rounds| rounds.parse().unwrap());
    flip_everywhere(rounds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bit_of_the_small_files_is_found_or_without_effect() {
    let tree = stopped().await;
    let folder = Folder::of(&tree, unit("00001")).await;
    for name in ["FORMAT", "AT-REST"] {
        let file = folder.data.join(name);
        for byte in 0..fs::metadata(&file).unwrap().len() {
            let outcome = folder.flip(&file, byte, (byte % 8) as u8).await;
            // A line's end may become another white space.
            let harmless = name == "FORMAT" && outcome == Outcome::NoEffect;
            assert!(outcome == Outcome::Refused || harmless, "{name} byte {byte}: {outcome:?}");
        }
    }
}

/// The record at a position of a ledger of one segment is damaged in its payload; gives what verify says.
fn said_of(tree: &Tree, at: UnitId, payload: &[u8]) -> String {
    let segment = data(tree, at).join("ledger/00000001.ledger");
    let bytes = fs::read(&segment).unwrap();
    let place = bytes.windows(payload.len()).position(|window| window == payload).unwrap() as u64;
    let handle = File::options().read(true).write(true).open(&segment).unwrap();
    handle.write_all_at(&[payload[0] ^ 1], place).unwrap();
    let error = verified(tree, at, &data(tree, at)).unwrap_err();
    handle.write_all_at(&payload[..1], place).unwrap();
    assert_eq!(error.code(), "ledger_damaged");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_named_by_its_chain_and_batch() {
    let tree = stopped().await;
    let commune = unit("00001");
    for at in tiers() {
        let (store, _) = open(&tree, at, &data(&tree, at)).unwrap();
        let held = store.batch(commune, danso_core::chain::BatchNumber(2)).unwrap().unwrap();
        store.close().await;
        drop(store);
        let message = said_of(&tree, at, &held.batch.header.signature);
        assert!(message.contains(&format!("it held batch 2 of {commune}")), "{at}: {message}");
        assert!(message.contains("segment 00000001 is damaged at byte "), "{at}: {message}");
    }
}
