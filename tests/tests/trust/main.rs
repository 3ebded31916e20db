//! Trust at work: enrolment, keys, personal parts, accounts, audit, recovery, and those who lie.
//!
//! | file | holds |
//! |---|---|
//! | `accounts/` | people who sign in, roles and their subtrees, sessions and tokens that end |
//! | `at_rest.rs` | a stolen folder; the key at rest wrapped anew |
//! | `audit.rs` | the audit log read, and anchored at the parent |
//! | `audit_altered.rs` | audit logs that somebody altered |
//! | `recovery/` | old backups, dead disks, names that come late |
//! | `equivocation.rs` | two computers with one unit's keys |
//! | `enrolment.rs` | a tree that grows from its root; revocation; lost keys |
//! | `confirmed.rs` | what the tiers above signed for, as the commune sees it past its parent |
//! | `hostile/` | peers that flood, bomb, stall and lie about the time |
//! | `erasure/` | persons forgotten in every tier |
//! | `out_of_dates.rs` | clocks outside the certificate's dates, certificates that have ended |
//! | `persons.rs` | persons found and shown, every read noted |
//! | `requests.rs` | requests of persons and their due dates |
//! | `keys.rs` | ledger keys rotated on running nodes |
//! | `middle/` | a district that drops, alters, replays, invents and lies |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod accounts;
mod at_rest;
mod audit;
mod audit_altered;
mod confirmed;
mod enrolment;
mod equivocation;
mod erasure;
mod hostile;
mod keys;
mod middle;
mod out_of_dates;
mod persons;
mod recovery;
mod requests;

use danso_tests::Grown;

/// A tree of four tiers that grew from its root; only central runs.
async fn grown() -> Grown {
    Grown::four(env!("CARGO_BIN_EXE_danso-under-test")).await
}
