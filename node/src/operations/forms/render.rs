//! Typed rows to cells in the order of their form's columns.

use super::{columns::Form, spelling::Listed, tables::Table};
use danso_core::domain::form::{EventForm, EventRow, NewPerson, PersonReference, RegisterRow};
use danso_tier_config::Date;

/// How coded lists and dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// For people: Vietnamese words and `dd/mm/yyyy`.
    Words,
    /// For recognition: codes and ISO dates, which no later change of wording touches.
    Codes,
}

impl Spelling {
    fn listed<T: Listed>(self, value: T) -> String {
        match self {
            Self::Words => value.vietnamese().to_owned(),
            Self::Codes => value.code().to_string(),
        }
    }

    fn date(self, date: Date) -> String {
        let (year, month, day) = date.parts();
        match self {
            Self::Words => format!("{day:02}/{month:02}/{year:04}"),
            Self::Codes => date.to_string(),
        }
    }

    fn table(self, table: Table) -> String {
        match self {
            Self::Words => table.vietnamese().to_owned(),
            Self::Codes => table.word().to_owned(),
        }
    }
}

/// The cells of one row, by column name; columns not put stay empty.
struct Drawer {
    form: Form,
    spelling: Spelling,
    cells: Vec<String>,
}

impl Drawer {
    fn new(form: Form, spelling: Spelling) -> Self {
        Self { form, spelling, cells: vec![String::new(); form.columns().len()] }
    }

    fn put(&mut self, name: &str, value: impl Into<String>) {
        let place = self.form.columns().iter().position(|column| column.name == name);
        self.cells[place.expect("a row is drawn into columns of its own form")] = value.into();
    }

    fn listed<T: Listed>(&mut self, name: &str, value: T) {
        self.put(name, self.spelling.listed(value));
    }

    fn date(&mut self, name: &str, date: Date) {
        self.put(name, self.spelling.date(date));
    }

    fn reference(&mut self, person: &PersonReference) {
        self.put("household", &person.household);
        self.put("subject_code", &person.subject_code);
        self.put("name", &person.name);
        if let Some(birth) = person.birth_date {
            self.date("birth_date", birth);
        }
    }

    fn new_person(&mut self, person: &NewPerson) {
        self.put("household", &person.household);
        self.put("subject_code", &person.subject_code);
        self.put("name", &person.name);
        self.put("relation", &person.relation);
        self.listed("sex", person.sex);
        self.date("birth_date", person.birth_date);
        self.listed("ethnicity", person.ethnicity);
    }

    fn results<const N: usize>(&mut self, tests: [&str; N], results: [danso_core::domain::Screening; N]) {
        for (test, result) in tests.into_iter().zip(results) {
            self.listed(test, result);
        }
    }
}

/// The cells of an A0 row.
pub(super) fn register_cells(row: &RegisterRow, spelling: Spelling) -> Vec<String> {
    let mut drawer = Drawer::new(Form::Register, spelling);
    drawer.put("area", row.area.to_string());
    drawer.put("household", &row.person.household);
    drawer.listed("household_kind", row.household_kind);
    drawer.put("address", &row.address);
    drawer.put("line", row.line.to_string());
    drawer.put("subject_code", &row.person.subject_code);
    drawer.put("citizen_number", &row.citizen_number);
    drawer.put("name", &row.person.name);
    drawer.put("relation", &row.person.relation);
    drawer.listed("sex", row.person.sex);
    drawer.date("birth_date", row.person.birth_date);
    drawer.listed("ethnicity", row.person.ethnicity);
    drawer.listed("education", row.person.education);
    drawer.listed("marital", row.person.marital);
    drawer.listed("residence", row.residence);
    if let Some(method) = row.method {
        drawer.listed("method", method);
    }
    drawer.put("phone", &row.phone);
    drawer.cells
}

/// The table of an event.
pub(super) fn table_of(event: &EventForm) -> Table {
    match event {
        EventForm::Birth { .. } => Table::Birth,
        EventForm::NewbornScreening { .. } => Table::NewbornScreening,
        EventForm::Death(_) => Table::Death,
        EventForm::Arrival { .. } => Table::Arrival,
        EventForm::Departure { .. } => Table::Departure,
        EventForm::Marriage(_) => Table::Marriage,
        EventForm::Divorce(_) => Table::Divorce,
        EventForm::Correction { .. } => Table::Correction,
        EventForm::MethodStarted { .. } => Table::MethodStart,
        EventForm::MethodStopped(_) => Table::MethodStop,
        EventForm::Pregnancy { .. } => Table::Pregnancy,
        EventForm::PrenatalScreening { .. } => Table::PrenatalScreening,
        EventForm::ElderlyCheck(_) => Table::ElderlyCheck,
    }
}

/// The cells of a P0 row.
pub(super) fn event_cells(row: &EventRow, spelling: Spelling) -> Vec<String> {
    let mut drawer = Drawer::new(Form::Events, spelling);
    drawer.put("table", spelling.table(table_of(&row.event)));
    drawer.date("date", row.on);
    match &row.event {
        EventForm::Birth { child, mother_birth, order, place } => {
            drawer.new_person(child);
            drawer.date("mother_birth_date", *mother_birth);
            drawer.put("birth_order", order.to_string());
            drawer.listed("birth_place", *place);
        }
        EventForm::Arrival { person, area, residence, reach, other_unit } => {
            drawer.new_person(person);
            drawer.listed("education", person.education);
            drawer.listed("marital", person.marital);
            drawer.put("area", area.map(|area| area.to_string()).unwrap_or_default());
            drawer.listed("residence", *residence);
            drawer.listed("reach", *reach);
            drawer.put("other_unit", other_unit);
        }
        EventForm::Departure { person, reach, other_unit } => {
            drawer.reference(person);
            drawer.listed("reach", *reach);
            drawer.put("other_unit", other_unit);
        }
        EventForm::Death(person)
        | EventForm::Marriage(person)
        | EventForm::Divorce(person)
        | EventForm::MethodStopped(person)
        | EventForm::ElderlyCheck(person) => drawer.reference(person),
        EventForm::Correction {
            person,
            new_name,
            new_birth_date,
            new_sex,
            new_education,
            new_marital,
            new_residence,
        } => {
            drawer.reference(person);
            drawer.put("new_name", new_name.as_deref().unwrap_or_default());
            if let Some(date) = new_birth_date {
                drawer.date("new_birth_date", *date);
            }
            if let Some(sex) = new_sex {
                drawer.listed("new_sex", *sex);
            }
            if let Some(entry) = new_education {
                drawer.listed("new_education", *entry);
            }
            if let Some(entry) = new_marital {
                drawer.listed("new_marital", *entry);
            }
            if let Some(entry) = new_residence {
                drawer.listed("new_residence", *entry);
            }
        }
        EventForm::MethodStarted { person, method } => {
            drawer.reference(person);
            drawer.listed("method", *method);
        }
        EventForm::Pregnancy { person, outcome, order } => {
            drawer.reference(person);
            drawer.listed("pregnancy_outcome", *outcome);
            drawer.put("pregnancy_order", order.to_string());
        }
        EventForm::PrenatalScreening { person, week, results } => {
            drawer.reference(person);
            drawer.put("week", week.to_string());
            drawer.results(["edwards", "down", "patau", "thalassaemia"], *results);
        }
        EventForm::NewbornScreening { person, results } => {
            drawer.reference(person);
            let tests = ["hypothyroidism", "g6pd", "adrenal_hyperplasia", "hearing", "heart"];
            drawer.results(tests, *results);
        }
    }
    drawer.cells
}
