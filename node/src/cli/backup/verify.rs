//! `danso backup verify`: what can be told of backups with the key that opens them, and without.

use super::{SecretArguments, loaded, trusted};
use crate::{
    cli::{
        failure::{Failure, Outcome},
        moment, output,
        progress::Progress,
    },
    store::backup::{CheckedBackup, Depth, Listed, Place},
};
use clap::Args;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Folder of the backups
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Number of one backup; without it all are checked, and the newest is opened where a key is named
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// The node's file: signatures count only under this node's keys
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    secret: SecretArguments,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = loaded(arguments.config.as_deref())?;
    let trusted = trusted(config.as_ref())?;
    let place = Place::to_read(&arguments.from, config.as_ref().map(|config| config.unit))?;
    let secret = arguments.secret.secret_if_named(&place)?;
    // Where there is none, or not that one, this says so.
    let newest = place.find(arguments.number, trusted.as_deref())?.number;
    let listed = place.listed(trusted.as_deref())?;
    let asked = |found: &&Listed| arguments.number.is_none_or(|number| number == found.number);
    let mut seen = BTreeMap::new();
    let (mut text, mut codes) = (format!("unit      {}\n", place.unit()), Vec::new());
    for found in listed.iter().filter(asked) {
        let depth = match &secret {
            Some(secret) if found.number == newest => Depth::Opened(secret),
            _ => Depth::Sums,
        };
        let (line, mut wrong) = checked(&place, found, depth, &mut seen);
        text.push_str(&line);
        codes.append(&mut wrong);
    }
    output::data(&text)?;
    if trusted.is_none() {
        output::note(
            "signatures were checked with the key that each list names; --config checks whose key that is",
        );
    }
    if secret.is_none() {
        output::note(
            "nothing was opened: with --key what is in the newest backup is checked record by record",
        );
    }
    match codes.first() {
        None => Ok(Outcome::Done),
        Some(code) => {
            let sentence =
                format!("{} faults were found; the next backup copies anew what is damaged", codes.len());
            Err(Failure::told(code.clone(), sentence))
        }
    }
}

/// One line or more about a backup, and the codes of what is wrong with it.
fn checked(
    place: &Place,
    found: &Listed,
    depth: Depth<'_>,
    seen: &mut BTreeMap<String, bool>,
) -> (String, Vec<String>) {
    let number = found.number;
    let manifest = match &found.manifest {
        Err(error) => {
            return (format!("{number:<9} {error}: {}\n", error.code()), vec![error.code().to_owned()]);
        }
        Ok(manifest) => manifest,
    };
    let progress = Progress::of_bytes("verify");
    let CheckedBackup { bytes, faults } =
        place.check(manifest, depth, seen, &mut |done, all| progress.set(done, all));
    drop(progress);
    let said = match (&depth, faults.is_empty()) {
        (_, false) => format!("{} faults", faults.len()),
        (Depth::Sums, true) => "whole".to_owned(),
        (Depth::Opened(_), true) => "whole, every record read".to_owned(),
    };
    let signer = found.signer.map(|signer| signer.id().to_string()).unwrap_or_default();
    let mut text = format!(
        "{number:<9} {}, position {}, {} records, {bytes} bytes in {} pieces, signed with {signer}: {said}\n",
        moment::local(manifest.taken_at_ms),
        manifest.position,
        manifest.records,
        manifest.pieces.len(),
    );
    for fault in &faults {
        writeln!(text, "          {fault}: {}", fault.code()).expect("memory takes it");
    }
    (text, faults.iter().map(|fault| fault.code().to_owned()).collect())
}
