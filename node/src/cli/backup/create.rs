//! `danso backup create`: what a running node gives, sealed and written piece by piece, then the signed list.

use super::{loaded, trusted};
use crate::{
    cli::{
        failure::{Failure, Outcome},
        moment, output,
        progress::Progress,
        target::{Target, TargetArguments},
        wait,
    },
    store::backup::{BackupError, BackupKey, KeyFiles, Next, Place},
    transport::{client::NodeClient, copies::Backup},
};
use clap::{Args, value_parser};
use danso_core::chain::{BackupManifest, PieceHolds, PublicKey, Signed, hex};
use danso_proto::v1::{BackupSigned, backup_answer::Message as Answer};
use danso_tier_config::{NodeConfig, limits};
use std::{fmt::Write as _, path::PathBuf};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Folder of the backups, on another disk or stick; made where it is missing
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// File of the backup key, its public half is enough; later backups take it from the folder
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Afterwards remove all but the newest N backups
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    keep: Option<u32>,
    /// Copy everything anew, not only what came since the last backup
    #[arg(long)]
    whole: bool,
    /// Put the node's key folder in, too: whoever has the backup and its key can then act as this node
    #[arg(long, requires = "config")]
    with_keys: bool,
}

/// What a backup that was made came to.
struct Made {
    manifest: BackupManifest,
    written_bytes: u64,
    faults: Vec<BackupError>,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = loaded(arguments.target.own_file())?;
    let trusted = trusted(config.as_ref())?;
    let target = arguments.target.checked()?;
    let beside = arguments.to.join("KEY");
    let key_file = match &arguments.key {
        Some(file) => file,
        None if beside.exists() => &beside,
        None => {
            let usage = "name the key by --key; danso backup key makes one";
            return Err(Failure::Usage(usage.to_owned()));
        }
    };
    let key = BackupKey::read(key_file)?;
    let place = Place::to_write(&arguments.to, target.unit, &key)?;
    let keys = match (&config, arguments.with_keys) {
        (Some(config), true) => Some(KeyFiles::read(&config.keys)?),
        _ => None,
    };
    let made = wait(make(arguments, &target, (&place, &key), trusted.as_deref(), keys.as_ref()))?;
    for fault in &made.faults {
        output::note(format_args!("{fault}; copied anew, backups before this one lack it: {}", fault.code()));
    }
    let removed = match arguments.keep {
        Some(keep) => place.prune(keep as usize, trusted.as_deref())?.backups,
        None => 0,
    };
    output::data(&told(&made, &key, &arguments.to, removed, config.as_ref(), arguments.with_keys))?;
    Ok(Outcome::Done)
}

/// Takes a backup. Where names were erased meanwhile it is begun again: an end of the ledger after that is needed.
async fn make(
    arguments: &Arguments,
    target: &Target,
    (place, key): (&Place, &BackupKey),
    trusted: Option<&[PublicKey]>,
    keys: Option<&KeyFiles>,
) -> Result<Made, Failure> {
    let client = target.connect().await?;
    for _ in 1..limits::BACKUP_ROUNDS_MAX {
        match round(&client, (place, key), trusted, arguments.whole, keys).await {
            Err(Failure::Told { code, .. }) if code == "backup_moved" => {}
            other => return other,
        }
    }
    round(&client, (place, key), trusted, arguments.whole, keys).await
}

async fn round(
    client: &NodeClient,
    (place, key): (&Place, &BackupKey),
    trusted: Option<&[PublicKey]>,
    whole: bool,
    keys: Option<&KeyFiles>,
) -> Result<Made, Failure> {
    let mut next = Next::begin(place, key, trusted, whole)?;
    let faults = std::mem::take(&mut next.faults);
    if let Some(keys) = keys {
        next.beside(PieceHolds::Keys, &keys.pack())?;
    }
    let progress = Progress::of_bytes("backup");
    let mut backup = client.backup(next.number(), key.public, &next.held()).await?;
    let mut total = 0;
    while let Some(answer) = backup.next().await? {
        match answer {
            Answer::Plan(plan) => {
                if plan.unit != place.unit().to_string() {
                    return Err(BackupError::Answer("the ledger of another unit").into());
                }
                total = plan.ledger_bytes;
                next.beside(PieceHolds::Folder, &plan.folder)?;
            }
            Answer::Part(part) => {
                next.part(part.segment, part.offset, &part.data)?;
                progress.set(next.written_bytes(), total);
            }
            Answer::Copied(copied) => backup.pieces(&next.pieces(copied.segments)?).await?,
            Answer::Signed(BackupSigned { manifest: Some(manifest), key }) => {
                let written_bytes = next.written_bytes();
                let under = key_of_list(&key, trusted, place)?;
                let signed: Signed = Backup::manifest(manifest);
                let manifest = next.finish(&signed, under)?;
                return Ok(Made { manifest, written_bytes, faults });
            }
            Answer::Signed(_) => break,
        }
    }
    Err(BackupError::Answer("no signed list").into())
}

fn key_of_list(key: &[u8], trusted: Option<&[PublicKey]>, place: &Place) -> Result<PublicKey, Failure> {
    let bytes = key.try_into().map_err(|_| BackupError::Answer("no key"))?;
    let under = PublicKey::from_bytes(bytes).map_err(|_| BackupError::Answer("a key that is none"))?;
    if trusted.is_some_and(|trusted| !trusted.contains(&under)) {
        let (path, unit) = (place.path().to_path_buf(), place.unit());
        return Err(BackupError::Signature { path, unit }.into());
    }
    Ok(under)
}

fn told(
    made: &Made,
    key: &BackupKey,
    to: &std::path::Path,
    removed: usize,
    config: Option<&NodeConfig>,
    with_keys: bool,
) -> String {
    let Made { manifest, written_bytes, .. } = made;
    let all: u64 = manifest.pieces.iter().map(|piece| piece.bytes).sum();
    let mut text = format!(
        "backup     {} of {} in {}\ntaken      {}\nup to      position {}, {} records\ntallies    {}\nheads      {}\n\
         added      {written_bytes} bytes, {all} in all in {} pieces\nsealed to  key {}\n",
        manifest.number,
        manifest.unit,
        to.display(),
        moment::local(manifest.taken_at_ms),
        manifest.position,
        manifest.records,
        manifest.tallies,
        manifest.heads,
        manifest.pieces.len(),
        key.name(),
    );
    if let Some(name) = &manifest.at_rest {
        let place = match config {
            _ if with_keys && config.is_some_and(|config| config.at_rest.is_none()) => "in the backup",
            _ => "not in the backup: keep a copy of it elsewhere",
        };
        writeln!(text, "names      need the key at rest {}, {place}", hex(name)).expect("memory takes it");
    }
    if removed > 0 {
        writeln!(text, "removed    {removed} older backups").expect("memory takes it");
    }
    text
}
