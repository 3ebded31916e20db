//! Enrolment over the wire: invitations, the first certificates of a node, their renewal, and revocation.
//!
//! | file | holds |
//! |---|---|
//! | `newcomers.rs` | the service for those who come, or renew |
//! | `authorities.rs` | the service for those who run the authority: invite, revoke, certificates of persons |
//! | `client.rs` | a node's own side: enrol, renew |
//! | `calls.rs` | calls of the command line to an authority |
//! | `issuing.rs` | the authority in a node's key folder and what it issues for a unit |
//!
//! Invariants:
//! 1. A private key never leaves the computer on which it was made: requests go up, certificates come down.
//! 2. A certificate is issued for exactly the unit of the invitation, or of the certificate that is renewed.
//! 3. Everything issued is in the audit log before the answer leaves.

mod authorities;
mod calls;
pub mod client;
mod issuing;
mod newcomers;

pub(super) use authorities::AuthoritiesService;
pub use client::{Enrolled, FirstKeys, Newcomer};
pub use issuing::{found_tree, is_authority};
pub(super) use newcomers::EnrolmentService;
