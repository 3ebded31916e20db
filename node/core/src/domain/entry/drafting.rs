//! The change that an entry means.

use super::{Entry, PersonData, Refusal, Register};
use crate::domain::{
    Area, Change, Core, Event, HouseholdChange, HouseholdFacts, HouseholdId, HouseholdKind, HouseholdState,
    Marital, PersonChange, PersonFacts, PersonId, PersonState, Personal, Reason, RecordedAt, Sequence, Sex,
    rules,
};
use danso_tier_config::Date;

/// When a change takes effect and was recorded, and the register that it is made against.
pub(super) struct Draft<'a, R> {
    pub effective_on: Date,
    pub recorded_at: RecordedAt,
    pub register: &'a R,
}

impl<R: Register> Draft<'_, R> {
    /// The change that an entry means, not judged yet.
    pub fn change(&self, entry: Entry) -> Result<Change, Refusal> {
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
                self.not_before(birth_date)?;
                let infant_days = birth_date.and_then(|birth| self.infant_days(birth));
                self.leaves(person, Event::Died { infant_days })
            }
            Entry::Departure { person, reach, to } => self.leaves(person, Event::MovedOut { reach, to }),
            Entry::Marriage(person) => self.stays(person, Event::Married, |s| s.marital = Marital::Married),
            Entry::Divorce(person) => self.stays(person, Event::Divorced, |s| {
                s.marital = Marital::Divorced;
            }),
            Entry::MethodStarted { person, method } => {
                if self.register.person(person).is_some_and(|state| state.method == Some(method)) {
                    return Err(Refusal::MethodInUse);
                }
                self.stays(person, Event::ContraceptionStarted { method }, |s| s.method = Some(method))
            }
            Entry::MethodStopped { person } => {
                let state = self.register.person(person).ok_or(Refusal::UnknownPerson)?;
                let method = state.method.ok_or(Refusal::Rule(Reason::MethodHolder))?;
                self.stays(person, Event::ContraceptionStopped { method }, |s| s.method = None)
            }
            Entry::Pregnancy { person, outcome, order } => {
                self.woman(person)?;
                self.stays(person, Event::PregnancyRecorded { outcome, order }, |_| ())
            }
            Entry::PrenatalScreening { person, week, results } => {
                self.woman(person)?;
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
                self.not_before(birth_date)?;
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
        self.not_before(Some(data.birth_date))?;
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

    /// Nothing happens to anybody before the day of birth; the rules that every tier applies see the month alone.
    fn not_before(&self, birth: Option<Date>) -> Result<(), Refusal> {
        match birth {
            Some(birth) if birth > self.effective_on => Err(Refusal::Rule(Reason::BirthAfterEvent)),
            _ => Ok(()),
        }
    }

    fn woman(&self, id: PersonId) -> Result<(), Refusal> {
        match self.register.person(id) {
            Some(state) if state.sex != Sex::Female => Err(Refusal::WomanExpected),
            _ => Ok(()),
        }
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
