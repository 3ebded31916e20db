//! The key folder's ledger part: the secret key, its registration, and the authority that registers.
//!
//! | file | holds |
//! |---|---|
//! | `ledger.key` | 64 hexadecimal digits: the secret seed of the ledger key, mode 0600 |
//! | `ledger.key.next` | the key that a rotation is about to put in its place |
//! | `ledger.registration` | signed registrations and grants, two lines each: those above from the top down, then the own ones, the oldest first |
//! | `authority.pub` | 64 hexadecimal digits: the authority's public key |
//! | `authority.key` | the authority's secret seed, only where `danso keys` makes certificates |
//!
//! `error.rs` holds what can be wrong with them.

mod error;

use crate::{
    host::files,
    operations::{KeyFolder, KeyFolderError, Signing},
};
use danso_core::chain::{
    Epoch, Grantor, KeyClaim, KeyGrant, LedgerKey, PublicKey, Registration, Signed, Statement as _, hex,
    key_subject, stored_epoch,
};
use danso_tier_config::UnitId;
pub use error::LedgerKeyError;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

const SECRET: &str = "ledger.key";
const NEXT_SECRET: &str = "ledger.key.next";
const REGISTRATION: &str = "ledger.registration";
const AUTHORITY_PUBLIC: &str = "authority.pub";
const AUTHORITY_SECRET: &str = "authority.key";

/// Makes the authority's signing key in a folder. Refuses to replace one.
pub fn create_authority(folder: &Path) -> Result<(), LedgerKeyError> {
    let seed = random_seed();
    write_new(&folder.join(AUTHORITY_SECRET), &hex(&seed), files::PRIVATE_MODE)?;
    let public = LedgerKey::from_seed(&seed).public();
    write_new(&folder.join(AUTHORITY_PUBLIC), &hex(&public.to_bytes()), files::PUBLIC_MODE)
}

/// Makes a node's ledger key in `folder` and registers it with the authority in `authority`.
pub fn create_node(authority: &Path, folder: &Path, unit: UnitId, now_ms: u64) -> Result<(), LedgerKeyError> {
    let authority_key = LedgerKey::from_seed(&read_hex(&authority.join(AUTHORITY_SECRET))?);
    let seed = random_seed();
    let key = LedgerKey::from_seed(&seed).public().to_bytes();
    let signed = Signed::sign(&Registration { unit, key, registered_at_ms: now_ms }, &authority_key);
    write_new(&folder.join(SECRET), &hex(&seed), files::PRIVATE_MODE)?;
    write_new(
        &folder.join(REGISTRATION),
        &format!("{}\n{}", hex(&signed.bytes), hex(&signed.signature)),
        files::PUBLIC_MODE,
    )?;
    write_new(&folder.join(AUTHORITY_PUBLIC), &hex(&authority_key.public().to_bytes()), files::PUBLIC_MODE)
}

/// Reads a node's signing material and checks that it belongs together and to `unit`.
pub fn read(folder: &Path, unit: UnitId) -> Result<Signing, LedgerKeyError> {
    let key = read_secret(folder)?;
    let path = folder.join(AUTHORITY_PUBLIC);
    let authority = PublicKey::from_bytes(&read_hex(&path)?)
        .map_err(|_| LedgerKeyError::Content { path, expected: "a public key" })?;
    let registrations = read_registrations(folder)?;
    let content = || LedgerKeyError::Content {
        path: folder.join(REGISTRATION),
        expected: "a registration by this authority",
    };
    let mut own = Vec::new();
    for signed in &registrations {
        if signed.bytes.starts_with(&Registration::MAGIC) {
            signed.verify::<Registration>(authority).map_err(|_| content())?;
        }
        if key_subject(signed).map_err(|_| content())? == unit {
            own.push(stored_epoch(signed).map_err(|_| content())?);
        }
    }
    let Some(latest) = own.last() else {
        let named = registrations.last().and_then(|signed| key_subject(signed).ok());
        let registered = named.ok_or_else(content)?;
        return Err(LedgerKeyError::OtherUnit { path: folder.to_path_buf(), registered, unit });
    };
    let next = read_next(folder)?;
    let held = [Some(key.public()), next.map(|next| next.public())];
    if !held.contains(&Some(latest.key)) {
        return Err(content());
    }
    Ok(Signing::new(key, registrations, authority))
}

/// A second copy of a node's secret key, for the store's writer.
pub fn read_secret(folder: &Path) -> Result<LedgerKey, LedgerKeyError> {
    Ok(LedgerKey::from_seed(&read_hex(&folder.join(SECRET))?))
}

/// The key that a rotation was about to put in place, where one was cut short.
pub fn read_next(folder: &Path) -> Result<Option<LedgerKey>, LedgerKeyError> {
    let path = folder.join(NEXT_SECRET);
    if path.exists() { Ok(Some(LedgerKey::from_seed(&read_hex(&path)?))) } else { Ok(None) }
}

/// Makes the next ledger key, durable on return, for [`finish_rotation`]. One left by a rotation that was cut
/// short before it was granted is used again.
pub fn prepare_rotation(folder: &Path) -> Result<LedgerKey, LedgerKeyError> {
    if let Some(next) = read_next(folder)? {
        return Ok(next);
    }
    write_new(&folder.join(NEXT_SECRET), &hex(&random_seed()), files::PRIVATE_MODE)?;
    read_next(folder)?.ok_or_else(|| LedgerKeyError::Content {
        path: folder.join(NEXT_SECRET),
        expected: "64 hexadecimal digits",
    })
}

/// Puts the next key in the place of the one in force, with its grant. A repeat changes nothing.
pub fn finish_rotation(folder: &Path, grant: &Signed) -> Result<(), LedgerKeyError> {
    let mut registrations = read_registrations(folder)?;
    if !registrations.contains(grant) {
        registrations.push(grant.clone());
        write_registrations(folder, &registrations)?;
    }
    let (next, path) = (folder.join(NEXT_SECRET), folder.join(SECRET));
    if next.exists() {
        let io = |source| LedgerKeyError::Io { action: "replace", path: path.clone(), source };
        files::rename(&next, &path).map_err(io)?;
    }
    Ok(())
}

/// Makes a new secret ledger key in a folder, durable on return; one that is there already is used again.
pub fn create_secret(folder: &Path) -> Result<LedgerKey, LedgerKeyError> {
    let path = folder.join(SECRET);
    if !path.exists() {
        write_new(&path, &hex(&random_seed()), files::PRIVATE_MODE)?;
    }
    read_secret(folder)
}

/// The secret key of the authority of the whole tree, where this folder holds it.
pub fn read_authority(folder: &Path) -> Result<LedgerKey, LedgerKeyError> {
    Ok(LedgerKey::from_seed(&read_hex(&folder.join(AUTHORITY_SECRET))?))
}

/// Writes what enrolment brought: the authority's public key, and registrations with the own ones last. Rotations
/// that the folder has and a new parent does not know yet stay.
pub fn write_granted(
    folder: &Path,
    registrations: &[Signed],
    authority: PublicKey,
) -> Result<(), LedgerKeyError> {
    let path = folder.join(AUTHORITY_PUBLIC);
    let text = format!("{}\n", hex(&authority.to_bytes()));
    files::replace(&path, files::PUBLIC_MODE, |out| out.write_all(text.as_bytes()))
        .map_err(|source| LedgerKeyError::Io { action: "write", path, source })?;
    let mut registrations = registrations.to_vec();
    let former = read_registrations(folder).unwrap_or_default();
    while let Some(next) = registrations.last().and_then(|last| rotation_after(last, &former)) {
        if registrations.contains(&next) {
            break;
        }
        registrations.push(next);
    }
    write_registrations(folder, &registrations)
}

/// Among grants the rotation by which a unit's key was replaced.
fn rotation_after(last: &Signed, grants: &[Signed]) -> Option<Signed> {
    let (unit, Epoch { key, .. }) = (key_subject(last).ok()?, stored_epoch(last).ok()?);
    let follows = |signed: &&Signed| {
        let grant = signed.verify::<KeyGrant>(key).ok().filter(|grant| grant.grantor == Grantor::Former);
        let claim = grant.and_then(|grant| grant.claim.decode_trusted::<KeyClaim>().ok());
        claim.is_some_and(|claim| claim.unit == unit && claim.replaces == Some(key.id()))
    };
    grants.iter().find(follows).cloned()
}

/// The claim with which a unit's chain began, where the key folder has it: a new parent grants that key, and those
/// that replaced it follow from it.
pub fn first_claim(folder: &Path, unit: UnitId) -> Option<Signed> {
    let grants = read_registrations(folder).ok()?;
    grants.iter().find_map(|signed| {
        let claim = signed.decode_trusted::<KeyGrant>().ok()?.claim;
        let claimed: KeyClaim = claim.decode_trusted().ok()?;
        (claimed.unit == unit && claimed.replaces.is_none()).then_some(claim)
    })
}

/// All ledger keys that a unit has had, by its key folder: what counts as its signature.
pub fn own_keys(folder: &Path, unit: UnitId) -> Result<Vec<PublicKey>, LedgerKeyError> {
    let signing = read(folder, unit)?;
    let own = signing
        .registrations
        .iter()
        .filter(|signed| key_subject(signed).is_ok_and(|subject| subject == unit));
    let epochs = own.filter_map(|signed| stored_epoch(signed).ok()).map(|epoch| epoch.key);
    Ok(epochs.chain([signing.key().public()]).collect())
}

/// The registrations and grants of a key folder, in their order.
pub(super) fn read_registrations(folder: &Path) -> Result<Vec<Signed>, LedgerKeyError> {
    let path = folder.join(REGISTRATION);
    let text = fs::read_to_string(&path).map_err(|source| LedgerKeyError::Io {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let lines: Option<Vec<Vec<u8>>> = text.lines().map(unhex).collect();
    let content = || LedgerKeyError::Content { path: path.clone(), expected: "registrations" };
    let lines = lines.filter(|lines| !lines.is_empty() && lines.len() % 2 == 0).ok_or_else(content)?;
    let signed = lines.chunks_exact(2);
    Ok(signed.map(|pair| Signed { bytes: pair[0].clone(), signature: pair[1].clone() }).collect())
}

fn write_registrations(folder: &Path, registrations: &[Signed]) -> Result<(), LedgerKeyError> {
    let path = folder.join(REGISTRATION);
    let lines: Vec<String> =
        registrations.iter().flat_map(|signed| [hex(&signed.bytes), hex(&signed.signature)]).collect();
    let text = lines.join("\n") + "\n";
    files::replace(&path, files::PUBLIC_MODE, |out| out.write_all(text.as_bytes()))
        .map_err(|source| LedgerKeyError::Io { action: "write", path, source })
}

fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the system gives random bytes");
    seed
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), LedgerKeyError> {
    let io = |source| LedgerKeyError::Io { action: "write", path: path.to_path_buf(), source };
    files::create(path, mode, |out| writeln!(out, "{text}")).map_err(io)
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

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The key folder of a node, for rotations while it runs.
pub(super) struct Folder(pub PathBuf);

impl KeyFolder for Folder {
    fn prepare(&self) -> Result<LedgerKey, KeyFolderError> {
        prepare_rotation(&self.0).map_err(told)
    }

    fn finish(&self, grant: &Signed) -> Result<(), KeyFolderError> {
        finish_rotation(&self.0, grant).map_err(told)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn told(error: LedgerKeyError) -> KeyFolderError {
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    KeyFolderError { code: error.code(), message: format!("{error}{}", source.unwrap_or_default()) }
}
