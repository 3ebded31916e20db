//! The child's side of a link: for every origin what is held here, sent, and acknowledged.

use super::lane::{Lane, Names};
use crate::chain::{BatchNumber, Digest};
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeMap;

/// What the parent said about an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It holds the chain up to here.
    Received(BatchNumber),
    /// It refused a batch.
    Refused {
        /// Stable code.
        code: String,
        /// With code `batch_gap`: the number that it expects.
        expected: BatchNumber,
    },
}

/// How an origin stands on the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Batches held here and not acknowledged.
    pub waiting: u64,
    /// Why the origin is held on this connection.
    pub held: Option<String>,
}

/// Decides what is sent next. Knows numbers only; the driver fetches the batches.
#[derive(Debug, Clone)]
pub struct Outbox {
    lanes: BTreeMap<UnitId, Lane>,
    window: u64,
    /// The origin served last, so that all get their turn.
    turn: Option<UnitId>,
    live: bool,
}

impl Outbox {
    /// An outbox that sends nothing before the parent's welcome.
    pub fn new() -> Self {
        Self { lanes: BTreeMap::new(), window: 0, turn: None, live: false }
    }

    /// A batch became durable here. Numbers never go back.
    pub fn held_here(&mut self, origin: UnitId, head: BatchNumber) {
        let lane = self.lanes.entry(origin).or_default();
        lane.head = lane.head.max(head.0);
    }

    /// The parent's welcome: what it holds of each origin, and how many batches it takes unanswered.
    ///
    /// `hash_of` gives the hash of a batch held here. An origin of which the parent holds more than this
    /// node (`parent_ahead`) or other batches (`parent_diverges`) is held; the codes of those are returned.
    pub fn welcomed(
        &mut self,
        heads: impl IntoIterator<Item = (UnitId, BatchNumber, Digest)>,
        window: u32,
        hash_of: impl Fn(UnitId, BatchNumber) -> Option<Digest>,
    ) -> Vec<(UnitId, &'static str)> {
        self.set_window(window);
        self.live = true;
        for lane in self.lanes.values_mut() {
            lane.sent = 0;
            lane.acknowledged = 0;
            lane.held = None;
            lane.rewinds = 0;
            lane.names = Names::default();
        }
        let mut contradictions = Vec::new();
        for (origin, number, hash) in heads {
            let lane = self.lanes.entry(origin).or_default();
            lane.acknowledged = number.0.min(lane.head);
            lane.sent = lane.acknowledged;
            let problem = if number.0 > lane.head {
                Some("parent_ahead")
            } else if number.0 > 0 && hash_of(origin, number) != Some(hash) {
                Some("parent_diverges")
            } else {
                None
            };
            if let Some(code) = problem {
                lane.held = Some(code.to_owned());
                contradictions.push((origin, code));
            }
        }
        contradictions
    }

    /// So many batches may be on their way from now on.
    pub fn set_window(&mut self, window: u32) {
        self.window = u64::from(window.max(1));
    }

    /// The connection is gone; nothing is in flight any more.
    pub fn lost(&mut self) {
        self.live = false;
        for lane in self.lanes.values_mut() {
            lane.sent = lane.acknowledged;
        }
    }

    /// The next batch to send, marked as sent; `None` when the window is full or nothing is left.
    /// Origins take turns.
    pub fn next_batch(&mut self) -> Option<(UnitId, BatchNumber)> {
        let in_flight: u64 =
            self.lanes.values().filter(|lane| lane.held.is_none()).map(Lane::in_flight).sum();
        if !self.live || in_flight >= self.window {
            return None;
        }
        let after = self.turn.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let later = self.lanes.range((after, std::ops::Bound::Unbounded)).find(|(_, lane)| lane.ready());
        let origin = *later.or_else(|| self.lanes.iter().find(|(_, lane)| lane.ready()))?.0;
        self.turn = Some(origin);
        let lane = self.lanes.get_mut(&origin)?;
        lane.sent += 1;
        Some((origin, BatchNumber(lane.sent)))
    }

    /// A chain has everything that the parent holds, which is up to `there`, and goes on. Up to `here` it came
    /// meanwhile: what is beyond `there` came from below and the parent does not have it yet.
    pub fn recovered(&mut self, origin: UnitId, here: BatchNumber, there: BatchNumber) {
        let lane = self.lanes.entry(origin).or_default();
        lane.head = lane.head.max(here.0);
        lane.acknowledged = lane.acknowledged.max(there.0.min(lane.head));
        lane.sent = lane.sent.max(lane.acknowledged);
        lane.held = None;
    }

    /// The parent lacks the names of batches `first` to `last` of an origin.
    pub fn names_asked(&mut self, origin: UnitId, first: BatchNumber, last: BatchNumber) {
        let lane = self.lanes.entry(origin).or_default();
        if first.0 > 0 && last.0 <= lane.head {
            let before = first.0 - 1;
            lane.names = Names { sent: before, answered: before, last: last.0, waiting: false };
        }
    }

    /// The next batch to send once more for its names, marked as sent; `None` while batches are missing or
    /// the window is full.
    pub fn next_names(&mut self) -> Option<(UnitId, BatchNumber)> {
        let missing = self.lanes.values().any(Lane::ready);
        let served = self.lanes.values().filter(|lane| lane.held.is_none());
        let in_flight: u64 = served.map(|lane| lane.names.in_flight()).sum();
        if !self.live || missing || in_flight >= self.window {
            return None;
        }
        let due =
            |lane: &Lane| lane.held.is_none() && !lane.names.waiting && lane.names.sent < lane.names.last;
        let (origin, lane) = self.lanes.iter_mut().find(|(_, lane)| due(lane))?;
        lane.names.sent += 1;
        Some((*origin, BatchNumber(lane.names.sent)))
    }

    /// The batch that [`Self::next_names`] gave has no names here. With `later` they are on their way from
    /// below: it is tried again after [`Self::names_again`]; else it is passed over.
    pub fn nameless(&mut self, origin: UnitId, number: BatchNumber, later: bool) {
        let Some(lane) = self.lanes.get_mut(&origin) else {
            return;
        };
        if later {
            lane.names.sent = number.0 - 1;
            lane.names.waiting = true;
        } else {
            lane.names.answered = lane.names.answered.max(number.0);
        }
    }

    /// Names that were not here may have come meanwhile.
    pub fn names_again(&mut self) {
        self.lanes.values_mut().for_each(|lane| lane.names.waiting = false);
    }

    /// What the parent answered about an origin. Receipts are cumulative and may come twice.
    pub fn answered(&mut self, origin: UnitId, answer: Answer) {
        let Some(lane) = self.lanes.get_mut(&origin) else {
            return;
        };
        match answer {
            Answer::Received(number) => {
                lane.acknowledged = lane.acknowledged.max(number.0.min(lane.head));
                lane.sent = lane.sent.max(lane.acknowledged);
                lane.names.answered = lane.names.answered.max(number.0.min(lane.names.sent));
                lane.rewinds = 0;
            }
            // Each batch in flight can be refused for the one that is missing before it; more of it would never end.
            Answer::Refused { code, expected }
                if code == "batch_gap" && expected.0 > 0 && lane.rewinds < limits::REWINDS_MAX =>
            {
                let rewound = (expected.0 - 1).min(lane.head);
                lane.acknowledged = lane.acknowledged.max(rewound);
                lane.sent = lane.acknowledged;
                lane.rewinds += 1;
            }
            Answer::Refused { code, .. } => {
                lane.held.get_or_insert(code);
                lane.sent = lane.acknowledged;
            }
        }
    }

    /// How an origin stands; `None` for an unknown one.
    pub fn status(&self, origin: UnitId) -> Option<OutboxStatus> {
        let lane = self.lanes.get(&origin)?;
        Some(OutboxStatus { waiting: lane.head.saturating_sub(lane.acknowledged), held: lane.held.clone() })
    }

    /// Batches held here and not acknowledged, over all origins.
    pub fn waiting(&self) -> u64 {
        self.lanes.values().map(|lane| lane.head.saturating_sub(lane.acknowledged)).sum()
    }

    /// Whether any origin is held on this connection.
    pub fn holds_any(&self) -> bool {
        self.lanes.values().any(|lane| lane.held.is_some())
    }

    /// Whether every batch that can be sent was sent and acknowledged.
    pub fn is_idle(&self) -> bool {
        self.lanes.values().all(|lane| lane.held.is_some() || lane.head <= lane.acknowledged)
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}
