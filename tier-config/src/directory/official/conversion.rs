//! The conversion table matched with both lists: which old unit went into which new one, and what is odd in it.

use super::{
    lists::{Column, List, Row, bracketed_code},
    places::{After, Before, Place, Places},
    report::{Notes, Oddity, Report},
    spelling::{comparable, full_name, likeness},
};
use crate::{
    directory::{kind::Kind, row::Relation},
    fault::{Collector, Faults},
    unit::UnitCode,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Likeness from which two names of one code count as two spellings.
const LIKENESS_MIN: f64 = 0.5;

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

/// Names looked up inside one unit above: (above, comparable name) to codes.
type Names = HashMap<(UnitCode, String), Vec<UnitCode>>;

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
            old_names: names(&before.communes),
            new_names: names(&after.communes),
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
        matcher.completeness(&conversion);
        faults.0.append(&mut matcher.faults.faults.0);
        conversion
    }
}

fn names(places: &Places) -> Names {
    let mut names = Names::new();
    for (code, place) in places {
        if let Some(above) = place.above {
            names.entry((above, place.key.clone())).or_default().push(*code);
        }
    }
    names
}

/// The only unit of that name there, if there is exactly one.
fn only(names: &Names, above: Option<UnitCode>, name: &str) -> Option<UnitCode> {
    match names.get(&(above?, comparable(name)))?.as_slice() {
        [code] => Some(*code),
        _ => None,
    }
}

impl Matcher<'_> {
    fn row(&mut self, row: &Row, conversion: &mut Conversion) {
        let (new_code, new_name) = (self.list.cell(row, Column::NewCode), self.list.cell(row, Column::NewName));
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
        let found = only(&self.new_names, province.parse().ok(), name);
        match found.filter(|code| !self.new_codes.contains(code.as_str())) {
            Some(code) => {
                let message = format!("`{name}` has the code {code} in the list after the reform, not {written}");
                self.notes.repaired(row.line, written, Oddity::CodeUnknown, message);
                Some(code)
            }
            None => {
                let message = format!("the list after the reform has no code {written} `{name}`; the row was left out");
                self.notes.open(row.line, written, Oddity::CodeUnknown, message);
                None
            }
        }
    }

    fn compare_new(&mut self, row: &Row, code: UnitCode, place: &Place, name: &str, province: &str) {
        let own = place.above.map(|code| code.to_string()).unwrap_or_default();
        if province != own && self.once(code, province) {
            let message = format!("`{name}` lies in province {own} by the list after the reform, not {province}");
            self.notes.repaired(row.line, code.as_str(), Oddity::ProvinceMismatch, message);
        }
        let bare = |name: &str| Kind::split_name(name).map_or_else(|| comparable(name), |(_, rest)| comparable(rest));
        if bare(name) != bare(&place.name) && self.once(code, name) {
            let message = format!("`{name}` is `{}` in the list after the reform, which was followed", place.name);
            self.notes.repaired(row.line, code.as_str(), Oddity::Spelling, message);
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
        let code = if same_name { known?.0 } else { self.other_name(row, &written, &name, district, known, new_code)? };
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
            let message = format!("component `{name}` of {new_code} is no unit and has no code; it was left out");
            self.notes.repaired(row.line, new_code, Oddity::ComponentNotUnit, message);
            return None;
        }
        let known = district.filter(|code| self.before.districts.contains_key(code));
        if known.is_none() {
            let code = district.map(|code| code.to_string()).unwrap_or_default();
            let message = format!("{new_code} was made from district {code}, which the district list does not hold");
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
        let meant = only(&self.old_names, district, name)
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
                let message = format!("no old code {written}; `{name}` has the code {meant} in that district");
                self.notes.repaired(row.line, written, Oddity::CodeUnknown, message);
                Some(meant)
            }
            (None, None) => {
                let message = format!("the list before the reform has no code {written} `{name}`; the row was left out");
                self.notes.open(row.line, written, Oddity::CodeUnknown, message);
                None
            }
        }
    }

    /// The code decides; another kind, or a name that is hardly alike, is left for someone to look at.
    fn spelt_otherwise(&mut self, row: &Row, code: UnitCode, name: &str, place: &Place) {
        let message = format!("`{name}` is `{}` in the list before the reform; the code was followed", place.name);
        let rest = |name: &str| Kind::split_name(name).map_or_else(|| name.to_owned(), |(_, rest)| rest.to_owned());
        let (own, other) = (rest(name), rest(&place.name));
        if comparable(&own) == comparable(&other) {
            self.notes.open(row.line, code.as_str(), Oddity::KindMismatch, message);
        } else if likeness(&own, &other) >= LIKENESS_MIN {
            self.notes.repaired(row.line, code.as_str(), Oddity::Spelling, message);
        } else {
            self.notes.open(row.line, code.as_str(), Oddity::NameCodeMismatch, message);
        }
    }

    fn compare_old(&mut self, row: &Row, code: UnitCode, place: &Place, district: Option<UnitCode>) {
        if let (Some(written), Some(own)) = (district, place.above)
            && written != own
        {
            let message = format!("`{}` lies in district {own} by the list before the reform, not {written}", place.name);
            self.notes.repaired(row.line, code.as_str(), Oddity::DistrictMismatch, message);
        }
        let province_cell = self.list.cell(row, Column::OldProvince);
        let written = bracketed_code(&province_cell);
        let own = self.before.province_of(place).map(|code| code.to_string()).unwrap_or_default();
        // Some rows of the table give the province by name alone; then there is no code to compare.
        if written != own && written.bytes().all(|b| b.is_ascii_digit()) {
            let message = format!("`{}` lies in province {own} by the list before the reform, not {written}", place.name);
            self.notes.repaired(row.line, code.as_str(), Oddity::ProvinceMismatch, message);
        }
    }

    /// The relation of a row, from its own column or from the remark.
    fn relation(&mut self, row: &Row, new_code: &str) -> Option<Relation> {
        if self.list.has(Column::Relation) {
            let text = self.list.cell(row, Column::Relation);
            let add = |error| self.faults.add(row.line, "relation", "value-form", format!("`{text}`: {error}"));
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

    /// Every old commune goes somewhere with all its people, every new one comes from somewhere.
    fn completeness(&mut self, conversion: &Conversion) {
        let mut goes: BTreeMap<Origin, Vec<(Relation, usize)>> = BTreeMap::new();
        let made: BTreeSet<UnitCode> = conversion.edges.keys().map(|(new, _)| *new).collect();
        for ((_, origin), edge) in &conversion.edges {
            goes.entry(*origin).or_default().push(*edge);
        }
        for (code, place) in &self.before.communes {
            let edges = goes.get(&Origin::Commune(*code)).map(Vec::as_slice).unwrap_or_default();
            let wholly = edges.iter().filter(|(relation, _)| relation.moves_everyone()).count();
            let peopled = edges.iter().filter(|(relation, _)| !relation.moves_nobody()).count();
            let line = edges.first().map_or(0, |(_, line)| *line);
            if peopled == 0 {
                let message = format!("no row says where the people of `{}` went", place.name);
                self.notes.open(line, code.as_str(), Oddity::OldWithoutSuccessor, message);
            } else if wholly > 0 && peopled > 1 {
                let message = format!("all people of `{}` go to one new unit, and some to another", place.name);
                self.notes.open(line, code.as_str(), Oddity::TransferConflict, message);
            }
        }
        for (code, place) in self.after.communes.iter().filter(|(code, _)| !made.contains(code)) {
            let message = format!("no row says what `{}` was made from", place.name);
            self.notes.open(0, code.as_str(), Oddity::NewWithoutPredecessor, message);
        }
    }
}

/// The relation that a remark of the official table means, and whether it is a standard phrase.
fn relation_of(remark: &str) -> Option<(Relation, bool)> {
    let key = comparable(remark);
    let standard = [
        ("nhập toàn bộ", Relation::Whole),
        ("nhập một phần", Relation::Part),
        ("giữ nguyên", Relation::Unchanged),
        ("nhập một phần diện tích", Relation::PartAreaOnly),
        ("nhập một phần diện tích, toàn bộ dân số", Relation::PartAreaWholePopulation),
        ("nhập một phần dân số", Relation::PartPopulation),
        ("nhập toàn bộ diện tích", Relation::WholeArea),
        ("đổi tên", Relation::Renamed),
        ("đổi loại hình", Relation::Retyped),
    ];
    if let Some((_, relation)) = standard.iter().find(|(phrase, _)| comparable(phrase) == key) {
        return Some((*relation, true));
    }
    let has = |phrase: &str| key.contains(&comparable(phrase));
    let relation = if has("sắp xếp toàn bộ huyện") {
        return Some((Relation::DistrictToSpecialZone, true));
    } else if has("sắp xếp toàn bộ xã") {
        Relation::Whole
    } else if has("một phần diện tích") && has("toàn bộ dân số") {
        Relation::PartAreaWholePopulation
    } else if has("một phần diện tích") {
        Relation::PartAreaOnly
    } else if has("một phần") || has("phần còn lại") {
        Relation::Part
    } else {
        return None;
    };
    Some((relation, false))
}
