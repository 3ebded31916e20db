//! What this node says of itself and of every unit within it, and what it hears from below.

use super::{super::node::Node, SOFTWARE, lock};
use danso_core::{
    chain::{BatchNumber, Header},
    replication::{ChainReport, Contact, OwnReport, UnitReport},
};
use danso_tier_config::{DAY_MS, UnitId, View, limits};
use std::{
    collections::BTreeMap,
    sync::{PoisonError, atomic::Ordering},
};

/// A child's line that is closed.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// The child's last sign of life, Unix milliseconds.
    pub last_ms: u64,
    /// Code with which it ended; empty for in good order.
    pub code: String,
}

/// Batches of a chain that were refused here.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    count: u64,
    last: Option<(u64, String)>,
}

impl Node {
    /// Notes that a child's link ended, with a code where it was not in good order.
    pub fn line_ended(&self, child: UnitId, code: &str) {
        if !self.linked_children().contains_key(&child) {
            code.clone_into(&mut lock(&self.lag.lines).entry(child).or_default().code);
        }
    }

    /// Notes the last sign of life on a child's link that is closed now.
    pub(in crate::operations) fn line_closed(&self, child: UnitId, last_ms: u64) {
        lock(&self.lag.lines).insert(child, Line { last_ms, code: String::new() });
    }

    /// Counts a batch that a child sent and that was refused here: with the chain that it is of, or, where that is
    /// none of the child's, with the child.
    pub fn batch_refused(&self, child: UnitId, origin: Option<UnitId>, code: &str) {
        let (now, directory) = (self.now_ms(), self.directory());
        let within = |origin: &UnitId| directory.at(self.today()).is_within(*origin, child);
        let origin = origin.filter(within).unwrap_or(child);
        let mut refused = lock(&self.lag.refused);
        let held = refused.entry(origin).or_default();
        held.count += 1;
        held.last = Some((now, code.to_owned()));
    }

    /// Takes note of when the node's certificate begins and ends, Unix milliseconds.
    pub fn set_certificate_dates(&self, from_ms: u64, until_ms: u64) {
        self.lag.certificate_from_ms.store(from_ms, Ordering::Relaxed);
        self.lag.certificate_until_ms.store(until_ms, Ordering::Relaxed);
    }

    /// Whether this computer's clock lies within the dates of the node's certificate, where they are known. What cannot
    /// be undone and goes by the clock (names dropped, months closed) waits until it does.
    pub fn believes_clock(&self) -> bool {
        let (from, until) =
            (self.lag.certificate_from_ms.load(Ordering::Relaxed), self.certificate_until_ms());
        until == 0 || (from..=until).contains(&self.now_ms())
    }

    /// When the node's certificate ends, Unix milliseconds; 0 for unknown.
    pub fn certificate_until_ms(&self) -> u64 {
        self.lag.certificate_until_ms.load(Ordering::Relaxed)
    }

    /// Takes note that the parent has said something.
    pub fn parent_heard(&self) {
        self.lag.parent_heard_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// What this node says of itself, at its own clock.
    pub fn own_report(&self) -> OwnReport {
        let until = self.certificate_until_ms();
        let left_ms = || i64::try_from(i128::from(until) - i128::from(self.now_ms())).unwrap_or(i64::MAX);
        let days = |ms: i64| i32::try_from(ms.div_euclid(DAY_MS as i64)).unwrap_or(i32::MAX);
        OwnReport {
            disk: self.disk_space(),
            software: SOFTWARE.to_owned(),
            certificate_days: (until > 0).then(|| days(left_ms())),
            at_rest: self.store.at_rest().to_string(),
        }
    }

    /// What this node says of every unit within it today, itself first. Reads a batch of each chain that has begun
    /// to wait since the last time, at most [`limits::OLDEST_UNSENT_CHAINS_MAX`]; blocks.
    pub(super) fn reports_of(&self, at: &View<'_>, now: u64) -> Vec<UnitReport> {
        let own = self.unit();
        let (linked, clocks) = (self.linked_children(), self.clock_offsets());
        let oldest = self.oldest_unsent_by_chain();
        let held = self.link.read().expect("no holder of the link panics").held.clone();
        let (lines, refused) = (lock(&self.lag.lines).clone(), lock(&self.lag.refused).clone());
        let view = self.store.view();
        let contact = |unit: UnitId| {
            let line = lines.get(&unit).cloned().unwrap_or_default();
            let received = view.chains.get(&unit).map_or(0, |chain| chain.received_at_ms);
            let connected = linked.contains_key(&unit);
            Contact {
                connected,
                last_ms: linked.get(&unit).copied().unwrap_or(0).max(line.last_ms).max(received),
                clock_offset_ms: clocks.get(&unit).copied(),
                link_code: if connected { String::new() } else { line.code },
            }
        };
        let report = |unit: UnitId| {
            let row = view.chains.get(&unit);
            let refused = refused.get(&unit).cloned().unwrap_or_default();
            let mut chain = ChainReport {
                batches: row.map_or(0, |row| row.head.number.0),
                changes: row.map_or(0, |row| row.head.next.0.saturating_sub(1)),
                unsealed: 0,
                oldest_unsent_ms: oldest.get(&unit).copied(),
                quarantined: row.map_or(0, |row| row.quarantined),
                refused: refused.count,
                last_refused: refused.last,
                held_code: row
                    .and_then(|row| row.held.clone())
                    .or_else(|| held.get(&unit).cloned())
                    .unwrap_or_default(),
            };
            if unit == own {
                chain.unsealed = view.unsealed.len() as u64;
                chain.changes = view.recording.sequence.max(chain.changes);
            }
            UnitReport { chain, ..UnitReport::new(unit, own, now) }
        };
        let mut reports: Vec<UnitReport> = at.subtree(own).into_iter().map(report).collect();
        for report in &mut reports {
            report.contact = (at.parent(report.unit) == Some(own)).then(|| contact(report.unit));
        }
        drop(view);
        if let Some(first) = reports.first_mut() {
            first.own = Some(self.own_report());
        }
        reports
    }

    /// When the oldest change of each chain was recorded that the parent has not signed for, Unix milliseconds;
    /// chains of which everything is there are missing, and at the top there are none. What was recorded by a clock that
    /// was ahead counts from when it was first looked at.
    pub(in crate::operations) fn oldest_unsent_by_chain(&self) -> BTreeMap<UnitId, u64> {
        let (mut found, now) = (BTreeMap::new(), self.now_ms());
        if self.config.parent.is_none() {
            return found;
        }
        let waiting: BTreeMap<UnitId, BatchNumber> = {
            let view = self.store.view();
            if let Some(first) = view.unsealed.front() {
                found.insert(self.unit(), first.core.recorded_at.millis().min(now));
            }
            let waiting = view.chains.iter().filter(|(_, chain)| chain.awaits_receipt());
            waiting.map(|(origin, chain)| (*origin, chain.acknowledged.next())).collect()
        };
        let mut known = lock(&self.lag.oldest);
        known.retain(|origin, (number, _)| waiting.get(origin) == Some(number));
        let unread = waiting.iter().filter(|(origin, _)| !known.contains_key(origin));
        let recorded = unread.take(limits::OLDEST_UNSENT_CHAINS_MAX).filter_map(|(origin, number)| {
            let held = self.store.batch(*origin, *number).ok().flatten()?;
            let header: Header = held.batch.header.decode_trusted().ok()?;
            Some((*origin, (*number, header.recorded_from.millis().min(now))))
        });
        let read: Vec<_> = recorded.collect();
        known.extend(read);
        // What lies in a batch is older than what lies in none yet.
        found.extend(known.iter().map(|(origin, (_, recorded_ms))| (*origin, *recorded_ms)));
        found
    }

    /// Takes what a child says. Passed over: what a tier outside of the child's subtree says, or says of a unit
    /// outside of its own.
    pub fn hear_reports(&self, child: UnitId, reports: impl IntoIterator<Item = UnitReport>) {
        let directory = self.directory();
        let at = directory.at(self.today());
        let mut heard = self.lag.heard.write().unwrap_or_else(PoisonError::into_inner);
        for mut report in reports {
            if !at.is_within(report.by, child) || !at.is_within(report.unit, report.by) {
                continue;
            }
            // Each tier speaks of what it sees: of a line its upper end, of a computer the unit itself.
            report.contact = report.contact.filter(|_| at.parent(report.unit) == Some(report.by));
            report.own = report.own.filter(|_| report.unit == report.by);
            heard.insert((report.unit, report.by), report);
        }
    }

    /// All that is known here of the units within this one: what this node says, and what it heard. Blocks.
    pub(super) fn known_reports(&self, at: &View<'_>, now: u64) -> BTreeMap<(UnitId, UnitId), UnitReport> {
        let mut known = self.lag.heard.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.extend(self.reports_of(at, now).into_iter().map(|report| ((report.unit, report.by), report)));
        known
    }
}
