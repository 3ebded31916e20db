//! States again what the register knows of others only through leaves that are to be erased.

use super::ErasureError;
use crate::{
    operations::{actor::Actor, desk::RecordError, node::Node},
    store::{Naming, StoreError},
};
use danso_core::{
    chain::{BatchNumber, Header, PersonalLeaf, read_frame},
    domain::{HouseholdId, PersonId, Personal, Sequence, entry::Entry},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Persons and households, with the latest change that names each.
#[derive(Default)]
struct Latest {
    persons: BTreeMap<PersonId, Sequence>,
    households: BTreeMap<HouseholdId, Sequence>,
}

impl Node {
    /// Records corrections, so that a rebuilt register still names everybody else. Durable on return; gives how
    /// many. Of those who died or left, and of closed households, nothing can be recorded any more.
    pub(super) async fn restate(
        self: &Arc<Self>,
        actor: &Actor,
        person: PersonId,
        named: &[Naming],
    ) -> Result<u64, ErasureError> {
        let others = others_in(person, named)?;
        if others.persons.is_empty() && others.households.is_empty() {
            return Ok(0);
        }
        let going = named.iter().map(|naming| naming.leaf.sequence).collect();
        let entries = self.blocking(move |node| node.restatements(others, &going)).await?;
        let count = entries.len() as u64;
        let mut tickets = Vec::new();
        for entry in entries {
            let (_, ticket) =
                self.record_as(actor, None, self.today(), entry).map_err(ErasureError::Restate)?;
            tickets.extend(ticket);
        }
        for ticket in tickets {
            ticket.durable().await.map_err(|error| ErasureError::Restate(RecordError::Store(error)))?;
        }
        Ok(count)
    }

    /// The corrections of those whose latest naming goes.
    fn restatements(&self, mut latest: Latest, going: &BTreeSet<Sequence>) -> Result<Vec<Entry>, StoreError> {
        let sealed = self.store.view().chains.get(&self.unit()).map_or(0, |chain| chain.head.number.0);
        for number in (1..=sealed).map(BatchNumber) {
            let Some(held) = self.store.batch(self.unit(), number)? else { continue };
            let header: Header = held.batch.header.decode_trusted().map_err(|_| undecodable())?;
            let Some(frame) = &held.batch.personal else { continue };
            let leaves = read_frame(frame, "personal", header.changes as usize).map_err(|_| undecodable())?;
            for (place, leaf) in leaves.iter().enumerate() {
                let leaf = PersonalLeaf::decode(leaf).map_err(|_| undecodable())?;
                let PersonalLeaf::Present { bytes, .. } = leaf else { continue };
                let personal = Personal::decode(bytes).map_err(|_| undecodable())?;
                latest.see(&personal, header.first.plus(place as u64));
            }
        }
        let mut entries = Vec::new();
        for (id, _) in latest.persons.iter().filter(|(_, last)| going.contains(last)) {
            let row = self.store.person(*id)?.filter(|row| row.state.is_some());
            entries.extend(row.map(|row| Entry::Correction {
                person: *id,
                sex: None,
                birth_date: None,
                ethnicity: None,
                education: None,
                marital: None,
                residence: None,
                facts: Some(row.facts),
            }));
        }
        for (id, _) in latest.households.iter().filter(|(_, last)| going.contains(last)) {
            let row = self.store.household(*id)?.filter(|row| row.state.is_some());
            entries.extend(row.map(|row| Entry::HouseholdCorrection { household: *id, facts: row.facts }));
        }
        Ok(entries)
    }
}

impl Latest {
    /// Notes a later change that names some of them.
    fn see(&mut self, personal: &Personal, sequence: Sequence) {
        for (id, _) in &personal.persons {
            self.persons.entry(*id).and_modify(|last| *last = sequence);
        }
        for (id, _) in &personal.households {
            self.households.entry(*id).and_modify(|last| *last = sequence);
        }
    }
}

/// Everybody else and every household that the leaves name.
fn others_in(person: PersonId, named: &[Naming]) -> Result<Latest, StoreError> {
    let mut others = Latest::default();
    for naming in named {
        let personal = Personal::decode(&naming.personal).map_err(|_| undecodable())?;
        let sequence = naming.leaf.sequence;
        others
            .persons
            .extend(personal.persons.iter().filter(|(id, _)| *id != person).map(|(id, _)| (*id, sequence)));
        others.households.extend(personal.households.iter().map(|(id, _)| (*id, sequence)));
    }
    Ok(others)
}

fn undecodable() -> StoreError {
    StoreError::Index("a stored batch does not open".to_owned())
}
