//! Durations gathered and shown, and the simulated files that benches load.

use danso_core::demography::simulate::{Commune, Plan, simulate};
use danso_node::operations::forms::{Style, write_events, write_register};
use std::time::Duration;

/// One line of the table.
pub fn line(figure: &str, value: &str) {
    println!("| {figure} | {value} |");
}

/// The duration below which `percent` of the samples lie.
pub fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    samples[(samples.len() - 1) * percent / 100]
}

pub fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

/// A simulated commune and its two files.
pub fn commune(code: &str, persons: u32, months: u16, seed: u64) -> (Commune, Vec<u8>, Vec<u8>) {
    let plan = Plan::new(code, persons, months, "2024-01".parse().unwrap(), seed);
    let commune = simulate(&plan);
    let (mut register, mut events) = (Vec::new(), Vec::new());
    write_register(&commune.register, Style::default(), &mut register).unwrap();
    write_events(&commune.events, Style::default(), &mut events).unwrap();
    (commune, register, events)
}
