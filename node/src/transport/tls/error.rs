//! What can be wrong with a key folder, with the file and the stable code.

use super::{
    identity::{Identity, IdentityError},
    trust::TrustFault,
};
use danso_tier_config::{Date, UnitId};
use std::{io, path::PathBuf};

/// A key folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there.
    #[error("no file {}", path.display())]
    Missing {
        /// The file.
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
    /// A certificate file holds no PEM certificate, or a broken one.
    #[error("{} holds no readable certificate", path.display())]
    NotCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A key file holds no PEM private key of a supported kind.
    #[error("{} holds no usable private key", path.display())]
    NotKey {
        /// The file.
        path: PathBuf,
    },
    /// The private key belongs to another certificate.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate, or that of an authority above it, is no longer valid.
    #[error(
        "the certificate in {} expired on {on}; is the clock right? then ask the unit above for `danso invite` \
         and run `danso enrol --token` here", path.display()
    )]
    Expired {
        /// The file.
        path: PathBuf,
        /// The last day of validity.
        on: Date,
    },
    /// Every trusted root is no longer valid.
    #[error("the root certificate in {} expired on {on}; get the present one from the unit above", path.display())]
    RootExpired {
        /// The file.
        path: PathBuf,
        /// The last day of validity of the last one.
        on: Date,
    },
    /// The certificate is of the right root, but was revoked or issued by an authority that may not.
    #[error("the certificate in {} is not trusted", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: TrustFault,
    },
    /// A certificate is not valid yet, or this computer's clock is behind.
    #[error("the certificate in {} is valid from {from}; is the clock right", path.display())]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// The first day of validity.
        from: Date,
    },
    /// The certificate was issued by an authority that the folder does not trust.
    #[error("the certificate in {} is not from the authority in {}", certificate.display(), authority.display())]
    ForeignAuthority {
        /// The certificate's file.
        certificate: PathBuf,
        /// The authority's file.
        authority: PathBuf,
    },
    /// The certificate names no node or person.
    #[error("the certificate in {} cannot be used", path.display())]
    Nameless {
        /// The file.
        path: PathBuf,
        /// What is wrong with its names.
        source: IdentityError,
    },
    /// The certificate names another holder than this node.
    #[error("the certificate in {} names {found}, this is node {expected}", path.display())]
    OtherHolder {
        /// The file.
        path: PathBuf,
        /// The unit of this node.
        expected: UnitId,
        /// The holder that the certificate names.
        found: Identity,
    },
    /// The certificate cannot be used for TLS for another reason (purpose, algorithm).
    #[error("the certificate in {} cannot be used for TLS", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

impl TlsError {
    /// The stable code, which names the page in the runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "keys_file_missing",
            Self::Unreadable { .. } => "keys_file_unreadable",
            Self::NotCertificate { .. } => "keys_not_certificate",
            Self::NotKey { .. } => "keys_not_key",
            Self::KeyMismatch { .. } => "keys_mismatch",
            Self::Expired { .. } | Self::RootExpired { .. } => "keys_expired",
            Self::Untrusted { source: TrustFault::Revoked { .. }, .. } => "keys_revoked",
            Self::Untrusted { source: TrustFault::OutsideSubtree { .. }, .. } => "keys_outside_subtree",
            Self::Untrusted { .. } => "keys_path",
            Self::NotYetValid { .. } => "keys_not_yet_valid",
            Self::ForeignAuthority { .. } => "keys_foreign_authority",
            Self::Nameless { .. } => "keys_nameless",
            Self::OtherHolder { .. } => "keys_other_holder",
            Self::Unfit { .. } => "keys_unfit",
        }
    }
}
