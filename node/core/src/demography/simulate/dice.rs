//! The only source of chance of a simulated commune: a seeded stream of numbers.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws of one simulated commune. The same seed and variation always give the same draws.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Dice of a seed, varied by a text (the unit's code) through FNV-1a.
    pub fn new(seed: u64, variation: &str) -> Self {
        let hash = variation.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(ChaCha8Rng::seed_from_u64(seed ^ hash))
    }

    /// A number from 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with a probability; never below 0, always from 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number from 0 up to, not including, `bound`; 0 where the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1).max(1) as usize) as i32
    }

    /// A number around 0 with standard deviation about 1 (sum of twelve uniforms).
    pub fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// One entry of a list that is not empty.
    pub fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// The position drawn from weights that are not all zero.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut rest = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (position, weight) in weights.enumerate() {
            if weight > 0.0 {
                last = position;
                if rest < weight {
                    return position;
                }
            }
            rest -= weight;
        }
        last
    }

    /// Puts a list in random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for position in (1..list.len()).rev() {
            list.swap(position, self.below(position + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_unit_fix_the_draws() {
        let draw = |seed, unit| {
            let mut dice = Dice::new(seed, unit);
            (0..8).map(|_| dice.below(1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, "31117"), draw(7, "31117"));
        assert_ne!(draw(7, "31117"), draw(7, "31120"));
        assert_ne!(draw(7, "31117"), draw(8, "31117"));
    }

    #[test]
    fn weights_are_kept_within_four_sigma() {
        let mut dice = Dice::new(1, "");
        let mut found = [0_u32; 3];
        for _ in 0..10_000 {
            found[dice.weighted([1.0, 0.0, 3.0].into_iter())] += 1;
        }
        assert_eq!(found[1], 0);
        // Binomial with n = 10,000 and p = 1/4 has sigma 43.3.
        assert!(found[0].abs_diff(2_500) < 174, "{found:?}");
    }
}
