//! Operations: what a node does, without knowing how it is asked. Blocking where the store blocks.
//!
//! | file | does |
//! |---|---|
//! | `meters/` | what a node tells of itself in numbers |
//! | `health.rs` | whether a node may be used |
//! | `node.rs` | what all operations share: configuration, store, keys, directory |
//! | `actor.rs` | who does something |
//! | `keys.rs` | the own ledger key and its rotation |
//! | `registering.rs` | takes the ledger keys of others |
//! | `audit.rs` | reads and verifies the audit log, anchors it at the parent |
//! | `revocation.rs` | revokes nodes and certificates below |
//! | `desk.rs` | records entries on the lowest tier |
//! | `import_desk.rs` | the desk at which a file is recorded or tried out |
//! | `staging.rs` | the register with what is queued laid over what is stored |
//! | `enrolment/` | invitations, and the grant of ledger keys to children |
//! | `forms/` | reads and writes the A0 book and the P0 sheet as CSV |
//! | `recovery/` | brings back what was lost, and goes on with chains that contradict themselves |
//! | `accept/` | accepts a child's batch and prepares batches for the parent |
//! | `receipts.rs` | takes receipts of the parent |
//! | `persons.rs` | persons of the own register, looked up; every read audited |
//! | `requests/` | requests of persons about their data, and their due dates |
//! | `erasure/` | forgets what names a person, here and in every tier above |
//! | `counting.rs` | counts of the units that a question names |
//! | `provenance.rs` | how complete and how old an answer is |
//! | `releases.rs` | publishes and takes releases and directories |
//! | `accounts/` | accounts, roles, passwords, sessions and API tokens |
//! | `office/` | the node's accounts as they stand: sign-ins, orders that change them, denied calls |
//! | `scopes.rs` | for which units somebody may do something |
//! | `runbooks.rs` | the page of each stable code |
//! | `status.rs` | how far every chain has come |
//! | `confirmations/` | what the tiers above have signed for |
//! | `lag/` | what is known of every unit below: line, lag, disk, certificate, and what is wrong |
//! | `settings.rs` | the limits in force, which may change while the node runs |
//! | `room.rs` | room on the disk: below a limit nothing new is taken |
//! | `retention.rs` | names of children's batches that are dropped after a time |
//! | `turned_away.rs` | children whose version of the protocol is not spoken here |
//! | `links.rs` | the links that the units directly below have open |
//! | `clocks.rs` | how far the children's clocks are off |
//!
//! Invariants:
//! 1. A receipt or an answer to a recording is given only after its ticket says durable.
//! 2. Each origin is accepted under its own lock; none waits for another.
//! 3. Rows and heads of an answer are read under one guard: the digest names exactly what was counted.

mod accept;
pub mod accounts;
mod actor;
mod audit;
pub mod clocks;
pub mod confirmations;
mod counting;
mod desk;
pub mod enrolment;
mod erasure;
pub mod forms;
mod health;
mod import_desk;
mod keys;
pub mod lag;
mod links;
pub mod meters;
mod node;
mod office;
mod persons;
mod provenance;
mod receipts;
pub mod recovery;
mod registering;
mod releases;
pub mod requests;
mod retention;
mod revocation;
mod room;
mod runbooks;
mod scopes;
mod settings;
mod staging;
mod status;
mod turned_away;

pub use crate::host::now_ms;
pub use accept::{AcceptError, Accepted};
pub use actor::Actor;
pub use audit::{AuditError, AuditQuestion, ChildAnchor, ParentAnchor};
pub use counting::{CountQuery, Counted, QueryError};
pub use desk::RecordError;
pub use erasure::{Erased, ErasureError, ErasureStanding};
pub use health::Health;
pub use import_desk::ImportDesk;
pub use keys::{KeyFolder, KeyFolderError, RotateError, Rotated, Signing};
pub use node::{Heard, LinkStatus, Node};
pub use office::{AccountChange, MadeToken, Manager, OfficeError, Revoker, SignedIn};
pub use persons::{FoundPerson, PersonError, PersonEvent, PersonFile, PersonQuestion};
pub use provenance::{LateUnit, Provenance};
pub use receipts::TakenReceipt;
pub use registering::RegisterError;
pub(crate) use registering::grantor_of;
pub use releases::ReleaseError;
pub use retention::Compacted;
pub use revocation::RevocationError;
pub use room::RoomState;
pub use runbooks::Runbook;
pub use scopes::NotAllowed;
pub use settings::LimitChange;
pub use status::{HeadStatus, Watermark};
pub use turned_away::TurnedAway;
