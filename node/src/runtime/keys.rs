//! The key folder's ledger part: the secret key, its registration, and the authority that registers.
//!
//! | file | holds |
//! |---|---|
//! | `ledger.key` | 64 hexadecimal digits: the secret seed of the ledger key, mode 0600 |
//! | `ledger.registration` | the authority's signed word that the unit signs with it |
//! | `authority.pub` | 64 hexadecimal digits: the authority's public key |
//! | `authority.key` | the authority's secret seed, only where `danso keys` makes certificates |

use crate::operations::Signing;
use danso_core::chain::{LedgerKey, PublicKey, Registration, Signed};
use danso_tier_config::UnitId;
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Why ledger keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerKeyError {
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not hold what its name says.
    #[error("{} does not hold {expected}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The registration names another unit or key.
    #[error("the ledger key in {} is registered for {registered}, not for {unit}", path.display())]
    OtherUnit {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        registered: UnitId,
        /// Whose it should be.
        unit: UnitId,
    },
}

impl LedgerKeyError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ledger_key_unreadable",
            Self::Content { .. } => "ledger_key_content",
            Self::OtherUnit { .. } => "ledger_key_other_unit",
        }
    }
}

const SECRET: &str = "ledger.key";
const REGISTRATION: &str = "ledger.registration";
const AUTHORITY_PUBLIC: &str = "authority.pub";
const AUTHORITY_SECRET: &str = "authority.key";

/// Makes the authority's signing key in a folder. Refuses to replace one.
pub fn create_authority(folder: &Path) -> Result<(), LedgerKeyError> {
    let seed = random_seed();
    write_new(&folder.join(AUTHORITY_SECRET), &hex(&seed), 0o600)?;
    let public = LedgerKey::from_seed(&seed).public();
    write_new(&folder.join(AUTHORITY_PUBLIC), &hex(&public.to_bytes()), 0o644)
}

/// Makes a node's ledger key in `folder` and registers it with the authority in `authority`.
pub fn create_node(authority: &Path, folder: &Path, unit: UnitId, now_ms: u64) -> Result<(), LedgerKeyError> {
    let authority_key = LedgerKey::from_seed(&read_hex(&authority.join(AUTHORITY_SECRET))?);
    let seed = random_seed();
    let key = LedgerKey::from_seed(&seed).public().to_bytes();
    let signed = Signed::sign(&Registration { unit, key, registered_at_ms: now_ms }, &authority_key);
    write_new(&folder.join(SECRET), &hex(&seed), 0o600)?;
    write_new(
        &folder.join(REGISTRATION),
        &format!("{}\n{}", hex(&signed.bytes), hex(&signed.signature)),
        0o644,
    )?;
    write_new(&folder.join(AUTHORITY_PUBLIC), &hex(&authority_key.public().to_bytes()), 0o644)
}

/// Reads a node's signing material and checks that it belongs together and to `unit`.
pub fn read(folder: &Path, unit: UnitId) -> Result<Signing, LedgerKeyError> {
    let key = LedgerKey::from_seed(&read_hex(&folder.join(SECRET))?);
    let path = folder.join(AUTHORITY_PUBLIC);
    let authority = PublicKey::from_bytes(&read_hex(&path)?)
        .map_err(|_| LedgerKeyError::Content { path, expected: "a public key" })?;
    let path = folder.join(REGISTRATION);
    let content =
        || LedgerKeyError::Content { path: path.clone(), expected: "a registration by this authority" };
    let text = fs::read_to_string(&path).map_err(|source| LedgerKeyError::Io {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let mut lines = text.lines().map(unhex);
    let (Some(Some(bytes)), Some(Some(signature))) = (lines.next(), lines.next()) else {
        return Err(content());
    };
    let registration = Signed { bytes, signature };
    let registered: Registration = registration.verify(authority).map_err(|_| content())?;
    if registered.unit != unit || registered.key != key.public().to_bytes() {
        return Err(LedgerKeyError::OtherUnit {
            path: folder.to_path_buf(),
            registered: registered.unit,
            unit,
        });
    }
    Ok(Signing { key, registration, authority })
}

/// A second copy of a node's secret key, for the store's writer.
pub fn read_secret(folder: &Path) -> Result<LedgerKey, LedgerKeyError> {
    Ok(LedgerKey::from_seed(&read_hex(&folder.join(SECRET))?))
}

fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the system gives random bytes");
    seed
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), LedgerKeyError> {
    let io = |source| LedgerKeyError::Io { action: "write", path: path.to_path_buf(), source };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(io)?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(io)
}

fn read_hex(path: &Path) -> Result<[u8; 32], LedgerKeyError> {
    let text = fs::read_to_string(path).map_err(|source| LedgerKeyError::Io {
        action: "read",
        path: path.to_path_buf(),
        source,
    })?;
    unhex(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| LedgerKeyError::Content {
        path: path.to_path_buf(),
        expected: "64 hexadecimal digits",
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory cannot fail");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
