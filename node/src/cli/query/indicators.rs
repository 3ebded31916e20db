//! `danso query indicators`: published indicators, also of a node without a line to its parent.

use super::{Format, Shown, form, names::Names};
use crate::cli::{
    failure::Failure,
    moment::local,
    sheet::{Sheet, Side},
    target::TargetArguments,
};
use danso_proto::v1::{IndicatorsAnswer, IndicatorsRequest};
use danso_tier_config::Month;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Units by id or code; without it the node's own unit
    #[arg(long, value_name = "UNIT,...", value_delimiter = ',', value_parser = form::unit)]
    units: Vec<String>,
    /// The month; without it the latest closed one
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

pub(super) async fn ask(arguments: &Arguments) -> Result<Shown, Failure> {
    let client = arguments.target.connect().await?;
    let month = arguments.month.map(|month| month.to_string()).unwrap_or_default();
    let answer = client.indicators(IndicatorsRequest { units: arguments.units.clone(), month }).await?;
    let names = Names::fetch(&client, "", "").await;
    Ok(show(&answer, &names))
}

fn show(answer: &IndicatorsAnswer, names: &Names) -> Shown {
    let mut rows = Sheet::new([
        ("unit", Side::Left),
        ("name", Side::Left),
        ("indicator", Side::Left),
        ("value", Side::Right),
        ("numerator", Side::Right),
        ("denominator", Side::Right),
        ("reported", Side::Right),
        ("expected", Side::Right),
        ("formula", Side::Left),
    ]);
    let mut objects = Vec::new();
    for row in &answer.rows {
        let (name, coverage) = (names.of(&row.unit), row.coverage.unwrap_or_default());
        let value = row.defined.then_some(row.value);
        rows.push([
            row.unit.clone(),
            name.clone(),
            row.indicator.clone(),
            value.map(number).unwrap_or_default(),
            number(row.numerator),
            number(row.denominator),
            coverage.units_reported.to_string(),
            coverage.units_expected.to_string(),
            row.formula.clone(),
        ]);
        objects.push(json!({
            "unit": row.unit, "name": name, "indicator": row.indicator, "formula": row.formula,
            "value": value, "numerator": row.numerator, "denominator": row.denominator,
            "coverage": {
                "units_expected": coverage.units_expected,
                "units_reported": coverage.units_reported,
            },
        }));
    }
    let notes = vec![
        format!("release  {} of {}, revision {}", answer.release_number, answer.month, answer.revision),
        format!("issued   {} by {}", local(answer.issued_at_ms), answer.issuer),
    ];
    let json = json!({
        "release_number": answer.release_number, "month": answer.month, "revision": answer.revision,
        "issuer": answer.issuer, "issued_at_ms": answer.issued_at_ms, "rows": objects,
    });
    Shown { rows, notes, json }
}

/// Whole numbers whole, others with three decimals.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::{Coverage, IndicatorRow};

    #[test]
    fn an_undefined_value_is_empty_and_never_zero() {
        let row = |indicator: &str, defined| IndicatorRow {
            unit: "01@2025-07-01".to_owned(),
            indicator: indicator.to_owned(),
            formula: "f".to_owned(),
            value: 12.3456,
            defined,
            numerator: 5.0,
            denominator: 404.5,
            coverage: Some(Coverage { units_expected: 126, units_reported: 125 }),
        };
        let rows = vec![row("cbr", true), row("srb", false)];
        let shown = show(&IndicatorsAnswer { rows, ..IndicatorsAnswer::default() }, &Names::default());
        let csv = shown.rows.csv();
        assert_eq!(csv.lines().nth(1), Some("01@2025-07-01,,cbr,12.346,5,404.500,125,126,f"));
        assert_eq!(csv.lines().nth(2), Some("01@2025-07-01,,srb,,5,404.500,125,126,f"));
        assert_eq!(shown.json["rows"][0]["value"], 12.3456);
        assert!(shown.json["rows"][1]["value"].is_null());
    }
}
