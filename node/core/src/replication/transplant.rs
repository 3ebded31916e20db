//! Changes of a chain that came to nothing, made again on the chain that counts: with new sequences and
//! serials, or refused with the reason why they no longer fit.

use crate::domain::{
    Core, Event, HouseholdChange, HouseholdId, HouseholdState, PersonChange, PersonId, PersonState, Personal,
    Reason, RecordedAt, Sequence, entry::Register, rules,
};
use std::collections::BTreeMap;

/// Why a change is not made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The register says something else of the person than the change found then.
    #[error("the register says something else of person {0} now")]
    PersonDiffers(PersonId),
    /// The household is closed now, or open, or its size does not allow the change.
    #[error("household {0} is not as the change found it")]
    HouseholdDiffers(HouseholdId),
    /// It builds on a change that was not made again.
    #[error("it builds on change {0} of the old folder, which was not recorded again")]
    BuildsOn(Sequence),
    /// It undoes a change on which another one was built meanwhile.
    #[error("a later change builds on the one that it undoes")]
    VoidNotLatest,
    /// A number in it belongs to somebody else, or to another open household.
    #[error("a number in it is in the register already")]
    NumberTaken,
    /// It breaks a rule as it stands now.
    #[error("{}", .0.english())]
    Rule(Reason),
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable,
}

impl Conflict {
    /// A stable word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::PersonDiffers(_) => "person_differs",
            Self::HouseholdDiffers(_) => "household_differs",
            Self::BuildsOn(_) => "builds_on_another",
            Self::VoidNotLatest => "void_not_latest",
            Self::NumberTaken => "number_taken",
            Self::Rule(reason) => reason.code(),
            Self::Unreadable => "unreadable",
        }
    }

    /// The plain sentence in Vietnamese.
    pub fn vietnamese(self) -> &'static str {
        match self {
            Self::PersonDiffers(_) => "sổ hiện ghi khác về người này",
            Self::HouseholdDiffers(_) => "hộ không còn như khi ghi thay đổi",
            Self::BuildsOn(_) => "dựa trên một thay đổi khác không ghi lại được",
            Self::VoidNotLatest => "đã có thay đổi sau thay đổi cần hủy",
            Self::NumberTaken => "số này đã có trong sổ",
            Self::Rule(reason) => reason.vietnamese(),
            Self::Unreadable => "không đọc được",
        }
    }
}

/// What the changes made again have become.
#[derive(Debug, Clone)]
pub struct Transplant {
    /// The first change that is not on the chain that counts.
    since: Sequence,
    persons: BTreeMap<PersonId, PersonId>,
    households: BTreeMap<HouseholdId, HouseholdId>,
    changes: BTreeMap<Sequence, (Sequence, Core)>,
    /// Persons and households that would have come with a change that was refused.
    missing_persons: BTreeMap<PersonId, Sequence>,
    missing_households: BTreeMap<HouseholdId, Sequence>,
}

impl Transplant {
    /// Changes from `since` on are made again; those before are on both chains.
    pub fn new(since: Sequence) -> Self {
        Self {
            since,
            persons: BTreeMap::new(),
            households: BTreeMap::new(),
            changes: BTreeMap::new(),
            missing_persons: BTreeMap::new(),
            missing_households: BTreeMap::new(),
        }
    }

    /// The change as it is to be recorded at `sequence`, against the register as it is now.
    ///
    /// Persons must be as the change found them; of households the difference counts. Errors: [`Conflict`].
    pub fn replant(
        &self,
        old: &Core,
        recorded_at: RecordedAt,
        sequence: Sequence,
        register: &impl Register,
    ) -> Result<Core, Conflict> {
        let is_void = matches!(old.event, Event::Voided { .. });
        let mut homes = self.households.clone();
        let mut households = Vec::with_capacity(old.households.len());
        for change in &old.households {
            let replanted = self.household(change, is_void, register)?;
            homes.insert(change.id, replanted.id);
            households.push(replanted);
        }
        let mut persons = Vec::with_capacity(old.persons.len());
        for change in &old.persons {
            persons.push(self.person(change, is_void, &homes, register)?);
        }
        let core = match &old.event {
            Event::Voided { sequence: target, original } => {
                let (target, original) = self.target(*target, original)?;
                let as_left =
                    original.persons.iter().all(|change| register.person(change.id) == change.after);
                if !as_left {
                    return Err(Conflict::VoidNotLatest);
                }
                rules::void_of(target, &original, recorded_at, households)
            }
            _ => Core { recorded_at, persons, households, ..old.clone() },
        };
        rules::verdict(&core, sequence).map_err(Conflict::Rule)?;
        Ok(core)
    }

    /// The personal part that goes with a replanted core.
    pub fn personal(&self, old: &Core, new: &Core, personal: &Personal) -> Personal {
        let of_person = |id: PersonId| {
            let place = old.persons.iter().position(|change| change.id == id);
            place
                .and_then(|place| new.persons.get(place))
                .map_or_else(|| self.person_id(id), |change| change.id)
        };
        let of_household = |id: HouseholdId| {
            let place = old.households.iter().position(|change| change.id == id);
            let found = place.and_then(|place| new.households.get(place));
            found.map_or_else(|| self.households.get(&id).copied().unwrap_or(id), |change| change.id)
        };
        Personal {
            persons: personal.persons.iter().map(|(id, facts)| (of_person(*id), facts.clone())).collect(),
            households: personal
                .households
                .iter()
                .map(|(id, facts)| (of_household(*id), facts.clone()))
                .collect(),
            note: personal.note.clone(),
        }
    }

    /// A change was recorded again: what builds on it finds it.
    pub fn recorded(&mut self, (old_sequence, old): (Sequence, &Core), sequence: Sequence, new: Core) {
        let persons = old.persons.iter().zip(&new.persons).map(|(old, new)| (old.id, new.id));
        self.persons.extend(persons);
        let households = old.households.iter().zip(&new.households).map(|(old, new)| (old.id, new.id));
        self.households.extend(households);
        self.changes.insert(old_sequence, (sequence, new));
    }

    /// A change was refused: what builds on it will be, too.
    pub fn refused(&mut self, sequence: Sequence, old: &Core) {
        if matches!(old.event, Event::Voided { .. }) {
            return;
        }
        let persons = old.persons.iter().filter(|change| change.before.is_none());
        self.missing_persons.extend(persons.map(|change| (change.id, sequence)));
        let households = old.households.iter().filter(|change| change.before.is_none());
        self.missing_households.extend(households.map(|change| (change.id, sequence)));
    }

    /// Who a person of the old chain is on the chain that counts; `None` for one who came with a change that was not
    /// made again.
    pub fn person_now(&self, old: PersonId) -> Option<PersonId> {
        let made = self.persons.get(&old).copied();
        made.or_else(|| (!self.missing_persons.contains_key(&old)).then_some(old))
    }

    fn person_id(&self, id: PersonId) -> PersonId {
        self.persons.get(&id).copied().unwrap_or(id)
    }

    fn target(&self, sequence: Sequence, original: &Core) -> Result<(Sequence, Core), Conflict> {
        if sequence < self.since {
            return Ok((sequence, original.clone()));
        }
        self.changes.get(&sequence).cloned().ok_or(Conflict::BuildsOn(sequence))
    }

    fn household(
        &self,
        old: &HouseholdChange,
        is_void: bool,
        register: &impl Register,
    ) -> Result<HouseholdChange, Conflict> {
        if old.before.is_none() && !is_void {
            return Ok(HouseholdChange { id: register.next_household(), ..*old });
        }
        if let Some(sequence) = self.missing_households.get(&old.id) {
            return Err(Conflict::BuildsOn(*sequence));
        }
        let id = self.households.get(&old.id).copied().unwrap_or(old.id);
        let differs = Conflict::HouseholdDiffers(id);
        let before = register.household(id);
        let after = match (old.before, before, old.after) {
            (None, None, after) => after,
            (Some(_), Some(_), None) => None,
            (Some(then), Some(now), Some(after)) => Some(moved(then, now, after).ok_or(differs)?),
            _ => return Err(differs),
        };
        Ok(HouseholdChange { id, before, after })
    }

    fn person(
        &self,
        old: &PersonChange,
        is_void: bool,
        homes: &BTreeMap<HouseholdId, HouseholdId>,
        register: &impl Register,
    ) -> Result<PersonChange, Conflict> {
        let at_home = |state: PersonState| {
            let missing = self.missing_households.get(&state.household);
            match homes.get(&state.household) {
                None if missing.is_some() => Err(Conflict::BuildsOn(missing.copied().unwrap_or(self.since))),
                home => Ok(PersonState { household: home.copied().unwrap_or(state.household), ..state }),
            }
        };
        let before = old.before.map(at_home).transpose()?;
        let after = old.after.map(at_home).transpose()?;
        if old.before.is_none() && !is_void {
            return Ok(PersonChange { id: register.next_person(), before, after });
        }
        if let Some(sequence) = self.missing_persons.get(&old.id) {
            return Err(Conflict::BuildsOn(*sequence));
        }
        let id = self.person_id(old.id);
        if register.person(id) != before {
            return Err(Conflict::PersonDiffers(id));
        }
        Ok(PersonChange { id, before, after })
    }
}

/// The household as the change leaves it when it is `now` and was `then`: what the change altered is altered.
fn moved(then: HouseholdState, now: HouseholdState, after: HouseholdState) -> Option<HouseholdState> {
    let size = i32::from(now.size) + i32::from(after.size) - i32::from(then.size);
    let area = if after.area == then.area { now.area } else { after.area };
    let kind = if after.kind == then.kind { now.kind } else { after.kind };
    Some(HouseholdState { area, kind, size: u16::try_from(size).ok()? })
}

#[cfg(test)]
#[path = "transplant_edges.rs"]
mod edges;
#[cfg(test)]
#[path = "transplant_tests.rs"]
mod tests;
