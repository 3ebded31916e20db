//! argon2id, a few hashes at a time: each takes its memory, so their number is bounded.

use super::{
    error::AccountError,
    password::{NewPassword, Password},
    phc::{Cost, OUTPUT_BYTES, PasswordHash, SALT_BYTES},
    tokens::same_bytes,
};
use danso_tier_config::limits::{PASSWORD_HASHES_AT_ONCE, PASSWORD_HASHES_WAITING_MAX};
use std::sync::{Condvar, Mutex, PoisonError};

/// Hashes and verifies passwords. Blocks for some ten milliseconds: not for async threads, nor under a lock.
#[derive(Debug)]
pub struct Hasher {
    cost: Cost,
    /// Stands in for accounts that do not exist, so that they take as long.
    nobody: PasswordHash,
    slots: Slots,
}

impl Hasher {
    /// A hasher whose new hashes have this cost.
    pub fn new(cost: Cost) -> Self {
        // Its password is unknown: no text is hashed to zeros.
        let nobody = PasswordHash { cost, salt: vec![0; SALT_BYTES], output: [0; OUTPUT_BYTES] };
        Self { cost, nobody, slots: Slots::new(PASSWORD_HASHES_AT_ONCE, PASSWORD_HASHES_WAITING_MAX) }
    }

    /// The hash of a new password, with a fresh salt. [`AccountError::SigninBusy`] if too many wait.
    pub fn hash(&self, password: &NewPassword) -> Result<PasswordHash, AccountError> {
        self.hash_as_it_is(password.as_password())
    }

    /// The same for a password that is in use already, whatever today's rules for new ones say.
    pub(super) fn hash_as_it_is(&self, password: &Password) -> Result<PasswordHash, AccountError> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt).expect("the system gives random bytes");
        let output = self.output(password, self.cost, &salt)?;
        Ok(PasswordHash { cost: self.cost, salt, output })
    }

    /// Whether the password is that of `hash`. Without one the answer is no, after the same work.
    pub fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool, AccountError> {
        let against = hash.unwrap_or(&self.nobody);
        let output = self.output(password, against.cost, &against.salt)?;
        Ok(same_bytes(&output, &against.output) && hash.is_some())
    }

    /// Whether a hash costs less than a new one would.
    pub fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.cost.is_below(self.cost)
    }

    fn output(
        &self,
        password: &Password,
        cost: Cost,
        salt: &[u8],
    ) -> Result<[u8; OUTPUT_BYTES], AccountError> {
        let _slot = self.slots.take()?;
        let mut output = [0; OUTPUT_BYTES];
        // Lengths and cost are checked by their types: what is left to fail is memory.
        cost.argon2()
            .hash_password_into(password.as_bytes(), salt, &mut output)
            .map_err(|_| AccountError::SigninBusy)?;
        Ok(output)
    }
}

/// A bounded number of places, with a bounded number of threads waiting for one.
#[derive(Debug)]
struct Slots {
    taken: Mutex<Taken>,
    freed: Condvar,
    at_once: usize,
    waiting_max: usize,
}

#[derive(Debug, Default)]
struct Taken {
    running: usize,
    waiting: usize,
}

/// A place, freed when dropped.
struct Slot<'a>(&'a Slots);

impl Slots {
    fn new(at_once: usize, waiting_max: usize) -> Self {
        Self { taken: Mutex::default(), freed: Condvar::new(), at_once, waiting_max }
    }

    fn take(&self) -> Result<Slot<'_>, AccountError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.running >= self.at_once {
            if taken.waiting >= self.waiting_max {
                return Err(AccountError::SigninBusy);
            }
            taken.waiting += 1;
            taken = self
                .freed
                .wait_while(taken, |taken| taken.running >= self.at_once)
                .unwrap_or_else(PoisonError::into_inner);
            taken.waiting -= 1;
        }
        taken.running += 1;
        Ok(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner).running -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn password(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    #[test]
    fn a_hash_of_the_reference_program_verifies() {
        let hasher = Hasher::new(Cost::new(8, 1, 1).unwrap());
        let text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hash = text.parse().unwrap();
        assert!(hasher.verify(&password("password"), Some(&hash)).unwrap());
        assert!(!hasher.verify(&password("Password"), Some(&hash)).unwrap());
    }

    #[test]
    fn a_new_hash_has_the_standard_cost_and_its_own_salt() {
        let hasher = Hasher::new(Cost::STANDARD);
        let new = NewPassword::new("chín con trâu đen", &"lan".parse().unwrap()).unwrap();
        let (one, other) = (hasher.hash(&new).unwrap(), hasher.hash(&new).unwrap());
        assert!(one.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one, other);
        assert!(hasher.verify(&password("chín con trâu đen"), Some(&other)).unwrap());
        assert!(!hasher.is_outdated(&one));
    }

    #[test]
    fn a_cheaper_hash_is_outdated_and_a_dearer_one_is_not() {
        let (cheap, dear) = (Cost::new(8, 1, 1).unwrap(), Cost::new(16, 1, 1).unwrap());
        let of = |cost| PasswordHash { cost, salt: vec![0; SALT_BYTES], output: [0; OUTPUT_BYTES] };
        assert!(Hasher::new(dear).is_outdated(&of(cheap)));
        assert!(!Hasher::new(cheap).is_outdated(&of(dear)));
    }

    #[test]
    fn nobody_has_a_password() {
        let hasher = Hasher::new(Cost::new(8, 1, 1).unwrap());
        assert!(!hasher.verify(&password("password"), None).unwrap());
        assert_eq!(hasher.nobody.cost, hasher.cost);
    }

    #[test]
    fn more_hashes_than_may_wait_are_refused() {
        let slots = Slots::new(1, 0);
        let held = slots.take().unwrap();
        assert_eq!(slots.take().err(), Some(AccountError::SigninBusy));
        drop(held);
        assert!(slots.take().is_ok());
    }

    #[test]
    fn a_hash_that_waits_gets_the_place_that_is_freed() {
        let slots = Slots::new(1, 1);
        let held = slots.take().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take().map(drop));
            while slots.taken.lock().unwrap().waiting == 0 {
                thread::yield_now();
            }
            drop(held);
            assert_eq!(waiting.join().unwrap(), Ok(()));
        });
        assert_eq!(slots.taken.lock().unwrap().running, 0);
    }
}
