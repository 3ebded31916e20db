//! A record of the P0 tables as an [`EventRow`], or all that is wrong with it.

use super::{
    columns::Form,
    fault::{Cause, Fault},
    reader::{Cells, Rows},
    tables::Table,
    values,
};
use danso_core::domain::{
    BirthPlace, Education, Marital, Residence, Screening,
    form::{EventForm, EventRow, NewPerson, PersonReference},
};
use danso_tier_config::Date;
use std::io::Read;

/// Rows of a P0 file. `Err` lists all that is wrong with the file or its header; then nothing may be recorded.
pub fn event_rows<R: Read>(source: R) -> Result<Rows<R, EventRow>, Vec<Fault>> {
    Rows::open(Form::Events, source, event_row)
}

fn event_row(cells: &mut Cells<'_>) -> Option<EventRow> {
    let table = cells.need("table", Table::read);
    let on = cells.need("date", values::date);
    let table = table?;
    cells.only_for(table);
    let event = match table {
        Table::Birth => birth(cells, on),
        Table::Arrival => arrival(cells),
        Table::Departure => departure(cells),
        Table::Death => reference(cells).map(EventForm::Death),
        Table::Marriage => reference(cells).map(EventForm::Marriage),
        Table::Divorce => reference(cells).map(EventForm::Divorce),
        Table::MethodStop => reference(cells).map(EventForm::MethodStopped),
        Table::ElderlyCheck => reference(cells).map(EventForm::ElderlyCheck),
        Table::Correction => correction(cells),
        Table::MethodStart => {
            let (person, method) = (reference(cells), cells.need("method", values::listed));
            Some(EventForm::MethodStarted { person: person?, method: method? })
        }
        Table::Pregnancy => {
            let person = reference(cells);
            let outcome = cells.need("pregnancy_outcome", values::listed);
            let order = cells.need("pregnancy_order", values::number(1, 40));
            Some(EventForm::Pregnancy { person: person?, outcome: outcome?, order: order? })
        }
        Table::PrenatalScreening => {
            let person = reference(cells);
            let week = cells.need("week", |cell| match cell {
                "12" => Ok(12),
                "21" => Ok(21),
                _ => Err(Cause::NotInList { choices: "12 / 21".to_owned() }),
            });
            let results = screenings(cells, ["edwards", "down", "patau", "thalassaemia"]);
            Some(EventForm::PrenatalScreening { person: person?, week: week?, results: results? })
        }
        Table::NewbornScreening => {
            let person = reference(cells);
            let tests = ["hypothyroidism", "g6pd", "adrenal_hyperplasia", "hearing", "heart"];
            let results = screenings(cells, tests);
            Some(EventForm::NewbornScreening { person: person?, results: results? })
        }
    };
    Some(EventRow { on: on?, event: event? })
}

/// Who a row is about: a subject code, or household and name.
fn reference(cells: &mut Cells<'_>) -> Option<PersonReference> {
    let household = cells.text("household", values::household);
    let subject_code = cells.text("subject_code", values::subject_code);
    let name = cells.text("name", values::name);
    let birth_date = cells.maybe("birth_date", values::date);
    let person = PersonReference {
        household: household?,
        subject_code: subject_code?,
        name: name?,
        birth_date: birth_date?,
    };
    if person.subject_code.is_empty() && (person.household.is_empty() || person.name.is_empty()) {
        cells.fault(if person.name.is_empty() { "name" } else { "household" }, Cause::ReferenceMissing);
        return None;
    }
    Some(person)
}

fn birth(cells: &mut Cells<'_>, on: Option<Date>) -> Option<EventForm> {
    let household = cells.need("household", values::household);
    let subject_code = cells.text("subject_code", values::subject_code);
    let name = cells.need("name", values::name);
    let relation = cells.text("relation", values::name);
    let sex = cells.need("sex", values::listed);
    let ethnicity = cells.need("ethnicity", values::listed);
    let written = cells.maybe("birth_date", values::date);
    let mother_birth = cells.need("mother_birth_date", values::date);
    let order = cells.need("birth_order", values::number(1, 30));
    let place = cells.maybe("birth_place", values::listed);
    if let (Some(Some(written)), Some(on)) = (written, on)
        && written != on
    {
        cells.fault("birth_date", Cause::BirthDateDiffers);
    }
    let child = NewPerson {
        household: household?,
        subject_code: subject_code?,
        name: name?,
        relation: relation?,
        sex: sex?,
        birth_date: on?,
        ethnicity: ethnicity?,
        education: Education::None,
        marital: Marital::NeverMarried,
    };
    let place = place?.unwrap_or(BirthPlace::Elsewhere);
    Some(EventForm::Birth { child, mother_birth: mother_birth?, order: order?, place })
}

fn arrival(cells: &mut Cells<'_>) -> Option<EventForm> {
    let household = cells.need("household", values::household);
    let subject_code = cells.text("subject_code", values::subject_code);
    let name = cells.need("name", values::name);
    let relation = cells.text("relation", values::name);
    let sex = cells.need("sex", values::listed);
    let birth_date = cells.need("birth_date", values::date);
    let ethnicity = cells.need("ethnicity", values::listed);
    let education = cells.need("education", values::listed);
    let marital = cells.need("marital", values::listed);
    let area = cells.maybe("area", values::number(1, u64::from(u16::MAX)));
    let residence = cells.maybe("residence", values::listed);
    let reach = cells.need("reach", values::listed);
    let other_unit = cells.text("other_unit", values::unit_code);
    let person = NewPerson {
        household: household?,
        subject_code: subject_code?,
        name: name?,
        relation: relation?,
        sex: sex?,
        birth_date: birth_date?,
        ethnicity: ethnicity?,
        education: education?,
        marital: marital?,
    };
    let residence = residence?.unwrap_or(Residence::Present);
    Some(EventForm::Arrival { person, area: area?, residence, reach: reach?, other_unit: other_unit? })
}

fn departure(cells: &mut Cells<'_>) -> Option<EventForm> {
    let person = reference(cells);
    let reach = cells.need("reach", values::listed);
    let other_unit = cells.text("other_unit", values::unit_code);
    Some(EventForm::Departure { person: person?, reach: reach?, other_unit: other_unit? })
}

fn correction(cells: &mut Cells<'_>) -> Option<EventForm> {
    let person = reference(cells);
    let new_name = cells.maybe("new_name", values::name);
    let new_birth_date = cells.maybe("new_birth_date", values::date);
    let new_sex = cells.maybe("new_sex", values::listed);
    let new_education = cells.maybe("new_education", values::listed);
    let new_marital = cells.maybe("new_marital", values::listed);
    let new_residence = cells.maybe("new_residence", values::listed);
    let event = EventForm::Correction {
        person: person?,
        new_name: new_name?,
        new_birth_date: new_birth_date?,
        new_sex: new_sex?,
        new_education: new_education?,
        new_marital: new_marital?,
        new_residence: new_residence?,
    };
    if let EventForm::Correction {
        new_name: None,
        new_birth_date: None,
        new_sex: None,
        new_education: None,
        new_marital: None,
        new_residence: None,
        ..
    } = event
    {
        cells.fault("new_name", Cause::NothingToCorrect);
        return None;
    }
    Some(event)
}

/// The results of some tests; an empty cell is a test not done.
fn screenings<const N: usize>(cells: &mut Cells<'_>, tests: [&str; N]) -> Option<[Screening; N]> {
    let results = tests.map(|test| cells.maybe(test, values::listed::<Screening>));
    let mut done = [Screening::NotDone; N];
    for (slot, result) in done.iter_mut().zip(results) {
        *slot = result?.unwrap_or(Screening::NotDone);
    }
    Some(done)
}
