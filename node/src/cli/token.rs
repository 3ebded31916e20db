//! `danso token`: sessions and API tokens of a node.

use super::{
    failure::{Failure, Outcome},
    moment::local,
    output, secret,
    sheet::{Sheet, Side},
    target::{NodeArguments, TargetArguments},
    user::role_parser,
    wait,
};
use crate::operations::accounts::Role;
use clap::Subcommand;
use danso_proto::v1::{MakeTokenRequest, Program, TokenRow, make_token_request::Holder};
use std::path::PathBuf;

/// Days for which a token is good unless told otherwise.
const DAYS_DEFAULT: &str = "90";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an API token; its text is given once, into a file or to stdout
    Add(Add),
    /// List sessions and tokens: those that you manage, or your own
    List {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// End a session or token at once
    Revoke {
        /// Its id, as `danso token list` shows it
        id: String,
        #[command(flatten)]
        target: TargetArguments,
    },
}

/// A token to be made.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The account whose token it is; without it that of a program
    #[arg(long, value_name = "NAME", conflicts_with_all = ["program", "role", "unit"])]
    account: Option<String>,
    /// Name of the program
    #[arg(long, value_name = "NAME", required_unless_present = "account", requires_all = ["role", "unit"])]
    program: Option<String>,
    /// What the program may do
    #[arg(long, value_parser = role_parser())]
    role: Option<Role>,
    /// The topmost unit for which it may do it, by id or code
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// Days for which it is good
    #[arg(long, default_value = DAYS_DEFAULT)]
    days: u32,
    /// File for the token, readable for you alone
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Add(arguments) => add(arguments)?,
        Command::List { target } => {
            let listed = wait(async { Ok(target.connect().await?.list_tokens().await?) })?;
            output::data(&sheet(listed.tokens).table())?;
        }
        Command::Revoke { id, target } => {
            wait(async { Ok(target.connect().await?.revoke_token(&id).await?) })?;
        }
    }
    Ok(Outcome::Done)
}

fn add(arguments: Add) -> Result<(), Failure> {
    let Add { account, program, role, unit, label, days, out, node } = arguments;
    let holder = match (account, program, role, unit) {
        (Some(account), ..) => Holder::Account(account),
        (None, Some(name), Some(role), Some(unit)) => {
            Holder::Program(Program { name, role: role.to_string(), unit })
        }
        _ => {
            let usage = "name the holder by --account, or by --program, --role and --unit";
            return Err(Failure::Usage(usage.to_owned()));
        }
    };
    let request = MakeTokenRequest { holder: Some(holder), label, days };
    let made = wait(async { Ok(node.connect().await?.make_token(request).await?) })?;
    secret::hand_over(&made.token, out.as_deref())?;
    output::note(format_args!("token {} is good until {}", made.id, local(made.expires_at_ms)));
    Ok(())
}

fn sheet(tokens: Vec<TokenRow>) -> Sheet {
    let mut sheet = Sheet::new([
        ("id", Side::Left),
        ("kind", Side::Left),
        ("name", Side::Left),
        ("role", Side::Left),
        ("unit", Side::Left),
        ("state", Side::Left),
        ("expires", Side::Left),
        ("used", Side::Left),
        ("label", Side::Left),
    ]);
    for token in tokens {
        let state = if token.refused_code.is_empty() { "good".to_owned() } else { token.refused_code };
        sheet.push([
            token.id,
            token.kind,
            token.name,
            token.role,
            token.unit,
            state,
            local(token.expires_at_ms),
            local(token.used_at_ms),
            token.label,
        ]);
    }
    sheet
}
