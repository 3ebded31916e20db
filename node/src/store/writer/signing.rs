//! What the writer signs in the node's own name beside batches: entries of the audit chain, and the grant of its next key.

use super::Writer;
use crate::store::{
    Staged, StoreError,
    record::{AuditNote, Record},
};
use danso_core::chain::{AuditEntry, AuditHead, Deed, Grantor, KeyClaim, KeyGrant, LedgerKey, Signed};
use danso_tier_config::limits;

impl Writer {
    /// Turns notes into entries of the audit chain: numbered, linked, signed. Notes about adjacent changes by
    /// one actor become one entry.
    pub(super) fn audit(&self, group: &mut Vec<Staged>) {
        let mut notes: Vec<AuditNote> = Vec::new();
        group.retain(|staged| {
            let Record::Note(note) = &staged.record else { return true };
            if !notes.last_mut().is_some_and(|last| last.merge(note)) {
                notes.push(note.clone());
            }
            false
        });
        if notes.is_empty() {
            return;
        }
        let mut head = self.inner.view.read().expect("no holder of the view panics").audit;
        group.extend(notes.into_iter().map(|note| Record::Audit(self.entry(&mut head, &note)).into()));
    }

    fn entry(&self, head: &mut AuditHead, note: &AuditNote) -> Signed {
        let entry = AuditEntry {
            unit: self.inner.unit,
            number: head.number + 1,
            previous: head.hash,
            at_ms: note.at_ms,
            actor: note.actor.chars().take(limits::AUDIT_TEXT_CHARS_MAX).collect(),
            deed: note.deed,
            subject: note.subject.to_string().chars().take(limits::AUDIT_TEXT_CHARS_MAX).collect(),
            key: self.key.public().id(),
        };
        let signed = Signed::sign(&entry, &self.key);
        *head = AuditHead::after(&entry, &signed);
        signed
    }

    /// The new key, claimed by itself and granted by the one in force, holds from the next batch on.
    pub(super) fn rotate(
        &mut self,
        key: Box<LedgerKey>,
        actor: &str,
        at_ms: u64,
    ) -> Result<Signed, StoreError> {
        if self.inner.stopped() {
            return Err(StoreError::Stopped);
        }
        let head = {
            let view = self.inner.view.read().expect("no holder of the view panics");
            view.chains.get(&self.inner.unit).map(|chain| chain.head).unwrap_or_default()
        };
        let former = self.key.public().id();
        let claim = KeyClaim {
            unit: self.inner.unit,
            key: key.public().to_bytes(),
            replaces: Some(former),
            after: head.number,
            hash: head.hash,
            claimed_at_ms: at_ms,
        };
        let claim = Signed::sign(&claim, &key);
        let grant =
            Signed::sign(&KeyGrant { claim, grantor: Grantor::Former, granted_at_ms: at_ms }, &self.key);
        let text =
            format!("ledger key {former} replaced by {} after batch {}", key.public().id(), head.number);
        let note = AuditNote::text(actor, Deed::KeyChanged, text, at_ms);
        let mut group = vec![Record::Registration(grant.clone()).into(), Record::Note(note).into()];
        self.audit(&mut group);
        self.write(group, true)?;
        self.key = key;
        Ok(grant)
    }
}
