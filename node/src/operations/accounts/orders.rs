//! Checks an order about accounts, sessions and tokens and makes its record. Nothing changes here: the caller
//! writes the record and applies it, all under one lock.
//!
//! Whether the one who orders may (`Right::ManageAccounts`, the own subtree) is checked before.

use super::{
    error::AccountError,
    gate::Verified,
    names::AccountName,
    phc::PasswordHash,
    record::{AccountRecord, Holder},
    roles::Role,
    state::{Account, Accounts, Pass, PassKind},
    tokens::{ShownToken, TokenId, TokenSecret},
};
use danso_tier_config::{
    DAY_MS, UnitId,
    limits::{ACCOUNTS_MAX, SESSION_MS, TOKEN_DAYS_MAX, TOKEN_LABEL_CHARS_MAX, TOKENS_MAX},
};

impl Accounts {
    /// Adds an account. [`AccountError::Exists`] if the name is taken.
    pub fn add(
        &self,
        name: &AccountName,
        role: Role,
        unit: UnitId,
        password: PasswordHash,
        now_ms: u64,
    ) -> Result<AccountRecord, AccountError> {
        if self.by_name.contains_key(name) {
            return Err(AccountError::Exists { name: name.clone() });
        }
        if self.by_name.len() >= ACCOUNTS_MAX {
            return Err(AccountError::Full);
        }
        Ok(AccountRecord::Added { name: name.clone(), role, unit, password, at_ms: now_ms })
    }

    /// Gives an account a new password; its sessions end, its tokens go on.
    pub fn set_password(
        &self,
        name: &AccountName,
        password: PasswordHash,
        now_ms: u64,
    ) -> Result<AccountRecord, AccountError> {
        let at_ms = self.after_all_of(name, now_ms)?;
        Ok(AccountRecord::PasswordSet { name: name.clone(), password, at_ms })
    }

    /// Keeps the password of a sign-in as a new, dearer hash; `None` if it was changed meanwhile.
    pub fn rehash(&self, verified: &Verified, password: PasswordHash, now_ms: u64) -> Option<AccountRecord> {
        let held = &self.by_name.get(verified.name())?.credentials;
        (held.generation == verified.generation()).then(|| AccountRecord::Rehashed {
            name: verified.name().clone(),
            replaces: held.password.digest(),
            password,
            at_ms: now_ms,
        })
    }

    /// Switches an account off; its sessions end and its tokens are refused.
    pub fn disable(&self, name: &AccountName, now_ms: u64) -> Result<AccountRecord, AccountError> {
        Ok(AccountRecord::Disabled { name: name.clone(), at_ms: self.after_all_of(name, now_ms)? })
    }

    /// Switches an account on again.
    pub fn enable(&self, name: &AccountName, now_ms: u64) -> Result<AccountRecord, AccountError> {
        self.account(name)?;
        Ok(AccountRecord::Enabled { name: name.clone(), at_ms: now_ms })
    }

    /// Removes an account with its sessions and tokens.
    pub fn remove(&self, name: &AccountName, now_ms: u64) -> Result<AccountRecord, AccountError> {
        Ok(AccountRecord::Removed { name: name.clone(), at_ms: self.after_all_of(name, now_ms)? })
    }

    /// Gives an account another role or unit; its sessions and tokens go on with them.
    pub fn set_role(
        &self,
        name: &AccountName,
        role: Role,
        unit: UnitId,
        now_ms: u64,
    ) -> Result<AccountRecord, AccountError> {
        self.account(name)?;
        Ok(AccountRecord::RoleSet { name: name.clone(), role, unit, at_ms: now_ms })
    }

    /// Opens a session for a verified sign-in, good for [`SESSION_MS`]. [`AccountError::SigninRefused`] if the
    /// account was removed or its password changed since it was verified.
    pub fn open_session(
        &self,
        verified: &Verified,
        secret: &TokenSecret,
        now_ms: u64,
    ) -> Result<(AccountRecord, ShownToken), AccountError> {
        let held = self.by_name.get(verified.name()).map(|account| &account.credentials);
        let same = held.filter(|held| held.generation == verified.generation());
        if same.ok_or(AccountError::SigninRefused)?.disabled {
            return Err(AccountError::Disabled);
        }
        let record = AccountRecord::SessionOpened {
            id: secret.id(),
            account: verified.name().clone(),
            hash: secret.hash(),
            opened_at_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(SESSION_MS),
        };
        Ok((record, secret.shown()))
    }

    /// Makes an API token, good for 1 to [`TOKEN_DAYS_MAX`] days, with a label of 1 to
    /// [`TOKEN_LABEL_CHARS_MAX`] characters that says what it is for.
    pub fn make_token(
        &self,
        holder: Holder,
        label: &str,
        days: u32,
        secret: &TokenSecret,
        now_ms: u64,
    ) -> Result<(AccountRecord, ShownToken), AccountError> {
        if let Holder::Account(name) = &holder
            && self.account(name)?.credentials.disabled
        {
            return Err(AccountError::Disabled);
        }
        if !(1..=TOKEN_DAYS_MAX).contains(&days) {
            return Err(AccountError::TokenDays { days });
        }
        let chars = label.chars().count();
        if label.trim().is_empty() || chars > TOKEN_LABEL_CHARS_MAX || label.chars().any(char::is_control) {
            return Err(AccountError::TokenLabel { chars });
        }
        let good = |held: &&Pass| !held.ended && held.expires_at_ms > now_ms;
        if self.tokens.values().filter(good).count() >= TOKENS_MAX {
            return Err(AccountError::TokensFull);
        }
        let record = AccountRecord::TokenMade {
            id: secret.id(),
            holder,
            hash: secret.hash(),
            label: label.to_owned(),
            made_at_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(u64::from(days) * DAY_MS),
        };
        Ok((record, secret.shown()))
    }

    /// Ends a session by its holder; a repeat makes the same record. An API token is not signed out but revoked.
    pub fn sign_out(&self, id: TokenId, now_ms: u64) -> Result<AccountRecord, AccountError> {
        match self.pass(id).map(|pass| pass.kind) {
            Some(PassKind::Session) => Ok(AccountRecord::SignedOut { id, at_ms: now_ms }),
            Some(PassKind::Token) | None => Err(AccountError::TokenUnknown),
        }
    }

    /// Ends a session or token at once.
    pub fn revoke(&self, id: TokenId, now_ms: u64) -> Result<AccountRecord, AccountError> {
        self.pass(id).ok_or(AccountError::TokenUnknown)?;
        Ok(AccountRecord::Revoked { id, at_ms: now_ms })
    }

    fn account(&self, name: &AccountName) -> Result<&Account, AccountError> {
        self.by_name.get(name).ok_or_else(|| AccountError::Unknown { name: name.clone() })
    }

    /// Now, or if the clock was set back the time at which the account's newest session or token was opened:
    /// a record that ends them must not lie before them.
    fn after_all_of(&self, name: &AccountName, now_ms: u64) -> Result<u64, AccountError> {
        let sessions = self.account(name)?.sessions.iter().filter_map(|id| self.sessions.get(id));
        let tokens = self.tokens.values().filter(|pass| pass.holder.name() == name);
        Ok(sessions.chain(tokens).map(|pass| pass.made_at_ms).fold(now_ms, u64::max))
    }
}
