//! Keys, orders of erasure, rewritten records and the audit chain, as they take effect.

use super::{
    super::record::{OwnChange, Rewritten},
    Applier, places_of,
};
use crate::store::{
    StoreError,
    encoding::Decoded,
    keys,
    ledger::Position,
    own::changes_of,
    record::Record,
    rows::{BatchRow, StoredHousehold, StoredPerson},
};
use danso_core::{
    chain::{AuditEntry, AuditHead, Batch, Header, Signed},
    domain::{Core, HouseholdChange, PersonFacts, PersonId, Sequence},
};

impl Applier<'_> {
    /// An order is known from now on; at the origin the person's row names nobody any more.
    pub(super) fn erasure_order(&mut self, signed: Signed, position: Position) -> Result<(), StoreError> {
        let (digest, order) = self.view.add_order(signed)?;
        self.index.put(keys::order(digest), &position.0);
        if order.origin == self.unit { self.forget(order.person) } else { Ok(()) }
    }

    fn forget(&mut self, person: PersonId) -> Result<(), StoreError> {
        let Some(row) = self.index.person(person)? else { return Ok(()) };
        self.find_otherwise(person, false, |row| row.facts = PersonFacts::default())?;
        self.index.put_person(person, &StoredPerson { named: None, ..row });
        Ok(())
    }

    /// What pointed to the earlier record points to this one.
    pub(super) fn rewritten(&mut self, rewritten: &Rewritten, position: Position) -> Result<(), StoreError> {
        let Decoded { record: inner, veiled } = rewritten.inner(position, &self.index.vault)?;
        match &inner {
            Record::Own(changes) => {
                self.index.put_own(&places_of(changes, position))?;
                for change in changes {
                    self.forget_unsealed(change);
                    self.forget_opened(change.sequence, &change.core, change.personal.is_some())?;
                }
            }
            Record::Sealed(batch) => {
                self.point(batch, position)?;
            }
            Record::Accepted(accepted) => {
                let header = self.point(&accepted.batch, position)?;
                self.named(&header);
                if accepted.batch.personal.is_none() && !veiled {
                    self.index.put(keys::compacted(header.origin), &header.number);
                }
            }
            Record::Recovered(recovered) => {
                let header = self.point(&recovered.batch, position)?;
                self.lie_at(&header, position)?;
                let changes = changes_of(&recovered.batch, &header).unwrap_or_default();
                for (sequence, (core, personal)) in (header.first.0..).map(Sequence).zip(changes) {
                    self.forget_opened(sequence, &core, personal.is_some())?;
                }
            }
            _ => return Err(StoreError::RecordUnreadable { kind: rewritten.kind, position }),
        }
        if rewritten.scrub {
            self.index.put(keys::scrub(Position(rewritten.of)), &position.0);
        }
        Ok(())
    }

    /// An own change that waits to be sealed names nobody any more where its record does not.
    fn forget_unsealed(&mut self, change: &OwnChange) {
        let next = self.view.chains.get(&self.unit).map_or(1, |chain| chain.head.next.0);
        let place = change.sequence.0.checked_sub(next).and_then(|place| usize::try_from(place).ok());
        if let Some(waiting) = place.and_then(|place| self.view.unsealed.get_mut(place)) {
            waiting.personal.clone_from(&change.personal);
        }
    }

    /// A household that a change opened and nobody stated again is named no longer where the change names nobody any
    /// more. Only closed ones are: of the others it was said again before.
    fn forget_opened(&self, sequence: Sequence, core: &[u8], is_named: bool) -> Result<(), StoreError> {
        let opened = if is_named { None } else { Core::decode(core).ok() };
        for HouseholdChange { id, before, .. } in opened.iter().flat_map(|core| &core.households) {
            let row = if before.is_none() { self.index.household(*id)? } else { None };
            if let Some(row) = row.filter(|row| row.named == Some(sequence)) {
                self.index.put(keys::household(*id), &StoredHousehold { named: None, ..row });
            }
        }
        Ok(())
    }

    fn point(&self, batch: &Batch, position: Position) -> Result<Header, StoreError> {
        let unreadable = |_| StoreError::RecordUnreadable { kind: 13, position };
        let header: Header = batch.header.decode_trusted().map_err(unreadable)?;
        let row = BatchRow { position: position.0, hash: batch.hash() };
        self.index.put(keys::batch(header.origin, header.number), &row);
        Ok(header)
    }

    pub(super) fn audit(&mut self, signed: &Signed, position: Position) -> Result<(), StoreError> {
        let unreadable = |_| StoreError::RecordUnreadable { kind: 16, position };
        let entry: AuditEntry = signed.decode_trusted().map_err(unreadable)?;
        self.view.audit = AuditHead::after(&entry, signed);
        self.index.put(keys::AUDIT, &self.view.audit);
        self.index.put(keys::audit(entry.number), &position.0);
        Ok(())
    }
}
