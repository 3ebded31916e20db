//! What goes wrong with accounts, passwords and tokens, each with its stable code.

use super::{names::AccountName, password::Weakness};
use danso_tier_config::limits::{ACCOUNT_NAME_CHARS_MAX, ACCOUNTS_MAX, TOKEN_DAYS_MAX, TOKENS_MAX};

/// Why an order about accounts, a sign-in or a token was refused.
///
/// What a sign-in is told names no account: see [`AccountError::SigninRefused`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not a name of an account or program.
    #[error(
        "a name is 1 to {ACCOUNT_NAME_CHARS_MAX} of a-z, 0-9, dot, hyphen and underscore, \
         beginning with a letter or digit"
    )]
    Name,
    /// Not a role.
    #[error("a role is collaborator, officer, operator, analyst or auditor")]
    Role,
    /// The name is taken.
    #[error("an account, or a program of another unit or role, has the name {name}")]
    Exists {
        /// The name.
        name: AccountName,
    },
    /// Nobody has the name.
    #[error("there is no account {name}")]
    Unknown {
        /// The name.
        name: AccountName,
    },
    /// The account is switched off; told only to who proved to be its holder.
    #[error("the account is disabled")]
    Disabled,
    /// No more accounts fit.
    #[error("the node has {ACCOUNTS_MAX} accounts, the most it takes")]
    Full,
    /// Unknown name or wrong password: one answer for both.
    #[error("name or password is wrong")]
    SigninRefused,
    /// Too many failures of this account or from this address.
    #[error("too many failed sign-ins, try again in {retry_after_ms} ms")]
    SigninDelayed {
        /// Time until the next attempt is looked at, in milliseconds.
        retry_after_ms: u64,
    },
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once, try again in a moment")]
    SigninBusy,
    /// A new password is too weak.
    #[error("the password is too weak: {0}")]
    PasswordWeak(Weakness),
    /// No session or token is this one; also a wrong secret and a malformed text.
    #[error("unknown session or token")]
    TokenUnknown,
    /// The time of the session or token is over.
    #[error("the session or token expired at {expired_at_ms} ms")]
    TokenExpired {
        /// When, Unix milliseconds.
        expired_at_ms: u64,
    },
    /// Signed out, revoked, ended by a new password, or its account is gone.
    #[error("the session or token is revoked or signed out")]
    TokenRevoked,
    /// A lifetime that is not allowed.
    #[error("a token is good for 1 to {TOKEN_DAYS_MAX} days, not {days}")]
    TokenDays {
        /// The days asked for.
        days: u32,
    },
    /// A label that is empty, too long or holds control characters.
    #[error("a token's label of {chars} characters is empty, too long or holds control characters")]
    TokenLabel {
        /// Its length in characters.
        chars: usize,
    },
    /// No more tokens fit.
    #[error("the node has {TOKENS_MAX} tokens that are good, the most it takes")]
    TokensFull,
    /// A stored record that this version does not read.
    #[error("an account record of format {format} cannot be read")]
    Record {
        /// Its first byte, 0 for none.
        format: u8,
    },
}

impl AccountError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "account_name",
            Self::Role => "account_role",
            Self::Exists { .. } => "account_exists",
            Self::Unknown { .. } => "account_unknown",
            Self::Disabled => "account_disabled",
            Self::Full => "accounts_full",
            Self::SigninRefused => "signin_refused",
            Self::SigninDelayed { .. } => "signin_delayed",
            Self::SigninBusy => "signin_busy",
            Self::PasswordWeak(_) => "password_weak",
            Self::TokenUnknown => "token_unknown",
            Self::TokenExpired { .. } => "token_expired",
            Self::TokenRevoked => "token_revoked",
            Self::TokenDays { .. } => "token_days",
            Self::TokenLabel { .. } => "token_label",
            Self::TokensFull => "tokens_full",
            Self::Record { .. } => "ledger_record_unreadable",
        }
    }
}
