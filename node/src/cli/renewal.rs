//! `danso keys rotate` and `danso keys rewrap`: keys of a node that are replaced.

use super::{
    failure::{Failure, Outcome},
    output,
    progress::Progress,
    target::TargetArguments,
    wait,
};
use crate::runtime;
use clap::Args;
use danso_tier_config::NodeConfig;
use std::{fmt::Write as _, path::PathBuf};

/// A new ledger key for a running node.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    target: TargetArguments,
}

/// A new key at rest for a stopped node.
#[derive(Debug, Args)]
pub(super) struct Rewrap {
    /// The node's file; the node must not be running
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// File of the new key, made where there is none; without it the new key takes the old one's place
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
}

pub(super) fn rotate(arguments: &Rotate) -> Result<Outcome, Failure> {
    let rotated = wait(async { Ok(arguments.target.connect().await?.rotate_key().await?) })?;
    let told = format!(
        "former key   {}\nnew key      {}\nafter batch  {}\n",
        rotated.former_key, rotated.key, rotated.after_number
    );
    output::data(&told)?;
    Ok(Outcome::Done)
}

pub(super) fn rewrap(arguments: &Rewrap) -> Result<Outcome, Failure> {
    let config = NodeConfig::load(&arguments.config)?;
    let progress = Progress::of_bytes("rewrap");
    let rewrapped = wait(async {
        let mut tell = |done, all| progress.set(done, all);
        Ok(runtime::rewrap(&config, arguments.new_key.as_deref(), &mut tell).await?)
    });
    drop(progress);
    let rewrapped = rewrapped?;
    let mut told = format!("key at rest  {}\n", rewrapped.key.display());
    if let Some(former) = &rewrapped.former {
        writeln!(told, "former key   {}", former.display()).expect("writing to memory cannot fail");
    }
    output::data(&told)?;
    if rewrapped.setting_needed {
        let key = rewrapped.key.display();
        output::note(format_args!("before the node starts, write into its file: [keys] at_rest = \"{key}\""));
    }
    output::note(
        "keep the former key as long as a copy of the data folder from before is kept; it opens that copy",
    );
    Ok(Outcome::Done)
}
