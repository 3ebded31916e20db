//! The figures of `node/PERFORMANCE.md`: `cargo bench -p danso-tests --bench figures [-- NAME...]`.
//!
//! | file | measures |
//! |---|---|
//! | `record.rs` | one event durable at the commune, alone and from eight clients |
//! | `batch.rs` | sealing and verifying a batch of 1,000 changes; bytes on the wire |
//! | `cascade.rs` | births from a commune's record to central's count, by size of transaction; latency |
//! | `pipeline.rs` | events from commune files to central's counts; bytes on disk at each tier (of events that come alone: `alone`) |
//! | `query/` | counts and indicators at central with the communes of a whole nation, beside a bare echo |
//! | `disk.rs` | what a data folder takes up, by kind, for `pipeline.rs` |
//! | `soak.rs` | an hour's work in twelve parts: rate and memory of each part, only where it is named |
//! | `wire.rs` | bytes on the wire of each hop, TLS included |
//! | `growth.rs` | cost against changes, units and months at five sizes, only where it is named; `--plots=FOLDER` |
//! | `plot.rs` | pictures of it |
//! | `old_pc.rs` | a commune of 30,000 persons on one core within 512 MiB |
//!
//! Signatures, TLS and syncs are on in every figure. Each line names what it measured.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a bench ends at the first error")]

mod batch;
mod cascade;
mod disk;
mod growth;
mod old_pc;
mod pipeline;
mod plot;
mod query;
mod record;
mod samples;
mod soak;
mod wire;

use std::path::PathBuf;

fn main() {
    if query::is_served() {
        return;
    }
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("| figure | value |\n|---|---|");
    if asked("record") {
        runtime.block_on(record::run());
    }
    if asked("batch") {
        batch::run();
    }
    if asked("cascade") {
        runtime.block_on(cascade::run(&wanted));
    }
    if asked("pipeline") {
        runtime.block_on(pipeline::run());
    }
    if asked("alone") {
        runtime.block_on(cascade::alone());
    }
    if asked("query") {
        // One thread asks: more would take the cores from who answers.
        let one = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        one.block_on(query::run());
    }
    if asked("wire") {
        runtime.block_on(wire::run());
    }
    if asked("old-pc") {
        runtime.block_on(old_pc::run());
    }
    if wanted.iter().any(|wanted| wanted == "growth") {
        let folder =
            std::env::args().find_map(|argument| argument.strip_prefix("--plots=").map(PathBuf::from));
        runtime.block_on(growth::run(&folder.unwrap_or_else(|| "target/growth".into())));
    }
    if wanted.iter().any(|wanted| wanted == "soak") {
        runtime.block_on(soak::run());
    }
}
