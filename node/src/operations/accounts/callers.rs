//! Whom a shown session or token stands for, and the lists of accounts, sessions and tokens.

use super::{
    error::AccountError,
    names::AccountName,
    record::Holder,
    roles::{Right, Role},
    state::{Account, Accounts, Pass, PassKind},
    tokens::{TokenId, TokenSecret},
};
use danso_tier_config::{
    DAY_MS, UnitId,
    limits::{CLOCK_BACK_MS_MAX, SESSION_MS, TOKEN_DAYS_MAX},
};
use std::sync::atomic::Ordering;

/// Who calls, as of this call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The session or token shown.
    pub id: TokenId,
    /// Which of both.
    pub kind: PassKind,
    /// The account, or the name of the program.
    pub name: AccountName,
    /// What the caller may do.
    pub role: Role,
    /// The topmost unit for which the caller may do it.
    pub unit: UnitId,
}

impl Caller {
    /// Whether the role has the right; the unit is checked where the directory is.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }
}

/// An account as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    /// Its name.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// The topmost unit for which it may do it.
    pub unit: UnitId,
    /// Whether it is switched off.
    pub disabled: bool,
    /// When it was added, Unix milliseconds.
    pub added_at_ms: u64,
    /// When it got its password, Unix milliseconds.
    pub password_set_at_ms: u64,
    /// How many sessions are open.
    pub sessions: usize,
}

/// A session or token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassLine {
    /// Its id.
    pub id: TokenId,
    /// Session or token.
    pub kind: PassKind,
    /// The account, or the name of the program.
    pub name: AccountName,
    /// What it may do at present; `None` if its account is gone.
    pub rights: Option<(Role, UnitId)>,
    /// What it is for; empty for sessions.
    pub label: String,
    /// When it was made, Unix milliseconds.
    pub made_at_ms: u64,
    /// Its end, Unix milliseconds.
    pub expires_at_ms: u64,
    /// When it was used last since the node started, Unix milliseconds.
    pub used_at_ms: Option<u64>,
    /// Why it is refused at present; `None` for one that is good.
    pub refused: Option<AccountError>,
}

impl Accounts {
    /// Whom a shown text stands for. Only who knows the secret learns that a session or token is expired
    /// ([`AccountError::TokenExpired`]), ended ([`AccountError::TokenRevoked`]) or of a disabled account;
    /// anybody else is told [`AccountError::TokenUnknown`].
    pub fn check(&self, shown: &str, now_ms: u64) -> Result<Caller, AccountError> {
        let (id, secret) = TokenSecret::read(shown)?;
        let pass = self.pass(id).filter(|pass| pass.hash == secret.hash());
        let pass = pass.ok_or(AccountError::TokenUnknown)?;
        let (role, unit) = self.standing(pass, now_ms)?;
        pass.used_at_ms.store(now_ms, Ordering::Relaxed);
        Ok(Caller { id, kind: pass.kind, name: pass.holder.name().clone(), role, unit })
    }

    /// Whether a session or token is still good: asked again by calls that stay open.
    pub fn check_again(&self, caller: &Caller, now_ms: u64) -> Result<Caller, AccountError> {
        let pass = self.pass(caller.id).ok_or(AccountError::TokenRevoked)?;
        let (role, unit) = self.standing(pass, now_ms)?;
        Ok(Caller { role, unit, ..caller.clone() })
    }

    /// All accounts by name.
    pub fn list(&self, now_ms: u64) -> Vec<AccountLine> {
        let line = |(name, account): (&AccountName, &Account)| AccountLine {
            name: name.clone(),
            role: account.role,
            unit: account.unit,
            disabled: account.credentials.disabled,
            added_at_ms: account.added_at_ms,
            password_set_at_ms: account.password_set_at_ms,
            sessions: (account.sessions.iter().filter_map(|id| self.sessions.get(id)))
                .filter(|pass| self.standing(pass, now_ms).is_ok())
                .count(),
        };
        self.by_name.iter().map(line).collect()
    }

    /// All sessions and tokens that are remembered, also ended ones, those made last first.
    pub fn passes(&self, now_ms: u64) -> Vec<PassLine> {
        let line = |(id, pass): (&TokenId, &Pass)| PassLine {
            id: *id,
            kind: pass.kind,
            name: pass.holder.name().clone(),
            rights: self.rights(pass).map(|(role, unit, _)| (role, unit)),
            label: pass.label.clone(),
            made_at_ms: pass.made_at_ms,
            expires_at_ms: pass.expires_at_ms,
            used_at_ms: Some(pass.used_at_ms.load(Ordering::Relaxed)).filter(|used| *used > 0),
            refused: self.standing(pass, now_ms).err(),
        };
        let mut lines: Vec<PassLine> = self.sessions.iter().chain(&self.tokens).map(line).collect();
        lines.sort_by_key(|line| (std::cmp::Reverse(line.made_at_ms), line.id));
        lines
    }

    /// Role and unit of a pass that is good now.
    fn standing(&self, pass: &Pass, now_ms: u64) -> Result<(Role, UnitId), AccountError> {
        if pass.ended {
            return Err(AccountError::TokenRevoked);
        }
        // One that would last longer than any is of a clock that ran ahead: it would be good for years.
        let longest_ms = match pass.kind {
            PassKind::Session => SESSION_MS,
            PassKind::Token => u64::from(TOKEN_DAYS_MAX) * DAY_MS,
        };
        let rest_ms = pass.expires_at_ms.saturating_sub(now_ms);
        if rest_ms == 0 || rest_ms > longest_ms + CLOCK_BACK_MS_MAX {
            return Err(AccountError::TokenExpired { expired_at_ms: pass.expires_at_ms.min(now_ms) });
        }
        match self.rights(pass) {
            Some((role, unit, false)) => Ok((role, unit)),
            Some((.., true)) => Err(AccountError::Disabled),
            None => Err(AccountError::TokenRevoked),
        }
    }

    /// Role and unit of a pass as of now, and whether its account is switched off.
    fn rights(&self, pass: &Pass) -> Option<(Role, UnitId, bool)> {
        match &pass.holder {
            Holder::Program { role, unit, .. } => Some((*role, *unit, false)),
            Holder::Account(name) => {
                let account = self.by_name.get(name)?;
                Some((account.role, account.unit, account.credentials.disabled))
            }
        }
    }
}
