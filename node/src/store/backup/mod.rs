//! Backups: a copy of the ledger up to a durable position, in pieces that are sealed to a backup key, under a list that
//! the node signs. The index is derived and in no backup.
//!
//! | file | holds |
//! |---|---|
//! | `source.rs` | what a running node gives: segments up to a position, and what is counted there |
//! | `place.rs` | the backup's folder: which files, its lock, the lists |
//! | `pieces.rs` | sealed pieces, written and read |
//! | `next.rs` | the next backup: what is held already, what comes, the list, then what is no longer needed goes |
//! | `check.rs` | what can be checked of a backup with the key that opens it, and without |
//! | `data.rs` | a data folder written from a backup |
//! | `key.rs` | the backup key and its file |
//! | `error.rs` | errors and their stable codes |
//!
//! A backup's folder:
//!
//! | name | content |
//! |---|---|
//! | `FORMAT` | `danso-backup 1 UNIT`, written last at creation |
//! | `KEY` | the public backup key; with a passphrase the secret one too, sealed under it |
//! | `LOCK` | held by whoever writes |
//! | `manifests/000001.manifest` | signature (64 bytes), public ledger key (32), list as signed |
//! | `pieces/000001-00000003-0.piece` | number of the backup that made it, segment, first byte of it |
//!
//! Invariants:
//! 1. A backup is there when its list is, under its name and synced; that is written last, after all its pieces. What
//!    lies beside and in no list is of a backup that was cut short, and goes at the next one.
//! 2. No file is ever changed; what is no longer needed is removed, the lists first.
//! 3. Ledger bytes never leave in plain, and nothing secret of the node's keys unless that was asked for.
//! 4. A part of the ledger is copied only after each of its records was checked, so that damage is told and not copied
//!    over what is good; a piece that is damaged is copied anew by the next backup.
//! 5. A copy is a prefix of the ledger: no record in it was replaced by one that is not in it.

mod check;
mod data;
mod error;
mod key;
mod next;
mod pieces;
mod place;
mod source;

pub use check::{CheckedBackup, Depth};
pub use data::KeyFiles;
pub use error::BackupError;
pub use key::{BackupKey, BackupSecret};
pub use next::{Held, Next, Pruned};
pub use place::{Listed, Place, decode_manifest};
pub use source::{Source, digest_of};
