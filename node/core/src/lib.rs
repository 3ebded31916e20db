//! The pure part of danso: nothing here reads a clock, a file, a socket or a random source.
//!
//! | folder | holds | may import |
//! |---|---|---|
//! | `domain/` | what is recorded, and its rules | - |
//! | `chain/` | batches: roots, hashes, signatures, receipts | domain |
//! | `rollup/` | what a change adds to the counts; counts and how they are asked | chain, domain |
//! | `replication/` | what to send, what an answer means, when to retry | chain, domain |
//! | `demography/` | indicators, life tables, the simulated register | chain, domain |
//!
//! Invariants:
//! 1. Time, keys and randomness are arguments.
//! 2. Everything that comes from outside is verified before it is decoded and bounded before it is allocated.

pub mod chain;
pub mod demography;
pub mod domain;
pub mod replication;
pub mod rollup;
