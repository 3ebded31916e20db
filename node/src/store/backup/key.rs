//! The backup key: an X25519 key pair. The public half seals and may lie on the node; the secret half opens, and is kept
//! apart, plain in a file of its owner alone or sealed under a passphrase.
//!
//! ```text
//! danso backup key 1
//! public <64 hexadecimal digits>
//! secret <64 hexadecimal digits>
//! ```
//!
//! in a public file without the last line; under a passphrase with `argon2id MEMORY_KIB PASSES SALT SEALED` in its place.

use super::{
    super::{
        at_rest::sealing::{Secret, decrypt, encrypt, random},
        envelope::ReceiverKey,
    },
    BackupError, digest_of,
};
use crate::host::files;
use argon2::{Algorithm, Argon2, Params, Version};
use danso_core::chain::hex;
use danso_tier_config::limits;
use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const TITLE: &str = "danso backup key 1";
const CONTEXT: &[u8] = b"danso backup key 1: secret under a passphrase";
const SALT_BYTES: usize = 16;

/// A backup key as its file holds it.
#[derive(Clone)]
pub struct BackupKey {
    /// The public half, to which pieces are sealed.
    pub public: [u8; 32],
    path: PathBuf,
    kept: Kept,
}

/// How the secret half is kept.
#[derive(Clone)]
enum Kept {
    Nowhere,
    Plain(Secret),
    Passphrase { memory_kib: u32, passes: u32, salt: Vec<u8>, sealed: Vec<u8> },
}

/// The secret half, which opens.
pub struct BackupSecret(pub(super) ReceiverKey);

impl BackupSecret {
    /// Name of the key.
    pub fn name(&self) -> String {
        name_of(&self.0.public())
    }
}

/// What a backup key is called: the beginning of the SHA-256 of its public half.
pub(super) fn name_of(public: &[u8; 32]) -> String {
    hex(&digest_of(public).0[..8])
}

impl BackupKey {
    /// Makes a new key: its file (mode 0600) and beside it, with the ending `pub`, that of the public half. Refuses any
    /// path that exists.
    pub fn generate(path: &Path, passphrase: Option<&str>) -> Result<Self, BackupError> {
        let secret: Secret = random();
        let public = ReceiverKey::from_bytes(*secret).public();
        let kept = match passphrase {
            None => Kept::Plain(secret),
            Some(passphrase) => sealed_under(passphrase, &secret, path)?,
        };
        let key = Self { public, path: path.to_path_buf(), kept };
        let public_path = path.with_added_extension("pub");
        if public_path.exists() {
            return Err(BackupError::KeyExists { path: public_path });
        }
        write_new(path, &key.text(true), files::PRIVATE_MODE)?;
        write_new(&public_path, &key.text(false), files::PUBLIC_MODE)?;
        Ok(key)
    }

    /// Reads a key file: the public one, or the whole one. Refuses a plain secret key that others may read.
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let content = || BackupError::KeyContent { path: path.to_path_buf() };
        let file = File::open(path).map_err(BackupError::io("read", path))?;
        let mode = file.metadata().map_err(BackupError::io("read", path))?.permissions().mode();
        let mut text = Zeroizing::new(String::new());
        file.take(4_096).read_to_string(&mut text).map_err(|error| match error.kind() {
            ErrorKind::InvalidData => content(),
            _ => BackupError::io("read", path)(error),
        })?;
        let (public, kept) = parse(&text).ok_or_else(content)?;
        if matches!(kept, Kept::Plain(_)) && mode & 0o077 != 0 {
            return Err(BackupError::KeyExposed { path: path.to_path_buf(), mode: mode & 0o7777 });
        }
        Ok(Self { public, path: path.to_path_buf(), kept })
    }

    /// Name of the key.
    pub fn name(&self) -> String {
        name_of(&self.public)
    }

    /// Whether a passphrase is needed to open with it.
    pub fn asks_passphrase(&self) -> bool {
        matches!(self.kept, Kept::Passphrase { .. })
    }

    /// The secret half. Takes a second and some memory with a passphrase.
    ///
    /// Errors: [`BackupError::NoSecret`] of a public file, [`BackupError::Passphrase`] of a wrong one,
    /// [`BackupError::KeyContent`] where both halves do not belong together.
    pub fn secret(&self, passphrase: Option<&str>) -> Result<BackupSecret, BackupError> {
        let path = || self.path.clone();
        let secret = match &self.kept {
            Kept::Nowhere => return Err(BackupError::NoSecret { path: path() }),
            Kept::Plain(secret) => secret.clone(),
            Kept::Passphrase { memory_kib, passes, salt, sealed } => {
                let wrong = || BackupError::Passphrase { path: path() };
                let key = stretched(passphrase.ok_or_else(wrong)?, (*memory_kib, *passes), salt, &self.path)?;
                let plain = Zeroizing::new(decrypt(&key, CONTEXT, sealed).ok_or_else(wrong)?);
                Zeroizing::new(plain[..].try_into().map_err(|_| wrong())?)
            }
        };
        let receiver = ReceiverKey::from_bytes(*secret);
        if receiver.public() != self.public {
            return Err(BackupError::KeyContent { path: path() });
        }
        Ok(BackupSecret(receiver))
    }

    /// What lies in the backup's folder: the public half, and the secret one where a passphrase guards it.
    pub(super) fn to_lie_beside(&self) -> String {
        self.text(self.asks_passphrase()).to_string()
    }

    fn text(&self, whole: bool) -> Zeroizing<String> {
        let last = match &self.kept {
            Kept::Plain(secret) if whole => format!("secret {}\n", *Zeroizing::new(hex(&secret[..]))),
            Kept::Passphrase { memory_kib, passes, salt, sealed } if whole => {
                format!("argon2id {memory_kib} {passes} {} {}\n", hex(salt), hex(sealed))
            }
            _ => String::new(),
        };
        Zeroizing::new(format!("{TITLE}\npublic {}\n{last}", hex(&self.public)))
    }
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), BackupError> {
    files::create(path, mode, |out| out.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => BackupError::KeyExists { path: path.to_path_buf() },
        _ => BackupError::io("write", path)(error),
    })
}

fn parse(text: &str) -> Option<([u8; 32], Kept)> {
    let mut lines = text.lines();
    if lines.next()? != TITLE {
        return None;
    }
    let public = unhex(lines.next()?.strip_prefix("public ")?)?.try_into().ok()?;
    let kept = match lines.next() {
        None => Kept::Nowhere,
        Some(line) => match line.split(' ').collect::<Vec<_>>()[..] {
            ["secret", digits] => {
                Kept::Plain(Zeroizing::new(Zeroizing::new(unhex(digits)?)[..].try_into().ok()?))
            }
            ["argon2id", memory, passes, salt, sealed] => Kept::Passphrase {
                memory_kib: memory.parse().ok().filter(|kib| *kib <= limits::PASSWORD_MEMORY_KIB_MAX)?,
                passes: passes.parse().ok().filter(|passes| *passes <= limits::PASSWORD_PASSES_MAX)?,
                salt: unhex(salt)?,
                sealed: unhex(sealed)?,
            },
            _ => return None,
        },
    };
    lines.next().is_none().then_some((public, kept))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn sealed_under(passphrase: &str, secret: &Secret, path: &Path) -> Result<Kept, BackupError> {
    let salt = random::<SALT_BYTES>().to_vec();
    let cost = (limits::BACKUP_PASSPHRASE_MEMORY_KIB, limits::BACKUP_PASSPHRASE_PASSES);
    let key = stretched(passphrase, cost, &salt, path)?;
    let mut sealed = Vec::new();
    encrypt(&key, &random(), CONTEXT, &secret[..], &mut sealed);
    Ok(Kept::Passphrase { memory_kib: cost.0, passes: cost.1, salt, sealed })
}

fn stretched(
    passphrase: &str,
    (memory_kib, passes): (u32, u32),
    salt: &[u8],
    path: &Path,
) -> Result<Secret, BackupError> {
    let content = || BackupError::KeyContent { path: path.to_path_buf() };
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|_| content())?;
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.as_bytes(), salt, &mut key[..]).map_err(|_| content())?;
    Ok(key)
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_key_is_kept_plain_or_under_a_passphrase_and_its_public_file_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, guarded) = (folder.path().join("plain.key"), folder.path().join("guarded.key"));
        let made = BackupKey::generate(&plain, None).unwrap();
        assert_eq!(BackupKey::read(&plain).unwrap().secret(None).unwrap().0.public(), made.public);
        let public = BackupKey::read(&plain.with_added_extension("pub")).unwrap();
        assert_eq!(public.public, made.public);
        assert_eq!(public.secret(None).err().unwrap().code(), "backup_no_secret");
        assert_eq!(BackupKey::generate(&plain, None).err().unwrap().code(), "backup_key_exists");

        let made = BackupKey::generate(&guarded, Some("nine buffaloes")).unwrap();
        let read = BackupKey::read(&guarded).unwrap();
        assert!(read.asks_passphrase());
        assert_eq!(read.secret(Some("nine buffaloes")).unwrap().0.public(), made.public);
        for wrong in [None, Some("ten buffaloes")] {
            assert_eq!(read.secret(wrong).err().unwrap().code(), "backup_passphrase");
        }
        // What lies in the backup's folder opens with the passphrase, and never without.
        assert!(
            parse(&read.to_lie_beside()).is_some_and(|(_, kept)| matches!(kept, Kept::Passphrase { .. }))
        );
        let beside = BackupKey::read(&plain).unwrap().to_lie_beside();
        assert!(parse(&beside).is_some_and(|(_, kept)| matches!(kept, Kept::Nowhere)));
    }

    #[test]
    fn a_key_file_that_others_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.key");
        let made = BackupKey::generate(&path, None).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(BackupKey::read(&path).err().unwrap().code(), "backup_key_exposed");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let other = text.replace(&hex(&made.public), &"0".repeat(64));
        fs::write(&path, other).unwrap();
        assert_eq!(BackupKey::read(&path).unwrap().secret(None).err().unwrap().code(), "backup_key_content");
        for none in
            ["", "danso backup key 1", "danso backup key 1\npublic zz\n", "danso backup key 2\n", "\u{1F418}"]
        {
            fs::write(&path, none).unwrap();
            assert_eq!(BackupKey::read(&path).err().unwrap().code(), "backup_key_content", "{none}");
        }
        for (memory, passes) in [(u32::MAX, 1), (64, u32::MAX)] {
            fs::write(
                &path,
                format!("{TITLE}\npublic {}\nargon2id {memory} {passes} 00 00\n", hex(&made.public)),
            )
            .unwrap();
            assert_eq!(BackupKey::read(&path).err().unwrap().code(), "backup_key_content");
        }
    }
}
