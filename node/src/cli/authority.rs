//! `danso authority`: the beginning of a tree, at its top node.

use super::{
    failure::{Failure, Outcome},
    output,
};
use crate::{
    operations::now_ms,
    runtime::keys,
    transport::enrolment::{found_tree, is_authority},
};
use clap::Subcommand;
use danso_core::chain::{BatchNumber, Digest, Grantor, KeyClaim, KeyGrant, LedgerKey, Signed};
use danso_tier_config::{NodeConfig, UnitId};
use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the root of the tree and the keys of the top node / Tạo gốc tin cậy và khóa của nút trung ương
    Init {
        /// The top node's file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// New folder for the root; take it off this computer afterwards and lock it away
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    let Command::Init { config, root } = command;
    let config = NodeConfig::load(config)?;
    if let Some(parent) = &config.parent {
        let sentence = format!("{} has a parent, {}: use danso enrol there", config.unit, parent.unit);
        return Err(Failure::told("authority_not_top", sentence));
    }
    let levels = config.hierarchy.tiers().len().saturating_sub(2);
    let path_length = u8::try_from(levels).unwrap_or(u8::MAX);
    if is_authority(&config.keys) {
        let sentence = format!("{} holds an authority already", config.keys.display());
        return Err(Failure::told("authority_exists", sentence));
    }
    keys_folder(&config.keys)?;
    found_tree(root, &config.keys, config.unit, (path_length, &config.names), SystemTime::now())?;
    keys::create_authority(root)?;
    let authority = keys::read_authority(root)?;
    let key = keys::create_secret(&config.keys)?;
    let claim = first_claim(config.unit, &key);
    let grant = KeyGrant { claim, grantor: Grantor::Authority, granted_at_ms: now_ms() };
    let grant = Signed::sign(&grant, &authority);
    keys::write_granted(&config.keys, &[grant], authority.public())?;
    output::data(&format!(
        "root in {}: take it off this computer and lock it away\nkeys of {} in {}\n",
        root.display(),
        config.unit,
        config.keys.display()
    ))?;
    Ok(Outcome::Done)
}

/// A unit's claim to its first key.
pub(super) fn first_claim(unit: UnitId, key: &LedgerKey) -> Signed {
    claim(unit, key, None, (BatchNumber(0), Digest::default()))
}

/// A unit's claim to a key.
pub(super) fn claim(
    unit: UnitId,
    key: &LedgerKey,
    replaces: Option<danso_core::chain::KeyId>,
    (after, hash): (BatchNumber, Digest),
) -> Signed {
    let public = key.public().to_bytes();
    Signed::sign(&KeyClaim { unit, key: public, replaces, after, hash, claimed_at_ms: now_ms() }, key)
}

/// Makes the folder of the keys, closed to others.
pub(super) fn keys_folder(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        Failure::told("authority_unwritable", format!("cannot write {}: {error}", folder.display()))
    })
}
