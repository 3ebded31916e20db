//! Facts about whole ledgers in temporary folders; what concerns one file is tested beside it.

mod ahead;
mod crash;
mod disk_full;
pub(super) mod faults;
mod order;
mod power_cut;
mod recorder;
mod replace;
mod replace_cut;
mod replace_refused;
mod torn;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Kind, Ledger, LedgerError, LedgerReader, Opened, Options, Position};
use faults::Faults;

/// A segment that holds all records of most tests.
const ROOMY: u64 = 8_192;
/// A segment that holds few records.
const TIGHT: u64 = 256;

fn options(segment_bytes: u64) -> Options {
    Options { segment_bytes, known_durable: None }
}

fn open(folder: &Path, segment_bytes: u64) -> (Ledger, Opened) {
    Ledger::open(folder, options(segment_bytes)).unwrap()
}

/// Opens with a plan of failures that is still empty.
fn open_with_faults(folder: &Path, segment_bytes: u64) -> (Ledger, Faults) {
    let faults = Faults::default();
    (Ledger::open_watched(folder, options(segment_bytes), faults.watch()).unwrap().0, faults)
}

/// A payload without zeros that differs from every other number's.
fn payload(number: u32, bytes: usize) -> Vec<u8> {
    let mut state = u64::from(number) + 1;
    (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8 | 1
        })
        .collect()
}

fn append(ledger: &mut Ledger, payloads: &[Vec<u8>]) -> Result<Vec<Position>, LedgerError> {
    let records: Vec<_> = payloads.iter().map(|payload| (Kind(3), &payload[..])).collect();
    ledger.append(&records)
}

/// Appends one record and syncs it.
fn commit(ledger: &mut Ledger, payload: &[u8]) -> Position {
    let position = ledger.append(&[(Kind(3), payload)]).unwrap()[0];
    ledger.sync().unwrap();
    position
}

fn payloads(reader: &LedgerReader) -> Vec<Vec<u8>> {
    reader.iter_from(Position::START).map(|record| record.unwrap().payload).collect()
}

fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.ledger"))
}

/// Writes over a part of an existing file.
fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, offset).unwrap();
}

/// Flips one bit of a file; flipping it again restores the file.
fn flip(path: &Path, offset: u64, bit: u8) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << bit)], offset).unwrap();
}
