//! Own changes: the rows of persons and households that they leave.

use super::{super::record::OwnChange, Applier};
use crate::store::{
    StoreError,
    ledger::Position,
    own::{self, changes_of},
    register::OwnRegister,
    rows::PersonRow,
    staged::Known,
    view::Unsealed,
};
use danso_core::{
    chain::{Batch, Header},
    domain::{
        CaptureId, Change, Core, HouseholdChange, PersonChange, PersonId, PersonState, Personal, Sequence,
    },
};

impl Applier<'_> {
    pub(super) fn own(
        &mut self,
        changes: Vec<OwnChange>,
        position: Position,
        known: Known,
    ) -> Result<(), StoreError> {
        let one = |change: &OwnChange| own::decoded(&change.core, change.personal.as_ref());
        let decoded = || changes.iter().map(one).collect::<Option<Vec<_>>>();
        let made = if let Known::Changes(made) = known {
            debug_assert!(Some(&made) == decoded().as_ref(), "the bytes say something else");
            made
        } else {
            decoded().ok_or(StoreError::RecordUnreadable { kind: own::KIND, position })?
        };
        changes.into_iter().zip(made).try_for_each(|(change, made)| self.own_change(change, made))
    }

    fn own_change(&mut self, change: OwnChange, made: Change) -> Result<(), StoreError> {
        let OwnChange { sequence, capture, core: bytes, personal } = change;
        self.rows(&made.core, &made.personal.unwrap_or_default(), sequence)?;
        if let Some(capture) = capture {
            self.captured(capture, sequence);
        }
        self.view.unsealed.push_back(Unsealed { core: made.core, bytes, personal });
        Ok(())
    }

    pub(super) fn captured(&mut self, capture: CaptureId, sequence: Sequence) {
        self.view.captures.learn(capture, sequence);
    }

    /// The rows of a batch of the own chain that came back from the parent. Where the parent holds no names,
    /// neither do the rows.
    pub(super) fn recovered_rows(
        &mut self,
        batch: &Batch,
        header: &Header,
        position: Position,
    ) -> Result<(), StoreError> {
        let unreadable = || StoreError::RecordUnreadable { kind: 12, position };
        self.lie_at(header, position)?;
        for (place, (core, personal)) in
            changes_of(batch, header).ok_or_else(unreadable)?.into_iter().enumerate()
        {
            let change = own::decoded(&core, personal.as_ref()).ok_or_else(unreadable)?;
            let personal = change.personal.unwrap_or_default();
            self.rows(&change.core, &personal, header.first.plus(place as u64))?;
        }
        Ok(())
    }

    /// All changes of a batch of the own chain lie at one place.
    pub(super) fn lie_at(&self, header: &Header, position: Position) -> Result<(), StoreError> {
        let places = (0..u64::from(header.changes)).map(|place| (header.first.plus(place), position));
        self.index.put_own(&places.collect::<Vec<_>>())
    }

    fn rows(&mut self, core: &Core, personal: &Personal, sequence: Sequence) -> Result<(), StoreError> {
        for household in &core.households {
            self.household(household, personal, sequence)?;
        }
        for person in &core.persons {
            self.person(person, personal, sequence)?;
        }
        let recording = &mut self.view.recording;
        recording.sequence = sequence.0;
        recording.recorded_at = core.recorded_at;
        Ok(())
    }

    fn household(
        &mut self,
        household: &HouseholdChange,
        personal: &Personal,
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let facts = personal.of_household(household.id);
        let found_otherwise = facts.is_some() || household.before.is_some() != household.after.is_some();
        if self.view.lookups.is_filled() && found_otherwise {
            let mut row = self.register().household(household.id)?.unwrap_or_default();
            self.view.lookups.forget_household(household.id, &row);
            row.change(household.after, facts, sequence);
            self.view.lookups.learn_household(household.id, &row);
        }
        let serial = if household.id.unit == self.unit { household.id.serial } else { 0 };
        let recording = &mut self.view.recording;
        recording.household_serial = recording.household_serial.max(serial);
        self.index.change_household(household.id, (household.after, facts.is_some()), sequence)
    }

    /// The register as the changes so far leave it.
    pub(super) fn register(&self) -> OwnRegister<'_> {
        OwnRegister::new(self.index, self.ledger, self.recent)
    }

    /// What finds a person follows a change of the row; a `new` person has none yet.
    pub(super) fn find_otherwise(
        &mut self,
        id: PersonId,
        new: bool,
        change: impl FnOnce(&mut PersonRow),
    ) -> Result<(), StoreError> {
        if !self.view.lookups.is_filled() && !self.view.names.is_filled() {
            return Ok(());
        }
        let mut row = if new { None } else { self.register().person(id)? }.unwrap_or_default();
        self.view.lookups.forget_person(id, &row);
        self.view.names.forget(id, &row.facts);
        change(&mut row);
        self.view.names.learn(id, &row.facts);
        self.view.lookups.learn_person(id, &row);
        Ok(())
    }

    /// Whether nothing can be known of a person: no look-up for one who is registered here for the first time.
    fn is_new(&self, person: &PersonChange) -> bool {
        let PersonId { unit, serial } = person.id;
        person.before.is_none() && unit == self.unit && serial > self.view.recording.person_serial
    }

    fn person(
        &mut self,
        person: &PersonChange,
        personal: &Personal,
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let (facts, new) = (personal.of_person(person.id), self.is_new(person));
        let home = |state: Option<PersonState>| state.map(|state| state.household);
        let found_otherwise = facts.is_some() || home(person.before) != home(person.after);
        if found_otherwise {
            self.find_otherwise(person.id, new, |row| row.change(person.after, facts, sequence))?;
        }
        let recording = &mut self.view.recording;
        recording.persons += u64::from(person.after.is_some());
        recording.persons = recording.persons.saturating_sub(u64::from(person.before.is_some()));
        if person.id.unit == self.unit {
            recording.person_serial = recording.person_serial.max(person.id.serial);
        }
        self.index.change_person(person.id, new, (person.after, facts.is_some()), sequence)
    }
}
