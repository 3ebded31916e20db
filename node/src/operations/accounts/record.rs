//! What is durable about accounts: one ledger record for every event.

use super::{
    error::AccountError,
    names::AccountName,
    phc::PasswordHash,
    roles::Role,
    tokens::{TokenHash, TokenId},
};
use danso_core::{chain::Digest, domain::encoded};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// First byte of an encoded record.
const FORMAT: u8 = 1;

/// Whom an API token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// An account: the token may what the account may, as long as the account is there and enabled.
    Account(AccountName),
    /// A program that has no account.
    Program {
        /// Its name.
        name: AccountName,
        /// What it may do.
        role: Role,
        /// The topmost unit for which it may do it.
        unit: UnitId,
    },
}

impl Holder {
    /// The name of the account or program.
    pub fn name(&self) -> &AccountName {
        match self {
            Self::Account(name) | Self::Program { name, .. } => name,
        }
    }
}

/// One event about accounts. Times are Unix milliseconds. Variants and fields are a format: append only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountRecord {
    /// An account was added.
    Added {
        /// Its name.
        name: AccountName,
        /// What it may do.
        role: Role,
        /// The topmost unit for which it may do it.
        unit: UnitId,
        /// The hash of its password.
        password: PasswordHash,
        /// When.
        at_ms: u64,
    },
    /// A new password; sessions opened until then end.
    PasswordSet {
        /// Whose.
        name: AccountName,
        /// Its hash.
        password: PasswordHash,
        /// When.
        at_ms: u64,
    },
    /// The same password, hashed at a higher cost; sessions go on.
    Rehashed {
        /// Whose.
        name: AccountName,
        /// Digest of the hash it replaces: a password set meanwhile is not undone.
        replaces: Digest,
        /// The new hash.
        password: PasswordHash,
        /// When.
        at_ms: u64,
    },
    /// Switched off; sessions opened until then end, tokens are refused until it is enabled.
    Disabled {
        /// Who.
        name: AccountName,
        /// When.
        at_ms: u64,
    },
    /// Switched on again.
    Enabled {
        /// Who.
        name: AccountName,
        /// When.
        at_ms: u64,
    },
    /// Gone with all its sessions and tokens; the name may be given again.
    Removed {
        /// Who.
        name: AccountName,
        /// When.
        at_ms: u64,
    },
    /// Another role or unit, from the next call of any session on.
    RoleSet {
        /// Who.
        name: AccountName,
        /// What it may do now.
        role: Role,
        /// The topmost unit for which it may do it now.
        unit: UnitId,
        /// When.
        at_ms: u64,
    },
    /// Somebody signed in.
    SessionOpened {
        /// The session.
        id: TokenId,
        /// Whose.
        account: AccountName,
        /// SHA-256 of its secret.
        hash: TokenHash,
        /// When.
        opened_at_ms: u64,
        /// Its end.
        expires_at_ms: u64,
    },
    /// An API token was made.
    TokenMade {
        /// The token.
        id: TokenId,
        /// Whom it stands for.
        holder: Holder,
        /// SHA-256 of its secret.
        hash: TokenHash,
        /// What it is for, in its maker's words.
        label: String,
        /// When.
        made_at_ms: u64,
        /// Its end.
        expires_at_ms: u64,
    },
    /// A session ended by its holder.
    SignedOut {
        /// The session.
        id: TokenId,
        /// When.
        at_ms: u64,
    },
    /// A session or token ended by somebody who may.
    Revoked {
        /// The session or token.
        id: TokenId,
        /// When.
        at_ms: u64,
    },
}

impl AccountRecord {
    /// The record as bytes for the ledger: a format byte and postcard.
    pub fn encode(&self) -> Vec<u8> {
        encoded(&(FORMAT, self))
    }

    /// Reads what [`AccountRecord::encode`] wrote; anything else, also a newer format, is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, AccountError> {
        let unreadable = |format| AccountError::Record { format };
        let (format, rest) = bytes.split_first().ok_or(unreadable(0))?;
        if *format != FORMAT {
            return Err(unreadable(*format));
        }
        match postcard::take_from_bytes(rest) {
            Ok((record, [])) => Ok(record),
            _ => Err(unreadable(*format)),
        }
    }
}
