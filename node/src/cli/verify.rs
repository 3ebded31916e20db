//! `danso verify`: the ledger checked from the first byte, and the index against a recount.

use super::{
    failure::{Failure, Outcome},
    output,
    progress::Progress,
};
use crate::{
    runtime,
    store::{self, Options, VerifyReport},
};
use danso_tier_config::NodeConfig;
use std::{fmt::Write as _, path::PathBuf};

/// Most differences that are listed; the rest are counted.
const LISTED_MAX: usize = 50;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The node's file; the node must not be running
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A plain copy of the node's data folder, to be checked in its place
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut config = NodeConfig::load(&arguments.config)?;
    if let Some(copy) = &arguments.data {
        config.data.clone_from(copy);
    }
    let options = options_of(&config)?;
    let progress = Progress::of_bytes("verify");
    let report = store::verify(&options, &mut |done, total| progress.set(done, total));
    drop(progress);
    let report = report?;
    if report.torn_bytes > 0 {
        let bytes = report.torn_bytes;
        output::note(format_args!(
            "{bytes} bytes behind the last record are of no record: the next start clears them"
        ));
    }
    output::data(&shown(&report))?;
    match report.differences.len() {
        0 => Ok(Outcome::Done),
        count => {
            let sentence =
                format!("index and ledger differ in {count} places; danso rebuild makes the index anew");
            Err(Failure::told("verify_differs", sentence))
        }
    }
}

/// How the store of a node that is not running is opened. A folder that is not there is not made.
pub(super) fn options_of(config: &NodeConfig) -> Result<Options, Failure> {
    if !config.data.is_dir() {
        let sentence = format!("no data folder {}, the node never ran here", config.data.display());
        return Err(Failure::told("folder_missing", sentence));
    }
    runtime::keys::read(&config.keys, config.unit)?;
    Ok(runtime::store_options(config)?)
}

fn shown(report: &VerifyReport) -> String {
    let VerifyReport { records, batches, compacted, tallies, heads, torn_bytes: _, differences } = report;
    let mut text = format!("records  {records}\nbatches  {batches}\ntallies  {tallies}\nheads    {heads}\n");
    if *compacted > 0 {
        writeln!(text, "compacted {compacted} batches without names, by [retention]")
            .expect("writing to memory cannot fail");
    }
    for difference in differences.iter().take(LISTED_MAX) {
        writeln!(text, "differs  {difference}").expect("writing to memory cannot fail");
    }
    if let Some(more) = differences.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
        writeln!(text, "differs  and {more} more").expect("writing to memory cannot fail");
    }
    text
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_core::chain::Digest;

    #[test]
    fn digests_and_the_first_differences_are_shown() {
        let mut report = VerifyReport {
            records: 12,
            batches: 3,
            compacted: 0,
            tallies: Digest([0xab; 32]),
            heads: Digest([0; 32]),
            torn_bytes: 0,
            differences: Vec::new(),
        };
        let expected =
            format!("records  12\nbatches  3\ntallies  {}\nheads    {}\n", "ab".repeat(32), "00".repeat(32));
        assert_eq!(shown(&report), expected);
        report.compacted = 2;
        assert!(shown(&report).ends_with("compacted 2 batches without names, by [retention]\n"));
        report.compacted = 0;
        report.differences = (0..=LISTED_MAX).map(|number| format!("place {number}")).collect();
        let text = shown(&report);
        assert_eq!(text.lines().count(), 4 + LISTED_MAX + 1);
        assert_eq!(text.lines().last(), Some("differs  and 1 more"));
    }
}
