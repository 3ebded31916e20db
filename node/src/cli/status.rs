//! `danso status`: how a node, its link upward and the units below it stand, and what to do about it.

use super::{
    confirmed,
    failure::{Failure, Outcome},
    moment::{age, local},
    output,
    sheet::{Sheet, Side, json_text, plain},
    standings::{self, bytes},
    target::TargetArguments,
    wait, watching,
};
use danso_proto::v1::{MeterRow, MetersAnswer, NodeInfoAnswer, ReplicationStatusAnswer, Rescue};
use serde_json::{Value, json};
use std::fmt::Write as _;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Everything as JSON
    #[arg(long)]
    json: bool,
    /// Go on showing what changes until Ctrl-C; with --json one line an answer / Theo dõi
    #[arg(long, conflicts_with = "meters")]
    watch: bool,
    /// Units at or below this one alone, by id or code / Chỉ các đơn vị thuộc đơn vị này
    #[arg(long, value_name = "UNIT", conflicts_with = "meters")]
    below: Option<String>,
    /// What the node has counted of itself since its start, instead
    #[arg(long)]
    meters: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.meters {
        let answer = wait(async { Ok(arguments.target.connect().await?.meters().await?) })?;
        output::data(&meters(&answer, arguments.json))?;
        return Ok(Outcome::Done);
    }
    let below = arguments.below.as_deref().unwrap_or_default();
    if arguments.watch {
        return watching::run(&arguments.target, below, arguments.json);
    }
    let (info, status) = wait(async {
        let client = arguments.target.connect().await?;
        let info = client.node_info().await?;
        let status =
            if info.rescue.is_some() { None } else { Some(client.replication_status_below(below).await?) };
        Ok((info, status.unwrap_or_default()))
    })?;
    in_rescue(&info, arguments.json)?;
    let text = if arguments.json { json_text(&as_json(&info, &status)) } else { as_text(&info, &status) };
    output::data(&text)?;
    Ok(Outcome::Done)
}

/// Shows why a node is in rescue mode, which is a failure.
pub(super) fn in_rescue(info: &NodeInfoAnswer, json: bool) -> Result<(), Failure> {
    let Some(rescue) = &info.rescue else { return Ok(()) };
    output::data(&if json { json_text(&rescue_json(info, rescue)) } else { advice(info, rescue) })?;
    Err(Failure::told(&rescue.code, plain(&rescue.cause)))
}

/// Everything, for people.
pub(super) fn as_text(info: &NodeInfoAnswer, status: &ReplicationStatusAnswer) -> String {
    let mut text = of_node(info, status);
    let units = if status.standings.is_empty() { units(status) } else { standings::table(status) };
    if !units.is_empty() {
        text += "\n";
        text += &units.table();
    }
    text += &standings::advice(status);
    text
}

/// What is said of the node itself, line by line.
pub(super) fn of_node(info: &NodeInfoAnswer, status: &ReplicationStatusAnswer) -> String {
    let parent = match (info.parent.is_empty(), status.parent_connected) {
        (true, _) => "none, this is the top".to_owned(),
        (false, true) => format!("{}, connected", info.parent),
        (false, false) => format!("{}, not connected: {}", info.parent, plain(&status.parent_error)),
    };
    let mut text = String::new();
    for (name, value) in [
        ("node", format!("{} {} ({})", info.unit, info.name, info.tier)),
        ("software", format!("{}, running since {}", info.software, local(info.started_at_ms))),
        (
            "recorded",
            format!(
                "{} changes, {} not yet in a batch, {} persons",
                info.last_sequence, info.unsealed, info.persons
            ),
        ),
        ("parent", parent),
        ("to send", format!("{} batches not acknowledged", status.unacknowledged_batches)),
        ("directory", format!("version {}, release {}", info.directory_version, info.release_number)),
        ("at rest", at_rest(&info.at_rest)),
        ("disk", disk(info)),
        ("key until", certificate(info)),
        ("audit", audit(info)),
    ] {
        writeln!(text, "{name:<10} {value}").expect("writing to memory cannot fail");
    }
    for (name, value) in confirmed::lines(status) {
        writeln!(text, "{name:<10} {value}").expect("writing to memory cannot fail");
    }
    text
}

fn disk(info: &NodeInfoAnswer) -> String {
    info.disk_free_bytes.map_or_else(
        || "unknown".to_owned(),
        |free| format!("{} of {} left", bytes(free), bytes(info.disk_size_bytes)),
    )
}

fn certificate(info: &NodeInfoAnswer) -> String {
    info.certificate_days.map_or_else(
        || "unknown".to_owned(),
        |days| format!("{}, {days} days left", local(info.certificate_until_ms)),
    )
}

/// What a node in rescue mode says of itself.
fn advice(info: &NodeInfoAnswer, rescue: &Rescue) -> String {
    let mut text = String::new();
    for (name, value) in [
        ("node", format!("{} ({})", info.unit, info.tier)),
        ("software", format!("{}, in rescue mode since {}", info.software, local(info.started_at_ms))),
        ("state", "rescue mode: the store cannot be opened, nothing is served / chế độ cứu hộ".to_owned()),
        ("why", plain(&rescue.english)),
        ("", plain(&rescue.vietnamese)),
        ("mend", plain(&rescue.command)),
        ("", "then start the node again, see deploy/runbooks/rescue_mode.md".to_owned()),
    ] {
        writeln!(text, "{name:<10} {value}").expect("writing to memory cannot fail");
    }
    text
}

fn rescue_json(info: &NodeInfoAnswer, rescue: &Rescue) -> Value {
    json!({
        "node": {
            "unit": info.unit, "tier": info.tier, "parent": info.parent, "software": info.software,
            "started_at_ms": info.started_at_ms,
        },
        "rescue": {
            "code": rescue.code, "cause": rescue.cause, "vietnamese": rescue.vietnamese,
            "english": rescue.english, "command": rescue.command,
        },
    })
}

fn meters(answer: &MetersAnswer, as_json: bool) -> String {
    if as_json {
        let row = |row: &MeterRow| json!({ "name": row.name, "label": row.label, "value": row.value, "count": row.count });
        return json_text(&answer.meters.iter().map(row).collect());
    }
    let columns =
        [("meter", Side::Left), ("label", Side::Left), ("value", Side::Left), ("count", Side::Right)];
    let mut sheet = Sheet::new(columns);
    for row in &answer.meters {
        sheet.push([row.name.clone(), row.label.clone(), row.value.clone(), row.count.to_string()]);
    }
    sheet.table()
}

fn at_rest(state: &str) -> String {
    match state {
        "off" => "off, names are not encrypted on this disk".to_owned(),
        "locked" => {
            "locked, the key is missing: names are neither read nor recorded (at_rest_locked)".to_owned()
        }
        other => plain(other),
    }
}

fn audit(info: &NodeInfoAnswer) -> String {
    let (here, parent) = (info.audit_number, info.audit_parent_number);
    match (info.audit_cut, parent) {
        (true, _) => format!("{here} entries, but the parent knows another entry {parent}: audit_cut"),
        (false, 0) => format!("{here} entries"),
        (false, _) => format!("{here} entries, the parent knows {parent}"),
    }
}

fn units(status: &ReplicationStatusAnswer) -> Sheet {
    let mut sheet = Sheet::new([
        ("unit", Side::Left),
        ("name", Side::Left),
        ("head", Side::Right),
        ("acknowledged", Side::Right),
        ("behind", Side::Right),
        ("heard", Side::Right),
        ("line", Side::Left),
        ("quarantined", Side::Right),
        ("held", Side::Left),
    ]);
    for unit in &status.units {
        sheet.push([
            unit.unit.clone(),
            unit.name.clone(),
            unit.number.to_string(),
            unit.acknowledged_number.to_string(),
            age(status.now_ms, unit.watermark_ms),
            age(status.now_ms, unit.last_contact_ms),
            if unit.connected { "open" } else { "-" }.to_owned(),
            unit.quarantined.to_string(),
            // What holds a chain comes before what is merely not confirmed.
            if unit.held_code.is_empty() { &unit.confirmation_code } else { &unit.held_code }.clone(),
        ]);
    }
    sheet
}

/// Everything that the answers hold.
pub(super) fn as_json(info: &NodeInfoAnswer, status: &ReplicationStatusAnswer) -> Value {
    let units = status.units.iter().map(|unit| {
        json!({
            "unit": unit.unit, "name": unit.name, "number": unit.number,
            "acknowledged_number": unit.acknowledged_number, "watermark_ms": unit.watermark_ms,
            "last_contact_ms": unit.last_contact_ms, "connected": unit.connected,
            "held_code": unit.held_code, "quarantined": unit.quarantined,
            "confirmation_code": unit.confirmation_code,
            "names_missing_from": unit.names_missing_from, "names_missing_to": unit.names_missing_to,
        })
    });
    let (confirmations, children) = confirmed::as_json(status);
    json!({
        "node": {
            "unit": info.unit, "name": info.name, "tier": info.tier, "parent": info.parent,
            "software": info.software, "started_at_ms": info.started_at_ms,
            "ledger_position": info.ledger_position, "last_sequence": info.last_sequence,
            "unsealed": info.unsealed, "persons": info.persons,
            "directory_version": info.directory_version, "release_number": info.release_number,
            "at_rest": info.at_rest, "audit_number": info.audit_number,
            "audit_parent_number": info.audit_parent_number, "audit_cut": info.audit_cut,
            "disk_free_bytes": info.disk_free_bytes, "disk_size_bytes": info.disk_size_bytes,
            "certificate_until_ms": info.certificate_until_ms, "certificate_days": info.certificate_days,
        },
        "standings": status.standings.iter().map(standings::as_json).collect::<Vec<_>>(),
        "units": units.collect::<Vec<_>>(),
        "parent_connected": status.parent_connected,
        "parent_error": status.parent_error,
        "unacknowledged_batches": status.unacknowledged_batches,
        "now_ms": status.now_ms,
        "confirmations": confirmations,
        "children": children,
        "partial": status.partial,
        "gone": status.gone,
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::UnitStatus;

    fn answers() -> (NodeInfoAnswer, ReplicationStatusAnswer) {
        let info = NodeInfoAnswer {
            unit: "01@2025-07-01".to_owned(),
            name: "Hà Nội".to_owned(),
            tier: "province".to_owned(),
            parent: "VN@1945-09-02".to_owned(),
            ..NodeInfoAnswer::default()
        };
        let now_ms = 1_000_000_000;
        let unit = UnitStatus {
            unit: "00004@2025-07-01".to_owned(),
            name: "Ba Đình".to_owned(),
            number: 41,
            acknowledged_number: 40,
            watermark_ms: now_ms - 7_200_000,
            last_contact_ms: 0,
            held_code: "batch_fork".to_owned(),
            ..UnitStatus::default()
        };
        let parent_error = "net_refused: connection refused".to_owned();
        (info, ReplicationStatusAnswer { units: vec![unit], parent_error, now_ms, ..Default::default() })
    }

    #[test]
    fn lag_link_and_holds_are_seen_at_a_glance() {
        let (info, status) = answers();
        let text = as_text(&info, &status);
        assert!(text.starts_with("node       01@2025-07-01 Hà Nội (province)\n"), "{text}");
        assert!(text.contains("VN@1945-09-02, not connected: net_refused: connection refused\n"), "{text}");
        let words: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(
            words,
            ["00004@2025-07-01", "Ba", "Đình", "41", "40", "2", "h", "never", "-", "0", "batch_fork"]
        );
    }

    #[test]
    fn json_holds_node_and_units() {
        let (info, status) = answers();
        let value = as_json(&info, &status);
        assert_eq!(value["node"]["parent"], "VN@1945-09-02");
        assert_eq!(value["units"][0]["held_code"], "batch_fork");
    }
}
