//! `danso config check`: a node's file, and what the node will be.

use super::{
    failure::{Failure, Outcome},
    output,
};
use crate::{
    runtime::{self, RuntimeError},
    transport::tls::{Keys, TlsError, WebSecrets, require_unexpired},
};
use clap::Subcommand;
use danso_tier_config::{Date, Faults, NodeConfig, WebSecurity};
use std::{fmt::Write as _, path::PathBuf, time::SystemTime};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Report everything that is wrong in a node's file, or what the node will be
    Check {
        /// The node's file
        file: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    let Command::Check { file } = command;
    let config = NodeConfig::load(file)?;
    output::data(&summary(&config, &directory_state(&config), &keys_state(&config)))?;
    Ok(Outcome::Done)
}

/// What the node will be, one fact per line.
fn summary(config: &NodeConfig, directory: &str, keys: &str) -> String {
    let tier = config.hierarchy.tier(&config.tier);
    let title = tier.map_or("", |tier| tier.title.as_str());
    let records = if tier.is_some_and(|tier| tier.records) { ", records changes" } else { "" };
    let parent = config.parent.as_ref().map_or_else(
        || "none, this is the top".to_owned(),
        |parent| format!("{} at {}", parent.unit, parent.address),
    );
    let policy = config.up().map_or_else(|| "nothing".to_owned(), |policy| policy.to_string());
    let kept = config.personal_months.map_or_else(
        || "everything for good".to_owned(),
        |months| format!("names of the units below for {months} months, counts for good"),
    );
    let mut text = String::new();
    for (name, value) in [
        ("unit", config.unit.to_string()),
        ("tier", format!("{} ({title}) of {}{records}", config.tier, config.hierarchy.name())),
        ("listens", config.listen.to_string()),
        ("pages", pages(config)),
        ("parent", parent),
        ("sends up", policy),
        ("keeps", kept),
        ("data", config.data.display().to_string()),
        ("directory", directory.to_owned()),
        ("keys", keys.to_owned()),
    ] {
        writeln!(text, "{name:<10} {value}").expect("writing to memory cannot fail");
    }
    text
}

/// Where pages are served, with a warning where passwords travel readable.
fn pages(config: &NodeConfig) -> String {
    let Some(web) = &config.web else { return "none, [web] is not set".to_owned() };
    let by = match &web.security {
        WebSecurity::NodeCertificate => " with the node's certificate, which browsers warn of".to_owned(),
        WebSecurity::Files { certificate, key } => {
            let unexpired = require_unexpired(certificate, SystemTime::now());
            match unexpired.and_then(|()| WebSecrets::of_files(certificate.clone(), key.clone())) {
                Ok(_) => format!(" with the certificate in {}", certificate.display()),
                Err(error) => format!(": not ready: {error} [{}]", error.code()),
            }
        }
        WebSecurity::Plain if web.is_exposed() => {
            ": WARNING: insecure_http lets passwords travel readable; give a certificate and key \
             (mật khẩu đi qua mạng không được mã hóa)"
                .to_owned()
        }
        WebSecurity::Plain => ", for this computer alone".to_owned(),
    };
    format!("{}{by}", web.url())
}

fn directory_state(config: &NodeConfig) -> String {
    let path = config.directory.display();
    match runtime::read_directory(config) {
        Err(RuntimeError::Directory(faults)) => format!("{path}: not ready: {}", first_of(&faults)),
        Err(error) => format!("{path}: not ready: {error} [{}]", error.code()),
        Ok(directory) => {
            let name = directory.name(config.unit).unwrap_or_default();
            format!("{path}: {} rows, this is {name}", directory.rows().len())
        }
    }
}

/// The first fault, and how many there are where there are more.
fn first_of(Faults(faults): &Faults) -> String {
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    match faults.len() {
        0 | 1 => first,
        count => format!("{first} and {} more, see danso directory check", count - 1),
    }
}

fn keys_state(config: &NodeConfig) -> String {
    let path = config.keys.display();
    let certificate = || -> Result<Date, TlsError> {
        let keys = Keys::read(&config.keys, SystemTime::now())?;
        keys.require_node(config.unit)?;
        Ok(keys.expires_on())
    };
    let state = certificate().map_err(Failure::from).and_then(|until| {
        runtime::keys::read(&config.keys, config.unit)?;
        Ok(until)
    });
    match state {
        Ok(until) => format!("{path}: certificate good until {until}"),
        Err(failure) => format!("{path}: not ready: {}", failure.lines()[0]),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_summary_says_what_the_node_will_be() {
        let text = "unit = \"00004@2025-07-01\"\ntier = \"commune\"\nhierarchy = \"three-tier\"\ndata = \"data\"\n\
            directory = \"units.csv\"\n[listen]\naddress = \"0.0.0.0:7411\"\n[keys]\nfolder = \"keys\"\n\
            [parent]\nunit = \"01@2025-07-01\"\naddress = \"10.0.0.1:7411\"\n";
        let folder = Path::new("/nowhere");
        let config = NodeConfig::parse(text, "node.toml", folder).unwrap();
        let shown = summary(&config, &directory_state(&config), &keys_state(&config));
        for line in [
            "unit       00004@2025-07-01",
            "pages      none, [web] is not set",
            "parent     01@2025-07-01 at 10.0.0.1:7411",
            "sends up   names",
            "keeps      everything for good",
            "data       /nowhere/data",
            "directory  /nowhere/units.csv: not ready: ",
            "keys       /nowhere/keys: not ready: error[keys_file_missing]: ",
        ] {
            assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line} in\n{shown}");
        }
        assert!(shown.contains("records changes"), "{shown}");
    }
}
