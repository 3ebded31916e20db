//! What a collaborator or officer writes down, turned into a change against the register's state.
//!
//! An entry that a rule refuses changes nothing; the refusal says why in the officer's words.
//!
//! | file | holds |
//! |---|---|
//! | `drafting.rs` | the change that an entry means |
//! | `refusal.rs` | why an entry is not taken |

mod drafting;
mod refusal;

pub use refusal::Refusal;

use super::{
    BirthPlace, Change, Core, HouseholdFacts, HouseholdId, HouseholdKind, HouseholdState, Marital, Method,
    PersonFacts, PersonId, PersonState, PregnancyOutcome, Reach, RecordedAt, Screening, Sequence, rules,
    state::{Area, Education, Ethnicity, Residence, Sex},
};
use danso_tier_config::{Date, UnitId};
use drafting::Draft;

/// Basic data of a person as written in the A0 book or a P0 table.
#[derive(Debug, Clone)]
pub struct PersonData {
    /// Sex.
    pub sex: Sex,
    /// Exact date of birth; only its month enters the core.
    pub birth_date: Date,
    /// Ethnic group.
    pub ethnicity: Ethnicity,
    /// Highest education.
    pub education: Education,
    /// Marital status.
    pub marital: Marital,
    /// Residence status.
    pub residence: Residence,
    /// Method in use (married women).
    pub method: Option<Method>,
    /// What names the person.
    pub facts: PersonFacts,
}

/// One thing written down. Persons and households are named by id; finding them is the caller's work.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Opens an empty household.
    OpenHousehold {
        /// The area it belongs to.
        area: Area,
        /// Family or collective.
        kind: HouseholdKind,
        /// Number and address.
        facts: HouseholdFacts,
    },
    /// Closes a household that nobody lives in any more.
    CloseHousehold(HouseholdId),
    /// Persons leave a household and open their own.
    SplitHousehold {
        /// The household they leave.
        from: HouseholdId,
        /// Who leaves.
        members: Vec<PersonId>,
        /// The new household's area.
        area: Area,
        /// Number and address of the new household.
        facts: HouseholdFacts,
    },
    /// Registers a person who lives here already.
    Register {
        /// The household.
        household: HouseholdId,
        /// Basic data.
        person: PersonData,
    },
    /// A live birth.
    Birth {
        /// The household.
        household: HouseholdId,
        /// The child's basic data.
        child: PersonData,
        /// Nth live child of the mother.
        order: u8,
        /// Mother's date of birth.
        mother_birth: Date,
        /// Where.
        place: BirthPlace,
    },
    /// A death; `birth_date` gives the days of life of an infant.
    Death {
        /// Who died.
        person: PersonId,
        /// The exact birth date, as the register holds it.
        birth_date: Option<Date>,
    },
    /// A resident married.
    Marriage(PersonId),
    /// A resident divorced.
    Divorce(PersonId),
    /// A resident left for another commune or abroad.
    Departure {
        /// Who left.
        person: PersonId,
        /// How far.
        reach: Reach,
        /// The receiving unit, where known.
        to: Option<UnitId>,
    },
    /// A person came from another commune or abroad.
    Arrival {
        /// The household.
        household: HouseholdId,
        /// Basic data.
        person: PersonData,
        /// How far.
        reach: Reach,
        /// The unit left, where known.
        from: Option<UnitId>,
    },
    /// Basic data corrected; fields left `None` stay as they are.
    Correction {
        /// Who.
        person: PersonId,
        /// New sex.
        sex: Option<Sex>,
        /// New date of birth.
        birth_date: Option<Date>,
        /// New ethnic group.
        ethnicity: Option<Ethnicity>,
        /// New education.
        education: Option<Education>,
        /// New marital status.
        marital: Option<Marital>,
        /// New residence status.
        residence: Option<Residence>,
        /// New facts that name the person, whole, where any of them changed.
        facts: Option<PersonFacts>,
    },
    /// Number or address of a household corrected or stated again.
    HouseholdCorrection {
        /// Which.
        household: HouseholdId,
        /// Number and address, whole.
        facts: HouseholdFacts,
    },
    /// A couple began to use a method.
    MethodStarted {
        /// The wife.
        person: PersonId,
        /// The new method.
        method: Method,
    },
    /// A couple stopped using its method.
    MethodStopped {
        /// The wife.
        person: PersonId,
    },
    /// A pregnancy or its end.
    Pregnancy {
        /// The woman.
        person: PersonId,
        /// What is recorded.
        outcome: PregnancyOutcome,
        /// Nth pregnancy.
        order: u8,
    },
    /// Prenatal screening.
    PrenatalScreening {
        /// The woman.
        person: PersonId,
        /// Week 12 or 21.
        week: u8,
        /// Edwards, Down, Patau, thalassaemia.
        results: [Screening; 4],
    },
    /// Newborn screening.
    NewbornScreening {
        /// The child.
        person: PersonId,
        /// Hypothyroidism, G6PD, adrenal hyperplasia, hearing, heart.
        results: [Screening; 5],
    },
    /// Health check of an elderly person.
    ElderlyCheck(PersonId),
    /// A household looked through.
    Review(HouseholdId),
    /// An earlier change undone.
    Void {
        /// Which.
        sequence: Sequence,
        /// Its core.
        original: Box<Core>,
    },
}

/// The register as an entry sees it, with all earlier entries applied.
pub trait Register {
    /// The state of a resident person.
    fn person(&self, id: PersonId) -> Option<PersonState>;
    /// The state of an open household.
    fn household(&self, id: HouseholdId) -> Option<HouseholdState>;
    /// The id of the next person registered here.
    fn next_person(&self) -> PersonId;
    /// The id of the next household opened here.
    fn next_household(&self) -> HouseholdId;
}

/// Turns an entry into the change it means, or says why not. Nothing is stored.
///
/// `sequence` is the number the change will have; `recorded_at` must be later than every earlier one.
pub fn change_of(
    entry: Entry,
    effective_on: Date,
    recorded_at: RecordedAt,
    sequence: Sequence,
    register: &impl Register,
) -> Result<Change, Refusal> {
    let change = Draft { effective_on, recorded_at, register }.change(entry)?;
    rules::verdict(&change.core, sequence).map_err(Refusal::Rule)?;
    Ok(change)
}
