//! The audit log read and verified, and anchored at the parent: what a child's log has come to is kept there,
//! so that a log whose end was cut off is found out when the child links up again.

use super::{actor::Actor, node::Node};
use crate::store::{Anchor, AuditNote, AuditReport, Record, StoreError};
use danso_core::chain::{AuditEntry, AuditHead, AuditTrail, Deed, Digest, Fault, Signed};
use danso_tier_config::{Date, UnitId, limits};
use std::{
    collections::BTreeMap,
    sync::{Mutex, RwLock},
};

/// Why an anchor was not lifted.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// None is held of this unit.
    #[error("no audit anchor of {unit} is held here")]
    NoAnchor {
        /// Which.
        unit: UnitId,
    },
    /// The reason is missing or too long.
    #[error("a reason of 1 to {max} characters is needed")]
    Reason {
        /// Most characters.
        max: usize,
    },
    /// Not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAnchor { .. } => "audit_no_anchor",
            Self::Reason { .. } => "audit_reason",
            Self::Store(error) => error.code(),
        }
    }
}

/// Which entries are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditQuestion {
    /// The first number; 0 and 1 mean the beginning.
    pub from: u64,
    /// Only the last so many; 0 for all.
    pub last: u64,
    /// Only this deed.
    pub deed: Option<Deed>,
}

/// An anchor of a child as this node, its parent, holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildAnchor {
    /// The child.
    pub child: UnitId,
    /// The furthest entry heard of.
    pub head: AuditHead,
    /// Whether the child's log was found shorter or other since.
    pub cut: bool,
}

/// What the parent said of this node's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParentAnchor {
    /// Whether the parent has said anything since the start.
    pub known: bool,
    /// The furthest entry that the parent has heard of; number 0 for none.
    pub head: AuditHead,
    /// Whether that entry is missing here, or another one stands in its place.
    pub cut: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    head: AuditHead,
    stored_at_ms: u64,
    cut: bool,
}

/// What is remembered of anchors while the node runs.
#[derive(Debug, Default)]
pub(super) struct AuditWatch {
    children: Mutex<BTreeMap<UnitId, Heard>>,
    parent: RwLock<ParentAnchor>,
}

impl Node {
    /// Notes that entries are read, durably, and gives the numbers that there are to read.
    pub async fn open_audit(&self, actor: &Actor, question: AuditQuestion) -> Result<(u64, u64), StoreError> {
        let last = self.store.view().audit.number;
        let from = question.from.max(1);
        let what = question.deed.map(|deed| format!(" of {}", deed.as_str())).unwrap_or_default();
        let words = match question.last {
            0 => format!("entries {from}-{last}{what}"),
            count => format!("last {count} entries{what} of {from}-{last}"),
        };
        self.note(actor, Deed::AuditRead, words).await?;
        Ok((from, last))
    }

    /// Entries of the audit log by number, both ends included. Blocks.
    pub fn audit_page(&self, from: u64, to: u64) -> Result<Vec<(AuditEntry, Signed)>, StoreError> {
        let count = usize::try_from((to + 1).saturating_sub(from)).unwrap_or(usize::MAX);
        let unreadable = |_: Fault| StoreError::Index("a stored audit entry is unreadable".to_owned());
        let entries = self.store.audit_entries(from, count)?.into_iter();
        entries.map(|signed| Ok((signed.decode_trusted().map_err(unreadable)?, signed))).collect()
    }

    /// Walks along the whole audit log: numbers, links, signatures. Blocks.
    pub fn verify_audit(&self) -> Result<AuditReport, StoreError> {
        let end = self.store.view().audit;
        let ring = self.ring_of(self.unit());
        let mut trail = AuditTrail::default();
        while trail.head.number < end.number {
            let page = self.store.audit_entries(trail.head.number + 1, limits::AUDIT_PAGE_ENTRIES)?;
            if page.is_empty() {
                return Ok(AuditReport { head: trail.head, broken: Some(trail.head.number + 1) });
            }
            for signed in page {
                if let Err(Fault::Audit { number }) = trail.follow(&signed, self.unit(), &ring) {
                    return Ok(AuditReport { head: trail.head, broken: Some(number) });
                }
                if trail.head.number == end.number {
                    break;
                }
            }
        }
        Ok(AuditReport { head: trail.head, broken: (trail.head != end).then_some(end.number) })
    }

    /// At the parent: hears how far a child's audit log has come (number 0: the child does not say), or that it is `cut`
    /// before what is held, keeps the furthest, durably now and then, and gives what is held.
    pub fn hear_audit(&self, child: UnitId, told: AuditHead, cut: bool) -> AuditHead {
        let stored = self.store.view().anchors.get(&child).copied();
        let mut children = self.audit.children.lock().expect("no holder of the anchors panics");
        let heard = children.entry(child).or_insert_with(|| Heard {
            head: stored.map(|anchor| anchor.head).unwrap_or_default(),
            stored_at_ms: stored.map_or(0, |anchor| anchor.at_ms),
            cut: false,
        });
        // Of a log that nothing is held of nothing is missing: an anchor was lifted while the child's word was on its way.
        let cut = cut && heard.head.number > 0;
        if !cut && (told.number == 0 || told == heard.head) {
            return heard.head;
        }
        if cut || told.number <= heard.head.number {
            if !heard.cut {
                let (held, found) = (heard.head.number, told.number);
                tracing::error!(%child, code = "audit_cut", held, found, "the audit log of a child was cut or altered");
            }
            heard.cut = true;
            return heard.head;
        }
        heard.head = told;
        let now = self.now_ms();
        if now.abs_diff(heard.stored_at_ms) >= limits::AUDIT_ANCHOR_MS {
            heard.stored_at_ms = now;
            let anchor = Anchor { child, head: told, at_ms: now };
            // Not awaited: a lost anchor is heard again with the next heartbeat.
            let _ = self.store.stage(vec![Record::Anchor(anchor).into()], self.store.generation());
        }
        heard.head
    }

    /// At the parent: the anchors held of the children.
    pub fn child_anchors(&self) -> Vec<ChildAnchor> {
        let stored = self.store.view().anchors.clone();
        let children = self.audit.children.lock().expect("no holder of the anchors panics");
        let of = |child: UnitId, head, cut| ChildAnchor { child, head, cut };
        let mut anchors: BTreeMap<UnitId, ChildAnchor> =
            stored.into_iter().map(|(child, anchor)| (child, of(child, anchor.head, false))).collect();
        anchors.extend(children.iter().map(|(child, heard)| (*child, of(*child, heard.head, heard.cut))));
        anchors.into_values().filter(|anchor| anchor.head.number > 0).collect()
    }

    /// At the parent: gives a child's anchor up, after somebody found out why its log was cut. Durable on return;
    /// the former anchor stays in the ledger, and the decision in the audit log.
    pub async fn lift_anchor(&self, child: UnitId, reason: &str, actor: &Actor) -> Result<(), AuditError> {
        let (reason, max) = (reason.trim(), limits::AUDIT_REASON_CHARS_MAX);
        if reason.is_empty() || reason.chars().count() > max {
            return Err(AuditError::Reason { max });
        }
        let held = self.child_anchors().into_iter().find(|anchor| anchor.child == child);
        let held = held.ok_or(AuditError::NoAnchor { unit: child })?;
        let at_ms = self.now_ms();
        let words = format!("audit anchor of {child} at {} lifted: {reason}", held.head.number);
        let note = AuditNote::text(&actor.words(), Deed::ChainResolved, words, at_ms);
        let anchor = Anchor { child, head: AuditHead::default(), at_ms: 0 };
        self.store.write(vec![Record::Anchor(anchor).into(), Record::Note(note).into()]).await?;
        self.audit.children.lock().expect("no holder of the anchors panics").remove(&child);
        Ok(())
    }

    /// At the child: compares what the parent knows of this node's log with the log. Blocks.
    pub fn compare_audit(&self, anchor: AuditHead) -> Result<ParentAnchor, StoreError> {
        let before = self.parent_anchor();
        if before.known && before.head == anchor {
            return Ok(before);
        }
        let here = self.store.audit_entry(anchor.number)?.map(|signed| Digest::of(&[&signed.bytes]));
        let cut = anchor.number > 0 && here != Some(anchor.hash);
        if cut && !before.cut {
            let (parent_has, here) = (anchor.number, self.store.view().audit.number);
            tracing::error!(
                code = "audit_cut",
                parent_has,
                here,
                "the parent knows audit entries that are missing or other here"
            );
        }
        let found = ParentAnchor { known: true, head: anchor, cut };
        *self.audit.parent.write().expect("no holder of the anchor panics") = found;
        Ok(found)
    }

    /// At the child: what the parent said last.
    pub fn parent_anchor(&self) -> ParentAnchor {
        *self.audit.parent.read().expect("no holder of the anchor panics")
    }

    /// At the child: how far the log has come, for the parent. Nothing before the parent's word was compared,
    /// and nothing after a cut: what is told would take the place of the anchor that proves it.
    pub fn audit_to_tell(&self) -> AuditHead {
        let parent = self.parent_anchor();
        if parent.known && !parent.cut { self.store.view().audit } else { AuditHead::default() }
    }

    /// Notes that names go to the parent: one entry for each link and day. Durable before they are sent.
    pub async fn note_names_sent(&self, parent: UnitId, noted: &mut Option<Date>) -> Result<(), StoreError> {
        let today = self.today();
        if *noted == Some(today) {
            return Ok(());
        }
        let words = format!("batches with names to {parent} on {today}");
        self.note(&Actor::node(self.unit()), Deed::PersonalSent, words).await?;
        *noted = Some(today);
        Ok(())
    }
}
