//! What a collaborator or officer writes down, turned into a change against the register's state.
//!
//! An entry that a rule refuses changes nothing; the refusal says why in the officer's words.

use super::{
    BirthPlace, Change, Core, Event, HouseholdChange, HouseholdFacts, HouseholdId, HouseholdKind,
    HouseholdState, Marital, Method, PersonChange, PersonFacts, PersonId, PersonState, Personal,
    PregnancyOutcome, Reach, Reason, RecordedAt, Screening, Sequence, rules,
    state::{Area, Education, Ethnicity, Residence, Sex},
};
use danso_tier_config::{Date, UnitId};

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

/// Why an entry is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It breaks a rule that every tier applies.
    #[error("{}", .0.english())]
    Rule(Reason),
    /// The person is not in the register, died or left.
    #[error("no such resident person")]
    UnknownPerson,
    /// The household is not in the register or is closed.
    #[error("no such open household")]
    UnknownHousehold,
    /// The change to be voided is not the latest one of its persons.
    #[error("a later change builds on this one, void that one first")]
    VoidNotLatest,
}

impl Refusal {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rule(reason) => reason.code(),
            Self::UnknownPerson => "unknown_person",
            Self::UnknownHousehold => "unknown_household",
            Self::VoidNotLatest => "void_not_latest",
        }
    }

    /// The plain sentence in Vietnamese.
    pub fn vietnamese(self) -> &'static str {
        match self {
            Self::Rule(reason) => reason.vietnamese(),
            Self::UnknownPerson => "không có người này đang cư trú trong sổ",
            Self::UnknownHousehold => "không có hộ này đang mở trong sổ",
            Self::VoidNotLatest => "đã có thay đổi sau đó, hãy hủy thay đổi sau trước",
        }
    }
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

struct Draft<'a, R> {
    effective_on: Date,
    recorded_at: RecordedAt,
    register: &'a R,
}

impl<R: Register> Draft<'_, R> {
    fn change(&self, entry: Entry) -> Result<Change, Refusal> {
        match entry {
            Entry::OpenHousehold { area, kind, facts } => {
                let id = self.register.next_household();
                let opened =
                    HouseholdChange { id, before: None, after: Some(HouseholdState { area, kind, size: 0 }) };
                let core = self.core(Event::HouseholdOpened, area, vec![], vec![opened]);
                Ok(Change { core, personal: Some(household_personal(id, facts)) })
            }
            Entry::CloseHousehold(id) => self.household_kept(id, Event::HouseholdClosed, |_| None),
            Entry::Review(id) => self.household_kept(id, Event::Reviewed, Some),
            Entry::SplitHousehold { from, members, area, facts } => self.split(from, &members, area, facts),
            Entry::Register { household, person } => self.arrives(household, person, Event::PersonRegistered),
            Entry::Arrival { household, person, reach, from } => {
                self.arrives(household, person, Event::MovedIn { reach, from })
            }
            Entry::Birth { household, child, order, mother_birth, place } => {
                let event = Event::Born { order, mother_birth: mother_birth.month(), place };
                if child.birth_date != self.effective_on {
                    return Err(Refusal::Rule(Reason::Transition));
                }
                self.arrives(household, child, event)
            }
            Entry::Death { person, birth_date } => {
                let infant_days = birth_date.and_then(|birth| self.infant_days(birth));
                self.leaves(person, Event::Died { infant_days })
            }
            Entry::Departure { person, reach, to } => self.leaves(person, Event::MovedOut { reach, to }),
            Entry::Marriage(person) => self.stays(person, Event::Married, |s| s.marital = Marital::Married),
            Entry::Divorce(person) => self.stays(person, Event::Divorced, |s| {
                s.marital = Marital::Divorced;
            }),
            Entry::MethodStarted { person, method } => {
                self.stays(person, Event::ContraceptionStarted { method }, |s| s.method = Some(method))
            }
            Entry::MethodStopped { person } => {
                let state = self.register.person(person).ok_or(Refusal::UnknownPerson)?;
                let method = state.method.ok_or(Refusal::Rule(Reason::MethodHolder))?;
                self.stays(person, Event::ContraceptionStopped { method }, |s| s.method = None)
            }
            Entry::Pregnancy { person, outcome, order } => {
                self.stays(person, Event::PregnancyRecorded { outcome, order }, |_| ())
            }
            Entry::PrenatalScreening { person, week, results } => {
                self.stays(person, Event::PrenatalScreened { week, results }, |_| ())
            }
            Entry::NewbornScreening { person, results } => {
                self.stays(person, Event::NewbornScreened { results }, |_| ())
            }
            Entry::ElderlyCheck(person) => self.stays(person, Event::ElderlyChecked, |_| ()),
            Entry::Correction {
                person,
                sex,
                birth_date,
                ethnicity,
                education,
                marital,
                residence,
                facts,
            } => {
                let mut change = self.stays(person, Event::Corrected, |state| {
                    state.sex = sex.unwrap_or(state.sex);
                    state.birth = birth_date.map_or(state.birth, Date::month);
                    state.ethnicity = ethnicity.unwrap_or(state.ethnicity);
                    state.education = education.unwrap_or(state.education);
                    state.marital = marital.unwrap_or(state.marital);
                    state.residence = residence.unwrap_or(state.residence);
                })?;
                change.personal = facts.map(|facts| person_personal(person, facts));
                Ok(change)
            }
            Entry::HouseholdCorrection { household, facts } => {
                let mut change = self.household_kept(household, Event::Corrected, Some)?;
                change.personal = Some(household_personal(household, facts));
                Ok(change)
            }
            Entry::Void { sequence, original } => self.void(sequence, &original),
        }
    }

    fn core(
        &self,
        event: Event,
        area: Area,
        persons: Vec<PersonChange>,
        households: Vec<HouseholdChange>,
    ) -> Core {
        Core {
            recorded_at: self.recorded_at,
            effective_on: self.effective_on,
            area,
            event,
            persons,
            households,
        }
    }

    fn resized(&self, id: HouseholdId, by: i32) -> Result<HouseholdChange, Refusal> {
        let before = self.register.household(id).ok_or(Refusal::UnknownHousehold)?;
        let size =
            u16::try_from(i32::from(before.size) + by).map_err(|_| Refusal::Rule(Reason::HouseholdSize))?;
        Ok(HouseholdChange { id, before: Some(before), after: Some(HouseholdState { size, ..before }) })
    }

    fn arrives(&self, household: HouseholdId, data: PersonData, event: Event) -> Result<Change, Refusal> {
        let home = self.resized(household, 1)?;
        let id = self.register.next_person();
        if data.birth_date > self.effective_on {
            return Err(Refusal::Rule(Reason::BirthAfterEvent));
        }
        let state = PersonState {
            household,
            sex: data.sex,
            birth: data.birth_date.month(),
            ethnicity: data.ethnicity,
            education: data.education,
            marital: data.marital,
            residence: data.residence,
            method: data.method,
        };
        let area = home.after.map_or(Area(0), |state| state.area);
        let facts = PersonFacts { birth_date: Some(data.birth_date), ..data.facts };
        let core =
            self.core(event, area, vec![PersonChange { id, before: None, after: Some(state) }], vec![home]);
        Ok(Change { core, personal: Some(person_personal(id, facts)) })
    }

    fn leaves(&self, id: PersonId, event: Event) -> Result<Change, Refusal> {
        let before = self.register.person(id).ok_or(Refusal::UnknownPerson)?;
        let home = self.resized(before.household, -1)?;
        let area = home.before.map_or(Area(0), |state| state.area);
        let person = PersonChange { id, before: Some(before), after: None };
        Ok(Change { core: self.core(event, area, vec![person], vec![home]), personal: None })
    }

    fn stays(
        &self,
        id: PersonId,
        event: Event,
        edit: impl FnOnce(&mut PersonState),
    ) -> Result<Change, Refusal> {
        let before = self.register.person(id).ok_or(Refusal::UnknownPerson)?;
        let mut after = before;
        edit(&mut after);
        let area = self.register.household(before.household).map_or(Area(0), |home| home.area);
        let person = PersonChange { id, before: Some(before), after: Some(after) };
        Ok(Change { core: self.core(event, area, vec![person], vec![]), personal: None })
    }

    fn household_kept(
        &self,
        id: HouseholdId,
        event: Event,
        after: impl FnOnce(HouseholdState) -> Option<HouseholdState>,
    ) -> Result<Change, Refusal> {
        let before = self.register.household(id).ok_or(Refusal::UnknownHousehold)?;
        let change = HouseholdChange { id, before: Some(before), after: after(before) };
        Ok(Change { core: self.core(event, before.area, vec![], vec![change]), personal: None })
    }

    fn split(
        &self,
        from: HouseholdId,
        members: &[PersonId],
        area: Area,
        facts: HouseholdFacts,
    ) -> Result<Change, Refusal> {
        let count = i32::try_from(members.len()).map_err(|_| Refusal::Rule(Reason::TooManyPersons))?;
        let old = self.resized(from, -count)?;
        let id = self.register.next_household();
        let kind = old.before.map_or(HouseholdKind::Family, |state| state.kind);
        let opened = HouseholdState { area, kind, size: members.len() as u16 };
        let move_one = |member: &PersonId| {
            let before = self.register.person(*member).filter(|state| state.household == from);
            let before = before.ok_or(Refusal::UnknownPerson)?;
            Ok(PersonChange {
                id: *member,
                before: Some(before),
                after: Some(PersonState { household: id, ..before }),
            })
        };
        let persons = members.iter().map(move_one).collect::<Result<_, Refusal>>()?;
        let households = vec![old, HouseholdChange { id, before: None, after: Some(opened) }];
        let core = self.core(Event::HouseholdSplit, area, persons, households);
        Ok(Change { core, personal: Some(household_personal(id, facts)) })
    }

    fn void(&self, sequence: Sequence, original: &Core) -> Result<Change, Refusal> {
        let as_left = original.persons.iter().all(|change| self.register.person(change.id) == change.after);
        let given_back: Option<Vec<_>> =
            original.households.iter().map(|change| self.give_back(change)).collect();
        match given_back {
            Some(households) if as_left => {
                let core = rules::void_of(sequence, original, self.recorded_at, households);
                Ok(Change { core, personal: None })
            }
            _ => Err(Refusal::VoidNotLatest),
        }
    }

    /// The household change that undoes `done` from how the household is now; `None` where it cannot.
    fn give_back(&self, done: &HouseholdChange) -> Option<HouseholdChange> {
        let before = self.register.household(done.id);
        if before.is_some() != done.after.is_some() {
            return None;
        }
        let size = |state: Option<HouseholdState>| state.map_or(0, |state| i32::from(state.size));
        let wanted = size(before) - (size(done.after) - size(done.before));
        let after = match done.before {
            None if wanted == 0 => None,
            None => return None,
            Some(state) => {
                Some(HouseholdState { size: u16::try_from(wanted).ok()?, ..before.unwrap_or(state) })
            }
        };
        Some(HouseholdChange { id: done.id, before, after })
    }

    fn infant_days(&self, birth: Date) -> Option<u16> {
        let days = self.effective_on.days().checked_sub(birth.days())?;
        (self.effective_on.years_since(birth) == 0).then_some(days as u16)
    }
}

fn person_personal(id: PersonId, facts: PersonFacts) -> Personal {
    Personal { persons: vec![(id, facts)], ..Personal::default() }
}

fn household_personal(id: HouseholdId, facts: HouseholdFacts) -> Personal {
    Personal { households: vec![(id, facts)], ..Personal::default() }
}
