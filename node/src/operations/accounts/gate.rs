//! One sign-in: from a name, a password and an address to a verified account.

use super::{
    attempts::Attempts,
    error::AccountError,
    hashing::Hasher,
    names::AccountName,
    password::Password,
    phc::{Cost, PasswordHash},
    state::Credentials,
};
use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Counts attempts and verifies passwords; one for a node.
#[derive(Debug)]
pub struct Gate {
    attempts: Mutex<Attempts>,
    hasher: Hasher,
}

/// Proof that somebody knew the password of an account.
#[derive(Debug)]
pub struct Verified {
    name: AccountName,
    generation: u64,
    rehashed: Option<PasswordHash>,
}

impl Verified {
    /// Whose password it was.
    pub fn name(&self) -> &AccountName {
        &self.name
    }

    /// Which password of the account it was.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The same password hashed at today's cost, if the account's hash costs less: to be given to
    /// `Accounts::rehash`.
    pub fn rehashed(&self) -> Option<&PasswordHash> {
        self.rehashed.as_ref()
    }
}

impl Gate {
    /// A gate whose new hashes have this cost; nobody has failed yet.
    pub fn new(cost: Cost) -> Self {
        Self { attempts: Mutex::default(), hasher: Hasher::new(cost) }
    }

    /// The hasher, for new passwords.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// How many accounts and addresses must wait before their next attempt.
    pub fn delayed(&self, now_ms: u64) -> (usize, usize) {
        self.attempts().delayed(now_ms)
    }

    /// Verifies a sign-in. Blocks while it hashes: call it where blocking is allowed and with no lock held;
    /// `look_up` is called once and takes and frees the lock of the accounts.
    ///
    /// [`AccountError::SigninDelayed`] within a delay, whether or not the password is right;
    /// [`AccountError::SigninRefused`] for an unknown name and for a wrong password, after the same work;
    /// [`AccountError::Disabled`] only for the right password; [`AccountError::SigninBusy`] if too many wait.
    pub fn verify(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
        now_ms: u64,
        look_up: impl FnOnce(&AccountName) -> Option<Credentials>,
    ) -> Result<Verified, AccountError> {
        let name = name.parse::<AccountName>().ok();
        self.attempts().begin(name.as_ref(), from, now_ms)?;
        let verified = self.verify_begun(name.as_ref(), password, look_up);
        match (&verified, &name) {
            (Ok(_) | Err(AccountError::Disabled), Some(name)) => self.attempts().succeeded(name, from),
            (Err(AccountError::SigninBusy), name) => self.attempts().withdrawn(name.as_ref(), from),
            _ => {}
        }
        verified
    }

    fn verify_begun(
        &self,
        name: Option<&AccountName>,
        password: &str,
        look_up: impl FnOnce(&AccountName) -> Option<Credentials>,
    ) -> Result<Verified, AccountError> {
        // Nobody has a longer password: no work is spent on it, whatever the name.
        let password = Password::new(password).map_err(|_| AccountError::SigninRefused)?;
        let held = name.and_then(look_up);
        let right = self.hasher.verify(&password, held.as_ref().map(|held| &held.password))?;
        let (Some(name), Some(held), true) = (name, held, right) else {
            return Err(AccountError::SigninRefused);
        };
        if held.disabled {
            return Err(AccountError::Disabled);
        }
        let outdated = self.hasher.is_outdated(&held.password);
        // Nobody is kept out because a dearer hash must wait: the next sign-in makes it.
        let rehashed = if outdated { self.hasher.hash_as_it_is(&password).ok() } else { None };
        Ok(Verified { name: name.clone(), generation: held.generation, rehashed })
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
