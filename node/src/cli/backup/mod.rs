//! `danso backup`: copies of a running node's ledger, sealed to a key, checked, and restored with a proof.
//!
//! | file | command |
//! |---|---|
//! | `create.rs` | `danso backup create` |
//! | `verify.rs` | `danso backup verify` |
//! | `restore.rs` | `danso backup restore`; `danso backup key` |

mod create;
mod restore;
mod verify;

use super::{
    failure::{Failure, Outcome},
    secret::PasswordArguments,
};
use crate::{
    runtime::{self, RestoreBackupError},
    store::backup::{BackupError, BackupKey, BackupSecret, Place},
};
use clap::Subcommand;
use danso_core::chain::PublicKey;
use danso_tier_config::NodeConfig;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the key that opens backups, and its public half that seals them / Tạo khóa sao lưu
    Key(restore::KeyArguments),
    /// Back up a running node: what is new since the last backup in the folder / Sao lưu
    Create(create::Arguments),
    /// Check backups: sums and signatures; with the key also what is in them / Kiểm tra bản sao lưu
    Verify(verify::Arguments),
    /// Make a new data folder from a backup, and prove it / Khôi phục
    Restore(restore::Arguments),
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Key(arguments) => restore::key(arguments),
        Command::Create(arguments) => create::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Restore(arguments) => restore::run(arguments),
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl From<RestoreBackupError> for Failure {
    fn from(error: RestoreBackupError) -> Self {
        Self::of(error.code(), &error)
    }
}

/// The key that opens backups, as it is named on the command line.
#[derive(Debug, clap::Args)]
struct SecretArguments {
    /// File of the backup key; without it the one that lies beside the backups, where a passphrase guards it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PasswordArguments,
}

impl SecretArguments {
    /// The secret key of a folder of backups.
    fn secret(&self, place: &Place) -> Result<BackupSecret, Failure> {
        let key = BackupKey::read(&self.key.clone().unwrap_or_else(|| place.key_file()))?;
        let passphrase = if key.asks_passphrase() {
            Some(self.passphrase.ask("passphrase of the backup key: ")?)
        } else {
            None
        };
        Ok(key.secret(passphrase.as_ref().map(|passphrase| passphrase.as_str()))?)
    }

    /// The same where the command can do without.
    fn secret_if_named(&self, place: &Place) -> Result<Option<BackupSecret>, Failure> {
        if self.key.is_some() || self.passphrase.is_stdin() { self.secret(place).map(Some) } else { Ok(None) }
    }
}

/// The keys whose signatures count, where a node's file is named.
fn trusted(config: Option<&NodeConfig>) -> Result<Option<Vec<PublicKey>>, Failure> {
    let keys = config.map(|config| runtime::keys::own_keys(&config.keys, config.unit));
    Ok(keys.transpose()?)
}

fn loaded(file: Option<&Path>) -> Result<Option<NodeConfig>, Failure> {
    Ok(file.map(NodeConfig::load).transpose()?)
}
