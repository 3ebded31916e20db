//! The list of changes that a rebuild could not record again, as CSV for the officer. It names persons.

use crate::{
    host::files,
    operations::{forms::guarded, recovery::Conflicting},
};
use danso_tier_config::Date;
use std::{io, path::Path};

const HEADER: [&str; 16] = [
    "old_sequence",
    "recorded_on",
    "effective_on",
    "event",
    "reason",
    "reason_vi",
    "reason_en",
    "persons",
    "names",
    "birth_dates",
    "subject_codes",
    "citizen_numbers",
    "phones",
    "households",
    "household_numbers",
    "addresses",
];

/// Writes a new file that its owner alone can read, durable on return. Refuses to replace one.
pub(super) fn write(path: &Path, conflicts: &[Conflicting]) -> io::Result<()> {
    files::create(path, files::PRIVATE_MODE, |file| {
        let mut out = csv::Writer::from_writer(file);
        out.write_record(HEADER)?;
        for conflict in conflicts {
            out.write_record(row(conflict).map(guarded))?;
        }
        out.flush()
    })
}

fn row(conflict: &Conflicting) -> [String; 16] {
    let core = conflict.core.as_ref();
    let of_persons = |text: fn(&danso_core::domain::PersonFacts) -> String| {
        joined(conflict.persons.iter().map(|(_, facts)| text(facts)))
    };
    let of_households = |text: fn(&danso_core::domain::HouseholdFacts) -> String| {
        joined(conflict.households.iter().map(|(_, facts)| text(facts)))
    };
    [
        conflict.sequence.to_string(),
        core.map(|core| Date::in_vietnam(core.recorded_at.millis()).to_string()).unwrap_or_default(),
        core.map(|core| core.effective_on.to_string()).unwrap_or_default(),
        core.map(|core| core.event.kind().to_owned()).unwrap_or_default(),
        conflict.conflict.word().to_owned(),
        conflict.conflict.vietnamese().to_owned(),
        conflict.conflict.to_string(),
        joined(conflict.persons.iter().map(|(id, _)| id.to_string())),
        of_persons(|facts| facts.name.clone()),
        of_persons(|facts| facts.birth_date.map(|date| date.to_string()).unwrap_or_default()),
        of_persons(|facts| facts.subject_code.clone()),
        of_persons(|facts| facts.citizen_number.clone()),
        of_persons(|facts| facts.phone.clone()),
        joined(conflict.households.iter().map(|(id, _)| id.to_string())),
        of_households(|facts| facts.number.clone()),
        of_households(|facts| facts.address.clone()),
    ]
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}
