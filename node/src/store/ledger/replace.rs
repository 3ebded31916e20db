//! Replacing durable records: whole new segment files take the place of the old ones.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{LedgerError, Refusal};
use super::layout;
use super::position::{Kind, Position, SegmentNumber};
use super::scrub;
use super::writer::Ledger;

/// For each segment that changes: the records to scrub and what replaces each.
type Plan = BTreeMap<SegmentNumber, BTreeMap<Position, Position>>;

impl Ledger {
    /// Scrubs records: for each pair the first record gets the kind [`Kind::SCRUBBED`] and a payload
    /// of the same length that only names the second record, which replaces it.
    ///
    /// The caller has appended and synced the replacing records, which lie further on. On return the
    /// scrubbed records are durable, every reader sees them, and no file of the ledger's folder holds
    /// what they held. All positions, lengths and other records stay as they were. A record that is
    /// scrubbed already stays as it is, so a repeat is harmless and writes nothing; of two pairs with
    /// the same first record the first counts. What was appended and not synced still waits for
    /// [`Ledger::sync`].
    ///
    /// A crash before it returns leaves each record either old or scrubbed; a caller that does not
    /// know calls again. It takes memory and disk space for a copy of one segment at a time. If a
    /// record lies in the segment that is appended to, that one is closed and a new one begun; the
    /// copy of a closed segment ends with its last record.
    ///
    /// What the folder no longer holds may survive on the medium: blocks of the old file are freed,
    /// not written over, and a flash disk, a journal or a snapshot of the file system may keep them.
    /// Against those who read the bare medium, encryption at rest is the answer.
    ///
    /// # Errors
    /// [`LedgerError::BeyondEnd`] if a position is not synced, [`LedgerError::NotReplaceable`],
    /// [`LedgerError::Damaged`] if the synced part of a segment concerned is: nothing was changed.
    /// [`LedgerError::DiskFull`]: some segments may be replaced already, the others are as before, and
    /// the ledger goes on; call again when there is space. After any other failure to write the ledger
    /// has stopped: see [`LedgerError::Stopped`].
    pub fn replace(&mut self, scrubs: &[(Position, Position)]) -> Result<(), LedgerError> {
        if self.stopped {
            return Err(LedgerError::Stopped);
        }
        let plan = self.plan(scrubs)?;
        if plan.contains_key(&self.segment.number) {
            let rolled = self.roll();
            self.stop_unless_full(rolled)?;
        }
        for (&number, records) in &plan {
            self.rewrite(number, records)?;
        }
        Ok(())
    }

    /// Checks every pair and every segment concerned; writes nothing.
    fn plan(&self, scrubs: &[(Position, Position)]) -> Result<Plan, LedgerError> {
        let mut named: BTreeMap<SegmentNumber, BTreeSet<Position>> = BTreeMap::new();
        let mut pairs = Vec::with_capacity(scrubs.len());
        for &(old, replaced_by) in scrubs {
            let (old, replaced_by) = (self.shared.synced(old)?, self.shared.synced(replaced_by)?);
            for place in [old, replaced_by] {
                named.entry(place.number).or_default().insert(place.position);
            }
            pairs.push((old, replaced_by));
        }
        let mut records = BTreeMap::new();
        for (&number, positions) in &named {
            self.look_up(number, positions, &mut records)?;
        }
        let find = |position| {
            let refused = LedgerError::NotReplaceable { position, refusal: Refusal::NoRecord };
            records.get(&position).copied().ok_or(refused)
        };
        let mut plan = Plan::new();
        for (old, replaced_by) in pairs {
            let refused = |refusal| LedgerError::NotReplaceable { position: old.position, refusal };
            let (kind, payload_bytes) = find(old.position)?;
            find(replaced_by.position)?;
            if replaced_by.position <= old.position {
                return Err(refused(Refusal::ReplacedByEarlier { replaced_by: replaced_by.position }));
            }
            if scrub::is_due(kind, payload_bytes).map_err(refused)? {
                plan.entry(old.number).or_default().entry(old.position).or_insert(replaced_by.position);
            }
        }
        Ok(plan)
    }

    /// Reads the synced part of a segment and notes kind and size of the records at `positions`.
    fn look_up(
        &self,
        number: SegmentNumber,
        positions: &BTreeSet<Position>,
        records: &mut BTreeMap<Position, (Kind, usize)>,
    ) -> Result<(), LedgerError> {
        let (span, bytes) = self.shared.synced_part(number);
        span.filed(self.disk.folder(), bytes)?.each(|position, frame| {
            if positions.contains(&position) {
                records.insert(position, (frame.kind, frame.payload.len()));
            }
        })
    }

    /// Puts a copy of a closed segment in its place in which `records` are scrubbed. Damage anywhere
    /// in the segment is found before the old file goes.
    fn rewrite(
        &mut self,
        number: SegmentNumber,
        records: &BTreeMap<Position, Position>,
    ) -> Result<(), LedgerError> {
        let (span, bytes) = self.shared.closed(number);
        let mut content = layout::load(self.disk.folder(), number, bytes)?;
        for (&position, &replaced_by) in records {
            let offset = position.0 - span.first.0;
            scrub::overwrite(&mut content[offset as usize..], position, replaced_by)
                .map_err(|damage| LedgerError::Damaged { segment: number, offset, position, damage })?;
        }
        span.loaded(&content).sealed()?;
        let renamed = self.disk.prepare_copy(number, &content).and_then(|()| self.disk.rename(number));
        self.stop_unless_full(renamed)?;
        self.shared.renew(number, bytes);
        let durable = self.disk.sync_folder();
        self.stop_unless_full(durable)
    }

    /// Only a full disk, which leaves no trace here, is survived.
    fn stop_unless_full(&mut self, result: Result<(), LedgerError>) -> Result<(), LedgerError> {
        result.inspect_err(|error| self.stopped |= !matches!(error, LedgerError::DiskFull { .. }))
    }
}
