//! The directory as one CSV file: `unit,code,name,kind,tier,parent,valid_from,valid_to,predecessors`.
//!
//! One row per unit and period; `code` repeats the code of `unit` for readers in a spreadsheet; `parent` and
//! `valid_to` may be empty; `predecessors` is `ID:relation` joined by `;` and belongs to the row's first day.

use super::{
    Directory,
    check::Rows,
    row::{Lineage, Unit},
};
use crate::{
    fault::{Collector, Faults},
    limits::DIRECTORY_FAULTS_MAX,
    toml_file::plain_text,
    unit::UnitId,
};
use std::{collections::HashMap, fmt::Display, str::FromStr};

/// The columns, in the order written.
const COLUMNS: [&str; 9] =
    ["unit", "code", "name", "kind", "tier", "parent", "valid_from", "valid_to", "predecessors"];

/// Rows read with their lines, and the faults of single cells.
pub(super) fn read<'a>(text: &str, file: &'a str) -> Result<(Rows<'a>, Faults), Faults> {
    let mut faults = Collector::new(file);
    let text = plain_text(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|cell| cell.trim().to_owned()).collect(),
        Err(error) => {
            faults.add(1, "", "csv-form", format!("not a CSV file: {error}"));
            return Err(faults.faults);
        }
    };
    if header != COLUMNS {
        let message = format!("expected the columns {}, found {}", COLUMNS.join(","), header.join(","));
        faults.add(1, "", "csv-columns", message);
        return Err(faults.faults);
    }
    let (mut units, mut lineage) = (Vec::new(), Vec::new());
    for record in reader.records() {
        if faults.faults.0.len() >= DIRECTORY_FAULTS_MAX {
            break;
        }
        match record {
            Err(error) => {
                let line = error.position().map_or(0, |position| position.line() as usize);
                faults.add(line, "", "csv-form", format!("not a CSV row: {error}"));
            }
            Ok(record) => {
                let line = record.position().map_or(0, |position| position.line() as usize);
                if record.len() == COLUMNS.len() {
                    read_row(&record, line, &mut faults, &mut units, &mut lineage);
                } else {
                    let message = format!("expected {} cells, found {}", COLUMNS.len(), record.len());
                    faults.add(line, "", "csv-form", message);
                }
            }
        }
    }
    Ok((Rows { file, units, lineage }, faults.faults))
}

fn read_row(
    record: &csv::StringRecord,
    line: usize,
    faults: &mut Collector<'_>,
    units: &mut Vec<(Unit, usize)>,
    lineage: &mut Vec<(Lineage, usize)>,
) {
    let cell = |column: usize| record.get(column).unwrap_or_default().trim();
    let found_before = faults.faults.0.len();
    let id: Option<UnitId> = parsed(cell(0), line, "unit", faults);
    let kind = parsed(cell(3), line, "kind", faults);
    let tier = parsed(cell(4), line, "tier", faults);
    let parent = optional(cell(5), line, "parent", faults);
    let valid_from = parsed(cell(6), line, "valid_from", faults);
    let valid_to = optional(cell(7), line, "valid_to", faults);
    let (Some(id), Some(valid_from)) = (id, valid_from) else { return };
    let code = id.code;
    if cell(1) != code.as_str() {
        faults.add(
            line,
            "code",
            "value-form",
            format!("expected {code} as in the unit's id, found `{}`", cell(1)),
        );
    }
    for text in cell(8).split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let Some((predecessor, relation)) = text.split_once(':') else {
            faults.add(line, "predecessors", "value-form", format!("`{text}`: expected ID:relation"));
            continue;
        };
        let predecessor = parsed(predecessor, line, "predecessors", faults);
        let relation = parsed(relation, line, "predecessors", faults);
        if let (Some(predecessor), Some(relation)) = (predecessor, relation) {
            lineage.push((Lineage { on: valid_from, predecessor, successor: id, relation }, line));
        }
    }
    // A row whose cells are wrong is not checked any further: its faults are told already.
    if let (Some(kind), Some(tier), true) = (kind, tier, faults.faults.0.len() == found_before) {
        let name = cell(2).to_owned();
        units.push((Unit { id, name, kind, tier, parent, valid_from, valid_to }, line));
    }
}

fn parsed<T: FromStr<Err: Display>>(
    text: &str,
    line: usize,
    key: &str,
    faults: &mut Collector<'_>,
) -> Option<T> {
    text.parse().map_err(|error| faults.add(line, key, "value-form", format!("`{text}`: {error}"))).ok()
}

/// `None` for an empty cell, and for a fault.
fn optional<T: FromStr<Err: Display>>(
    text: &str,
    line: usize,
    key: &str,
    faults: &mut Collector<'_>,
) -> Option<T> {
    if text.is_empty() { None } else { parsed(text, line, key, faults) }
}

/// The text that [`read`] reads back to an equal directory.
pub(super) fn write(directory: &Directory) -> String {
    let mut predecessors: HashMap<_, Vec<String>> = HashMap::new();
    for edge in &directory.lineage {
        let list = predecessors.entry((edge.successor, edge.on)).or_default();
        list.push(format!("{}:{}", edge.predecessor, edge.relation));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let in_memory = "writing to memory cannot fail";
    writer.write_record(COLUMNS).expect(in_memory);
    for unit in &directory.units {
        let text = |value: Option<String>| value.unwrap_or_default();
        let from = predecessors.get(&(unit.id, unit.valid_from)).map(|list| list.join(";"));
        writer
            .write_record([
                unit.id.to_string(),
                unit.id.code.to_string(),
                unit.name.clone(),
                unit.kind.to_string(),
                unit.tier.to_string(),
                text(unit.parent.map(|parent| parent.to_string())),
                unit.valid_from.to_string(),
                text(unit.valid_to.map(|last| last.to_string())),
                text(from),
            ])
            .expect(in_memory);
    }
    String::from_utf8(writer.into_inner().expect(in_memory)).expect("texts are UTF-8")
}
