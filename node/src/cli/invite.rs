//! `danso invite`, `danso revoke` and `danso certificate`: what an authority does for the units below it.

use super::{
    failure::{Failure, Outcome},
    moment, output,
    target::TargetArguments,
    wait,
};
use crate::transport::{
    authority::{Issued, request},
    tls::{CERTIFICATE_FILE, Identity, Keys, Role, Trust},
};
use clap::Args;
use danso_proto::v1::{InviteRequest, IssuePersonRequest, RevokeRequest};
use danso_tier_config::{UnitId, limits};
use std::{path::PathBuf, time::SystemTime};

#[derive(Debug, Args)]
pub(super) struct InviteArguments {
    /// The unit whose new node is invited, CODE@YYYY-MM-DD
    #[arg(value_name = "UNIT")]
    child: UnitId,
    #[command(flatten)]
    target: TargetArguments,
    /// Hours for which the invitation is good
    #[arg(long, default_value_t = limits::INVITATION_HOURS, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::INVITATION_HOURS_MAX)))]
    hours: u32,
    /// The unit lost its ledger key: a new one may take its place
    #[arg(long)]
    replace_key: bool,
}

pub(super) fn invite(arguments: &InviteArguments) -> Result<Outcome, Failure> {
    let (hours, replaces_key) = (arguments.hours, arguments.replace_key);
    let asked = InviteRequest { unit: arguments.child.to_string(), hours, replaces_key };
    let answer = wait(async { Ok(arguments.target.connect().await?.invite(asked).await?) })?;
    output::note(format_args!(
        "good once, for {}, until {}; hand it over in person or by a safe way",
        arguments.child,
        moment::local(answer.expires_at_ms)
    ));
    output::data(&format!("{}\n", answer.invitation))?;
    Ok(Outcome::Done)
}

#[derive(Debug, Args)]
pub(super) struct RevokeArguments {
    /// The unit whose node is revoked, CODE@YYYY-MM-DD
    #[arg(value_name = "UNIT", required_unless_present = "serial")]
    revoked: Option<UnitId>,
    #[command(flatten)]
    target: TargetArguments,
    /// One certificate instead, by its serial number of 32 hexadecimal digits
    #[arg(long, value_name = "HEX", conflicts_with = "revoked")]
    serial: Option<String>,
    /// Why; name no person
    #[arg(long)]
    reason: String,
    /// The last batch that is taken under the unit's key; without it the unit's parent uses what it holds
    #[arg(long, value_name = "NUMBER", conflicts_with = "serial")]
    after: Option<u64>,
}

pub(super) fn revoke(arguments: &RevokeArguments) -> Result<Outcome, Failure> {
    let serial = arguments.serial.as_deref().map(read_serial).transpose()?.unwrap_or_default();
    let asked = RevokeRequest {
        unit: arguments.revoked.map(|unit| unit.to_string()).unwrap_or_default(),
        serial: serial.into(),
        reason: arguments.reason.clone(),
        after: arguments.after,
    };
    let answer = wait(async { Ok(arguments.target.connect().await?.revoke(asked).await?) })?;
    output::data(&format!("revoked; list {} goes down the tree\n", answer.version))?;
    Ok(Outcome::Done)
}

fn read_serial(text: &str) -> Result<Vec<u8>, Failure> {
    let number = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    let wrong = || Failure::Usage("a serial number has 32 hexadecimal digits".to_owned());
    Ok(number.ok_or_else(wrong)?.to_be_bytes().to_vec())
}

#[derive(Debug, Args)]
pub(super) struct CertificateArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// What the person may do
    #[arg(long, value_parser = super::user::role_parser())]
    role: Role,
    /// The topmost unit for which the person may do it, CODE@YYYY-MM-DD
    #[arg(long = "for", value_name = "UNIT")]
    holder: UnitId,
    /// The new key folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Days for which the certificate is good
    #[arg(long, default_value_t = limits::PERSON_CERTIFICATE_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::PERSON_CERTIFICATE_DAYS)))]
    days: u32,
}

pub(super) fn certificate(arguments: &CertificateArguments) -> Result<Outcome, Failure> {
    let CertificateArguments { target, role, holder, out, days } = arguments;
    if out.join(CERTIFICATE_FILE).exists() {
        let sentence = format!("{} holds keys already, name a new folder", out.display());
        return Err(Failure::told("keys_exist", sentence));
    }
    let (key_pem, request) = request()?;
    let (role, unit) = (*role, *holder);
    let asked = IssuePersonRequest {
        request: request.into(),
        role: role.as_str().to_owned(),
        unit: unit.to_string(),
        days: *days,
    };
    let answer = wait(async { Ok(target.connect().await?.issue_person(asked).await?) })?;
    let issued =
        Issued { identity: Identity::Person { role, unit }, certificate_pem: answer.certificate, key_pem };
    issued.write(out, &answer.roots)?;
    let serial = answer.serial.as_ref().try_into().map_or(0, u128::from_be_bytes);
    let until = Keys::read_whenever(out, SystemTime::now(), &Trust::default())?.expires_on();
    let (identity, folder) = (issued.identity, out.display());
    output::data(&format!("{identity}: keys in {folder}, good until {until}, serial {serial:032x}\n"))?;
    Ok(Outcome::Done)
}
