//! `danso keys`: throw-away keys and certificates for tests and the demo, and the way to a node's own keys.

use super::{
    failure::{Failure, Outcome},
    output, renewal,
    user::role_parser,
};
use crate::{
    operations::now_ms,
    runtime,
    transport::{
        authority::{Authority, Validity},
        enrolment::client::mark_thrown_away,
        tls::{CERTIFICATE_FILE, Role},
    },
};
use clap::{Args, Subcommand, value_parser};
use danso_tier_config::{Date, UnitId};
use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Days for which a certificate is good unless told otherwise.
const DAYS_DEFAULT: &str = "365";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the authority: root certificate and the key that registers ledger keys
    Init {
        /// Folder for the authority; it must not hold one yet
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
    },
    /// Make the key folder of a node
    Node {
        #[command(flatten)]
        issue: Issue,
        /// A further DNS name or IP address under which others reach the node (repeatable)
        #[arg(long = "name", value_name = "DNS_OR_IP")]
        names: Vec<String>,
    },
    /// Make the key folder of a person
    Person {
        /// What the person may do at the unit and below it
        #[arg(long, value_parser = role_parser())]
        role: Role,
        #[command(flatten)]
        issue: Issue,
    },
    /// Put a new ledger key in the place of a running node's; old batches verify for ever
    Rotate(renewal::Rotate),
    /// Wrap a stopped node's data key under a new key at rest
    Rewrap(renewal::Rewrap),
}

/// What every new key folder needs.
#[derive(Debug, Args)]
pub(super) struct Issue {
    /// Folder of the authority that `danso keys init` made
    #[arg(long, value_name = "DIR")]
    authority: PathBuf,
    /// The unit, CODE@YYYY-MM-DD
    #[arg(long, value_name = "ID")]
    unit: UnitId,
    /// The new key folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Days for which the certificate is good
    #[arg(long, default_value = DAYS_DEFAULT, value_parser = value_parser!(u32).range(1..=3_650))]
    days: u32,
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Rotate(arguments) => return renewal::rotate(arguments),
        Command::Rewrap(arguments) => return renewal::rewrap(arguments),
        Command::Init { .. } | Command::Node { .. } | Command::Person { .. } => {}
    }
    output::note("these keys are thrown away: for tests and the demo, never for people's data");
    let now = SystemTime::now();
    let told = match command {
        Command::Init { folder } => {
            Authority::create(folder, now)?;
            runtime::keys::create_authority(folder)?;
            format!("authority in {}\n", folder.display())
        }
        Command::Node { issue, names } => {
            let Issue { authority, unit, out, days } = issue;
            let root = Authority::open(authority)?;
            let issued = root.issue_node(*unit, names, Validity::days(now, *days))?;
            make_folder(out)?;
            refuse_used(out)?;
            // The ledger key first: it is never replaced, so a folder that has one stays as it is.
            runtime::keys::create_node(authority, out, *unit, now_ms())?;
            issued.write(out, root.certificate_pem())?;
            mark_thrown_away(out)
                .map_err(|error| Failure::told("authority_unwritable", error.to_string()))?;
            told(&issued.identity.to_string(), out, *days)
        }
        Command::Person { role, issue } => {
            let Issue { authority, unit, out, days } = issue;
            let root = Authority::open(authority)?;
            refuse_used(out)?;
            let issued = root.issue_person(*role, *unit, Validity::days(now, *days))?;
            issued.write(out, root.certificate_pem())?;
            told(&issued.identity.to_string(), out, *days)
        }
        Command::Rotate(_) | Command::Rewrap(_) => unreachable!("these were done above"),
    };
    output::data(&told)?;
    Ok(Outcome::Done)
}

/// A folder with a certificate is left alone: it may be a node's.
fn refuse_used(folder: &Path) -> Result<(), Failure> {
    if folder.join(CERTIFICATE_FILE).exists() {
        let sentence = format!("{} holds keys already, name a new folder", folder.display());
        return Err(Failure::told("keys_exist", sentence));
    }
    Ok(())
}

fn told(holder: &str, folder: &Path, days: u32) -> String {
    let until = Date::in_vietnam(now_ms()).plus_days(i32::try_from(days).unwrap_or(i32::MAX));
    format!("{holder}: keys in {}, good until {until}\n", folder.display())
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::told("authority_unwritable", format!("cannot write {}: {error}", folder.display()))
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::transport::tls::{Identity, Keys};

    fn issue(root: &Path, out: &Path) -> Issue {
        let unit = "00004@2025-07-01".parse().unwrap();
        Issue { authority: root.join("ca"), unit, out: out.to_owned(), days: 30 }
    }

    #[test]
    fn made_keys_are_usable_and_never_replaced() {
        let root = tempfile::tempdir().unwrap();
        let (node, person) = (root.path().join("node"), root.path().join("person"));
        let init = Command::Init { folder: root.path().join("ca") };
        run(&init).unwrap();
        let again = run(&init).unwrap_err();
        assert!(matches!(again, Failure::Told { code, .. } if code == "authority_exists"));

        let unit = "00004@2025-07-01".parse().unwrap();
        let make_node =
            || Command::Node { issue: issue(root.path(), &node), names: vec!["10.0.0.1".to_owned()] };
        run(&make_node()).unwrap();
        Keys::read(&node, SystemTime::now()).unwrap().require_node(unit).unwrap();
        let signing = runtime::keys::read(&node, unit).unwrap();
        let again = run(&make_node()).unwrap_err();
        assert!(matches!(again, Failure::Told { code, .. } if code == "keys_exist"));
        let over_node = Command::Person { role: Role::Operator, issue: issue(root.path(), &node) };
        let over_node = run(&over_node).unwrap_err();
        assert!(matches!(over_node, Failure::Told { code, .. } if code == "keys_exist"));
        assert_eq!(
            runtime::keys::read(&node, unit).unwrap().key().public().to_bytes(),
            signing.key().public().to_bytes()
        );

        run(&Command::Person { role: Role::Analyst, issue: issue(root.path(), &person) }).unwrap();
        let keys = Keys::read(&person, SystemTime::now()).unwrap();
        assert_eq!(keys.identity(), Identity::Person { role: Role::Analyst, unit });
    }
}
