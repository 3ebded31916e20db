//! A small register that takes the rows as a collaborator's office would, and says what contradicts.

use super::Commune;
use crate::{
    demography::MonthFigures,
    domain::{
        Marital, Method, Sex,
        form::{EventForm, EventRow, NewPerson, PersonReference, RegisterRow},
        personal::name_key,
    },
};
use danso_tier_config::{Date, Month};
use std::collections::{HashMap, HashSet};

struct Resident {
    subject: String,
    name: String,
    birth: Date,
    sex: Sex,
    marital: Marital,
    method: Option<Method>,
    here: bool,
}

/// The register of the replay.
#[derive(Default)]
pub(super) struct Replay {
    persons: Vec<Resident>,
    households: HashMap<String, Vec<usize>>,
    subjects: HashMap<String, usize>,
    /// Of the month under way.
    pub month: MonthFigures,
    /// Rows taken by kind.
    pub kinds: HashMap<&'static str, usize>,
}

type Found<T> = Result<T, &'static str>;

/// Replays a commune; the figures of its months, or the first contradiction and its row's place.
pub(super) fn replay(
    commune: &Commune,
    start: Month,
    months: u16,
) -> Result<Vec<MonthFigures>, (usize, &'static str)> {
    let mut register = Replay::of(&commune.register).map_err(|fault| (0, fault))?;
    let mut figures = Vec::new();
    let mut taken = 0;
    for step in 0..months {
        let month = start.plus(i32::from(step));
        register.begin_month();
        for row in commune.events_of(month) {
            register.take(row).map_err(|fault| (taken, fault))?;
            taken += 1;
        }
        figures.push(register.month);
    }
    let sorted = commune.events.is_sorted_by_key(|row| row.on);
    if taken == commune.events.len() && sorted { Ok(figures) } else { Err((taken, "a row out of order")) }
}

fn ensure(holds: bool, fault: &'static str) -> Found<()> {
    if holds { Ok(()) } else { Err(fault) }
}

impl Replay {
    /// The register of an A0 book.
    pub fn of(rows: &[RegisterRow]) -> Found<Self> {
        let mut register = Self::default();
        let mut citizens = HashSet::new();
        let mut lines = HashMap::new();
        for row in rows {
            let line = lines.entry(row.person.household.clone()).or_insert(0);
            *line += 1;
            ensure(row.line == *line, "lines do not count from 1")?;
            let free = row.citizen_number.is_empty() || citizens.insert(row.citizen_number.clone());
            ensure(free, "a citizen number stands twice")?;
            ensure(row.method.is_none() || row.person.sex == Sex::Female, "a man holds a method")?;
            register.add(&row.person, row.method)?;
        }
        Ok(register)
    }

    pub fn begin_month(&mut self) {
        let population = self.month.population_end;
        self.month =
            MonthFigures { population_start: population, population_end: population, ..Default::default() };
    }

    fn add(&mut self, person: &NewPerson, method: Option<Method>) -> Found<()> {
        let id = self.persons.len();
        let unknown =
            person.subject_code.is_empty() || self.subjects.insert(person.subject_code.clone(), id).is_none();
        ensure(unknown, "an insurance number stands twice")?;
        self.households.entry(person.household.clone()).or_default().push(id);
        self.persons.push(Resident {
            subject: person.subject_code.clone(),
            name: person.name.clone(),
            birth: person.birth_date,
            sex: person.sex,
            marital: person.marital,
            method,
            here: true,
        });
        self.month.population_end += 1;
        Ok(())
    }

    /// The one resident a reference names, by number and by household and name alike.
    fn find(&self, reference: &PersonReference, on: Date) -> Found<usize> {
        let members = self.households.get(&reference.household).ok_or("no such household")?;
        let mut by_name = members.iter().copied().filter(|id| {
            self.persons[*id].here && name_key(&self.persons[*id].name) == name_key(&reference.name)
        });
        let id = by_name.next().ok_or("nobody of this name lives there")?;
        ensure(by_name.next().is_none(), "two of this name live there")?;
        let person = &self.persons[id];
        ensure(reference.birth_date == Some(person.birth), "another birth date")?;
        ensure(reference.subject_code == person.subject, "another insurance number")?;
        ensure(person.birth <= on, "acts before birth")?;
        Ok(id)
    }

    fn leave(&mut self, id: usize) {
        self.persons[id].here = false;
        self.month.population_end -= 1;
    }

    /// Takes one row.
    pub fn take(&mut self, row: &EventRow) -> Found<()> {
        let on = row.on;
        let kind = match &row.event {
            EventForm::Birth { child, mother_birth, order, .. } => {
                self.take_birth(on, child, *mother_birth, *order)?;
                "birth"
            }
            EventForm::Arrival { person, area, .. } => {
                ensure(person.birth_date <= on, "arrives before birth")?;
                let known = self.households.contains_key(&person.household);
                ensure(known || area.is_some(), "a new household without area")?;
                self.add(person, None)?;
                "arrival"
            }
            EventForm::Death(person) => {
                let id = self.find(person, on)?;
                self.leave(id);
                self.month.deaths += 1;
                "death"
            }
            EventForm::Departure { person, .. } => {
                let id = self.find(person, on)?;
                self.leave(id);
                "departure"
            }
            EventForm::NewbornScreening { person, .. } => {
                let id = self.find(person, on)?;
                ensure(on.years_since(self.persons[id].birth) == 0, "screened after the first year")?;
                "newborn_screening"
            }
            EventForm::ElderlyCheck(person) => {
                let id = self.find(person, on)?;
                ensure(on.years_since(self.persons[id].birth) >= 59, "no elderly person")?;
                "elderly_check"
            }
            EventForm::Correction { .. } => {
                self.take_correction(on, &row.event)?;
                "correction"
            }
            _ => self.take_family(on, &row.event)?,
        };
        *self.kinds.entry(kind).or_default() += 1;
        Ok(())
    }

    fn take_birth(&mut self, on: Date, child: &NewPerson, mother_birth: Date, order: u8) -> Found<()> {
        ensure(child.birth_date == on, "born on another day")?;
        ensure((15..=49).contains(&on.years_since(mother_birth)), "the mother's age")?;
        ensure((1..=12).contains(&order), "the birth order")?;
        let members = self.households.get(&child.household).ok_or("no such household")?;
        let has_mother = members.iter().any(|id| {
            let person = &self.persons[*id];
            person.here && person.sex == Sex::Female && person.birth == mother_birth
        });
        ensure(has_mother, "no such mother in the household")?;
        match child.sex {
            Sex::Male => self.month.births_male += 1,
            Sex::Female => self.month.births_female += 1,
        }
        self.add(child, None)
    }

    fn take_correction(&mut self, on: Date, event: &EventForm) -> Found<()> {
        let EventForm::Correction { person, new_name, new_birth_date, new_marital, .. } = event else {
            return Err("no correction");
        };
        let id = self.find(person, on)?;
        ensure(new_birth_date.is_none_or(|birth| birth <= on), "a birth after the correction")?;
        let person = &mut self.persons[id];
        person.name = new_name.clone().unwrap_or_else(|| person.name.clone());
        person.birth = new_birth_date.unwrap_or(person.birth);
        person.marital = new_marital.unwrap_or(person.marital);
        Ok(())
    }

    fn take_family(&mut self, on: Date, event: &EventForm) -> Found<&'static str> {
        let woman = |id: usize, persons: &[Resident]| {
            let age = on.years_since(persons[id].birth);
            ensure(persons[id].sex == Sex::Female && (15..=50).contains(&age), "no woman of 15-49")
        };
        Ok(match event {
            EventForm::Marriage(person) => {
                let id = self.find(person, on)?;
                let age_min = if self.persons[id].sex == Sex::Female { 18 } else { 20 };
                ensure(on.years_since(self.persons[id].birth) >= age_min, "married under age")?;
                ensure(self.persons[id].marital != Marital::Married, "married already")?;
                self.persons[id].marital = Marital::Married;
                "marriage"
            }
            EventForm::Divorce(person) => {
                let id = self.find(person, on)?;
                ensure(self.persons[id].marital == Marital::Married, "not married")?;
                self.persons[id].marital = Marital::Divorced;
                "divorce"
            }
            EventForm::MethodStarted { person, method } => {
                let id = self.find(person, on)?;
                woman(id, &self.persons)?;
                ensure(self.persons[id].marital == Marital::Married, "no wife")?;
                ensure(self.persons[id].method.is_none(), "uses a method already")?;
                self.persons[id].method = Some(*method);
                "method_started"
            }
            EventForm::MethodStopped(person) => {
                let id = self.find(person, on)?;
                ensure(self.persons[id].method.take().is_some(), "uses no method")?;
                "method_stopped"
            }
            EventForm::Pregnancy { person, order, .. } => {
                let id = self.find(person, on)?;
                woman(id, &self.persons)?;
                ensure(*order >= 1, "the pregnancy's order")?;
                ensure(self.persons[id].method.is_none(), "pregnant while using a method")?;
                "pregnancy"
            }
            EventForm::PrenatalScreening { person, week, .. } => {
                let id = self.find(person, on)?;
                woman(id, &self.persons)?;
                ensure(matches!(week, 12 | 21), "the week")?;
                "prenatal_screening"
            }
            _ => return Err("a row of another kind"),
        })
    }
}
