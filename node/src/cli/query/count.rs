//! `danso query count`: counts, each with its provenance.

use super::{Format, Shown, form, names::Names, provenance};
use crate::cli::{
    failure::Failure,
    sheet::{Sheet, Side},
    target::TargetArguments,
};
use danso_core::rollup::{Dimension, Measure};
use danso_proto::v1::{CountAnswer, CountRequest, Filter};
use danso_tier_config::{Date, Month, TierName};
use serde_json::{Map, Value, json};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// What to count
    #[arg(long, default_value = "population", value_parser = form::measure())]
    measure: Measure,
    /// Units by id or code; without it the node's own unit
    #[arg(long, value_name = "UNIT,...", value_delimiter = ',', value_parser = form::unit)]
    units: Vec<String>,
    /// One row for every unit of this tier below the units asked for
    #[arg(long, value_name = "TIER")]
    by_tier: Option<TierName>,
    /// One month; without any the last that has ended
    #[arg(long, value_name = "YYYY-MM", conflicts_with_all = ["from", "to"])]
    month: Option<Month>,
    /// First month
    #[arg(long, value_name = "YYYY-MM", requires = "to")]
    from: Option<Month>,
    /// Last month
    #[arg(long, value_name = "YYYY-MM", requires = "from")]
    to: Option<Month>,
    /// Count only these values of a dimension, as in age=15-49 or sex=female (repeatable)
    #[arg(long = "filter", value_name = "DIM=VALUE,...", value_parser = form::filter)]
    filters: Vec<Filter>,
    /// One row for every value of these dimensions
    #[arg(long, value_name = "DIM,...", value_delimiter = ',', value_parser = form::dimension())]
    group_by: Vec<Dimension>,
    /// The day whose administrative boundaries are meant; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    boundary_date: Option<Date>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

impl Arguments {
    /// The question, checked where clap cannot.
    fn checked(&self) -> Result<CountRequest, Failure> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(Failure::Usage(format!("--from {from} is later than --to {to}")));
        }
        let without =
            |dimension: Option<Dimension>| dimension.filter(|dimension| !self.measure.has(*dimension));
        let filtered = self.filters.iter().filter_map(|filter| Dimension::from_code(filter.dimension));
        if let Some(dimension) =
            self.group_by.iter().copied().chain(filtered).find_map(|it| without(Some(it)))
        {
            let (measure, dimension) = (self.measure.word(), dimension.word());
            return Err(Failure::Usage(format!("{measure} cannot be counted by {dimension}")));
        }
        let text = |value: Option<String>| value.unwrap_or_default();
        Ok(CountRequest {
            measure: self.measure.code(),
            units: self.units.clone(),
            by_tier: text(self.by_tier.as_ref().map(ToString::to_string)),
            month_from: text(self.month.or(self.from).map(|month| month.to_string())),
            month_to: text(self.month.or(self.to).map(|month| month.to_string())),
            filters: self.filters.clone(),
            group_by: self.group_by.iter().map(|dimension| dimension.code()).collect(),
            boundary_date: text(self.boundary_date.map(|date| date.to_string())),
        })
    }
}

pub(super) async fn ask(arguments: &Arguments) -> Result<Shown, Failure> {
    let request = arguments.checked()?;
    let client = arguments.target.connect().await?;
    let (tier, boundary) = (request.by_tier.clone(), request.boundary_date.clone());
    let answer = client.count(request).await?;
    let by_unit = answer.columns.iter().any(|column| column == UNIT);
    let names = if by_unit { Names::fetch(&client, &tier, &boundary).await } else { Names::default() };
    Ok(show(arguments.measure, &answer, &names))
}

/// The column of units, beside which their names are put.
const UNIT: &str = "unit";

fn show(measure: Measure, answer: &CountAnswer, names: &Names) -> Shown {
    let mut columns: Vec<(&str, Side)> = Vec::new();
    for column in &answer.columns {
        columns.push((column, Side::Left));
        if column == UNIT {
            columns.push(("name", Side::Left));
        }
    }
    columns.push(("count", Side::Right));
    let mut rows = Sheet::new(columns);
    let mut objects = Vec::new();
    for row in &answer.rows {
        let mut cells = Vec::new();
        let mut object = Map::new();
        for (column, key) in answer.columns.iter().zip(&row.keys) {
            cells.push(key.clone());
            object.insert(column.clone(), json!(key));
            if column == UNIT {
                let name = names.of(key);
                object.insert("name".to_owned(), json!(name));
                cells.push(name);
            }
        }
        cells.push(row.count.to_string());
        object.insert("count".to_owned(), json!(row.count));
        rows.push(cells);
        objects.push(Value::Object(object));
    }
    let found = answer.provenance.clone().unwrap_or_default();
    let json = json!({
        "measure": measure.word(),
        "columns": answer.columns,
        "rows": objects,
        "provenance": provenance::json(&found),
    });
    Shown { rows, notes: provenance::lines(&found), json }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use clap::Parser;
    use danso_proto::v1::CountRow;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        let words = ["count", "--config", "node.toml"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.arguments)
    }

    #[test]
    fn a_full_question_is_understood() {
        let line = "--measure births --units 01,02@2025-07-01 --by-tier commune --from 2026-01 --to 2026-03 \
                    --filter age=15-19,40-49 --filter sex=female --group-by month,birth_order \
                    --boundary-date 2025-06-30";
        let request = parse(line).unwrap().checked().unwrap();
        assert_eq!(request.measure, Measure::Births.code());
        assert_eq!(request.units, ["01", "02@2025-07-01"]);
        assert_eq!((request.month_from.as_str(), request.month_to.as_str()), ("2026-01", "2026-03"));
        assert_eq!(request.filters.len(), 2);
        assert_eq!(request.group_by, [Dimension::Month.code(), Dimension::BirthOrder.code()]);
        assert_eq!((request.by_tier.as_str(), request.boundary_date.as_str()), ("commune", "2025-06-30"));
    }

    #[test]
    fn an_empty_question_leaves_the_defaults_to_the_node() {
        let request = parse("").unwrap().checked().unwrap();
        assert_eq!(request, CountRequest { measure: Measure::Population.code(), ..CountRequest::default() });
        let month = parse("--month 2026-03").unwrap().checked().unwrap();
        assert_eq!((month.month_from.as_str(), month.month_to.as_str()), ("2026-03", "2026-03"));
    }

    #[test]
    fn contradictions_are_wrong_usage() {
        for line in [
            "--month 2026-03 --from 2026-01 --to 2026-02",
            "--from 2026-01",
            "--measure people",
            "--filter age",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        for line in ["--from 2026-03 --to 2026-01", "--group-by method", "--filter birth_order=1"] {
            assert!(matches!(parse(line).unwrap().checked(), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn names_stand_beside_units_in_every_format() {
        let row =
            |unit: &str, sex: &str, count| CountRow { keys: vec![unit.to_owned(), sex.to_owned()], count };
        let answer = CountAnswer {
            columns: vec!["unit".to_owned(), "sex".to_owned()],
            rows: vec![row("00004@2025-07-01", "female", 1_234), row("00008@2025-07-01", "female", -2)],
            provenance: None,
        };
        let names = Names::from([("00004@2025-07-01", "Phường Ba Đình")]);
        let shown = show(Measure::Population, &answer, &names);
        let expected = "unit,name,sex,count\n00004@2025-07-01,Phường Ba Đình,female,1234\n\
                        00008@2025-07-01,,female,-2\n";
        assert_eq!(shown.rows.csv(), expected);
        let table = shown.rows.table();
        assert_eq!(table.lines().nth(2).unwrap(), "00008@2025-07-01                  female     -2");
        assert_eq!(shown.json["rows"][0]["name"], "Phường Ba Đình");
        assert_eq!(shown.json["rows"][1]["count"], -2);
        assert_eq!(shown.json["measure"], "population");
    }
}
