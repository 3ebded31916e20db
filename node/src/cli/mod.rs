//! The `danso` command: what a person types, checked, done, and shown.
//!
//! Every subcommand takes two steps: raw arguments as clap reads them, then checked ones that cannot
//! contradict each other. Data goes to stdout; notes, progress and errors go to stderr.
//!
//! | file | command |
//! |---|---|
//! | `arguments.rs` | the tree of commands |
//! | `config.rs` | `danso config check` |
//! | `directory.rs` | `danso directory import`, `check` |
//! | `keys.rs` | `danso keys init`, `node`, `person` |
//! | `renewal.rs` | `danso keys rotate`, `rewrap` |
//! | `audit.rs` | `danso audit show`, `verify`, `anchors`, `lift` |
//! | `authority.rs` | `danso authority init` |
//! | `enrol.rs` | `danso enrol` |
//! | `invite.rs` | `danso invite`, `revoke`, `certificate` |
//! | `user.rs` | `danso user signin`, `signout`, `add`, `list`, `role`, `password`, `enable`, `disable`, `remove` |
//! | `token.rs` | `danso token add`, `list`, `revoke` |
//! | `run.rs` | `danso run` |
//! | `verify.rs`, `rebuild/` | `danso verify`, `danso rebuild` |
//! | `backup/` | `danso backup key`, `create`, `verify`, `restore` |
//! | `bundle.rs` | `danso bundle export`, `import` |
//! | `chain.rs` | `danso chain inspect`, `resolve` |
//! | `query/` | `danso query count`, `units`, `heads`, `indicators` |
//! | `import/` | `danso import register`, `events`, `template` |
//! | `simulate.rs` | `danso simulate-register` |
//! | `status.rs`, `confirmed.rs`, `standings.rs`, `watching.rs` | `danso status` |
//! | `release.rs` | `danso release publish` |
//! | `person.rs` | `danso person find`, `show` |
//! | `request.rs` | `danso request open`, `list`, `acknowledge`, `extend`, `close`; `danso erase` |
//! | `setup/` | `danso setup` |
//! | `manual.rs` | `danso completions`, `danso man` |
//! | `demo/` | `danso demo` |
//!
//! | file | what all of them use |
//! |---|---|
//! | `failure.rs` | why a command ended without its result, and the exit code |
//! | `output.rs` | stdout and stderr |
//! | `log.rs` | the log: one line for each event |
//! | `sheet.rs` | rows as an aligned table or as CSV |
//! | `moment.rs` | moments in Vietnam's time, ages |
//! | `progress.rs` | the progress bar |
//! | `target.rs` | which node is asked, with whose keys, session or token |
//! | `secret.rs` | passwords and tokens: asked for, read, handed over |
//! | `files.rs` | reading and writing whole files |
//!
//! Invariants:
//! 1. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an import refused some rows.
//! 2. A failure prints a stable code, one plain sentence and the page of `deploy/runbooks` about it.
//! 3. A reader that closes stdout early is no failure.
//! 4. Personal data is printed in two places only: the list of rows that an import refused, and what
//!    `danso person` was asked for.

mod arguments;
mod audit;
mod authority;
mod backup;
mod bundle;
mod chain;
mod config;
mod confirmed;
mod demo;
mod directory;
mod enrol;
mod failure;
mod files;
mod import;
mod invite;
mod keys;
mod log;
mod manual;
mod moment;
mod output;
mod person;
mod progress;
mod query;
mod rebuild;
mod release;
mod renewal;
mod request;
mod run;
mod secret;
mod setup;
mod sheet;
mod simulate;
mod standings;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod user;
mod verify;
mod watching;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::{Failure, Outcome};
use log::Format;
use std::process::ExitCode;

/// A command as typed, understood by clap.
#[derive(Debug)]
pub struct Invocation(Command);

impl Invocation {
    /// Reads the process's arguments. Help and version are printed and end the process with 0, wrong usage with 2.
    pub fn from_arguments() -> Self {
        Self(Arguments::parse().command)
    }

    /// The level from which the command logs unless `DANSO_LOG` says otherwise.
    pub fn log_level(&self) -> &'static str {
        if matches!(self.0, Command::Run(_)) { "info" } else { "warn" }
    }

    /// How the log is written; whatever is no node talks to people.
    fn log_format(&self) -> Format {
        if let Command::Run(arguments) = &self.0 { arguments.log_format } else { Format::Plain }
    }
}

/// The whole command, as `main` and the binary under test run it.
pub fn main() -> ExitCode {
    let invocation = Invocation::from_arguments();
    let format = invocation.log_format();
    log::to_stderr(invocation.log_level(), format);
    match dispatch(invocation.0) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeRowsRefused) => ExitCode::from(3),
        // Whoever reads the log by a program gets the last word in the same form.
        Err(failure) if format == Format::Json => failure.log(),
        Err(failure) => failure.report(),
    }
}

fn dispatch(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Directory(command) => directory::run(&command),
        Command::Keys(command) => keys::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Authority(command) => authority::run(&command),
        Command::Invite(arguments) => invite::invite(&arguments),
        Command::Enrol(arguments) => enrol::run(&arguments),
        Command::Revoke(arguments) => invite::revoke(&arguments),
        Command::Certificate(arguments) => invite::certificate(&arguments),
        Command::User(command) => user::run(command),
        Command::Token(command) => token::run(command),
        Command::Backup(command) => backup::run(&command),
        Command::Bundle(command) => bundle::run(&command),
        Command::Chain(command) => chain::run(&command),
        Command::Run(arguments) => run::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Rebuild(arguments) => rebuild::run(&arguments),
        Command::Query(command) => query::run(command),
        Command::Import(command) => import::run(command),
        Command::SimulateRegister(arguments) => simulate::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Release(command) => release::run(&command),
        Command::Person(command) => person::run(&command),
        Command::Request(command) => request::run(&command),
        Command::Erase(arguments) => request::erase(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::pages(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
    }
}

/// Runs a future to its end on an async runtime of its own.
fn wait<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::told("runtime_start", format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(future);
    // What still blocks a thread is not waited for: a node that was told twice to end ends.
    runtime.shutdown_background();
    outcome
}
