//! Persons and households as they are simulated, and how a row names them.

use super::{Plan, dice::Dice, months::Agenda, names::Name, numbers::Numbers, numbers::subject_text, tables};
use crate::{
    demography::MonthFigures,
    domain::{
        Education, Ethnicity, HouseholdKind, Marital, Method, Reach, Residence, Sex,
        form::{EventForm, EventRow, NewPerson, PersonReference},
    },
};
use danso_tier_config::Date;

/// Days of a mean year.
const YEAR_DAYS: f64 = 365.2425;

/// Relation to the head, in the order of lines of the A0 book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    Head,
    Wife,
    Husband,
    Child,
    DaughterInLaw,
    SonInLaw,
    Father,
    Mother,
    Grandchild,
    Sibling,
    Other,
}

impl Relation {
    /// The word of the A0 book.
    pub fn word(self) -> &'static str {
        match self {
            Self::Head => "Chủ hộ",
            Self::Wife => "Vợ",
            Self::Husband => "Chồng",
            Self::Child => "Con",
            Self::DaughterInLaw => "Con dâu",
            Self::SonInLaw => "Con rể",
            Self::Father => "Bố",
            Self::Mother => "Mẹ",
            Self::Grandchild => "Cháu",
            Self::Sibling => "Anh chị em",
            Self::Other => "Khác",
        }
    }
}

/// A simulated person. Links are positions in [`World::persons`].
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub name: Name,
    pub sex: Sex,
    pub birth: Date,
    pub home: usize,
    pub relation: Relation,
    pub ethnicity: Ethnicity,
    pub education: Education,
    pub marital: Marital,
    pub residence: Residence,
    pub method: Option<Method>,
    pub subject: Option<u64>,
    /// The spouse, where he or she is or was a resident.
    pub spouse: Option<usize>,
    pub mother: Option<usize>,
    /// Live children ever born.
    pub children: u8,
    /// Pregnancies begun, with those that ended early.
    pub pregnancies: u8,
    pub last_birth: Option<Date>,
    /// When the child she carries will be born.
    pub due: Option<Date>,
    pub resident: bool,
}

impl Person {
    /// A resident of whom only sex and birth are known yet.
    pub fn new(sex: Sex, birth: Date) -> Self {
        Self {
            name: Name::Unnamed(sex),
            sex,
            birth,
            home: usize::MAX,
            relation: Relation::Other,
            ethnicity: Ethnicity::KINH,
            education: Education::None,
            marital: Marital::NeverMarried,
            residence: Residence::Present,
            method: None,
            subject: None,
            spouse: None,
            mother: None,
            children: 0,
            pregnancies: 0,
            last_birth: None,
            due: None,
            resident: true,
        }
    }

    /// Age in years and parts of a year; negative before birth.
    pub fn age(&self, on: Date) -> f64 {
        (f64::from(on.days()) - f64::from(self.birth.days())) / YEAR_DAYS
    }

    /// A resident wife of 15-49.
    pub fn is_fertile_wife(&self, on: Date) -> bool {
        self.resident
            && self.sex == Sex::Female
            && self.marital == Marital::Married
            && (15.0..49.9).contains(&self.age(on))
    }
}

/// A household; its number is its position + 1.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub area: u16,
    pub kind: HouseholdKind,
    /// Everyone who ever lived in it.
    pub members: Vec<usize>,
}

/// The commune while it is simulated.
pub(super) struct World<'a> {
    pub plan: &'a Plan,
    pub dice: Dice,
    pub numbers: Numbers,
    pub persons: Vec<Person>,
    pub homes: Vec<Home>,
    pub agenda: Agenda,
    pub events: Vec<EventRow>,
    pub figures: Vec<MonthFigures>,
    /// Of the month under way.
    pub month: MonthFigures,
    /// Women per wife open to a birth, by age group 15-19 ... 45-49: keeps fertility by age on the table.
    pub births_per_wife: [f64; 7],
}

impl<'a> World<'a> {
    /// An empty commune.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            dice: Dice::new(plan.seed, &plan.unit_code),
            numbers: Numbers::new(&plan.unit_code, plan.province),
            persons: Vec::new(),
            homes: Vec::new(),
            agenda: Agenda::default(),
            events: Vec::new(),
            figures: Vec::new(),
            month: MonthFigures::default(),
            births_per_wife: [0.0; 7],
        }
    }

    /// The day at which the register stands.
    pub fn first_day(&self) -> Date {
        self.plan.start.first_day()
    }

    /// The household number as written.
    pub fn home_number(home: usize) -> String {
        format!("{:04}", home + 1)
    }

    /// A name that nobody of the household ever bore, of the given family where possible.
    pub fn fresh_name(&mut self, home: usize, sex: Sex, family: Option<u8>) -> Name {
        loop {
            let name = Name::draw(&mut self.dice, sex, family);
            if !self.is_borne(home, name) {
                return name;
            }
        }
    }

    /// Whether somebody of the household bears or bore a name.
    pub fn is_borne(&self, home: usize, name: Name) -> bool {
        self.homes[home].members.iter().any(|member| self.persons[*member].name == name)
    }

    /// The family name that a child of this mother gets: the father's, else hers.
    pub fn family_of_child(&self, mother: usize) -> Option<u8> {
        let father = self.persons[mother].spouse.and_then(|father| self.persons[father].name.family());
        father.or_else(|| self.persons[mother].name.family())
    }

    /// How a row names a person.
    pub fn reference(&self, id: usize) -> PersonReference {
        let person = &self.persons[id];
        PersonReference {
            household: Self::home_number(person.home),
            subject_code: subject_text(person.subject),
            name: person.name.text(),
            birth_date: Some(person.birth),
        }
    }

    /// The basic data of a person who is born or arrives.
    pub fn new_person(&self, id: usize) -> NewPerson {
        let person = &self.persons[id];
        NewPerson {
            household: Self::home_number(person.home),
            subject_code: subject_text(person.subject),
            name: person.name.text(),
            relation: person.relation.word().to_owned(),
            sex: person.sex,
            birth_date: person.birth,
            ethnicity: person.ethnicity,
            education: person.education,
            marital: person.marital,
        }
    }

    /// Adds a person to a household and to the commune's people.
    pub fn admit(&mut self, person: Person) -> usize {
        let id = self.persons.len();
        self.homes[person.home].members.push(id);
        self.persons.push(person);
        self.month.population_end += 1;
        id
    }

    /// Writes a row.
    pub fn row(&mut self, on: Date, event: EventForm) {
        self.events.push(EventRow { on, event });
    }

    /// Draws how far a move goes and which unit it names.
    pub fn draw_reach(&mut self) -> (Reach, String) {
        let reach = tables::REACHES[self.dice.weighted(tables::REACHES.iter().map(|entry| entry.1))].0;
        let fitting: Vec<&str> = self
            .plan
            .neighbours
            .iter()
            .filter(|neighbour| neighbour.reach == reach)
            .map(|neighbour| neighbour.code.as_str())
            .collect();
        let code = if fitting.is_empty() { String::new() } else { (*self.dice.one_of(&fitting)).to_owned() };
        (reach, code)
    }

    /// Draws the highest education of a person of this birth.
    pub fn draw_education(&mut self, birth: Date, on: Date) -> Education {
        let age = (f64::from(on.days()) - f64::from(birth.days())) / YEAR_DAYS;
        tables::schooling(age).unwrap_or_else(|| {
            let cohort = match birth.parts().0 {
                ..=1959 => 0,
                1960..=1984 => 1,
                _ => 2,
            };
            Education::ALL[self.dice.weighted(tables::EDUCATION[cohort].iter().copied())]
        })
    }
}
