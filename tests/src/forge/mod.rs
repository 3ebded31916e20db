//! Crafted batches, and a child's link spoken by hand over real TLS.
//!
//! | file | holds |
//! |---|---|
//! | `link.rs` | a child's stream to its parent, spoken message by message |
//! | `garbage.rs` | streams that are no messages |

mod garbage;
mod link;

pub use garbage::{garbage, grpc_frame};
pub use link::{ChildLink, channel, hello, registration};

use crate::{Tree, entries::date};
use danso_core::{
    chain::{
        Batch, Exclusions, Head, Header, LedgerKey, PublicKey, SealInput, SealedChange, Signed, seal, strip,
    },
    domain::{
        Area, BirthPlace, Core, Education, Ethnicity, Event, HouseholdChange, HouseholdId, HouseholdKind,
        HouseholdState, Marital, PersonChange, PersonFacts, PersonId, PersonState, Personal, RecordedAt,
        Residence, Sex,
    },
    rollup::claim,
};
use danso_tier_config::{Policy, UnitId};
use std::time::Duration;

/// How long a parent may take to answer on a loaded machine before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);
/// When the first forged change was recorded: 2026-02-02, after every forged event.
const RECORDED_MS: u64 = 1_770_000_000_000;

/// The name in the personal part of every forged birth.
pub const FORGED_NAME: &str = "Trần Thị Bí Mật";

/// Writes the chain of an origin, with the origin's key or another one.
pub struct Forger {
    pub origin: UnitId,
    pub key: LedgerKey,
    /// The head that the next batch follows.
    pub head: Head,
}

impl Forger {
    /// A forger at the beginning of a unit's chain, with the unit's own key.
    pub fn new(tree: &Tree, origin: UnitId) -> Self {
        Self { origin, key: tree.ledger_key(origin), head: Head::default() }
    }

    /// Births that keep every rule, one a change, each with a name, from the next sequence on.
    pub fn births(&self, count: u64) -> Vec<SealedChange> {
        (0..count).map(|n| self.named(&self.birth(self.head.next.0 + n))).collect()
    }

    /// The core of a birth at `sequence`: a girl of January 2026 as the second member of a household.
    pub fn birth(&self, sequence: u64) -> Core {
        let household = HouseholdId { unit: self.origin, serial: 1 };
        let child = PersonState {
            household,
            sex: Sex::Female,
            birth: "2026-01".parse().unwrap(),
            ethnicity: Ethnicity::KINH,
            education: Education::None,
            marital: Marital::NeverMarried,
            residence: Residence::Present,
            method: None,
        };
        let home = |size| Some(HouseholdState { area: Area(1), kind: HouseholdKind::Family, size });
        Core {
            recorded_at: RecordedAt::from_millis(RECORDED_MS + sequence),
            effective_on: date("2026-01-15"),
            area: Area(1),
            event: Event::Born {
                order: 1,
                mother_birth: "1995-05".parse().unwrap(),
                place: BirthPlace::Home,
            },
            persons: vec![PersonChange {
                id: PersonId { unit: self.origin, serial: sequence },
                before: None,
                after: Some(child),
            }],
            households: vec![HouseholdChange { id: household, before: home(1), after: home(2) }],
        }
    }

    /// A core with a personal part, ready to be sealed.
    pub fn named(&self, core: &Core) -> SealedChange {
        let facts = PersonFacts {
            name: FORGED_NAME.to_owned(),
            birth_date: Some(core.effective_on),
            citizen_number: "001326009999".to_owned(),
            ..PersonFacts::default()
        };
        let person = core.persons[0].id;
        let personal = Personal { persons: vec![(person, facts)], ..Personal::default() };
        SealedChange {
            core: core.encode(),
            personal: Some(([person.serial as u8; 16], personal.encode())),
            recorded_at: core.recorded_at,
        }
    }

    /// Seals changes as the next batch, with the deltas that follow from them, all three frames present.
    pub fn seal(&self, changes: &[SealedChange]) -> Batch {
        let cores: Vec<Core> = changes.iter().filter_map(|change| Core::decode(&change.core).ok()).collect();
        self.seal_claiming(changes, &claim(&cores))
    }

    /// Seals changes with any claim of deltas.
    pub fn seal_claiming(&self, changes: &[SealedChange], deltas: &[Vec<u8>]) -> Batch {
        seal(&SealInput { origin: self.origin, head: self.head, changes, deltas }, &self.key)
    }

    /// Edits a batch's header and signs it again.
    pub fn edit_header(&self, batch: &Batch, edit: impl FnOnce(&mut Header)) -> Batch {
        let mut header: Header = batch.header.decode_trusted().unwrap();
        edit(&mut header);
        Batch { header: Signed::sign(&header, &self.key), ..batch.clone() }
    }

    /// The next batch of `births` births as it travels with names; the chain goes on after it.
    pub fn next(&mut self, births: u64) -> Batch {
        let batch = strip(self.seal(&self.births(births)), Policy::Names);
        self.follow(&batch);
        batch
    }

    /// The chain goes on after `batch`.
    pub fn follow(&mut self, batch: &Batch) {
        self.head = Head::after(&batch.header.decode_trusted().unwrap(), batch.hash());
    }
}

/// Edits signed exclusions and signs them with a key.
pub fn edit_exclusions(signed: &Signed, key: &LedgerKey, edit: impl FnOnce(&mut Exclusions)) -> Signed {
    let mut exclusions: Exclusions = signed.decode_trusted().unwrap();
    edit(&mut exclusions);
    Signed::sign(&exclusions, key)
}

/// The registered public ledger key of a unit.
pub fn public_key(tree: &Tree, unit: UnitId) -> PublicKey {
    tree.ledger_key(unit).public()
}
