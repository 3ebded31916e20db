//! `danso query heads`: how far every chain has come at a node.

use super::{Format, Shown, form, names::Names, provenance::hex};
use crate::cli::{
    failure::Failure,
    moment::local,
    sheet::{Sheet, Side},
    target::TargetArguments,
};
use danso_proto::v1::{HeadsAnswer, HeadsRequest};
use serde_json::json;

/// Digits of a hash that are shown to people.
const HASH_DIGITS: usize = 16;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Only chains of units at or below this one, by id or code
    #[arg(long, value_name = "UNIT", value_parser = form::unit)]
    below: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

pub(super) async fn ask(arguments: &Arguments) -> Result<Shown, Failure> {
    let client = arguments.target.connect().await?;
    let answer = client.heads(HeadsRequest { below: arguments.below.clone().unwrap_or_default() }).await?;
    let names = Names::fetch(&client, "", "").await;
    Ok(show(&answer, &names))
}

fn show(answer: &HeadsAnswer, names: &Names) -> Shown {
    let mut rows = Sheet::new([
        ("origin", Side::Left),
        ("name", Side::Left),
        ("batches", Side::Right),
        ("changes", Side::Right),
        ("acknowledged", Side::Right),
        ("quarantined", Side::Right),
        ("up_to", Side::Left),
        ("received", Side::Left),
        ("held", Side::Left),
        ("hash", Side::Left),
    ]);
    let mut objects = Vec::new();
    for row in &answer.heads {
        let (name, hash) = (names.of(&row.origin), hex(&row.hash));
        rows.push([
            row.origin.clone(),
            name.clone(),
            row.number.to_string(),
            row.changes.to_string(),
            row.acknowledged_number.to_string(),
            row.quarantined.to_string(),
            local(row.watermark_ms),
            local(row.received_at_ms),
            row.held_code.clone(),
            hash.chars().take(HASH_DIGITS).collect(),
        ]);
        objects.push(json!({
            "origin": row.origin, "name": name, "number": row.number, "hash": hash, "changes": row.changes,
            "watermark_ms": row.watermark_ms, "received_at_ms": row.received_at_ms,
            "acknowledged_number": row.acknowledged_number, "quarantined": row.quarantined,
            "held_code": row.held_code,
        }));
    }
    let (digest, tallies) = (hex(&answer.digest), hex(&answer.tallies_digest));
    let notes = vec![format!("heads    {digest}"), format!("tallies  {tallies}")];
    Shown { rows, notes, json: json!({ "heads": objects, "digest": digest, "tallies_digest": tallies }) }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::HeadRow;

    #[test]
    fn a_chain_is_shown_short_for_people_and_whole_for_programs() {
        let head = HeadRow {
            origin: "00004@2025-07-01".to_owned(),
            number: 41,
            hash: vec![0xab; 32].into(),
            changes: 4_100,
            acknowledged_number: 40,
            held_code: "batch_fork".to_owned(),
            ..HeadRow::default()
        };
        let answer =
            HeadsAnswer { heads: vec![head], digest: vec![1; 32].into(), tallies_digest: vec![2; 32].into() };
        let shown = show(&answer, &Names::from([("00004@2025-07-01", "Ba Đình")]));
        let row = "00004@2025-07-01,Ba Đình,41,4100,40,0,never,never,batch_fork,abababababababab";
        assert_eq!(shown.rows.csv().lines().nth(1), Some(row));
        assert_eq!(shown.json["heads"][0]["hash"], "ab".repeat(32));
        assert_eq!(shown.notes[1], format!("tallies  {}", "02".repeat(32)));
    }
}
