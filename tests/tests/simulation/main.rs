//! Many schedules of a simulated country (`src/bin/schedule`), each in a process of its own, on all cores.
//!
//! Every schedule follows from its seed. `SEED=n cargo test -p danso-tests --test simulation nothing_is_lost_or --
//! --nocapture` repeats one and tells its story; `SEEDS=from..to` runs others than those of CI.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use std::{
    collections::BTreeSet,
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Schedules in CI.
const SCHEDULES: u64 = 1_000;
/// Schedules of the long run.
const SCHEDULES_LONG: u64 = 10_000;

fn schedule(seed: u64) -> Output {
    Command::new(env!("CARGO_BIN_EXE_danso-schedule")).arg(seed.to_string()).output().unwrap()
}

/// All that a schedule printed.
fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What must have happened in one schedule or another, as their stories tell it: a fault that never comes about would
/// prove nothing.
const HAPPENINGS: [&str; 11] = [
    "recorded 10",
    "made batch 10",
    "changes are not counted",
    "lies are told",
    "goes on under",
    "restored to",
    "ended: failed: ledger_io",
    "was told disk_full",
    "!tls_own_revoked",
    "!tls_own_expired",
    "not_allowed",
];

/// Runs schedules, as many at once as there are cores, and gives which happenings were not told; panics with the
/// stories of those that failed.
fn run_all(seeds: &[u64]) -> Vec<&'static str> {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let take = || {
        let (mut failed, mut happened) = (Vec::new(), BTreeSet::new());
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let output = schedule(*seed);
            let story = told(&output);
            happened.extend(HAPPENINGS.into_iter().filter(|happening| story.contains(happening)));
            if !output.status.success() {
                failed.push(format!("{story}\nrepeat with SEED={seed}"));
            }
        }
        (failed, happened)
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(take)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let failed: Vec<&String> = parts.iter().flat_map(|(failed, _)| failed).collect();
    assert!(failed.is_empty(), "{}\n{} of {} failed", join(&failed), failed.len(), seeds.len());
    HAPPENINGS
        .into_iter()
        .filter(|happening| !parts.iter().any(|(_, happened)| happened.contains(happening)))
        .collect()
}

fn join(stories: &[&String]) -> String {
    stories.iter().map(|story| story.as_str()).collect::<Vec<_>>().join("\n")
}

fn seeds_in(text: &str) -> Vec<u64> {
    let (from, to) = text.split_once("..").expect("SEEDS is from..to");
    (from.parse().unwrap()..to.parse().unwrap()).collect()
}

#[test]
fn nothing_is_lost_or_counted_twice_whatever_goes_wrong() {
    match (std::env::var("SEED"), std::env::var("SEEDS")) {
        (Ok(seed), _) => {
            let output = schedule(seed.parse().expect("SEED is a number"));
            println!("{}", told(&output));
            assert!(output.status.success(), "seed {seed} failed");
        }
        (_, Ok(seeds)) => println!("not told: {:?}", run_all(&seeds_in(&seeds))),
        _ => assert_eq!(run_all(&(0..SCHEDULES).collect::<Vec<_>>()), [""; 0], "never happened"),
    }
}

#[test]
fn seeds_that_failed_once_pass() {
    let seeds = include_str!("fixtures/seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let seeds: Vec<u64> =
        seeds.filter_map(|line| line.split_whitespace().next()).map(|seed| seed.parse().unwrap()).collect();
    run_all(&seeds);
}

#[test]
fn a_seed_tells_the_same_story_again() {
    for seed in [3, 14, 159] {
        assert_eq!(told(&schedule(seed)), told(&schedule(seed)), "seed {seed}");
    }
}

#[test]
#[ignore = "hours: ten thousand schedules"]
fn nothing_is_lost_in_ten_thousand_schedules() {
    run_all(&(SCHEDULES..SCHEDULES + SCHEDULES_LONG).collect::<Vec<_>>());
}
