//! `danso setup`: a new node's file, written from the few answers that an operator has, checked, and never over
//! another one without asking.
//!
//! | file | holds |
//! |---|---|
//! | `dialogue.rs` | questions and who answers them: a person at a terminal, or the options alone |
//! | `units.rs` | which unit is meant by a name without marks or a code |
//! | `place.rs` | where the unit stands: its tier, hierarchy and parent |
//! | `answers.rs` | the questions in order, and the configuration that they come to |
//! | `writing.rs` | what is written, and what is typed next |
//! | `enrolling.rs` | the invitation: `danso enrol` as the user who owns the node's folder |
//!
//! Invariants:
//! 1. The questions know no terminal; every one can be answered by an option instead.
//! 2. Only a configuration that reads back without a fault is written.
//! 3. Answers default to the file that is there, so that a repeat gives the same file.

mod answers;
mod dialogue;
mod enrolling;
mod place;
#[cfg(test)]
mod tests;
mod units;
mod writing;

use super::{
    failure::{Failure, Outcome},
    output,
};
use dialogue::{AtTerminal, Dialogue, Silent};
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// The node's file of an installed package.
const INSTALLED_FILE: &str = "/etc/danso/node.toml";
/// The folder of everything that an installed node writes.
const INSTALLED_HOME: &str = "/var/lib/danso";

#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// The node's unit: its name without marks, `ba dinh, ha noi`, its code, or 00004@2025-07-01
    #[arg(long, value_name = "NAME|CODE")]
    unit: Option<String>,
    /// The list of all units, as the office above hands it out; without it the list comes with the enrolment
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Where the node above listens
    #[arg(long, value_name = "HOST[:PORT]")]
    parent_address: Option<String>,
    /// The unit above, where no list is at hand
    #[arg(long, value_name = "UNIT")]
    parent_unit: Option<String>,
    /// The unit's tier, where no list is at hand
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
    /// three-tier, four-tier, or a profile file; without it what fits the unit and its parent
    #[arg(long, value_name = "NAME|FILE")]
    hierarchy: Option<String>,
    /// The folder of the data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the node listens; without it a node that records is reached from its own computer only
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    /// Keep names on this node: only what counting needs passes upward
    #[arg(long)]
    names_stay: bool,
    /// The invitation of the node above, to enrol at once
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// The file to write; without it /etc/danso/node.toml where the package is installed, else node.toml here
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Ask nothing: what no option says is taken as proposed
    #[arg(long)]
    yes: bool,
    /// Replace a file that says something else; the former one is kept beside it as .old
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let out = out_file(arguments)?;
    if arguments.yes || !std::io::stdin().is_terminal() {
        set_up(arguments, &out, &mut Silent)
    } else {
        set_up(arguments, &out, &mut AtTerminal)
    }
}

fn set_up(arguments: &Arguments, out: &Path, dialogue: &mut dyn Dialogue) -> Result<Outcome, Failure> {
    let answers = answers::ask(arguments, out, dialogue)?;
    if !writing::write(&answers, out, arguments.overwrite, dialogue)? {
        output::note("không ghi gì / nothing was written");
        return Ok(Outcome::Done);
    }
    let enrolled = enrolling::enrol(&answers.config, out, answers.token.as_deref(), dialogue)?;
    output::data(&writing::next_steps(&answers.config, out, enrolled))?;
    Ok(Outcome::Done)
}

/// The file to write, absolute: paths inside it are then independent of where the command was typed.
fn out_file(arguments: &Arguments) -> Result<PathBuf, Failure> {
    let installed = Path::new(INSTALLED_FILE);
    let folder = installed.parent().expect("the file lies in a folder");
    let writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok();
    let out = match &arguments.out {
        Some(out) => out,
        None if writable => installed,
        None => Path::new("node.toml"),
    };
    absolute(out)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::told("file_unwritable", format!("cannot make a full path of {}: {error}", path.display()))
    })
}
