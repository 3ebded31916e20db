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
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = NodeConfig::load(&arguments.config)?;
    wait(async {
        runtime::run(config).await.map_err(|error| match error {
            RuntimeError::Directory(faults) => Failure::Faults(faults),
            error => Failure::of(error.code(), &error),
        })
    })?;
    Ok(Outcome::Done)
}
