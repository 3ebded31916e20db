//! `danso backup restore`: a new data folder with its proof; and `danso backup key`.

use super::SecretArguments;
use crate::{
    cli::{
        failure::{Failure, Outcome},
        moment, output,
        progress::Progress,
        secret::PasswordArguments,
    },
    runtime::{self, Chosen, RestoredBackup},
    store::{
        at_rest::State,
        backup::{BackupKey, Place},
    },
};
use clap::Args;
use danso_core::chain::hex;
use danso_tier_config::{NodeConfig, limits::PASSWORD_CHARS_MIN};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Folder of the backups
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The node's file; the data folder that it names must not exist
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Number of the backup; without it the newest whole one
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// Restore the key folder, too, from a backup that was made with it
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    secret: SecretArguments,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = NodeConfig::load(&arguments.config)?;
    let place = Place::to_read(&arguments.from, Some(config.unit))?;
    let secret = arguments.secret.secret(&place)?;
    let progress = Progress::of_bytes("restore");
    let chosen =
        Chosen { place: &place, number: arguments.number, secret: &secret, with_keys: arguments.with_keys };
    let restored = runtime::restore_backup(&config, &chosen, &mut |done, all| progress.set(done, all));
    drop(progress);
    let restored = restored?;
    output::data(&told(&restored, &config))?;
    for line in next_steps(&restored, &config, &arguments.config.display().to_string()) {
        output::note(line);
    }
    Ok(Outcome::Done)
}

fn told(restored: &RestoredBackup, config: &NodeConfig) -> String {
    let RestoredBackup { manifest, batches, key_files, .. } = restored;
    let keys = if *key_files > 0 { format!("keys      {key_files} files\n") } else { String::new() };
    format!(
        "restored  backup {} of {}, taken {}\ndata      {}\n{keys}\
         records   {}, as signed\nbatches   {batches}, each verified\ntallies   {}, as signed\nheads     {}, as signed\n",
        manifest.number,
        manifest.unit,
        moment::local(manifest.taken_at_ms),
        config.data.display(),
        manifest.records,
        manifest.tallies,
        manifest.heads,
    )
}

fn next_steps(restored: &RestoredBackup, config: &NodeConfig, file: &str) -> Vec<String> {
    let mut steps = Vec::new();
    if restored.names == State::Locked {
        let name = restored.manifest.at_rest.map(|name| hex(&name)).unwrap_or_default();
        steps.push(format!(
            "names cannot be read: put the key at rest {name} in its place, see at_rest_locked"
        ));
    }
    steps.push(
        "never let the computer from before run again: two copies of one node fork its chain".to_owned(),
    );
    steps.push(format!("now start the node: danso run --config {file}"));
    match &config.parent {
        Some(parent) => steps.push(format!(
            "it fetches from {} what came after the backup and records nothing before; that is done when \
             danso status --config {file} says \"connected\" and nothing is held",
            parent.unit
        )),
        None => steps.push(
            "the nodes below send again what came after the backup; what was published here since then is \
             published again"
                .to_owned(),
        ),
    }
    steps
}

#[derive(Debug, Args)]
pub(in crate::cli) struct KeyArguments {
    /// New file of the key; its public half goes beside it, with the ending .pub
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Guard the key with a passphrase: it may then lie beside the backups
    #[arg(long)]
    passphrase: bool,
    #[command(flatten)]
    password: PasswordArguments,
}

pub(in crate::cli) fn key(arguments: &KeyArguments) -> Result<Outcome, Failure> {
    let passphrase = if arguments.passphrase || arguments.password.is_stdin() {
        let typed = arguments.password.ask_new("passphrase of the new backup key: ")?;
        // The key may lie beside the backups, where whoever finds them can try for years.
        if typed.chars().count() < PASSWORD_CHARS_MIN {
            let usage = format!("a passphrase has at least {PASSWORD_CHARS_MIN} characters; take four words");
            return Err(Failure::Usage(usage));
        }
        Some(typed)
    } else {
        None
    };
    let key = BackupKey::generate(&arguments.out, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    let out = arguments.out.display();
    output::data(&format!("key      {}\nopens    {out}\nseals    {out}.pub\n", key.name()))?;
    output::note(if passphrase.is_some() {
        "without the passphrase nobody opens the backups, nobody can reset it: write it down and lock it away"
    } else {
        "without this file nobody opens the backups: keep it off this computer, twice; only the .pub file stays here"
    });
    Ok(Outcome::Done)
}
