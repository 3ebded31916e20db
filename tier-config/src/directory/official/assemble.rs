//! The dated rows and the lineage of both trees.

use super::{
    conversion::{Conversion, Origin},
    places::{After, Before, Place, Places},
    report::{Notes, Oddity, Report},
    spelling::comparable,
};
use crate::{
    date::Date,
    directory::{
        Directory,
        kind::Kind,
        row::{Lineage, Relation, Unit},
    },
    tier::TierName,
    unit::{UnitCode, UnitId},
};
use std::collections::BTreeMap;

/// First day of the units of the old lists: the decision on codes, 124/2004/QĐ-TTg of 2004-07-08.
///
/// A unit was there no later than this or began some day after it; the lists do not say.
const OLD_FROM: &str = "2004-07-08";
/// First day of the new units: decision 19/2025/QĐ-TTg.
const NEW_FROM: &str = "2025-07-01";
/// Changes of kind after [`NEW_FROM`] that kept every code: province and first day.
///
/// 75 Đồng Nai: 30/2026/QH16 and 237/NQ-UBTVQH16 of 2026-04-30, a city with ten new phường.
const KIND_CHANGES: [(&str, &str); 1] = [("75", "2026-04-30")];

/// The tiers of both trees.
struct Tiers {
    commune: TierName,
    district: TierName,
    province: TierName,
    central: TierName,
}

fn date(text: &str) -> Date {
    text.parse().expect("a date of this file")
}

fn old(code: UnitCode) -> UnitId {
    UnitId { code, valid_from: date(OLD_FROM) }
}

fn new(code: UnitCode) -> UnitId {
    UnitId { code, valid_from: date(NEW_FROM) }
}

/// All rows and edges of the import.
pub(super) fn assemble(
    before: &Before,
    after: &After,
    conversion: &Conversion,
    after_file: &str,
    report: &mut Report,
) -> (Vec<Unit>, Vec<Lineage>) {
    let name = |text: &str| text.parse::<TierName>().expect("a tier's name");
    let tiers = Tiers {
        commune: name("commune"),
        district: name("district"),
        province: name("province"),
        central: name("central"),
    };
    let country = Directory::country();
    let mut units = vec![Directory::simple_unit(country, "Việt Nam", Kind::Central, &tiers.central, None)];
    old_rows(&mut units, &before.provinces, &tiers.province, |_| Some(country));
    old_rows(&mut units, &before.districts, &tiers.district, |place| place.above.map(old));
    old_rows(&mut units, &before.communes, &tiers.commune, |place| place.above.map(old));
    let mut notes = Notes::new(after_file, report);
    for (code, place) in &after.provinces {
        let first = after.first_provinces.get(code).map(|(kind, name)| (*kind, name.as_str()));
        let spelt = first.filter(|(kind, name)| *kind == place.kind && comparable(name) != place.key);
        if let Some((_, name)) = spelt {
            let message = format!(
                "`{}` is `{name}` in the list of {NEW_FROM}; the later list was followed",
                place.name
            );
            notes.open(place.line, code.as_str(), Oddity::Spelling, message);
        }
        new_rows(&mut units, *code, place, (&tiers.province, country), (first, *code), &mut notes);
    }
    for (code, place) in &after.communes {
        let Some(province) = place.above else { continue };
        let first = conversion.first_names.get(code).map(|(kind, name, _)| (*kind, name.as_str()));
        new_rows(&mut units, *code, place, (&tiers.commune, new(province)), (first, province), &mut notes);
    }
    (units, lineage(before, after, conversion))
}

fn old_rows(
    units: &mut Vec<Unit>,
    places: &Places,
    tier: &TierName,
    parent: impl Fn(&Place) -> Option<UnitId>,
) {
    units.extend(places.iter().map(|(code, place)| Unit {
        id: old(*code),
        name: place.name.clone(),
        kind: place.kind,
        tier: tier.clone(),
        parent: parent(place),
        valid_from: date(OLD_FROM),
        valid_to: Some(date(NEW_FROM).plus_days(-1)),
    }));
}

/// One row, or two where the kind changed later; `first` is kind and name of the first day, with the province.
fn new_rows(
    units: &mut Vec<Unit>,
    code: UnitCode,
    place: &Place,
    (tier, parent): (&TierName, UnitId),
    (first, province): (Option<(Kind, &str)>, UnitCode),
    notes: &mut Notes<'_>,
) {
    let row = |kind: Kind, name: &str, valid_from: Date, valid_to: Option<Date>| Unit {
        id: new(code),
        name: name.to_owned(),
        kind,
        tier: tier.clone(),
        parent: Some(parent),
        valid_from,
        valid_to,
    };
    let changed = first.filter(|(kind, _)| *kind != place.kind);
    let known = KIND_CHANGES.iter().find(|(of, _)| province.as_str() == *of).map(|(_, day)| date(day));
    match (changed, known) {
        (Some((kind, name)), Some(day)) => {
            units.push(row(kind, name, date(NEW_FROM), Some(day.plus_days(-1))));
            units.push(row(place.kind, &place.name, day, None));
        }
        (Some((kind, _)), None) => {
            let message = format!("`{}` was {kind} on {NEW_FROM} and no change of kind is known", place.name);
            notes.open(place.line, code.as_str(), Oddity::KindMismatch, message);
            units.push(row(place.kind, &place.name, date(NEW_FROM), None));
        }
        (None, _) => units.push(row(place.kind, &place.name, date(NEW_FROM), None)),
    }
}

fn lineage(before: &Before, after: &After, conversion: &Conversion) -> Vec<Lineage> {
    let on = date(NEW_FROM);
    let mut edges = Vec::new();
    // (old province, new province) and whether people or only land went that way.
    let mut provinces: BTreeMap<UnitCode, BTreeMap<UnitCode, bool>> = BTreeMap::new();
    for ((code, origin), (relation, _)) in &conversion.edges {
        let (predecessor, from) = match origin {
            Origin::Commune(old) => {
                (*old, before.communes.get(old).and_then(|place| before.province_of(place)))
            }
            Origin::District(old) => (*old, before.districts.get(old).and_then(|place| place.above)),
        };
        edges.push(Lineage { on, predecessor: old(predecessor), successor: new(*code), relation: *relation });
        if let (Some(from), Some(to)) = (from, after.communes.get(code).and_then(|place| place.above)) {
            *provinces.entry(from).or_default().entry(to).or_default() |= !relation.moves_nobody();
        }
    }
    let mut parts: BTreeMap<UnitCode, usize> = BTreeMap::new();
    for to in provinces.values().flat_map(BTreeMap::keys) {
        *parts.entry(*to).or_default() += 1;
    }
    for (from, ways) in &provinces {
        for (to, peopled) in ways {
            let only = ways.len() == 1;
            let relation = match (peopled, only) {
                (false, _) => Relation::PartAreaOnly,
                (true, false) => Relation::Part,
                (true, true) if parts[to] == 1 && from == to => Relation::Unchanged,
                (true, true) => Relation::Whole,
            };
            edges.push(Lineage { on, predecessor: old(*from), successor: new(*to), relation });
        }
    }
    edges
}
