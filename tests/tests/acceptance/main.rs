//! What a parent takes from a child: forged, broken and hostile input meets its exact refusal, and
//! nothing else is lost.
//!
//! | file | holds |
//! |---|---|
//! | `scene.rs` | a real parent, and its child's link in the test's hands |
//! | `chain.rs` | repeat, gap, fork, wrong previous, signatures, receipts |
//! | `contents.rs` | frames and headers: edited, truncated, oversized, claims of deltas |
//! | `standing.rs` | who may speak for whom |
//! | `verdicts.rs` | changes that are stored and not counted, the same at every tier |
//! | `beside.rs` | late names, orders of erasure, revoked keys, a child's word of another batch |
//! | `protocol.rs` | hello, versions, garbage, message sizes |
//! | `uplink.rs` | what a child sends to a parent that answers slowly |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod beside;
mod chain;
mod contents;
mod protocol;
mod scene;
mod standing;
mod uplink;
mod verdicts;
