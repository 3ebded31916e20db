//! `danso release publish`: closes a month and publishes its indicators.

use super::{
    failure::{Failure, Outcome},
    output,
    target::TargetArguments,
    wait,
};
use clap::Subcommand;
use danso_proto::v1::PublishReleaseRequest;
use danso_tier_config::Month;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Close a month and publish its indicators (top tier, operators only)
    Publish {
        #[command(flatten)]
        target: TargetArguments,
        /// The month, YYYY-MM
        #[arg(long, value_name = "YYYY-MM")]
        month: Month,
    },
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    let Command::Publish { target, month } = command;
    let request = PublishReleaseRequest { month: month.to_string() };
    let answer = wait(async { Ok(target.connect().await?.publish_release(request).await?) })?;
    output::data(&format!(
        "release {} of {month}, revision {}: {} rows\n",
        answer.number, answer.revision, answer.rows
    ))?;
    Ok(Outcome::Done)
}
