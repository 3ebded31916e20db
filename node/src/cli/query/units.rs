//! `danso query units`: the units of a tier or below a unit.

use super::{Format, Shown, form};
use crate::cli::{
    failure::Failure,
    sheet::{Sheet, Side},
    target::TargetArguments,
};
use danso_proto::v1::{ListUnitsAnswer, ListUnitsRequest};
use danso_tier_config::{Date, TierName};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Units of this tier only
    #[arg(long, value_name = "TIER")]
    tier: Option<TierName>,
    /// Units below this one, by id or code; without it below the node's own unit
    #[arg(long, value_name = "UNIT", value_parser = form::unit)]
    below: Option<String>,
    /// The day whose administrative boundaries are meant; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    boundary_date: Option<Date>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

pub(super) async fn ask(arguments: &Arguments) -> Result<Shown, Failure> {
    let request = ListUnitsRequest {
        tier: arguments.tier.as_ref().map(ToString::to_string).unwrap_or_default(),
        below: arguments.below.clone().unwrap_or_default(),
        boundary_date: arguments.boundary_date.map(|date| date.to_string()).unwrap_or_default(),
    };
    Ok(show(&arguments.target.connect().await?.list_units(request).await?))
}

fn show(answer: &ListUnitsAnswer) -> Shown {
    let columns = ["unit", "name", "kind", "tier", "parent", "valid_from", "valid_to"];
    let mut rows = Sheet::new(columns.map(|name| (name, Side::Left)));
    let mut objects = Vec::new();
    for row in &answer.units {
        let cells = [&row.unit, &row.name, &row.kind, &row.tier, &row.parent, &row.valid_from, &row.valid_to];
        rows.push(cells.map(String::clone));
        objects.push(json!({
            "unit": row.unit, "code": row.code, "name": row.name, "kind": row.kind, "tier": row.tier,
            "parent": row.parent, "valid_from": row.valid_from, "valid_to": row.valid_to,
        }));
    }
    let json = json!({
        "units": objects,
        "boundary_date": answer.boundary_date,
        "directory_version": answer.directory_version,
    });
    let notes = vec![
        format!("boundaries  {}", answer.boundary_date),
        format!("directory   version {}", answer.directory_version),
    ];
    Shown { rows, notes, json }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::UnitRow;

    #[test]
    fn units_are_listed_with_name_and_parent() {
        let unit = UnitRow {
            unit: "00004@2025-07-01".to_owned(),
            code: "00004".to_owned(),
            name: "Phường Ba Đình".to_owned(),
            kind: "phường".to_owned(),
            tier: "commune".to_owned(),
            parent: "01@2025-07-01".to_owned(),
            valid_from: "2025-07-01".to_owned(),
            valid_to: String::new(),
        };
        let boundary_date = "2026-11-21".to_owned();
        let shown = show(&ListUnitsAnswer { units: vec![unit], boundary_date, directory_version: 3 });
        let row = "00004@2025-07-01,Phường Ba Đình,phường,commune,01@2025-07-01,2025-07-01,";
        assert_eq!(shown.rows.csv().lines().nth(1), Some(row));
        assert_eq!(shown.json["units"][0]["code"], "00004");
        assert_eq!(shown.notes, ["boundaries  2026-11-21", "directory   version 3"]);
    }
}
