//! `danso run`: a node until it is told to stop.

use super::{
    failure::{Failure, Outcome},
    log::Format,
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
    /// How the log on stderr is written: plain lines for people, or one JSON object a line for programs
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, env = "DANSO_LOG_FORMAT")]
    pub log_format: Format,
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
