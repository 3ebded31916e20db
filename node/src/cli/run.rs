//! `danso run`: a node until it is told to stop.

use super::{
    failure::{Failure, Outcome},
    wait,
};
use crate::runtime::{self, RuntimeError};
use danso_tier_config::NodeConfig;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The node's file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// End at once with exit code 1 where the store cannot be opened, instead of staying up to say what mends it
    #[arg(long)]
    no_rescue: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = NodeConfig::load(&arguments.config)?;
    wait(async {
        runtime::run(config, &arguments.config, !arguments.no_rescue).await.map_err(|error| match error {
            RuntimeError::Directory(faults) => Failure::Faults(faults),
            error => Failure::of(error.code(), &error),
        })
    })?;
    Ok(Outcome::Done)
}
