//! The rows kept in the index. Each stays below sled's blob size.

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

/// A person's row as it is stored: what names the person is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredPerson {
    pub state: Option<PersonState>,
    /// Empty where nothing names the person.
    #[serde(with = "serde_bytes")]
    pub facts: Vec<u8>,
    pub changed: Option<Sequence>,
}

/// A household's row as it is stored: what names it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredHousehold {
    pub state: Option<HouseholdState>,
    /// Empty where nothing names the household.
    #[serde(with = "serde_bytes")]
    pub facts: Vec<u8>,
    pub changed: Option<Sequence>,
}

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
