//! `danso import`: the A0 book and P0 sheets sent to the node that records them.
//!
//! | file | does |
//! |---|---|
//! | `send.rs` | sends a file and follows its rows |
//! | `chunks.rs` | a file read piece by piece |
//! | `faults.rs` | the refused rows on the screen and in the officer's report file |
//! | `template.rs` | an empty file of a form |
//!
//! Invariants:
//! 1. Refused rows are shown to the officer and written to the report, nowhere else: they hold personal data.
//! 2. The report file can be read by its owner alone.

mod chunks;
mod faults;
mod send;
mod template;

use super::failure::{Failure, Outcome};
use clap::Subcommand;
use danso_proto::v1::ImportForm;
use danso_tier_config::Date;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Import the A0 book: households and persons / Nhập sổ A0
    Register {
        #[command(flatten)]
        file: send::Arguments,
        /// The day the register is as of; without it today
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<Date>,
    },
    /// Import P0 sheets: the month's events / Nhập phiếu P0
    Events {
        #[command(flatten)]
        file: send::Arguments,
    },
    /// Write an empty file of a form with explanations / Tệp mẫu
    Template(template::Arguments),
}

pub(super) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Register { file, as_of } => send::run(&file, ImportForm::Register, as_of),
        Command::Events { file } => send::run(&file, ImportForm::Events, None),
        Command::Template(arguments) => template::run(&arguments),
    }
}
