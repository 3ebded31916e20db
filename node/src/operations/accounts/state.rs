//! The accounts, sessions and tokens held in memory: the fold of their records.

use super::{
    names::AccountName,
    phc::PasswordHash,
    record::{AccountRecord, Holder},
    roles::Role,
    tokens::{TokenHash, TokenId},
};
use danso_tier_config::{
    UnitId,
    limits::{SESSIONS_PER_ACCOUNT_MAX, TOKENS_MAX},
};
use std::{collections::BTreeMap, sync::atomic::AtomicU64};

/// All accounts of a node with their sessions, and its API tokens.
#[derive(Debug, Default)]
pub struct Accounts {
    pub(super) by_name: BTreeMap<AccountName, Account>,
    pub(super) sessions: BTreeMap<TokenId, Pass>,
    pub(super) tokens: BTreeMap<TokenId, Pass>,
    /// Passwords given since this was made; in memory only.
    passwords: u64,
}

/// What a sign-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The hash of the password.
    pub password: PasswordHash,
    /// Whether the account is switched off.
    pub disabled: bool,
    /// Another one for every password ever given, to any account; a new hash of the same password keeps it.
    pub(super) generation: u64,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) role: Role,
    pub(super) unit: UnitId,
    pub(super) credentials: Credentials,
    pub(super) added_at_ms: u64,
    pub(super) password_set_at_ms: u64,
    /// Its sessions, also ended ones, as they were opened: at most [`SESSIONS_PER_ACCOUNT_MAX`].
    pub(super) sessions: Vec<TokenId>,
}

/// Whether it is a session or an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// Opened by a sign-in.
    Session,
    /// Made for a program or script.
    Token,
}

/// A session or API token.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) kind: PassKind,
    pub(super) holder: Holder,
    pub(super) hash: TokenHash,
    pub(super) label: String,
    pub(super) made_at_ms: u64,
    pub(super) expires_at_ms: u64,
    pub(super) ended: bool,
    /// In memory only; 0 for not since the start.
    pub(super) used_at_ms: AtomicU64,
}

impl Pass {
    /// Ends what was opened up to `at_ms`; what was opened later is not meant by the record that ends it.
    fn end_until(&mut self, at_ms: u64) {
        self.ended |= self.made_at_ms <= at_ms;
    }
}

impl Accounts {
    /// Folds one record in. It was checked when it was made and is durable; one that says nothing new, or is
    /// about an account, session or token that is not there, is passed over.
    pub fn apply(&mut self, record: &AccountRecord) {
        match record {
            AccountRecord::Added { name, role, unit, password, at_ms } => {
                self.passwords += 1;
                let (password, generation) = (password.clone(), self.passwords);
                self.by_name.entry(name.clone()).or_insert_with(|| Account {
                    role: *role,
                    unit: *unit,
                    credentials: Credentials { password, disabled: false, generation },
                    added_at_ms: *at_ms,
                    password_set_at_ms: *at_ms,
                    sessions: Vec::new(),
                });
            }
            AccountRecord::PasswordSet { name, password, at_ms } => {
                if let Some(account) = self.by_name.get_mut(name) {
                    self.passwords += 1;
                    account.credentials.password = password.clone();
                    account.credentials.generation = self.passwords;
                    account.password_set_at_ms = *at_ms;
                    self.end_sessions(name, *at_ms);
                }
            }
            AccountRecord::Rehashed { name, replaces, password, .. } => {
                let account = self.by_name.get_mut(name);
                if let Some(account) = account.filter(|held| held.credentials.password.digest() == *replaces)
                {
                    account.credentials.password = password.clone();
                }
            }
            AccountRecord::Disabled { name, at_ms } => {
                if let Some(account) = self.by_name.get_mut(name) {
                    account.credentials.disabled = true;
                    self.end_sessions(name, *at_ms);
                }
            }
            AccountRecord::Enabled { name, .. } => {
                if let Some(account) = self.by_name.get_mut(name) {
                    account.credentials.disabled = false;
                }
            }
            AccountRecord::Removed { name, at_ms } => self.remove_account(name, *at_ms),
            AccountRecord::RoleSet { name, role, unit, .. } => {
                if let Some(account) = self.by_name.get_mut(name) {
                    (account.role, account.unit) = (*role, *unit);
                }
            }
            AccountRecord::SessionOpened { id, account, hash, opened_at_ms, expires_at_ms } => {
                let holder = Holder::Account(account.clone());
                let pass = Pass {
                    kind: PassKind::Session,
                    holder,
                    hash: *hash,
                    label: String::new(),
                    made_at_ms: *opened_at_ms,
                    expires_at_ms: *expires_at_ms,
                    ended: false,
                    used_at_ms: AtomicU64::new(0),
                };
                self.insert_session(*id, account, pass);
            }
            AccountRecord::TokenMade { id, holder, hash, label, made_at_ms, expires_at_ms } => {
                let pass = Pass {
                    kind: PassKind::Token,
                    holder: holder.clone(),
                    hash: *hash,
                    label: label.clone(),
                    made_at_ms: *made_at_ms,
                    expires_at_ms: *expires_at_ms,
                    ended: false,
                    used_at_ms: AtomicU64::new(0),
                };
                self.insert_token(*id, pass);
            }
            AccountRecord::SignedOut { id, .. } | AccountRecord::Revoked { id, .. } => {
                if let Some(pass) = self.sessions.get_mut(id).or_else(|| self.tokens.get_mut(id)) {
                    pass.ended = true;
                }
            }
        }
    }

    /// What a sign-in of `name` is checked against; `None` if nobody has the name.
    pub fn credentials(&self, name: &AccountName) -> Option<Credentials> {
        self.by_name.get(name).map(|account| account.credentials.clone())
    }

    /// A session or token by its id.
    pub(super) fn pass(&self, id: TokenId) -> Option<&Pass> {
        self.sessions.get(&id).or_else(|| self.tokens.get(&id))
    }

    fn end_sessions(&mut self, name: &AccountName, at_ms: u64) {
        for id in self.by_name.get(name).map_or(&[][..], |account| &account.sessions) {
            if let Some(session) = self.sessions.get_mut(id) {
                session.end_until(at_ms);
            }
        }
    }

    fn remove_account(&mut self, name: &AccountName, at_ms: u64) {
        for id in self.by_name.remove(name).map_or(Vec::new(), |account| account.sessions) {
            self.sessions.remove(&id);
        }
        // Kept as ended: an account of the same name added later does not get them back.
        for token in self.tokens.values_mut() {
            if matches!(&token.holder, Holder::Account(holder) if holder == name) {
                token.end_until(at_ms);
            }
        }
    }

    /// Takes a session in; beyond the limit the account's oldest goes, an ended one first.
    fn insert_session(&mut self, id: TokenId, name: &AccountName, pass: Pass) {
        let Some(account) = self.by_name.get_mut(name) else {
            return;
        };
        if self.sessions.contains_key(&id) {
            return;
        }
        if account.sessions.len() >= SESSIONS_PER_ACCOUNT_MAX {
            let age = |id: &TokenId| self.sessions.get(id).map(|held| (!held.ended, held.made_at_ms));
            let oldest = (0..account.sessions.len()).min_by_key(|at| age(&account.sessions[*at]));
            if let Some(oldest) = oldest {
                let oldest = account.sessions.remove(oldest);
                self.sessions.remove(&oldest);
            }
        }
        account.sessions.push(id);
        self.sessions.insert(id, pass);
    }

    /// Takes a token in; beyond the limit one that is no longer good goes, the oldest first.
    fn insert_token(&mut self, id: TokenId, pass: Pass) {
        let known = match &pass.holder {
            Holder::Account(name) => self.by_name.contains_key(name),
            Holder::Program { .. } => true,
        };
        if !known || self.tokens.contains_key(&id) {
            return;
        }
        if self.tokens.len() >= TOKENS_MAX {
            let over = self
                .tokens
                .iter()
                .filter(|(_, held)| held.ended || held.expires_at_ms <= pass.made_at_ms)
                .min_by_key(|(_, held)| held.made_at_ms)
                .map(|(id, _)| *id);
            if let Some(over) = over {
                self.tokens.remove(&over);
            }
        }
        self.tokens.insert(id, pass);
    }
}
