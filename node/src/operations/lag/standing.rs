//! One unit as it stands: what every tier on its way said of it, put together.

use super::{
    super::node::Node,
    findings::{Finding, Grounds, findings},
    lock,
    reports::SOFTWARE,
};
use danso_core::replication::{Contact, DiskSpace, OwnReport, Stop, UnitReport, missing, waiting};
use danso_tier_config::{Directory, UnitId, View, limits};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

/// A unit's chain at one tier of its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopStanding {
    /// The tier's unit.
    pub unit: UnitId,
    /// Its name of today.
    pub name: String,
    /// When it last said anything of the chain, Unix milliseconds; 0 for never.
    pub told_ms: u64,
    /// Number of the latest batch there.
    pub batches: u64,
    /// Changes there.
    pub changes: u64,
    /// When the oldest change was recorded that is there and not one tier above; `None` for none.
    pub oldest_unsent_ms: Option<u64>,
    /// Whether the tier above has its line open; `None` for this node and where nothing is known.
    pub connected: Option<bool>,
    /// Batches of the chain that this tier refused since its start.
    pub refused: u64,
    /// Why the chain goes no further there; empty for nothing.
    pub held_code: String,
}

/// Where changes of a unit wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingAt {
    /// The tier that holds them, or whose line is cut.
    pub from: UnitId,
    /// Its name.
    pub from_name: String,
    /// The tier above that has not got them.
    pub to: UnitId,
    /// Its name.
    pub to_name: String,
    /// When the oldest of them was recorded, Unix milliseconds; `None` where none is known.
    pub since_ms: Option<u64>,
    /// Whether the line between the two is cut.
    pub cut: bool,
}

/// All that is known here of one unit. Moments are Unix milliseconds by this node's clock, 0 for never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitStanding {
    /// The unit.
    pub unit: UnitId,
    /// Its name of today.
    pub name: String,
    /// Its tier.
    pub tier: String,
    /// The unit above it; `None` at the top.
    pub parent: Option<UnitId>,
    /// Whether its tier records changes.
    pub records: bool,
    /// Whether the tier directly above has its line open; `None` where nothing is known. Of this node: its line
    /// to its parent.
    pub connected: Option<bool>,
    /// Its last sign of life at the tier directly above.
    pub last_contact_ms: u64,
    /// When that tier said so.
    pub told_ms: u64,
    /// With which code its line ended last; empty for open, in good order, or unknown.
    pub link_code: String,
    /// Batches of its chain there, by its last word.
    pub batches_there: u64,
    /// Changes recorded there, by its last word.
    pub changes_there: u64,
    /// Of these the ones that are in no batch yet.
    pub unsealed: u64,
    /// Batches of its chain here.
    pub batches_here: u64,
    /// Changes here.
    pub changes_here: u64,
    /// Batches that the tier above this node has signed for.
    pub acknowledged: u64,
    /// Up to when its figures are known here; of a unit that records nothing, when it last said anything.
    pub watermark_ms: u64,
    /// The age of that; `None` for never.
    pub behind_ms: Option<u64>,
    /// Changes that some tier below is known to hold and that are not here.
    pub changes_behind: u64,
    /// At which hop they wait, or where the way is cut; `None` for neither.
    pub waiting: Option<WaitingAt>,
    /// Its chain on every tier of the way, the unit first and this node last; one entry for a unit without a chain.
    pub hops: Vec<HopStanding>,
    /// Batches of it that tiers on the way refused since their start.
    pub refused: u64,
    /// The last one: when, and with which code.
    pub last_refused: Option<(u64, String)>,
    /// Changes stored here and not counted.
    pub quarantined: u64,
    /// The same a day ago, as far as this node remembers.
    pub quarantined_before: u64,
    /// Why its chain goes no further, and at which tier; empty for nothing.
    pub held_code: String,
    /// That tier.
    pub held_at: Option<UnitId>,
    /// What is wrong with the word of a tier above about it, `not_confirmed` for one; empty for nothing.
    pub confirmation_code: String,
    /// First and last batch that came here without the names that may pass; zeros for none.
    pub names_missing: (u64, u64),
    /// How far its clock is ahead of that of the tier above, in milliseconds; `None` where it told none.
    pub clock_offset_ms: Option<i64>,
    /// The file system of its data; `None` for unknown.
    pub disk: Option<DiskSpace>,
    /// Its program and version; empty for unknown.
    pub software: String,
    /// Days until its certificate ends, negative after it; `None` for unknown.
    pub certificate_days: Option<i32>,
    /// How names are kept on its disk: `off`, `open`, `locked`; empty for unknown.
    pub at_rest: String,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

impl UnitStanding {
    /// Whether nothing has ever been heard of the unit.
    pub fn is_unknown(&self) -> bool {
        self.last_contact_ms == 0 && self.watermark_ms == 0 && self.batches_here == 0
    }
}

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
        let way = self.way(unit);
        let row = self.directory.unit(unit);
        let records = row.is_some_and(|row| self.directory.records(&row.tier));
        let mut hops = self.hops(unit, &way);
        let stops: Vec<Stop> = hops.iter().map(stop).collect();
        let waits = waiting(&stops);
        let (contact, told_ms) = self.line(unit);
        let contact_known = contact.is_some();
        let contact = contact.unwrap_or_default();
        let own = self.report(unit, unit).cloned().unwrap_or_else(|| UnitReport::new(unit, unit, 0));
        let OwnReport { disk, software, certificate_days, at_rest } = own.own.unwrap_or_default();
        let here = self.here(unit);
        let watermark_ms = if records { here.watermark_ms } else { own.written_ms };
        let mut last_refused = None;
        for by in &way {
            let said = self.report(unit, *by).and_then(|report| report.chain.last_refused.clone());
            last_refused = last_refused.max(said);
        }
        let held = hops.iter().rev().find(|hop| !hop.held_code.is_empty());
        let refused = hops.iter().map(|hop| hop.refused).sum();
        let (held_code, held_at) =
            held.map_or_else(Default::default, |hop| (hop.held_code.clone(), Some(hop.unit)));
        let last = hops.last().map_or((0, 0), |hop| (hop.batches, hop.changes));
        if !records {
            hops.drain(..hops.len() - 1);
        }
        let mut standing = UnitStanding {
            unit,
            name: self.name(unit),
            tier: row.map(|row| row.tier.to_string()).unwrap_or_default(),
            parent: self.at.parent(unit),
            records,
            connected: contact_known.then_some(contact.connected),
            // A tier above of an earlier version says nothing of its children.
            last_contact_ms: if contact_known { contact.last_ms } else { here.heard_ms },
            told_ms,
            link_code: contact.link_code,
            batches_there: own.chain.batches,
            changes_there: own.chain.changes,
            unsealed: own.chain.unsealed,
            batches_here: last.0,
            changes_here: last.1,
            acknowledged: here.acknowledged,
            watermark_ms,
            behind_ms: (watermark_ms > 0).then(|| self.now.saturating_sub(watermark_ms)),
            changes_behind: missing(&stops),
            waiting: waits.map(|waits| WaitingAt {
                from: waits.from,
                from_name: self.name(waits.from),
                to: waits.to,
                to_name: self.name(waits.to),
                since_ms: waits.since_ms,
                cut: waits.cut,
            }),
            hops,
            refused,
            last_refused,
            quarantined: here.quarantined,
            quarantined_before: self.uncounted.get(&unit).copied().unwrap_or(here.quarantined),
            held_code,
            held_at,
            confirmation_code: here.confirmation_code,
            names_missing: here.names_missing,
            clock_offset_ms: contact.clock_offset_ms,
            disk,
            software,
            certificate_days,
            at_rest,
            findings: Vec::new(),
        };
        standing.findings = findings(
            &standing,
            &Grounds {
                own: self.node.unit(),
                now_ms: self.now,
                late_after_ms: self.node.config.limits.late_after_ms,
                software: SOFTWARE,
            },
        );
        standing
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
        here.confirmation_code = wrong.unwrap_or_default().to_owned();
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
