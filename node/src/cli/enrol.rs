//! `danso enrol`: a new node comes into the tree, or gets new certificates, with an invitation of its parent.

use super::{
    authority,
    failure::{Failure, Outcome},
    output, wait,
};
use crate::{
    operations::enrolment::InvitationToken,
    runtime::keys,
    store::unpack_directory,
    transport::enrolment::{FirstKeys, Newcomer},
};
use clap::Args;
use danso_core::chain::{DirectoryVersion, LedgerKey, Signed};
use danso_tier_config::{NodeConfig, Parent};
use std::{io::Read as _, path::PathBuf};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The new node's file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where the parent listens, HOST:PORT; without it what the node's file says
    #[arg(long, value_name = "HOST:PORT")]
    parent: Option<String>,
    /// The invitation that the parent's operator made; `-` reads it from standard input
    #[arg(long, value_name = "TOKEN")]
    token: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let config = NodeConfig::load(&arguments.config)?;
    let parent = config.parent.clone().ok_or_else(|| {
        let sentence = format!("{} has no parent: use danso authority init there", config.unit);
        Failure::told("enrol_top", sentence)
    })?;
    let token = read_token(&arguments.token)?;
    if token.unit != config.unit {
        let sentence = format!("the invitation is for {}, the node's file for {}", token.unit, config.unit);
        return Err(Failure::told("enrol_other_unit", sentence));
    }
    let address = arguments.parent.clone().unwrap_or_else(|| parent.address.clone());
    let parent = Parent { address, ..parent };
    let told = wait(enrol(&config, &parent, token))?;
    output::data(&told)?;
    Ok(Outcome::Done)
}

fn read_token(argument: &str) -> Result<InvitationToken, Failure> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        let read = std::io::stdin().take(4_096).read_to_string(&mut text);
        read.map_err(|error| Failure::told("invitation_malformed", format!("cannot read it: {error}")))?;
    }
    text.parse()
        .map_err(|error: crate::operations::enrolment::EnrolmentError| Failure::of(error.code(), &error))
}

async fn enrol(config: &NodeConfig, parent: &Parent, token: InvitationToken) -> Result<String, Failure> {
    authority::keys_folder(&config.keys)?;
    let mut newcomer = Newcomer::connect(&parent.address, parent.unit, token).await?;
    let terms = newcomer.begin().await?;
    if terms.tier != *config.tier || terms.hierarchy != config.profile {
        output::note(format_args!(
            "the parent counts {} as {} of {}, the node's file says {} of {}",
            terms.unit, terms.tier, terms.hierarchy, config.tier, config.profile
        ));
    }
    let keys = FirstKeys::prepare(&config.keys, terms.needs_authority)?;
    let key = ledger_key(config, terms.replaces.is_some())?;
    let replaces = terms.replaces.filter(|former| *former != key.public().id());
    let after = if replaces.is_some() { terms.after } else { Default::default() };
    let first = if terms.replaces.is_none() { keys::first_claim(&config.keys, config.unit) } else { None };
    let claim = first.unwrap_or_else(|| authority::claim(config.unit, &key, replaces, after));
    let enrolled = newcomer.enrol(&keys, &claim, &config.names).await?;
    keys::write_granted(&config.keys, &enrolled.registrations, enrolled.authority)?;
    let mut told = format!("{} is enrolled: keys in {}\n", config.unit, config.keys.display());
    if let Some(directory) = enrolled.directory.filter(|_| !config.directory.exists()) {
        write_directory(config, &directory)?;
        told = format!("{told}unit directory written to {}\n", config.directory.display());
    }
    if replaces.is_some() {
        told.push_str(
            "a new ledger key takes the place of the lost one; now run danso rebuild --from-parent\n",
        );
    }
    Ok(told)
}

/// The key of the folder, or a new one; where an invitation allows a lost key to be replaced and the folder has
/// one that was never granted, that is the new one.
fn ledger_key(config: &NodeConfig, replacing: bool) -> Result<LedgerKey, Failure> {
    let key = keys::create_secret(&config.keys)?;
    if replacing {
        output::note("this invitation allows a new ledger key");
    }
    Ok(key)
}

fn write_directory(config: &NodeConfig, signed: &Signed) -> Result<(), Failure> {
    let unusable = || Failure::told("directory_unusable", "the parent's unit directory cannot be used");
    let version: DirectoryVersion = signed.decode_trusted().map_err(|_| unusable())?;
    let hierarchies = std::slice::from_ref(&config.hierarchy);
    let directory = unpack_directory(&version, hierarchies).map_err(|_| unusable())?;
    super::files::write(&config.directory, super::files::Access::Anyone, |out| {
        out.write_all(directory.to_csv().as_bytes())
    })
}
