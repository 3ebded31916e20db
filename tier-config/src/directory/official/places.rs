//! The units of the lists before and after the reform, by code, with names set right.

use super::{
    lists::{Column, List, ListKind, Lists, Row, before_bracket, bracketed_code},
    report::{Notes, Oddity, Report},
    spelling::{comparable, full_name, tidy},
};
use crate::{
    directory::kind::Kind,
    fault::{Collector, Faults},
    unit::UnitCode,
};
use std::collections::{BTreeMap, HashMap};

/// A unit as a list gives it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) name: String,
    /// [`comparable`] of the name.
    pub(super) key: String,
    pub(super) kind: Kind,
    /// Code of the unit above; `None` for provinces.
    pub(super) above: Option<UnitCode>,
}

/// Units by code.
pub(super) type Places = BTreeMap<UnitCode, Place>;

/// Names looked up inside one unit above: (above, comparable name) to codes.
pub(super) struct Names(HashMap<(UnitCode, String), Vec<UnitCode>>);

impl Names {
    pub(super) fn of(places: &Places) -> Self {
        let mut names: HashMap<_, Vec<UnitCode>> = HashMap::new();
        for (code, place) in places {
            if let Some(above) = place.above {
                names.entry((above, place.key.clone())).or_default().push(*code);
            }
        }
        Self(names)
    }

    /// The only unit of that name there, if there is exactly one.
    pub(super) fn only(&self, above: Option<UnitCode>, name: &str) -> Option<UnitCode> {
        match self.0.get(&(above?, comparable(name)))?.as_slice() {
            [code] => Some(*code),
            _ => None,
        }
    }
}

/// The tree before 2025-07-01.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) provinces: Places,
    pub(super) districts: Places,
    pub(super) communes: Places,
}

/// The tree from 2025-07-01 on, as the latest list gives it.
#[derive(Debug, Default)]
pub(super) struct After {
    pub(super) provinces: Places,
    pub(super) communes: Places,
    /// Names of provinces on the first day, where a list of that day was given.
    pub(super) first_provinces: BTreeMap<UnitCode, (Kind, String)>,
}

/// Reads cells of one list; a broken code or an impossible name is a fault.
struct Reader<'a> {
    list: &'a List,
    faults: Collector<'a>,
    notes: Notes<'a>,
}

impl<'a> Reader<'a> {
    fn new(list: &'a List, report: &'a mut Report) -> Self {
        let (faults, notes) = (Collector::new(&list.file), Notes::new(&list.file, report));
        Self { list, faults, notes }
    }

    fn code(&mut self, row: &Row, column: Column, key: &str) -> Option<UnitCode> {
        let text = self.list.cell(row, column);
        text.parse()
            .map_err(|error| self.faults.add(row.line, key, "value-form", format!("`{text}`: {error}")))
            .ok()
    }

    /// A unit of a row: its name set right, its kind from the name, checked against the column of the kind.
    fn place(&mut self, row: &Row, code: UnitCode, above: Option<UnitCode>) -> Option<Place> {
        let written = self.list.cell(row, Column::Name);
        let place = self.named(row, code, &written, above)?;
        let kind = self.list.cell(row, Column::Kind);
        if kind.parse() != Ok(place.kind) {
            let message = format!("kind `{kind}` does not fit the name `{written}`; the name was followed");
            self.notes.repaired(row.line, code.as_str(), Oddity::KindMismatch, message);
        }
        Some(place)
    }

    fn named(&mut self, row: &Row, code: UnitCode, written: &str, above: Option<UnitCode>) -> Option<Place> {
        let Some((kind, name)) = full_name(written) else {
            let message =
                format!("`{written}`: expected a name that begins with its kind, as in Phường Ba Đình");
            self.faults.add(row.line, "name", "value-form", message);
            return None;
        };
        if name != written {
            let message = format!("`{written}` is written `{name}` in law");
            self.notes.repaired(row.line, code.as_str(), Oddity::KindCase, message);
        }
        Some(Place { line: row.line, key: comparable(&name), name, kind, above })
    }

    fn insert(&mut self, places: &mut Places, code: UnitCode, place: Place) {
        let line = place.line;
        if let Some(first) = places.insert(code, place) {
            let message = format!("code {code} stands in line {} already", first.line);
            self.faults.add(line, "code", "unit-duplicate", message);
        }
    }

    /// A unit named in a column of another unit's row: taken once, and the same on every row.
    fn mentioned(
        &mut self,
        row: &Row,
        places: &mut Places,
        columns: (Column, Column, &str),
        above: Option<UnitCode>,
    ) -> Option<UnitCode> {
        let code = self.code(row, columns.0, columns.2)?;
        let written = self.list.cell(row, columns.1);
        if let Some(known) = places.get(&code) {
            let same = comparable(&written) == known.key && known.above == above;
            if !same {
                let message = format!(
                    "{} {code} `{written}` was `{}` in line {}; the earlier line was followed",
                    columns.2, known.name, known.line
                );
                let code = code.to_string();
                self.notes.open(row.line, &code, Oddity::DistrictMismatch, message);
            }
            return Some(code);
        }
        let place = self.named(row, code, &written, above)?;
        places.insert(code, place);
        Some(code)
    }
}

impl Before {
    pub(super) fn read(lists: &Lists, report: &mut Report, faults: &mut Faults) -> Self {
        let mut before = Self::default();
        if let Some(list) = lists.get(ListKind::DistrictsBefore) {
            before.read_districts(list, report, faults);
        } else {
            let message =
                "the districts before 2025-07-01 were not given; those without communes are missing";
            Notes::new("", report).open(0, "", Oddity::ListNotGiven, message.to_owned());
        }
        before.read_communes(lists.needed(ListKind::CommunesBefore), report, faults);
        before
    }

    fn read_districts(&mut self, list: &List, report: &mut Report, faults: &mut Faults) {
        let mut reader = Reader::new(list, report);
        for row in &list.rows {
            let Some(code) = reader.code(row, Column::Code, "code") else { continue };
            let columns = (Column::ProvinceCode, Column::ProvinceName, "province");
            let province = reader.mentioned(row, &mut self.provinces, columns, None);
            if let Some(place) = reader.place(row, code, province) {
                reader.insert(&mut self.districts, code, place);
            }
        }
        faults.0.append(&mut reader.faults.faults.0);
    }

    fn read_communes(&mut self, list: &List, report: &mut Report, faults: &mut Faults) {
        let mut reader = Reader::new(list, report);
        for row in &list.rows {
            let Some(code) = reader.code(row, Column::Code, "code") else { continue };
            let columns = (Column::ProvinceCode, Column::ProvinceName, "province");
            let province = reader.mentioned(row, &mut self.provinces, columns, None);
            let columns = (Column::DistrictCode, Column::DistrictName, "district");
            let district = reader.mentioned(row, &mut self.districts, columns, province);
            if let Some(place) = reader.place(row, code, district) {
                reader.insert(&mut self.communes, code, place);
            }
        }
        faults.0.append(&mut reader.faults.faults.0);
    }

    /// The province of an old commune.
    pub(super) fn province_of(&self, commune: &Place) -> Option<UnitCode> {
        self.districts.get(&commune.above?)?.above
    }
}

impl After {
    pub(super) fn read(lists: &Lists, report: &mut Report, faults: &mut Faults) -> Self {
        let mut after = Self::default();
        let list = lists.needed(ListKind::CommunesAfter);
        let mut reader = Reader::new(list, report);
        for row in &list.rows {
            let Some(code) = reader.code(row, Column::Code, "code") else { continue };
            let columns = (Column::ProvinceCode, Column::ProvinceName, "province");
            let province = reader.mentioned(row, &mut after.provinces, columns, None);
            if let Some(place) = reader.place(row, code, province) {
                reader.insert(&mut after.communes, code, place);
            }
        }
        faults.0.append(&mut reader.faults.faults.0);
        after.read_first_provinces(lists, report, faults);
        after
    }

    /// Names of the first day: from the list of province codes, else from the conversion table.
    fn read_first_provinces(&mut self, lists: &Lists, report: &mut Report, faults: &mut Faults) {
        if let Some(list) = lists.get(ListKind::ProvincesAfter) {
            let mut reader = Reader::new(list, report);
            for row in &list.rows {
                let Some(code) = reader.code(row, Column::Code, "code") else { continue };
                let name = list.cell(row, Column::Name);
                if !self.provinces.contains_key(&code) {
                    let message = format!("province `{name}` has no commune in the list after the reform");
                    reader.notes.open(row.line, code.as_str(), Oddity::CodeUnknown, message);
                }
                self.first_provinces.insert(code, province_name(&name));
            }
            faults.0.append(&mut reader.faults.faults.0);
        }
        let list = lists.needed(ListKind::Conversion);
        for row in &list.rows {
            let text = list.cell(row, Column::NewProvince);
            let name = before_bracket(&text);
            if let (false, Ok(code)) = (name.is_empty(), bracketed_code(&text).parse()) {
                self.first_provinces.entry(code).or_insert_with(|| province_name(name));
            }
        }
    }
}

/// A province's kind and full name; the letter of 2025 leaves the word "Tỉnh" out.
fn province_name(name: &str) -> (Kind, String) {
    full_name(name).unwrap_or_else(|| (Kind::Province, format!("Tỉnh {}", tidy(name))))
}
