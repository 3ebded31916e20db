//! Accounts from the first record to the last: sign-ins, sessions, tokens, and the fold of their records.

mod records;
mod signin;
mod tokens;

use super::*;
use danso_tier_config::{
    DAY_MS, UnitId,
    limits::{
        CLOCK_BACK_MS_MAX, SESSION_MS, SESSIONS_PER_ACCOUNT_MAX, SIGNIN_ACCOUNT_FAILURES_FREE,
        TOKEN_DAYS_MAX, TOKEN_LABEL_CHARS_MAX, TOKENS_MAX,
    },
};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

const NOW: u64 = 1_790_000_000_000;
const GOOD: &str = "chín con trâu đen";

/// Accounts with all that was ever applied to them.
struct Desk {
    accounts: Accounts,
    history: Vec<AccountRecord>,
    gate: Gate,
    secrets: u8,
}

impl Desk {
    /// The accounts `lan` and `binh`, both officers of one commune, with the password [`GOOD`].
    fn new() -> Self {
        let mut desk = Self {
            accounts: Accounts::default(),
            history: Vec::new(),
            gate: Gate::new(Cost::new(8, 1, 1).unwrap()),
            secrets: 0,
        };
        for name in ["lan", "binh"] {
            let hash = desk.hash(GOOD);
            desk.take(desk.accounts.add(&account(name), Role::Officer, commune(), hash, NOW).unwrap());
        }
        desk
    }

    fn take(&mut self, record: AccountRecord) {
        self.accounts.apply(&record);
        self.history.push(record);
    }

    fn hash(&self, text: &str) -> PasswordHash {
        self.gate.hasher().hash(&NewPassword::new(text, &account("other")).unwrap()).unwrap()
    }

    fn secret(&mut self) -> TokenSecret {
        self.secrets += 1;
        TokenSecret::new([self.secrets; 32])
    }

    fn verify(&self, name: &str, password: &str, from: IpAddr, now: u64) -> Result<Verified, AccountError> {
        self.gate.verify(name, password, from, now, |name| self.accounts.credentials(name))
    }

    /// Signs in with [`GOOD`] and returns the session's text.
    fn sign_in(&mut self, name: &str, now: u64) -> String {
        let (verified, secret) = (self.verify(name, GOOD, address(1), now).unwrap(), self.secret());
        let (record, shown) = self.accounts.open_session(&verified, &secret, now).unwrap();
        self.take(record);
        shown.expose().to_owned()
    }

    fn token(&mut self, holder: Holder, days: u32, now: u64) -> String {
        let secret = self.secret();
        let (record, shown) = self.accounts.make_token(holder, "báo cáo", days, &secret, now).unwrap();
        self.take(record);
        shown.expose().to_owned()
    }

    fn code(&self, shown: &str, now: u64) -> &'static str {
        self.accounts.check(shown, now).map_or_else(|error| error.code(), |_| "good")
    }
}

fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

fn commune() -> UnitId {
    "00004@2025-07-01".parse().unwrap()
}

fn address(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + n))
}

fn program() -> Holder {
    Holder::Program { name: account("bao-cao"), role: Role::Analyst, unit: commune() }
}
