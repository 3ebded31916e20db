//! `danso rebuild`: the index of a stopped node made anew from its ledger, or its whole data folder from its
//! parent.
//!
//! | file | command |
//! |---|---|
//! | `from_parent.rs` | `danso rebuild --from-parent` |

mod from_parent;

use super::{
    failure::{Failure, Outcome},
    output,
    progress::Progress,
    verify, wait,
};
use crate::store;
use danso_core::chain::Digest;
use danso_tier_config::NodeConfig;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The node's file; the node must not be running
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Make a new data folder from what the parent holds; the old one is set aside, and what it alone has is
    /// recorded again
    #[arg(long)]
    from_parent: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = NodeConfig::load(&arguments.config)?;
    if arguments.from_parent {
        return from_parent::run(config);
    }
    let options = verify::options_of(&config)?;
    let progress = Progress::of_bytes("rebuild");
    let rebuilt = store::rebuild(options, &mut |done, total| progress.set(done, total));
    drop(progress);
    let (store, report) = rebuilt?;
    let text = {
        let view = store.view();
        let tallies = Digest(view.tallies.digest());
        let heads = view.heads_digest(view.chains.keys().copied());
        format!("records  {}\ntallies  {tallies}\nheads    {heads}\n", report.replayed)
    };
    wait(async {
        store.close().await;
        Ok(())
    })?;
    if report.cut_bytes > 0 {
        output::note(format_args!("cut a torn tail of {} bytes from the ledger", report.cut_bytes));
    }
    output::data(&text)?;
    Ok(Outcome::Done)
}
