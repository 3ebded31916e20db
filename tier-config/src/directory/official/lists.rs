//! The official lists recognised by their columns and read row by row.

use super::spelling::tidy;
use crate::{
    fault::{Collector, Fault, Faults},
    toml_file::plain_text,
};
use std::collections::HashMap;

/// Rows at a list's beginning among which its column names are looked for.
const HEADER_ROWS_MAX: usize = 4;

/// Which list a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ListKind {
    CommunesBefore,
    DistrictsBefore,
    CommunesAfter,
    ProvincesAfter,
    Conversion,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Code,
    Name,
    Kind,
    DistrictCode,
    DistrictName,
    ProvinceCode,
    ProvinceName,
    NewCode,
    NewName,
    NewProvince,
    OldCode,
    OldName,
    OldDistrict,
    OldProvince,
    Relation,
    Remark,
}

use Column as C;

/// One published shape of a list: its column names and what they hold.
struct Shape {
    kind: ListKind,
    columns: &'static [(&'static str, Column)],
}

/// The published shapes; of those that fit, the one with the most columns is meant.
const SHAPES: [Shape; 7] = [
    Shape {
        kind: ListKind::CommunesBefore,
        columns: &[
            ("mã", C::Code),
            ("tên", C::Name),
            ("cấp", C::Kind),
            ("mã qh", C::DistrictCode),
            ("quận huyện", C::DistrictName),
            ("mã tp", C::ProvinceCode),
            ("tỉnh / thành phố", C::ProvinceName),
        ],
    },
    Shape {
        kind: ListKind::CommunesBefore,
        columns: &[
            ("code", C::Code),
            ("name", C::Name),
            ("kind", C::Kind),
            ("district_code", C::DistrictCode),
            ("district_name", C::DistrictName),
            ("province_code", C::ProvinceCode),
            ("province_name", C::ProvinceName),
        ],
    },
    Shape {
        kind: ListKind::DistrictsBefore,
        columns: &[
            ("mã", C::Code),
            ("tên", C::Name),
            ("cấp", C::Kind),
            ("mã tp", C::ProvinceCode),
            ("tỉnh / thành phố", C::ProvinceName),
        ],
    },
    Shape {
        kind: ListKind::CommunesAfter,
        columns: &[
            ("code", C::Code),
            ("name", C::Name),
            ("kind", C::Kind),
            ("province_code", C::ProvinceCode),
            ("province_name", C::ProvinceName),
        ],
    },
    Shape {
        kind: ListKind::ProvincesAfter,
        columns: &[("mã số", C::Code), ("tên 34 tỉnh sau sáp nhập", C::Name)],
    },
    Shape {
        kind: ListKind::Conversion,
        columns: &[
            ("tỉnh, thành phố", C::NewProvince),
            ("tên xã mới", C::NewName),
            ("mã xã mới", C::NewCode),
            ("tên xã cũ", C::OldName),
            ("mã xã cũ", C::OldCode),
            ("ghi chú", C::Remark),
            ("quận/huyện", C::OldDistrict),
            ("tỉnh cũ", C::OldProvince),
        ],
    },
    Shape {
        kind: ListKind::Conversion,
        columns: &[
            ("new_code", C::NewCode),
            ("new_name", C::NewName),
            ("new_province_code", C::NewProvince),
            ("old_code", C::OldCode),
            ("old_name", C::OldName),
            ("old_district_code", C::OldDistrict),
            ("old_province_code", C::OldProvince),
            ("relation", C::Relation),
            ("note_vi", C::Remark),
        ],
    },
];

/// One list: its rows with their lines.
pub(super) struct List {
    pub(super) kind: ListKind,
    pub(super) file: String,
    columns: HashMap<Column, usize>,
    pub(super) rows: Vec<Row>,
}

/// One row, its cells as written.
pub(super) struct Row {
    pub(super) line: usize,
    cells: csv::StringRecord,
}

impl List {
    /// A cell in composed letters and single spaces; empty where the list has no such column.
    pub(super) fn cell(&self, row: &Row, column: Column) -> String {
        self.columns.get(&column).and_then(|at| row.cells.get(*at)).map(tidy).unwrap_or_default()
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.contains_key(&column)
    }
}

/// The lists given, by kind; all faults at once.
pub(super) struct Lists(HashMap<ListKind, List>);

impl Lists {
    pub(super) fn read(files: &[(&str, &str)]) -> Result<Self, Faults> {
        let (mut lists, mut faults) = (HashMap::new(), Faults::default());
        for (file, text) in files {
            match read_list(file, text) {
                Err(mut found) => faults.0.append(&mut found.0),
                Ok(list) => {
                    if let Some(first) = lists.get(&list.kind).map(|first: &List| first.file.clone()) {
                        let message = format!("this is the same kind of list as {first}; give one of them");
                        faults.0.push(fault(file, 1, "list-duplicate", message));
                    } else {
                        lists.insert(list.kind, list);
                    }
                }
            }
        }
        for (kind, what) in [
            (ListKind::CommunesBefore, "the communes before 2025-07-01 (columns Mã, Tên, Cấp, Mã QH, ...)"),
            (ListKind::CommunesAfter, "the communes after it (columns code, name, kind, province_code, ...)"),
            (
                ListKind::Conversion,
                "the conversion table (columns Mã Xã mới, Mã Xã cũ, ... or new_code, old_code, ...)",
            ),
        ] {
            if !lists.contains_key(&kind) && faults.0.is_empty() {
                faults.0.push(fault("", 0, "list-missing", format!("needed: {what}")));
            }
        }
        faults.none_or(Self(lists))
    }

    pub(super) fn get(&self, kind: ListKind) -> Option<&List> {
        self.0.get(&kind)
    }

    /// A list without which [`Lists::read`] fails.
    pub(super) fn needed(&self, kind: ListKind) -> &List {
        self.get(kind).expect("needed lists are asked for when reading")
    }
}

fn fault(file: &str, line: usize, code: &'static str, message: String) -> Fault {
    Fault { file: file.to_owned(), line, key: String::new(), message, code }
}

fn read_list(file: &str, text: &str) -> Result<List, Faults> {
    let mut faults = Collector::new(file);
    let text = plain_text(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        match record {
            Ok(cells) => {
                let line = cells.position().map_or(0, |position| position.line() as usize);
                rows.push(Row { line, cells });
            }
            Err(error) => {
                let line = error.position().map_or(0, |position| position.line() as usize);
                faults.add(line, "", "csv-form", format!("not a CSV row: {error}"));
            }
        }
    }
    let found = rows.iter().take(HEADER_ROWS_MAX).enumerate().find_map(|(i, row)| Some((i, fitting(row)?)));
    let Some((header, (shape, columns))) = found else {
        let names =
            rows.first().map(|row| row.cells.iter().collect::<Vec<_>>().join(",")).unwrap_or_default();
        faults.add(1, "", "list-unknown", format!("no known list has the columns {names}"));
        return Err(faults.faults);
    };
    rows.drain(..=header);
    let list = List { kind: shape.kind, file: file.to_owned(), columns, rows };
    faults.none_or(list)
}

/// The shape whose columns a header row holds, and where they are.
fn fitting(row: &Row) -> Option<(&'static Shape, HashMap<Column, usize>)> {
    let names: Vec<String> = row.cells.iter().map(|cell| tidy(cell).to_lowercase()).collect();
    let places = |shape: &'static Shape| -> Option<(&'static Shape, HashMap<Column, usize>)> {
        let place = |(name, column): &(&str, Column)| {
            names.iter().position(|found| found == name).map(|at| (*column, at))
        };
        Some((shape, shape.columns.iter().map(place).collect::<Option<_>>()?))
    };
    SHAPES.iter().filter_map(places).max_by_key(|(shape, _)| shape.columns.len())
}

/// The code in brackets at the end of "Quận Ba Đình (001)", or the whole text where it is a bare code.
pub(super) fn bracketed_code(text: &str) -> &str {
    text.rsplit_once('(').map_or(text, |(_, rest)| rest.trim_end_matches(')')).trim()
}

/// "Quận Ba Đình (001)" without the code; empty for a bare code.
pub(super) fn before_bracket(text: &str) -> &str {
    text.rsplit_once('(').map_or("", |(name, _)| name).trim()
}
