//! One schedule of a whole country in one simulated network: fifteen real nodes, mutual TLS, real folders, and much
//! that goes wrong. `danso-schedule SEED` tells its story and ends with 1 where a checker found something.
//!
//! It is a program of its own because its chance and its clock are those of the whole process.
//!
//! | file | holds |
//! |---|---|
//! | `plan.rs` | what goes wrong, by seed |
//! | `world/` | the nodes in one network; lets things go wrong and mends them |
//! | `place.rs` | one node: the computer under it and the program on it |
//! | `network.rs` | turmoil's network as the node's |
//! | `disk.rs` | a disk that fills, fails, loses power |
//! | `people.rs` | who records, and what was acknowledged |
//! | `careless.rs` | a commune that writes wrong things |
//! | `liar.rs` | a middle tier that lies |
//! | `checks.rs` | what must hold, always and in the end |
//!
//! Invariants:
//! 1. A simulation runs on one thread; nothing in it asks the real clock or the system for chance.
//! 2. The checkers look from outside and know nothing of what the plan did, but for disks put back.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test in a process of its own")]

mod careless;
mod checks;
mod disk;
mod liar;
mod network;
mod people;
mod place;
mod plan;
mod world;

use danso_tests::Dice;
use mad_turmoil::{rand::set_rng, time::SimClocksGuard};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use world::World;

/// A folder in memory where the system has one: power cuts are simulated, real syncs cost only time.
const MEMORY: &str = "/dev/shm";

fn main() -> ExitCode {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok());
    let Some(seed) = seed else {
        println!("usage: danso-schedule SEED");
        return ExitCode::from(2);
    };
    set_rng(StdRng::seed_from_u64(seed));
    let _clocks = SimClocksGuard::init();
    let mut world = World::new(seed, &folder());
    let scene = Arc::clone(&world.scene);
    let passed = catch_unwind(AssertUnwindSafe(|| {
        world.run();
        checks::check_arrived(&world.places, &world.careless, &scene.acknowledged.lock().unwrap());
        world.stop();
        checks::check_folders(&world.tree, &world.places, &mut Dice::of(seed));
    }));
    println!("{}\nits story comes to {:016x}", scene.story.lines().join("\n"), scene.story.digest());
    if passed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn folder() -> PathBuf {
    let memory = Path::new(MEMORY);
    if fs::metadata(memory).is_ok_and(|found| found.is_dir()) {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}
