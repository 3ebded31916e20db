//! The rows kept in the index. Each stays below sled's blob size.

use super::{keys::OWN_A_ROW, ledger::Position};
use danso_core::{
    chain::{BatchNumber, Digest, Head},
    domain::{HouseholdFacts, HouseholdState, PersonFacts, PersonState, RecordedAt, Sequence},
};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// How far one origin's chain has come here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRow {
    /// Its latest batch.
    pub head: Head,
    /// The child that it came through; `None` for the node's own chain.
    pub child: Option<UnitId>,
    /// When its latest batch became durable here, Unix milliseconds.
    pub received_at_ms: u64,
    /// The batch up to which the parent has signed receipts.
    pub acknowledged: BatchNumber,
    /// Changes stored but not counted.
    pub quarantined: u64,
    /// Stable code of the reason why the chain is held.
    pub held: Option<String>,
    /// First and last batch that came without the names that may pass its boundary; zeros for none.
    pub nameless: (BatchNumber, BatchNumber),
}

impl ChainRow {
    /// Whether the parent has not acknowledged all of it.
    pub fn awaits_receipt(&self) -> bool {
        self.unacknowledged() > 0
    }

    /// Batches held here for which the parent has not signed.
    pub fn unacknowledged(&self) -> u64 {
        self.head.number.0.saturating_sub(self.acknowledged.0)
    }
}

/// Where a batch lies, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Position of its ledger record.
    pub position: u64,
    /// Hash of its header.
    pub hash: Digest,
}

/// A piece of a row of tallies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TalliesRow {
    /// How many pieces the row has; told by the first, 0 in the others.
    pub pieces: u16,
    /// As [`danso_core::rollup::RowId::encode`] gives it.
    #[serde(with = "serde_bytes")]
    pub entries: Vec<u8>,
}

/// Where the records of [`OWN_A_ROW`] own changes lie: how many side by side share a position, 0 for none, and which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnPlaces(Vec<(u8, u64)>);

impl OwnPlaces {
    /// The position of each change, as far as they reach.
    pub fn positions(&self) -> impl Iterator<Item = Option<Position>> {
        let position = |&(count, position): &(u8, u64)| {
            std::iter::repeat_n((position != 0).then_some(Position(position)), count.into())
        };
        self.0.iter().flat_map(position)
    }

    /// The same with changes, by their places in the row, at other positions.
    #[must_use]
    pub fn with(&self, changes: impl IntoIterator<Item = (usize, Position)>) -> Self {
        let mut positions: Vec<u64> =
            self.positions().map(|position| position.unwrap_or_default().0).take(OWN_A_ROW).collect();
        for (place, position) in changes {
            positions.resize(positions.len().max(place + 1), 0);
            positions[place] = position.0;
        }
        let run = |run: &[u64]| (run.len() as u8, run[0]);
        Self(positions.chunk_by(PartialEq::eq).map(run).collect())
    }
}

/// A person of the node's own register.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    /// State, `None` once dead or gone.
    pub state: Option<PersonState>,
    /// What names the person.
    pub facts: PersonFacts,
    /// The latest change.
    pub changed: Option<Sequence>,
}

impl PersonRow {
    /// What a change leaves: the state after it and, where it names the person, the names.
    pub fn change(&mut self, after: Option<PersonState>, facts: Option<&PersonFacts>, sequence: Sequence) {
        self.state = after;
        self.changed = Some(sequence);
        if let Some(facts) = facts {
            self.facts = facts.clone();
        }
    }
}

/// A person or household as the index holds it: what names it lies in the ledger alone, with the change that said it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored<State> {
    /// State, `None` for one that is gone.
    pub state: Option<State>,
    /// The change whose personal part names it; `None` where nothing does.
    pub named: Option<Sequence>,
    /// The latest change.
    pub changed: Option<Sequence>,
}

impl<State> Stored<State> {
    /// What a change leaves of a row that may have been there: the state after it and, where it `says_who` that
    /// is, itself as the place of the names.
    pub fn after(change: Sequence, state: Option<State>, says_who: bool, row: Option<Self>) -> Self {
        let named = if says_who { Some(change) } else { row.and_then(|row| row.named) };
        Self { state, named, changed: Some(change) }
    }
}

/// A person as stored.
pub(super) type StoredPerson = Stored<PersonState>;

/// A household as stored.
pub(super) type StoredHousehold = Stored<HouseholdState>;

/// A household of the node's own register.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdRow {
    /// State, `None` once closed.
    pub state: Option<HouseholdState>,
    /// Number and address.
    pub facts: HouseholdFacts,
    /// The latest change.
    pub changed: Option<Sequence>,
}

impl HouseholdRow {
    /// What a change leaves: the state after it and, where it names the household, number and address.
    pub fn change(
        &mut self,
        after: Option<HouseholdState>,
        facts: Option<&HouseholdFacts>,
        sequence: Sequence,
    ) {
        self.state = after;
        self.changed = Some(sequence);
        if let Some(facts) = facts {
            self.facts = facts.clone();
        }
    }
}

/// What the node's own recording has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The last sequence recorded, 0 for none.
    pub sequence: u64,
    /// The last serial given to a person.
    pub person_serial: u64,
    /// The last serial given to a household.
    pub household_serial: u64,
    /// When the last change was recorded.
    pub recorded_at: RecordedAt,
    /// Resident persons.
    pub persons: u64,
}
