//! One row of the paper forms as typed values: the A0 book and the tables of the P0 sheet.
//!
//! Source: Circular 01/2022/TT-BYT, annex I (sổ A0/CTV, phiếu thu tin P0/CTV). Files of these rows are
//! read and written by `operations`; the simulated register produces them.

use super::{
    BirthPlace, PersonFacts, PregnancyOutcome, Screening,
    entry::PersonData,
    state::{Education, Ethnicity, HouseholdKind, Marital, Method, Reach, Residence, Sex},
};
use danso_tier_config::Date;

/// One person of the A0 book, with the household the line stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRow {
    /// Number of the collaborator's area (địa bàn số).
    pub area: u16,
    /// Family or collective household.
    pub household_kind: HouseholdKind,
    /// Address of the household.
    pub address: String,
    /// Line within the household (số TT), from 1; the head is line 1.
    pub line: u16,
    /// Who is registered.
    pub person: NewPerson,
    /// Personal identification number, 12 digits, may be empty.
    pub citizen_number: String,
    /// Residence status.
    pub residence: Residence,
    /// Method in use, for married women.
    pub method: Option<Method>,
    /// Telephone.
    pub phone: String,
}

impl RegisterRow {
    /// The person of the row.
    pub fn person(&self) -> PersonData {
        let mut person = self.person.person(self.residence);
        person.method = self.method;
        person.facts.citizen_number.clone_from(&self.citizen_number);
        person.facts.phone.clone_from(&self.phone);
        person
    }
}

/// The basic data that a row of the A0 book or of a P0 sheet brings for a person new to the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Household number (hộ số), unique in the commune.
    pub household: String,
    /// Health-insurance number, may be empty.
    pub subject_code: String,
    /// Full name.
    pub name: String,
    /// Relation to the head.
    pub relation: String,
    /// Sex.
    pub sex: Sex,
    /// Date of birth.
    pub birth_date: Date,
    /// Ethnic group.
    pub ethnicity: Ethnicity,
    /// Highest education.
    pub education: Education,
    /// Marital status.
    pub marital: Marital,
}

impl NewPerson {
    /// The person of the row, with the residence that its table gives.
    pub fn person(&self, residence: Residence) -> PersonData {
        PersonData {
            sex: self.sex,
            birth_date: self.birth_date,
            ethnicity: self.ethnicity,
            education: self.education,
            marital: self.marital,
            residence,
            method: None,
            facts: PersonFacts {
                name: self.name.clone(),
                birth_date: Some(self.birth_date),
                relation: self.relation.clone(),
                subject_code: self.subject_code.clone(),
                ..PersonFacts::default()
            },
        }
    }
}

/// Who an event row is about, as a collaborator names a person: by number, or by household and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonReference {
    /// Household number (hộ số).
    pub household: String,
    /// Health-insurance number; decides when given.
    pub subject_code: String,
    /// Full name.
    pub name: String,
    /// Date of birth; decides between namesakes of one household.
    pub birth_date: Option<Date>,
}

/// One row of a P0 sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// When it happened.
    pub on: Date,
    /// What happened, to whom.
    pub event: EventForm,
}

/// The tables of the P0 sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventForm {
    /// Table 1, trẻ sinh ra. The child's birth date is the row's date.
    Birth {
        /// The child.
        child: NewPerson,
        /// Mother's date of birth.
        mother_birth: Date,
        /// Nth live child of the mother.
        order: u8,
        /// Where.
        place: BirthPlace,
    },
    /// Table 2, sàng lọc sơ sinh.
    NewbornScreening {
        /// The child.
        person: PersonReference,
        /// Hypothyroidism, G6PD, adrenal hyperplasia, hearing, heart.
        results: [Screening; 5],
    },
    /// Table 3, người chết.
    Death(PersonReference),
    /// Table 4, chuyển đến. Opens the household (area 1 where none is given) when its number is new.
    Arrival {
        /// Who.
        person: NewPerson,
        /// Area of a household that is new.
        area: Option<u16>,
        /// Residence status after arrival.
        residence: Residence,
        /// How far.
        reach: Reach,
        /// Code of the unit left, may be empty.
        other_unit: String,
    },
    /// Table 5, chuyển đi.
    Departure {
        /// Who.
        person: PersonReference,
        /// How far.
        reach: Reach,
        /// Code of the unit gone to, may be empty.
        other_unit: String,
    },
    /// Table 6, thay đổi: kết hôn.
    Marriage(PersonReference),
    /// Table 6, thay đổi: ly hôn.
    Divorce(PersonReference),
    /// Table 6, other basic data; `None` stays as it is.
    Correction {
        /// Who.
        person: PersonReference,
        /// Corrected name.
        new_name: Option<String>,
        /// Corrected date of birth.
        new_birth_date: Option<Date>,
        /// Corrected sex.
        new_sex: Option<Sex>,
        /// New education.
        new_education: Option<Education>,
        /// Corrected marital status (widowed, for example).
        new_marital: Option<Marital>,
        /// New residence status.
        new_residence: Option<Residence>,
    },
    /// Table 7, mới sử dụng biện pháp tránh thai.
    MethodStarted {
        /// The wife.
        person: PersonReference,
        /// The method.
        method: Method,
    },
    /// Table 8, thôi sử dụng.
    MethodStopped(PersonReference),
    /// Table 9, thai sản.
    Pregnancy {
        /// The woman.
        person: PersonReference,
        /// What is recorded.
        outcome: PregnancyOutcome,
        /// Nth pregnancy.
        order: u8,
    },
    /// Table 10, sàng lọc trước sinh.
    PrenatalScreening {
        /// The woman.
        person: PersonReference,
        /// Week 12 or 21.
        week: u8,
        /// Edwards, Down, Patau, thalassaemia.
        results: [Screening; 4],
    },
    /// Table 11, người cao tuổi khám sức khỏe.
    ElderlyCheck(PersonReference),
}
