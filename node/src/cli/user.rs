//! `danso user`: signs in and out; accounts of a node.

use super::{
    failure::{Failure, Outcome},
    moment::local,
    output,
    secret::{self, PasswordArguments},
    sheet::{Sheet, Side},
    target::{Asker, NodeArguments, Target, TargetArguments},
    wait,
};
use crate::operations::accounts::Role;
use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use danso_proto::v1::{
    AccountRow, AddAccountRequest, ChangeAccountRequest, RoleChange, SetPasswordRequest,
    change_account_request::Change,
};
use danso_tier_config::UnitId;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Sign in with a name and password / Đăng nhập
    Signin(SignIn),
    /// End the session of a file or of the environment's `DANSO_TOKEN`; the file is removed / Đăng xuất
    Signout {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Add an account / Thêm tài khoản
    Add {
        /// Its name: a-z, 0-9, dot, hyphen, underscore
        name: String,
        /// What it may do at the unit and below it
        #[arg(long, value_parser = role_parser())]
        role: Role,
        /// The unit, by id or code
        #[arg(long, value_name = "UNIT")]
        unit: String,
        #[command(flatten)]
        node: NodeArguments,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// List the accounts that you manage
    List {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Give an account another role or unit
    Role {
        name: String,
        /// What it may do from now on
        #[arg(value_parser = role_parser())]
        role: Role,
        /// The unit, by id or code
        #[arg(long, value_name = "UNIT")]
        unit: String,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// Set a password: another's, or the own one with the old one / Đổi mật khẩu
    Password {
        name: String,
        #[command(flatten)]
        target: TargetArguments,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Switch an account on again
    Enable {
        name: String,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Switch an account off: its sessions end, its tokens are refused
    Disable {
        name: String,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Remove an account with its sessions and tokens
    Remove {
        name: String,
        #[command(flatten)]
        target: TargetArguments,
    },
}

/// A sign-in.
#[derive(Debug, clap::Args)]
pub(super) struct SignIn {
    /// Name of the account
    #[arg(long)]
    name: String,
    /// Where the node listens, HOST:PORT
    #[arg(long, value_name = "HOST:PORT")]
    address: String,
    /// The unit whose node it is, CODE@YYYY-MM-DD
    #[arg(long, value_name = "ID")]
    unit: UnitId,
    /// The authority's certificate (ca.crt) that the node is trusted by
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// File for the session, readable for you alone; for --token-file of other commands
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    password: PasswordArguments,
}

/// Reads a role.
pub(super) fn role_parser() -> impl TypedValueParser<Value = Role> {
    let words = PossibleValuesParser::new(Role::ALL.map(Role::as_str));
    words.map(|word| word.parse().expect("clap knows these words only"))
}

pub(super) fn run(command: Command) -> Result<Outcome, Failure> {
    use Command::{Add, Disable, Enable, List, Password, Remove, Signin, Signout};
    match command {
        Signin(arguments) => sign_in(arguments)?,
        Signout { target } => {
            wait(async { Ok(target.connect().await?.sign_out().await?) })?;
            if let Some(file) = target.token_file() {
                std::fs::remove_file(file).map_err(|error| {
                    Failure::told("file_unwritable", format!("cannot remove {}: {error}", file.display()))
                })?;
            }
        }
        Add { name, role, unit, node, password } => {
            let password = password.ask_new(&format!("password of {name}: "))?;
            let (role, password) = (role.to_string(), password.to_string());
            let request = AddAccountRequest { name: name.clone(), role, unit, password };
            wait(async { Ok(node.connect().await?.add_account(request).await?) })?;
            output::note(format_args!("account {name} was added"));
        }
        List { target } => {
            let listed = wait(async { Ok(target.connect().await?.list_accounts().await?) })?;
            output::data(&sheet(listed.accounts).table())?;
        }
        Command::Role { name, role, unit, node } => {
            let change = Change::Role(RoleChange { role: role.to_string(), unit });
            let request = ChangeAccountRequest { name, change: Some(change) };
            wait(async { Ok(node.connect().await?.change_account(request).await?) })?;
        }
        Password { name, target, password } => set_password(name, &target, password)?,
        Enable { name, target } => change(name, &target, Change::Disabled(false))?,
        Disable { name, target } => change(name, &target, Change::Disabled(true))?,
        Remove { name, target } => change(name, &target, Change::Removed(true))?,
    }
    Ok(Outcome::Done)
}

fn sign_in(arguments: SignIn) -> Result<(), Failure> {
    let SignIn { name, address, unit, ca, out, password } = arguments;
    let password = password.ask(&format!("password of {name}: "))?;
    let target = Target { address, unit, asker: Asker::Token { authority: ca, token: None } };
    let signed_in = wait(async { Ok(target.connect().await?.sign_in(&name, &password).await?) })?;
    secret::hand_over(&signed_in.session, Some(&out))?;
    output::note(format_args!(
        "signed in as {} of {} until {}, session in {}",
        signed_in.role,
        signed_in.unit,
        local(signed_in.expires_at_ms),
        out.display()
    ));
    Ok(())
}

fn change(name: String, target: &TargetArguments, change: Change) -> Result<(), Failure> {
    let request = ChangeAccountRequest { name, change: Some(change) };
    wait(async { Ok(target.connect().await?.change_account(request).await?) })
}

fn set_password(name: String, target: &TargetArguments, typed: PasswordArguments) -> Result<(), Failure> {
    wait(async {
        let client = target.connect().await?;
        let own = client.who_am_i().await?.name == name;
        let old = if own { typed.ask("old password: ")?.to_string() } else { String::new() };
        let new = typed.ask_new(&format!("new password of {name}: "))?;
        let request = SetPasswordRequest { name, password: new.to_string(), old_password: old };
        Ok(client.set_password(request).await?)
    })?;
    output::note("the password was set; the account's sessions have ended");
    Ok(())
}

fn sheet(accounts: Vec<AccountRow>) -> Sheet {
    let mut sheet = Sheet::new([
        ("name", Side::Left),
        ("role", Side::Left),
        ("unit", Side::Left),
        ("state", Side::Left),
        ("sessions", Side::Right),
        ("added", Side::Left),
        ("password_set", Side::Left),
    ]);
    for account in accounts {
        sheet.push([
            account.name,
            account.role,
            account.unit,
            if account.disabled { "disabled" } else { "enabled" }.to_owned(),
            account.sessions.to_string(),
            local(account.added_at_ms),
            local(account.password_set_at_ms),
        ]);
    }
    sheet
}
