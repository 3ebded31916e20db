//! The append-only truth of a node: everything it accepted, in the order in which it became durable.
//!
//! A ledger is a folder of preallocated segment files that hold records one after another. One writer
//! thread appends and syncs; any number of readers read what is synced, by position. Everything else a
//! node stores is derived from it and can be rebuilt by reading it from the start. All calls block.
//!
//! | file | what it holds |
//! |---|---|
//! | `position.rs` | `Position`, `Kind`, `SegmentNumber`: the names used at the border |
//! | `record.rs` | the bytes of one record, encoded and checked |
//! | `segment.rs` | names and headers of segment files |
//! | `disk.rs` | every call to the file system that changes something, and its order |
//! | `layout.rs` | which segments a folder holds and whether they join |
//! | `scan.rs` | where the records of a segment end: torn tail or damage |
//! | `open.rs` | start: find the end, cut a torn tail, clear half-made files |
//! | `writer.rs` | append and sync, roll-over, full disk, stop |
//! | `replace.rs` | erasure: durable records become scrubbed ones, segment file by segment file |
//! | `scrub.rs` | the bytes of a scrubbed record |
//! | `bytes.rs` | the bytes of a segment that is scanned: in memory, or in its file |
//! | `window.rs` | bytes that are read ahead |
//! | `reader.rs` | read by position and in order, up to the synced end |
//! | `copy.rs` | segments read whole and checked, for a backup |
//! | `shared.rs` | what the writer and its readers share: synced end, segments, open files |
//! | `verify.rs` | the full check of a folder, which writes nothing |
//! | `error.rs` | errors and their stable codes |
//!
//! Invariants:
//! 1. A position never changes its meaning: it only grows, and no record is moved or written over once
//!    it is synced. The one exception is [`Ledger::replace`]: the record keeps place and length and says
//!    from then on which later record stands for it.
//! 2. Beyond the end a segment holds zeros only. What a crash or a full disk left there is zeroed and
//!    synced before anything is appended, so stale bytes cannot come alive.
//!    Some of the zeros are written, not only reserved: see `LEDGER_AHEAD_BYTES`.
//! 3. A segment exists under its name only when its header is synced and all before it is durable; its
//!    first position is the end of the one before.
//! 4. Each record names the end that was durable when it was written. A later record thereby proves
//!    that what it names was acknowledged, and what is proven is never cut.
//! 5. After a failed write or sync nothing more is appended until the ledger is opened again; only a
//!    full disk, after which the old end is restored, is survived.
//! 6. Readers never look beyond the synced end.
//! 7. No byte of a live segment below the synced end is written over. To replace a record, a whole new
//!    file that was synced before takes the name of a closed segment; a crash leaves one of the two.
//!    Until the new name is durable the old content may come back, so the caller repeats.

mod bytes;
mod copy;
mod disk;
mod error;
mod layout;
mod open;
mod position;
mod reader;
mod record;
mod replace;
mod scan;
mod scrub;
mod segment;
mod shared;
mod verify;
mod window;
mod writer;

#[cfg(test)]
mod tests;

pub use copy::{Checked, Part, check_segment, segment_file};
pub use error::{Damage, LedgerError, Refusal};
pub use open::{Opened, Options, look};
pub use position::{Kind, Position, SegmentNumber};
pub use reader::{LedgerReader, Record, Records};
pub use scrub::replaced_by;
pub use verify::{Summary, verify};
pub use writer::Ledger;
