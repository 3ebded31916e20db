//! The five roles and what each may do, always at the account's unit and below it only.

use super::error::AccountError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One thing that a role may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Enter births, deaths, moves and other changes.
    Record,
    /// Import files of the forms.
    Import,
    /// See and search persons: names, numbers, addresses. Every use is in the audit log.
    ReadPersons,
    /// Ask for counts and indicators.
    ReadCounts,
    /// Take requests about personal data and order erasure.
    Erase,
    /// See how far chains and links have come, and what is held.
    ReadStatus,
    /// Run the node: keys, invitations, revocation, resolutions, releases.
    Operate,
    /// Add, change, disable and remove accounts; make and revoke tokens.
    ManageAccounts,
    /// Read and verify the audit log.
    ReadAudit,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 9] = [
        Self::Record,
        Self::Import,
        Self::ReadPersons,
        Self::ReadCounts,
        Self::Erase,
        Self::ReadStatus,
        Self::Operate,
        Self::ManageAccounts,
        Self::ReadAudit,
    ];
}

/// What somebody is, at a unit. The order is part of the record's format: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// A population collaborator (cộng tác viên dân số): records households of the own unit.
    Collaborator,
    /// A population officer: records, imports, counts, answers requests about personal data.
    Officer,
    /// Runs a node and its accounts; sees no person.
    Operator,
    /// Reads counts, nothing else.
    Analyst,
    /// Reads the audit log and counts; changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] =
        [Self::Collaborator, Self::Officer, Self::Operator, Self::Analyst, Self::Auditor];

    /// What the role may do.
    pub fn rights(self) -> &'static [Right] {
        use Right::{
            Erase, Import, ManageAccounts, Operate, ReadAudit, ReadCounts, ReadPersons, ReadStatus, Record,
        };
        match self {
            Self::Collaborator => &[Record, ReadPersons],
            Self::Officer => &[Record, Import, ReadPersons, ReadCounts, Erase, ReadStatus],
            Self::Operator => &[Import, ReadCounts, ReadStatus, Operate, ManageAccounts],
            Self::Analyst => &[ReadCounts],
            Self::Auditor => &[ReadCounts, ReadStatus, ReadAudit],
        }
    }

    /// Whether the role may do `right`.
    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }

    /// The role as it stands in commands, certificates and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collaborator => "collaborator",
            Self::Officer => "officer",
            Self::Operator => "operator",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = AccountError;
    fn from_str(text: &str) -> Result<Self, AccountError> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(AccountError::Role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert_eq!("Operator".parse::<Role>().unwrap_err().code(), "account_role");
    }

    #[test]
    fn each_right_belongs_to_exactly_these_roles() {
        use Role::{Analyst, Auditor, Collaborator, Officer, Operator};
        let holders = |right| Role::ALL.into_iter().filter(|role| role.may(right)).collect::<Vec<_>>();
        for right in Right::ALL {
            let expected: &[Role] = match right {
                Right::Record | Right::ReadPersons => &[Collaborator, Officer],
                Right::Import => &[Officer, Operator],
                Right::ReadCounts => &[Officer, Operator, Analyst, Auditor],
                Right::Erase => &[Officer],
                Right::ReadStatus => &[Officer, Operator, Auditor],
                Right::Operate | Right::ManageAccounts => &[Operator],
                Right::ReadAudit => &[Auditor],
            };
            assert_eq!(holders(right), expected, "{right:?}");
        }
    }
}
