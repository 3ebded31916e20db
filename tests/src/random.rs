//! Chance from a printed seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// Variable of the environment that names a seed to repeat.
const SEED: &str = "DANSO_SEED";

/// Numbers that follow from a seed (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of a new seed, or of the one in `DANSO_SEED`. The seed is printed with a failed test.
    pub fn thrown() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = std::env::var(SEED).map_or(now, |seed| seed.parse().unwrap());
        println!("{SEED}={seed}");
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
}
