//! What recognises a row that is imported again: digests of its place and of its content.
//!
//! The first half of a [`CaptureId`] comes from the row's natural key, the second from its content, so one
//! look-up by the first half tells a repeat from a line that was registered with other content.

use super::render::{Spelling, event_cells, register_cells};
use danso_core::domain::{
    CaptureId,
    form::{EventRow, RegisterRow},
    personal::{name_key, tidy},
};
use sha2::{Digest, Sha256};

/// The first half of a capture id: the natural key of the row.
pub type CaptureKey = [u8; 8];

const REGISTER_KEY: &str = "danso import v1: register key";
const REGISTER_CONTENT: &str = "danso import v1: register content";
const EVENT: &str = "danso import v1: event";

/// SHA-256 over a domain and parts, each preceded by its length.
fn digest<'a>(domain: &'a str, parts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in [domain].into_iter().chain(parts) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let whole: [u8; 32] = hasher.finalize().into();
    std::array::from_fn(|index| whole[index])
}

fn content(domain: &str, cells: &[String]) -> [u8; 16] {
    let tidied: Vec<String> = cells.iter().map(|cell| tidy(cell)).collect();
    digest(domain, tidied.iter().map(String::as_str))
}

/// The capture of an A0 row: key from household number and line, content from all cells. The day of the
/// register is not part of it.
pub fn register_capture(row: &RegisterRow) -> CaptureId {
    let key = digest(REGISTER_KEY, [name_key(&row.person.household).as_str(), row.line.to_string().as_str()]);
    let content = content(REGISTER_CONTENT, &register_cells(row, Spelling::Codes));
    CaptureId(std::array::from_fn(|index| if index < 8 { key[index] } else { content[index] }))
}

/// The capture of a P0 row: all its cells are its key.
pub fn event_capture(row: &EventRow) -> CaptureId {
    CaptureId(content(EVENT, &event_cells(row, Spelling::Codes)))
}

/// The natural key of a capture.
pub(super) fn key_of(capture: CaptureId) -> CaptureKey {
    std::array::from_fn(|index| capture.0[index])
}
