//! Names of accounts and programs: short, plain, safe in logs and on a command line.

use super::error::AccountError;
use danso_tier_config::limits::ACCOUNT_NAME_CHARS_MAX;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A name of 1 to [`ACCOUNT_NAME_CHARS_MAX`] of `a-z 0-9 . _ -`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = AccountError;
    fn from_str(text: &str) -> Result<Self, AccountError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = text.len() <= ACCOUNT_NAME_CHARS_MAX
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|byte| plain(byte) || b"._-".contains(&byte));
        if fits { Ok(Self(text.to_owned())) } else { Err(AccountError::Name) }
    }
}

impl TryFrom<String> for AccountName {
    type Error = AccountError;
    fn try_from(text: String) -> Result<Self, AccountError> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_officials_are_named_are_taken_and_others_refused() {
        for good in ["lan.nt", "nguyen-van_a", "7", &"a".repeat(ACCOUNT_NAME_CHARS_MAX)] {
            assert_eq!(good.parse::<AccountName>().unwrap().as_str(), good);
        }
        let long = "a".repeat(ACCOUNT_NAME_CHARS_MAX + 1);
        for bad in ["", "Lan", "lan nt", "lân", "-rf", ".hidden", "lan\n", "a/b", &long] {
            assert_eq!(bad.parse::<AccountName>().unwrap_err().code(), "account_name", "{bad:?}");
        }
    }

    #[test]
    fn a_stored_name_is_checked_when_it_is_read() {
        let bytes = postcard::to_allocvec("Lan; drop").unwrap();
        assert!(postcard::from_bytes::<AccountName>(&bytes).is_err());
    }
}
