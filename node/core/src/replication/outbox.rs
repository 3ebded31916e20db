//! The child's side of a link: for every origin what is held here, sent, and acknowledged.

use crate::chain::{BatchNumber, Digest};
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeMap;

/// One origin's way up.
#[derive(Debug, Clone, Default)]
struct Lane {
    /// Latest batch held here.
    head: u64,
    /// Latest batch sent on this connection.
    sent: u64,
    /// Latest batch that the parent has signed for.
    acknowledged: u64,
    /// Why nothing more is sent on this connection.
    held: Option<String>,
    /// Times it was sent again from what the parent asked for, since its last receipt.
    rewinds: u64,
    /// Batches that the parent has without their names.
    names: Names,
}

/// Batches that are sent once more for their names' sake.
#[derive(Debug, Clone, Default)]
struct Names {
    /// The latest one sent again.
    sent: u64,
    /// The latest one answered.
    answered: u64,
    /// The last one asked for, 0 for none.
    last: u64,
    /// The next one has no names here either, so far.
    waiting: bool,
}

impl Names {
    fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.answered)
    }
}

impl Lane {
    fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.acknowledged)
    }

    fn ready(&self) -> bool {
        self.held.is_none() && self.sent < self.head
    }
}

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
        let in_flight: u64 = self.lanes.values().map(|lane| lane.names.in_flight()).sum();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(code: &str) -> UnitId {
        format!("{code}@2025-07-01").parse().unwrap()
    }

    fn digest(number: u64) -> Digest {
        Digest::of(&[&number.to_be_bytes()])
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape that `welcomed` asks for")]
    fn hash(_: UnitId, number: BatchNumber) -> Option<Digest> {
        Some(digest(number.0))
    }

    fn live(heads: &[(&str, u64, u64)], window: u32) -> Outbox {
        let mut outbox = Outbox::new();
        for (code, here, _) in heads {
            outbox.held_here(unit(code), BatchNumber(*here));
        }
        let theirs = heads.iter().map(|(code, _, there)| (unit(code), BatchNumber(*there), digest(*there)));
        assert_eq!(outbox.welcomed(theirs.collect::<Vec<_>>(), window, hash), vec![]);
        outbox
    }

    fn sent(outbox: &mut Outbox) -> Vec<(String, u64)> {
        std::iter::from_fn(|| outbox.next_batch())
            .map(|(unit, number)| (unit.code.to_string(), number.0))
            .collect()
    }

    #[test]
    fn nothing_is_sent_before_the_welcome_and_only_what_is_missing_after() {
        let mut outbox = Outbox::new();
        outbox.held_here(unit("1"), BatchNumber(3));
        assert_eq!(outbox.next_batch(), None);
        let mut outbox = live(&[("1", 3, 1)], 10);
        assert_eq!(sent(&mut outbox), [("1".into(), 2), ("1".into(), 3)]);
        assert!(!outbox.is_idle());
        outbox.answered(unit("1"), Answer::Received(BatchNumber(3)));
        assert!(outbox.is_idle());
    }

    #[test]
    fn origins_take_turns_within_the_window() {
        let mut outbox = live(&[("1", 9, 0), ("2", 1, 0), ("3", 9, 0)], 5);
        let order = sent(&mut outbox);
        assert_eq!(
            order,
            [("1".into(), 1), ("2".into(), 1), ("3".into(), 1), ("1".into(), 2), ("3".into(), 2)]
        );
        outbox.answered(unit("1"), Answer::Received(BatchNumber(2)));
        assert_eq!(sent(&mut outbox).len(), 2);
    }

    #[test]
    fn a_held_origin_does_not_stop_the_others() {
        let mut outbox = live(&[("1", 9, 0), ("2", 9, 0)], 4);
        assert_eq!(sent(&mut outbox).len(), 4);
        outbox.answered(unit("1"), Answer::Refused { code: "batch_fork".into(), expected: BatchNumber(0) });
        assert!(sent(&mut outbox).iter().all(|(code, _)| code == "2"));
        assert_eq!(outbox.status(unit("1")).unwrap().held.as_deref(), Some("batch_fork"));
    }

    #[test]
    fn a_gap_rewinds_to_what_the_parent_expects() {
        let mut outbox = live(&[("1", 5, 2)], 10);
        assert_eq!(sent(&mut outbox).len(), 3);
        outbox.answered(unit("1"), Answer::Refused { code: "batch_gap".into(), expected: BatchNumber(4) });
        assert_eq!(sent(&mut outbox), [("1".into(), 4), ("1".into(), 5)]);
    }

    #[test]
    fn a_lost_connection_sends_again_what_was_not_acknowledged() {
        let mut outbox = live(&[("1", 3, 0)], 10);
        assert_eq!(sent(&mut outbox).len(), 3);
        outbox.lost();
        assert_eq!(outbox.next_batch(), None);
        let one = (unit("1"), BatchNumber(1), digest(1));
        outbox.welcomed([one], 10, hash);
        assert_eq!(sent(&mut outbox), [("1".into(), 2), ("1".into(), 3)]);
    }

    #[test]
    fn a_parent_that_knows_more_or_other_batches_is_noticed() {
        let mut outbox = Outbox::new();
        outbox.held_here(unit("1"), BatchNumber(2));
        outbox.held_here(unit("2"), BatchNumber(2));
        let ahead = (unit("1"), BatchNumber(5), Digest::default());
        let other = (unit("2"), BatchNumber(1), Digest::default());
        let found = outbox.welcomed([ahead, other], 10, hash);
        assert_eq!(found, [(unit("1"), "parent_ahead"), (unit("2"), "parent_diverges")]);
        assert_eq!(outbox.next_batch(), None);
    }

    #[test]
    fn a_chain_that_came_back_goes_on() {
        let mut outbox = Outbox::new();
        outbox.held_here(unit("1"), BatchNumber(2));
        let found = outbox.welcomed([(unit("1"), BatchNumber(5), digest(5))], 10, hash);
        assert_eq!(found, [(unit("1"), "parent_ahead")]);
        outbox.recovered(unit("1"), BatchNumber(5), BatchNumber(5));
        assert!(!outbox.holds_any() && outbox.is_idle());
        outbox.held_here(unit("1"), BatchNumber(6));
        assert_eq!(sent(&mut outbox), [("1".into(), 6)]);
    }

    #[test]
    fn names_go_after_what_is_missing_and_within_the_window() {
        let mut outbox = live(&[("1", 9, 9), ("2", 2, 1)], 2);
        outbox.names_asked(unit("1"), BatchNumber(3), BatchNumber(6));
        assert_eq!(outbox.next_names(), None, "a batch is missing");
        assert_eq!(sent(&mut outbox), [("2".into(), 2)]);
        assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(3))));
        assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(4))));
        assert_eq!(outbox.next_names(), None, "the window is full");
        outbox.answered(unit("1"), Answer::Received(BatchNumber(3)));
        assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(5))));
        outbox.nameless(unit("1"), BatchNumber(5), true);
        outbox.answered(unit("1"), Answer::Received(BatchNumber(4)));
        assert_eq!(outbox.next_names(), None, "they are still on their way");
        outbox.names_again();
        assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(5))));
        outbox.nameless(unit("1"), BatchNumber(5), false);
        assert_eq!(outbox.next_names(), Some((unit("1"), BatchNumber(6))));
        assert_eq!(outbox.next_names(), None);
    }
}
