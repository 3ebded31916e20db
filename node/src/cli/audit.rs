//! `danso audit`: the log of who read or wrote what names persons, shown and verified.

use super::{
    failure::{Failure, Outcome},
    moment::local,
    output,
    progress::Progress,
    sheet::{Sheet, Side, json_line, plain},
    target::TargetArguments,
    wait,
};
use crate::{
    operations::now_ms,
    runtime,
    store::{self, AuditGrounds, AuditReport},
};
use clap::{Args, Subcommand, builder::PossibleValuesParser, value_parser};
use danso_core::chain::{Deed, hex};
use danso_proto::v1::{AuditEntry, LiftAnchorRequest, ShowAuditRequest, VerifyAuditAnswer};
use danso_tier_config::{Date, NodeConfig, UnitId, limits};
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show entries; that you read them becomes an entry too
    Show(Show),
    /// Walk along the whole log: numbers, links, signatures; names the first bad entry
    Verify(Verify),
    /// Show how far the logs of the nodes below had come
    Anchors {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Give up the anchor of a node below whose log was cut, once it is known why
    Lift {
        #[command(flatten)]
        target: TargetArguments,
        /// The unit below, CODE@YYYY-MM-DD
        #[arg(long = "of", value_name = "ID")]
        child: UnitId,
        /// Why, naming nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    target: TargetArguments,
    /// Number of the first entry
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: u64,
    /// Only the last so many
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u64).range(1..=limits::AUDIT_LAST_MAX))]
    last: Option<u64>,
    /// Only this deed
    #[arg(long, value_parser = PossibleValuesParser::new(Deed::ALL.map(Deed::as_str)))]
    deed: Option<String>,
    /// Each entry as a line of JSON, with the bytes as signed
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    target: TargetArguments,
    /// Fail unless the parent has said how far it knows the log; asks a running node
    #[arg(long)]
    with_parent: bool,
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Show(arguments) => show(arguments),
        Command::Verify(arguments) => verify(arguments),
        Command::Anchors { target } => anchors(target),
        Command::Lift { target, child, reason } => wait(async {
            let request = LiftAnchorRequest { unit: child.to_string(), reason: reason.clone() };
            target.connect().await?.lift_anchor(request).await?;
            output::data(&format!("the anchor of {child} is lifted\n"))?;
            Ok(Outcome::Done)
        }),
    }
}

fn show(arguments: &Show) -> Result<Outcome, Failure> {
    let request = ShowAuditRequest {
        from: arguments.from,
        last: arguments.last.unwrap_or_default(),
        deed: arguments.deed.clone().unwrap_or_default(),
    };
    wait(async {
        let client = arguments.target.connect().await?;
        let mut written = Ok(());
        let mut print = |entry: AuditEntry| {
            let line = if arguments.json { json_line(&as_json(&entry)) } else { as_line(&entry) };
            if written.is_ok() {
                written = output::data(&line);
            }
        };
        client.show_audit(request, &mut print).await?;
        written.map(|()| Outcome::Done)
    })
}

fn as_line(entry: &AuditEntry) -> String {
    let AuditEntry { number, at_ms, actor, deed, subject, .. } = entry;
    let when = local(*at_ms);
    format!("{number:>8}  {when}  {:<24}  {deed:<21}  {}\n", plain(actor), plain(subject))
}

fn as_json(entry: &AuditEntry) -> Value {
    json!({
        "number": entry.number, "at_ms": entry.at_ms, "actor": entry.actor, "deed": entry.deed,
        "subject": entry.subject, "key": entry.key,
        "statement": hex(&entry.statement), "signature": hex(&entry.signature),
    })
}

fn verify(arguments: &Verify) -> Result<Outcome, Failure> {
    let file = arguments.target.own_file().filter(|_| !arguments.with_parent);
    let stopped = file.map(verify_stopped).transpose();
    match stopped {
        Ok(Some(report)) => return tell(&report),
        Err(Failure::Told { code, .. }) if code == "already_running" => {}
        Err(failure) => return Err(failure),
        Ok(None) => {}
    }
    let answer = wait(async { Ok(arguments.target.connect().await?.verify_audit().await?) })?;
    tell_running(&answer, arguments.with_parent)
}

/// Reads the ledger of a stopped node. The key at rest is not needed.
fn verify_stopped(file: &Path) -> Result<AuditReport, Failure> {
    let config = NodeConfig::load(file)?;
    if !config.data.is_dir() {
        let sentence = format!("no data folder {}, the node never ran here", config.data.display());
        return Err(Failure::told("folder_missing", sentence));
    }
    let signing = runtime::keys::read(&config.keys, config.unit)?;
    let directory = runtime::read_directory(&config)?;
    let at = directory.at(Date::in_vietnam(now_ms()));
    let is_above = |above: UnitId, unit: UnitId| above != unit && at.is_within(unit, above);
    let grounds =
        AuditGrounds { authority: signing.authority, own: &signing.registrations, is_above: &is_above };
    let progress = Progress::of_bytes("audit");
    Ok(store::verify_audit(&config.data, config.unit, &grounds, &mut |done, all| progress.set(done, all))?)
}

fn tell(report: &AuditReport) -> Result<Outcome, Failure> {
    let head = report.head;
    output::data(&format!("entries  {}\nhead     {}\n", head.number, head.hash))?;
    report.broken.map_or(Ok(Outcome::Done), |number| Err(broken(number)))
}

fn broken(number: u64) -> Failure {
    Failure::told("audit_broken", format!("the audit log breaks at entry {number}"))
}

fn tell_running(answer: &VerifyAuditAnswer, with_parent: bool) -> Result<Outcome, Failure> {
    let VerifyAuditAnswer { number, hash, broken_at, parent_known, parent_number, cut } = answer;
    let parent = match (parent_known, parent_number) {
        (false, _) => "has said nothing yet".to_owned(),
        (true, 0) => "knows no entry yet".to_owned(),
        (true, known) => format!("knows entry {known}"),
    };
    output::data(&format!("entries  {number}\nhead     {}\nparent   {parent}\n", hex(hash)))?;
    if *broken_at > 0 {
        return Err(broken(*broken_at));
    }
    if *cut {
        let sentence = format!("the parent knows entry {parent_number}, which is missing or other here");
        return Err(Failure::told("audit_cut", sentence));
    }
    if with_parent && !parent_known {
        let sentence = "the parent has not said since the start how far it knows the audit log";
        return Err(Failure::told("audit_parent_silent", sentence));
    }
    Ok(Outcome::Done)
}

fn anchors(target: &TargetArguments) -> Result<Outcome, Failure> {
    let answer = wait(async { Ok(target.connect().await?.list_anchors().await?) })?;
    let columns = [("unit", Side::Left), ("entry", Side::Right), ("hash", Side::Left), ("state", Side::Left)];
    let mut sheet = Sheet::new(columns);
    for anchor in &answer.anchors {
        let state = if anchor.cut { "audit_cut" } else { "-" }.to_owned();
        sheet.push([anchor.unit.clone(), anchor.number.to_string(), hex(&anchor.hash), state]);
    }
    output::data(&sheet.table())?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn code(outcome: Result<Outcome, Failure>) -> Option<String> {
        match outcome {
            Ok(_) => None,
            Err(Failure::Told { code, .. }) => Some(code),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_entry_is_one_line_whatever_it_holds() {
        let entry = AuditEntry {
            number: 7,
            at_ms: 1,
            actor: "account\u{1b}[2J hoa".to_owned(),
            deed: "personal_read".to_owned(),
            subject: "person 00004@2025-07-01/12\nnext".to_owned(),
            statement: vec![0x44, 0x53].into(),
            ..AuditEntry::default()
        };
        let line = as_line(&entry);
        assert!(line.starts_with("       7  1970-01-01 07:00:00 +07:00  account\\u{1b}[2J hoa"), "{line}");
        assert_eq!((line.lines().count(), line.contains('\u{1b}')), (1, false));
        assert_eq!(as_json(&entry)["statement"], "4453");
    }

    #[test]
    fn what_is_wrong_with_a_log_decides_the_exit() {
        let whole =
            VerifyAuditAnswer { number: 9, parent_known: true, parent_number: 8, ..Default::default() };
        assert_eq!(code(tell_running(&whole, true)), None);
        let broken = VerifyAuditAnswer { broken_at: 4, cut: true, ..whole.clone() };
        assert_eq!(code(tell_running(&broken, false)).as_deref(), Some("audit_broken"));
        let cut = VerifyAuditAnswer { cut: true, ..whole.clone() };
        assert_eq!(code(tell_running(&cut, false)).as_deref(), Some("audit_cut"));
        let silent = VerifyAuditAnswer { parent_known: false, ..whole };
        assert_eq!(code(tell_running(&silent, false)), None);
        assert_eq!(code(tell_running(&silent, true)).as_deref(), Some("audit_parent_silent"));
    }
}
