//! The nation: `cargo bench -p danso-tests --bench nation -- DENOMINATOR FOLDER [SEED [PROVINCES]]`.
//!
//! 101.11 M persons in 28.15 M households of 3,321 communes under 34 provinces, divided by the denominator (100 unless
//! told), made and loaded as `danso_tests::nation` says. FOLDER (a temporary one unless told) is what a run that was
//! killed goes on with; it holds central's data and those of one province at a time.

#![allow(clippy::unwrap_used, reason = "a bench ends at the first error")]

use danso_tests::nation::{Plan, run};
use std::path::PathBuf;

fn main() {
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let scale = wanted.next().map_or(100, |scale| scale.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = wanted.next().map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let seed = wanted.next().map_or(1, |seed| seed.parse().unwrap());
    let most = wanted.next().map_or(usize::MAX, |most| most.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let danso = env!("CARGO_BIN_EXE_danso-under-test");
    runtime.block_on(run(Plan::new(scale, seed, most), &folder, danso));
}
