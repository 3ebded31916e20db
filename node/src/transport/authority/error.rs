//! What can be wrong with an authority or with what it shall issue.

use danso_tier_config::UnitId;
use std::{io, path::PathBuf};

/// An authority that cannot be created, opened or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder has an authority already.
    #[error("there is an authority already: {}", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The folder has no authority.
    #[error("no authority here: no file {}", path.display())]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The certificate is not one that an authority of danso wrote or got.
    #[error("{} is not a danso authority's certificate", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
    },
    /// The key is no key, or not the certificate's.
    #[error("{} is not the key of this authority", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// An extra name is no DNS name or IP address, or looks like an identity.
    #[error("{name:?} cannot be an extra name: give a DNS name outside .danso, or an IP address")]
    Name {
        /// The name as given.
        name: String,
    },
    /// The validity ends before it begins, or after the year 9999, or the authority's own has ended.
    #[error(
        "a certificate must end after it begins, within its authority's own dates and before the year 10000"
    )]
    Validity,
    /// The authority is too low to make another one below it, or one with so many below that.
    #[error("this authority may not make one for {unit} with {asked} levels of authorities below it")]
    PathLength {
        /// The unit of the new authority.
        unit: UnitId,
        /// The levels that the new one should allow below it.
        asked: u8,
    },
    /// A certificate signing request is too large, unreadable, not signed with its own key, or of another
    /// kind of key than danso uses.
    #[error("the certificate request cannot be used: {because}")]
    Request {
        /// What is wrong with it.
        because: &'static str,
    },
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
    /// Key making or signing failed.
    #[error("cannot make or sign a certificate")]
    Signing(#[source] rcgen::Error),
}

impl AuthorityError {
    /// The stable code, which names the page in the runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "authority_exists",
            Self::Missing { .. } => "authority_missing",
            Self::Unreadable { .. } => "authority_unreadable",
            Self::Unwritable { .. } => "authority_unwritable",
            Self::Certificate { .. } => "authority_certificate",
            Self::Key { .. } => "authority_key",
            Self::Name { .. } => "authority_name",
            Self::Validity => "authority_validity",
            Self::PathLength { .. } => "authority_path_length",
            Self::Request { .. } => "authority_request",
            Self::Random(_) => "authority_random",
            Self::Signing(_) => "authority_signing",
        }
    }
}
