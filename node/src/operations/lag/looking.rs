//! The look at all units: every report of each, put together on the way from the unit to this node.

use super::{
    super::node::Node,
    SOFTWARE,
    findings::{Grounds, findings},
    lock,
    standing::{HopStanding, UnitStanding, WaitingAt},
};
use danso_core::replication::{Contact, OwnReport, Stop, UnitReport, missing, waiting};
use danso_tier_config::{Directory, UnitId, View, limits};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

/// What a look at the units rests on.
struct Look<'a> {
    node: &'a Node,
    directory: &'a Directory,
    at: View<'a>,
    now: u64,
    known: BTreeMap<(UnitId, UnitId), UnitReport>,
    uncounted: BTreeMap<UnitId, u64>,
}

impl Node {
    /// Every unit of today's subtree as it stands, this node's own among them; those at or below `below` where it is
    /// given. The worst first, and of these the upper ones. Blocks: reads batches of chains that lag.
    pub fn standings(&self, below: Option<UnitId>) -> Vec<UnitStanding> {
        let directory = self.directory();
        let (at, now) = (directory.at(self.today()), self.now_ms());
        let known = self.known_reports(&at, now);
        let uncounted = lock(&self.lag.uncounted).clone();
        let look = Look { node: self, directory: &directory, at, now, known, uncounted };
        let units = at.subtree(self.unit()).into_iter();
        let mut standings: Vec<UnitStanding> = units
            .filter(|unit| below.is_none_or(|top| at.is_within(*unit, top)))
            .map(|unit| look.at_unit(unit))
            .collect();
        standings.sort_by_cached_key(|found| {
            let worst = found.findings.first().map(|finding| finding.severity);
            (Reverse(worst), at.ancestors(found.unit).len(), found.unit)
        });
        standings
    }

    /// All units as they stood at most [`limits::WATCH_MS`] ago: those who watch share a look. Blocks.
    pub fn standings_lately(&self) -> Arc<Vec<UnitStanding>> {
        let now = self.now_ms();
        let mut looked = lock(&self.lag.looked);
        if let Some((_, standings)) =
            looked.as_ref().filter(|(when, _)| now.abs_diff(*when) < limits::WATCH_MS)
        {
            return Arc::clone(standings);
        }
        let standings = Arc::new(self.standings(None));
        *looked = Some((now, Arc::clone(&standings)));
        standings
    }
}

impl Look<'_> {
    fn name(&self, unit: UnitId) -> String {
        self.directory.name(unit).unwrap_or_default().to_owned()
    }

    fn report(&self, unit: UnitId, by: UnitId) -> Option<&UnitReport> {
        self.known.get(&(unit, by))
    }

    /// The tiers from a unit up to this one.
    fn way(&self, unit: UnitId) -> Vec<UnitId> {
        let own = self.node.unit();
        let above = self.at.ancestors(unit).into_iter();
        let mut way = vec![unit];
        if unit != own {
            way.extend(above.take_while(|tier| *tier != own));
            way.push(own);
        }
        way
    }

    fn hops(&self, unit: UnitId, way: &[UnitId]) -> Vec<HopStanding> {
        let hop = |(place, tier): (usize, &UnitId)| {
            let report = self.report(unit, *tier);
            let chain = report.map(|report| report.chain.clone()).unwrap_or_default();
            let above = way.get(place + 1).and_then(|above| self.report(*tier, *above));
            HopStanding {
                unit: *tier,
                name: self.name(*tier),
                told_ms: report.map_or(0, |report| report.written_ms),
                batches: chain.batches,
                changes: chain.changes,
                oldest_unsent_ms: chain.oldest_unsent_ms,
                connected: above.and_then(|above| above.contact.as_ref()).map(|contact| contact.connected),
                refused: chain.refused,
                held_code: chain.held_code,
            }
        };
        way.iter().enumerate().map(hop).collect()
    }

    /// The line to a unit as the tier above it has it; of this node, as it has it itself.
    fn line(&self, unit: UnitId) -> (Option<Contact>, u64) {
        if unit != self.node.unit() {
            let report = self.at.parent(unit).and_then(|parent| self.report(unit, parent));
            let told_ms = report.map_or(0, |report| report.written_ms);
            return (report.and_then(|report| report.contact.clone()), told_ms);
        }
        if self.node.config.parent.is_none() {
            let contact = Contact { connected: true, last_ms: self.now, ..Contact::default() };
            return (Some(contact), self.now);
        }
        let link = self.node.link.read().expect("no holder of the link panics");
        let code = link.error.split(':').next().unwrap_or_default();
        let contact = Contact {
            connected: link.connected,
            last_ms: self.node.lag.parent_heard_ms.load(Ordering::Relaxed),
            clock_offset_ms: None,
            link_code: if link.connected { String::new() } else { code.to_owned() },
        };
        (Some(contact), self.now)
    }

    fn at_unit(&self, unit: UnitId) -> UnitStanding {
        let row = self.directory.unit(unit);
        let mut found = UnitStanding {
            tier: row.map(|row| row.tier.to_string()).unwrap_or_default(),
            parent: self.at.parent(unit),
            records: row.is_some_and(|row| self.directory.records(&row.tier)),
            ..UnitStanding::unknown(unit, self.directory.name(unit).unwrap_or_default())
        };
        let here = self.here(unit);
        self.add_computer(&mut found, &here);
        self.add_line(&mut found, here.heard_ms);
        self.add_way(&mut found);
        self.add_here(&mut found, here);
        let grounds = Grounds {
            own: self.node.unit(),
            now_ms: self.now,
            late_after_ms: self.node.limits().late_after_ms,
            software: SOFTWARE,
        };
        found.findings = findings(&found, &grounds);
        found
    }

    /// What the unit said of itself, and how old what is known of it is.
    fn add_computer(&self, found: &mut UnitStanding, here: &Here) {
        let told = self.report(found.unit, found.unit);
        if let Some(UnitReport { chain, .. }) = told {
            found.batches_there = chain.batches;
            found.changes_there = chain.changes;
            found.unsealed = chain.unsealed;
        }
        if let Some(own) = told.and_then(|told| told.own.clone()) {
            let OwnReport { disk, software, certificate_days, at_rest } = own;
            (found.disk, found.software) = (disk, software);
            (found.certificate_days, found.at_rest) = (certificate_days, at_rest);
        }
        let told_ms = told.map_or(0, |told| told.written_ms);
        found.watermark_ms = if found.records { here.watermark_ms } else { told_ms };
        found.behind_ms = (found.watermark_ms > 0).then(|| self.now.saturating_sub(found.watermark_ms));
    }

    fn add_line(&self, found: &mut UnitStanding, heard_ms: u64) {
        let (contact, told_ms) = self.line(found.unit);
        found.told_ms = told_ms;
        let Some(contact) = contact else {
            // A tier above of an earlier version says nothing of its children.
            found.last_contact_ms = heard_ms;
            return;
        };
        found.connected = Some(contact.connected);
        found.last_contact_ms = contact.last_ms;
        found.link_code = contact.link_code;
        found.clock_offset_ms = contact.clock_offset_ms;
    }

    /// The chain on every tier of its way.
    fn add_way(&self, found: &mut UnitStanding) {
        let way = self.way(found.unit);
        found.hops = self.hops(found.unit, &way);
        let stops: Vec<Stop> = found.hops.iter().map(stop).collect();
        found.changes_behind = missing(&stops);
        found.waiting = waiting(&stops).map(|waits| WaitingAt {
            from: waits.from,
            from_name: self.name(waits.from),
            to: waits.to,
            to_name: self.name(waits.to),
            since_ms: waits.since_ms,
            cut: waits.cut,
        });
        for by in &way {
            let said = self.report(found.unit, *by).and_then(|report| report.chain.last_refused.clone());
            found.last_refused = found.last_refused.take().max(said);
        }
        found.refused = found.hops.iter().fold(0, |sum: u64, hop| sum.saturating_add(hop.refused));
        if let Some(held) = found.hops.iter().rev().find(|hop| !hop.held_code.is_empty()) {
            (found.held_code, found.held_at) = (held.held_code.clone(), Some(held.unit));
        }
        if let Some(last) = found.hops.last() {
            (found.batches_here, found.changes_here) = (last.batches, last.changes);
        }
        if !found.records {
            found.hops.drain(..way.len() - 1);
        }
    }

    fn add_here(&self, found: &mut UnitStanding, here: Here) {
        found.acknowledged = here.acknowledged;
        found.quarantined = here.quarantined;
        found.quarantined_before = self.uncounted.get(&found.unit).copied().unwrap_or(here.quarantined);
        found.names_missing = here.names_missing;
        found.confirmation_code = here.confirmation_code;
    }

    fn here(&self, unit: UnitId) -> Here {
        let heard = self.node.heard.read().expect("no holder of the watermarks panics").get(&unit).copied();
        let mut here = Here { heard_ms: heard.map_or(0, |heard| heard.heard_at_ms), ..Here::default() };
        {
            let view = self.node.store.view();
            here.watermark_ms = self.node.watermark_ms(&view, unit);
            let Some(chain) = view.chains.get(&unit) else { return here };
            here.acknowledged = chain.acknowledged.0;
            here.quarantined = chain.quarantined;
            here.names_missing = (chain.nameless.0.0, chain.nameless.1.0);
        }
        let wrong = self.node.confirmations(unit, self.now).into_iter().find_map(|held| held.code);
        wrong.unwrap_or_default().clone_into(&mut here.confirmation_code);
        here
    }
}

fn stop(hop: &HopStanding) -> Stop {
    Stop {
        unit: hop.unit,
        changes: (hop.told_ms > 0).then_some(hop.changes),
        oldest_unsent_ms: hop.oldest_unsent_ms,
        connected: hop.connected,
    }
}

/// What this node's own ledger and lines show of a chain.
#[derive(Debug, Default)]
struct Here {
    watermark_ms: u64,
    heard_ms: u64,
    acknowledged: u64,
    quarantined: u64,
    names_missing: (u64, u64),
    confirmation_code: String,
}
