//! What can go wrong with encryption at rest, with stable codes.

use super::KeyName;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// An error of encryption at rest. None of them shows a key or a sealed value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AtRestError {
    /// The system refused something on a key file.
    #[error("cannot {action} the key file {}", path.display())]
    KeyFile {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A key is to be made where a file is already.
    #[error("there is already a file {}, a key never replaces one", path.display())]
    KeyExists {
        /// Which file.
        path: PathBuf,
    },
    /// The key file does not hold a key.
    #[error("{} does not hold a key, which is 64 hexadecimal digits", path.display())]
    KeyContent {
        /// Which file.
        path: PathBuf,
    },
    /// Others than its owner may read the key file.
    #[error("others may read the key file {}, its mode is {mode:04o} instead of 0600", path.display())]
    KeyExposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file lies in the folder that it protects.
    #[error("the key file {} lies inside the data folder {}", key.display(), data.display())]
    KeyInside {
        /// The key file, as it was named.
        key: PathBuf,
        /// The data folder, as it was named.
        data: PathBuf,
    },
    /// The key given is not the one under which the data key is wrapped.
    #[error("key {given} does not open {}, which is wrapped under key {expected}", path.display())]
    WrongKey {
        /// The file AT-REST.
        path: PathBuf,
        /// Name of the key given.
        given: KeyName,
        /// Name of the key that opens it.
        expected: KeyName,
    },
    /// The system refused something on the file AT-REST.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// There is no AT-REST where one is needed.
    #[error("there is no {}, without which nothing that was encrypted here can be read", path.display())]
    Missing {
        /// The file AT-REST.
        path: PathBuf,
    },
    /// AT-REST is not as it was written.
    #[error("{} is damaged", path.display())]
    FileDamaged {
        /// The file AT-REST.
        path: PathBuf,
    },
    /// AT-REST was written by a newer program.
    #[error("{} has format {format}, newer than this program's {}", path.display(), super::wrapped::FORMAT)]
    FileNewer {
        /// The file AT-REST.
        path: PathBuf,
        /// Its format.
        format: u8,
    },
    /// A sealed value was altered, cut, sealed elsewhere, or belongs to another record.
    #[error("a sealed value of {bytes} bytes does not open with this folder's key")]
    Damaged {
        /// Its length.
        bytes: usize,
    },
    /// A sealed value of a format that this program does not know.
    #[error("a sealed value has format {format}, which this program does not know")]
    Newer {
        /// Its format.
        format: u8,
    },
    /// A sealed value, and no key to open it.
    #[error("personal data is encrypted and this node was started without its key")]
    Locked,
}

impl AtRestError {
    pub(super) fn key_file(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::KeyFile { action, path: path.clone(), source: Arc::new(source) }
    }

    pub(super) fn file(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path: path.clone(), source: Arc::new(source) }
    }

    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyFile { source, .. } | Self::File { source, .. }
                if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                "disk_full"
            }
            Self::KeyFile { .. } => "at_rest_key_unusable",
            Self::KeyExists { .. } => "at_rest_key_exists",
            Self::KeyContent { .. } => "at_rest_key_content",
            Self::KeyExposed { .. } => "at_rest_key_exposed",
            Self::KeyInside { .. } => "at_rest_key_inside",
            Self::WrongKey { .. } => "at_rest_wrong_key",
            Self::File { .. } => "at_rest_unusable",
            Self::Missing { .. } => "at_rest_missing",
            Self::FileDamaged { .. } | Self::Damaged { .. } => "at_rest_damaged",
            Self::FileNewer { .. } | Self::Newer { .. } => "at_rest_newer_format",
            Self::Locked => "at_rest_locked",
        }
    }
}
