//! The conversion table matched with both lists: which old unit went into which new one, and what is odd in it.

use super::{
    completeness,
    lists::{Column, List, Row, bracketed_code},
    places::{After, Before, Names, Place},
    remark::relation_of,
    report::{Notes, Oddity, Report},
    spelling::{Difference, comparable, difference, full_name},
};
use crate::{
    directory::{kind::Kind, row::Relation},
    fault::{Collector, Faults},
    unit::UnitCode,
};
use std::collections::{BTreeMap, HashSet};

/// What a new commune was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Origin {
    Commune(UnitCode),
    District(UnitCode),
}

/// The table, matched.
#[derive(Debug, Default)]
pub(super) struct Conversion {
    /// (new commune, origin) to (relation, line).
    pub(super) edges: BTreeMap<(UnitCode, Origin), (Relation, usize)>,
    /// Names of new communes on the first day, as the table gives them, with their line.
    pub(super) first_names: BTreeMap<UnitCode, (Kind, String, usize)>,
}

/// What one pass over the table needs.
struct Matcher<'a> {
    list: &'a List,
    before: &'a Before,
    after: &'a After,
    old_names: Names,
    new_names: Names,
    /// (new, old) pairs as written, so that a repair does not make one twice.
    written: HashSet<(String, String)>,
    new_codes: HashSet<String>,
    /// What was noted once and is not to be noted on every row.
    noted: HashSet<(String, String)>,
    faults: Collector<'a>,
    notes: Notes<'a>,
}

impl Conversion {
    pub(super) fn read(
        list: &List,
        before: &Before,
        after: &After,
        report: &mut Report,
        faults: &mut Faults,
    ) -> Self {
        let cell = |row: &Row, column| list.cell(row, column);
        let pair = |row: &Row| (cell(row, Column::NewCode), cell(row, Column::OldCode));
        let mut matcher = Matcher {
            list,
            before,
            after,
            old_names: Names::of(&before.communes),
            new_names: Names::of(&after.communes),
            written: list.rows.iter().map(pair).collect(),
            new_codes: list.rows.iter().map(|row| cell(row, Column::NewCode)).collect(),
            noted: HashSet::new(),
            faults: Collector::new(&list.file),
            notes: Notes::new(&list.file, report),
        };
        let mut conversion = Self::default();
        for row in &list.rows {
            matcher.row(row, &mut conversion);
        }
        completeness::check(&conversion, before, after, &mut matcher.notes);
        faults.0.append(&mut matcher.faults.faults.0);
        conversion
    }
}

impl Matcher<'_> {
    fn row(&mut self, row: &Row, conversion: &mut Conversion) {
        let (new_code, new_name) =
            (self.list.cell(row, Column::NewCode), self.list.cell(row, Column::NewName));
        if new_code.is_empty() && new_name.is_empty() {
            return; // a heading with a province's name
        }
        let Some(successor) = self.successor(row, &new_code, &new_name) else { return };
        if let Some((kind, name)) = full_name(&new_name) {
            conversion.first_names.entry(successor).or_insert((kind, name, row.line));
        }
        let Some(relation) = self.relation(row, &new_code) else { return };
        let Some(origin) = self.origin(row, &new_code, relation) else { return };
        if let Some((_, first)) = conversion.edges.insert((successor, origin), (relation, row.line)) {
            let message = format!("the same old and new unit as line {first}; this line was followed");
            self.notes.open(row.line, successor.as_str(), Oddity::RowDuplicate, message);
        }
    }

    /// The new commune of a row, by code; by name only where the code is unknown and the name is certain.
    fn successor(&mut self, row: &Row, written: &str, name: &str) -> Option<UnitCode> {
        let province_cell = self.list.cell(row, Column::NewProvince);
        let province = bracketed_code(&province_cell);
        let code: Option<UnitCode> = written.parse().ok();
        if let Some((code, place)) = code.and_then(|code| Some((code, self.after.communes.get(&code)?))) {
            self.compare_new(row, code, place, name, province);
            return Some(code);
        }
        let found = self.new_names.only(province.parse().ok(), name);
        let found = found.filter(|code| !self.new_codes.contains(code.as_str()));
        if let Some(code) = found {
            let message = format!("`{name}` has the code {code} in the list after the reform, not {written}");
            self.notes.repaired(row.line, written, Oddity::CodeUnknown, message);
        } else {
            let message =
                format!("the list after the reform has no code {written} `{name}`; the row was left out");
            self.notes.open(row.line, written, Oddity::CodeUnknown, message);
        }
        found
    }

    fn compare_new(&mut self, row: &Row, code: UnitCode, place: &Place, name: &str, province: &str) {
        let own = place.above.map(|code| code.to_string()).unwrap_or_default();
        if province != own && self.once(code, province) {
            let message =
                format!("`{name}` lies in province {own} by the list after the reform, not {province}");
            self.notes.repaired(row.line, code.as_str(), Oddity::ProvinceMismatch, message);
        }
        if comparable(name) == place.key || !self.once(code, name) {
            return;
        }
        let message =
            format!("`{name}` is `{}` in the list after the reform, which was followed", place.name);
        match difference(name, &place.name) {
            Difference::Spelling => self.notes.repaired(row.line, code.as_str(), Oddity::Spelling, message),
            Difference::Kind => {} // a change of kind since, dated in `assemble.rs`
            Difference::Name => self.notes.open(row.line, code.as_str(), Oddity::NameCodeMismatch, message),
        }
    }

    /// True the first time that a value is met at a code.
    fn once(&mut self, code: UnitCode, value: &str) -> bool {
        self.noted.insert((code.to_string(), value.to_owned()))
    }

    /// What went into the new commune; `None` for rows that name no unit.
    fn origin(&mut self, row: &Row, new_code: &str, relation: Relation) -> Option<Origin> {
        let (written, name) = (self.list.cell(row, Column::OldCode), self.list.cell(row, Column::OldName));
        let district_cell = self.list.cell(row, Column::OldDistrict);
        let district: Option<UnitCode> = bracketed_code(&district_cell).parse().ok();
        if written.is_empty() {
            return self.uncoded(row, new_code, &name, district, relation);
        }
        let known = written.parse().ok().and_then(|code| Some((code, self.before.communes.get(&code)?)));
        let same_name = known.is_some_and(|(_, place)| place.key == comparable(&name));
        let code = if same_name {
            known?.0
        } else {
            self.other_name(row, &written, &name, district, known, new_code)?
        };
        let place = self.before.communes.get(&code)?;
        self.compare_old(row, code, place, district);
        Some(Origin::Commune(code))
    }

    /// A row without an old code: a whole district that became a special zone, or no unit at all.
    fn uncoded(
        &mut self,
        row: &Row,
        new_code: &str,
        name: &str,
        district: Option<UnitCode>,
        relation: Relation,
    ) -> Option<Origin> {
        if relation != Relation::DistrictToSpecialZone {
            let message =
                format!("component `{name}` of {new_code} is no unit and has no code; it was left out");
            self.notes.repaired(row.line, new_code, Oddity::ComponentNotUnit, message);
            return None;
        }
        let known = district.filter(|code| self.before.districts.contains_key(code));
        if known.is_none() {
            let code = district.map(|code| code.to_string()).unwrap_or_default();
            let message =
                format!("{new_code} was made from district {code}, which the district list does not hold");
            self.notes.open(row.line, &code, Oddity::CodeUnknown, message);
        }
        known.map(Origin::District)
    }

    /// The old commune of a row whose name is not the name of its code.
    fn other_name(
        &mut self,
        row: &Row,
        written: &str,
        name: &str,
        district: Option<UnitCode>,
        known: Option<(UnitCode, &Place)>,
        new_code: &str,
    ) -> Option<UnitCode> {
        let district = district.or(known.and_then(|(_, place)| place.above));
        let meant = self
            .old_names
            .only(district, name)
            .filter(|code| !self.written.contains(&(new_code.to_owned(), code.to_string())));
        match (known, meant) {
            (Some((code, place)), None) => {
                if self.once(code, name) {
                    self.spelt_otherwise(row, code, name, place);
                }
                Some(code)
            }
            (Some((_, place)), Some(meant)) => {
                let message = format!(
                    "code {written} is `{}`; `{name}` of the same district has the code {meant}, which was taken",
                    place.name
                );
                self.notes.repaired(row.line, written, Oddity::NameCodeMismatch, message);
                Some(meant)
            }
            (None, Some(meant)) => {
                let message =
                    format!("no old code {written}; `{name}` has the code {meant} in that district");
                self.notes.repaired(row.line, written, Oddity::CodeUnknown, message);
                Some(meant)
            }
            (None, None) => {
                let message = format!(
                    "the list before the reform has no code {written} `{name}`; the row was left out"
                );
                self.notes.open(row.line, written, Oddity::CodeUnknown, message);
                None
            }
        }
    }

    /// The code decides; another kind, or a name that is not alike, is left for someone to look at.
    fn spelt_otherwise(&mut self, row: &Row, code: UnitCode, name: &str, place: &Place) {
        let message =
            format!("`{name}` is `{}` in the list before the reform, which was followed", place.name);
        match difference(name, &place.name) {
            Difference::Spelling => self.notes.repaired(row.line, code.as_str(), Oddity::Spelling, message),
            Difference::Kind => self.notes.open(row.line, code.as_str(), Oddity::KindMismatch, message),
            Difference::Name => self.notes.open(row.line, code.as_str(), Oddity::NameCodeMismatch, message),
        }
    }

    fn compare_old(&mut self, row: &Row, code: UnitCode, place: &Place, district: Option<UnitCode>) {
        if let (Some(written), Some(own)) = (district, place.above)
            && written != own
        {
            let message = format!(
                "`{}` lies in district {own} by the list before the reform, not {written}",
                place.name
            );
            self.notes.repaired(row.line, code.as_str(), Oddity::DistrictMismatch, message);
        }
        let province_cell = self.list.cell(row, Column::OldProvince);
        let written = bracketed_code(&province_cell);
        let own = self.before.province_of(place).map(|code| code.to_string()).unwrap_or_default();
        // Some rows of the table give the province by name alone; then there is no code to compare.
        if written != own && written.bytes().all(|b| b.is_ascii_digit()) {
            let message = format!(
                "`{}` lies in province {own} by the list before the reform, not {written}",
                place.name
            );
            self.notes.repaired(row.line, code.as_str(), Oddity::ProvinceMismatch, message);
        }
    }

    /// The relation of a row, from its own column or from the remark.
    fn relation(&mut self, row: &Row, new_code: &str) -> Option<Relation> {
        if self.list.has(Column::Relation) {
            let text = self.list.cell(row, Column::Relation);
            let add =
                |error| self.faults.add(row.line, "relation", "value-form", format!("`{text}`: {error}"));
            return text.parse().map_err(add).ok();
        }
        let remark = self.list.cell(row, Column::Remark);
        match relation_of(&remark) {
            Some((relation, true)) => Some(relation),
            Some((relation, false)) => {
                let message = format!("remark `{remark}` was read as {relation}");
                self.notes.repaired(row.line, new_code, Oddity::RemarkReworded, message);
                Some(relation)
            }
            None => {
                let message = format!("`{remark}` does not say how the old unit went into the new one");
                self.faults.add(row.line, "Ghi chú", "value-form", message);
                None
            }
        }
    }
}
