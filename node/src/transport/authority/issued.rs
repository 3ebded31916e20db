//! An issued certificate with its key, and the time for which it is good.

use super::error::AuthorityError;
use crate::{
    host::files,
    transport::tls::{AUTHORITY_FILE, CERTIFICATE_FILE, Identity, KEY_FILE},
};
use std::{
    fmt, fs,
    io::Write as _,
    path::Path,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_hours(24);

/// From when until when a certificate is good; whole seconds count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// When the certificate was issued: its serial number tells it, and revocations go by it.
    pub issued_at: SystemTime,
    /// The first moment.
    pub not_before: SystemTime,
    /// The last moment.
    pub not_after: SystemTime,
}

impl Validity {
    /// From one day before `now` (other clocks may be behind) until `days` after it.
    pub fn days(now: SystemTime, days: u32) -> Self {
        Self { issued_at: now, not_before: now - DAY, not_after: now + DAY * days }
    }

    /// An expired certificate's: it ended an hour before `now`.
    pub fn ended(now: SystemTime) -> Self {
        Self { issued_at: now, not_before: now - 30 * DAY, not_after: now - DAY / 24 }
    }

    /// One that begins an hour after `now`.
    pub fn later(now: SystemTime) -> Self {
        Self { issued_at: now, not_before: now + DAY / 24, not_after: now + 30 * DAY }
    }
}

/// A certificate and its private key, as PEM. Debug output leaves the key out.
#[derive(Clone)]
pub struct Issued {
    /// Whom the certificate names.
    pub identity: Identity,
    /// The certificate, followed by those of the authorities above it without the root.
    pub certificate_pem: String,
    /// The private key (PKCS#8).
    pub key_pem: String,
}

impl Issued {
    /// Writes `node.crt`, `node.key` (mode 0600) and `ca.crt` into a folder, which is made if missing;
    /// files of an earlier issue are replaced. Durable on return. The key goes first, so a crash in
    /// between leaves a pair that does not match, which reading reports, rather than a lost key.
    pub fn write(&self, folder: &Path, authority_pem: &str) -> Result<(), AuthorityError> {
        fs::create_dir_all(folder)
            .map_err(|source| AuthorityError::Unwritable { path: folder.to_owned(), source })?;
        write(&folder.join(KEY_FILE), &self.key_pem, files::PRIVATE_MODE)?;
        write(&folder.join(CERTIFICATE_FILE), &self.certificate_pem, files::PUBLIC_MODE)?;
        write(&folder.join(AUTHORITY_FILE), authority_pem, files::PUBLIC_MODE)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("identity", &self.identity).finish_non_exhaustive()
    }
}

pub(super) fn write(path: &Path, pem: &str, mode: u32) -> Result<(), AuthorityError> {
    files::replace(path, mode, |out| out.write_all(pem.as_bytes()))
        .map_err(|source| AuthorityError::Unwritable { path: path.to_owned(), source })
}
