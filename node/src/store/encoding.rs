//! Ledger records as bytes: a kind, a format byte, postcard; personal parts encrypted by the vault.
//!
//! Format 1 has personal parts as they are (folders made before encryption); format 2 has them sealed, each
//! bound to what it belongs to, so that none can be put in another's place. Own changes are in `own.rs`.

use super::{
    StoreError,
    at_rest::{AtRestError, Vault},
    ledger::{self, Kind, LedgerReader, Position},
    own::{self, captures_of_own, decode_own, encode_own},
    record::{AcceptedBatch, Evidence, Record, RecoveredBatch, Rewritten},
};
use danso_core::{
    chain::{Batch, Quarantined, Signed},
    domain::{CaptureId, Sequence, encoded},
};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const PLAIN: u8 = 1;
const SEALED: u8 = 2;

/// A record read back.
pub(super) struct Decoded {
    /// The record.
    pub record: Record,
    /// Whether a personal part is there that cannot be read without the key.
    pub veiled: bool,
}

#[derive(Serialize, Deserialize)]
struct EvidencePlain {
    child: UnitId,
    origin: UnitId,
    code: String,
    header: Signed,
    hold: bool,
    at_ms: u64,
}

/// An accepted batch as format 1 has it.
#[derive(Serialize, Deserialize)]
struct AcceptedPlain {
    child: UnitId,
    batch: Batch,
    quarantined: Vec<Quarantined>,
    receipt: Signed,
    accepted_at_ms: u64,
}

/// Kind and payload of a record.
pub(super) fn encode<T: Serialize>(kind: u8, format: u8, value: &T) -> (Kind, Vec<u8>) {
    (Kind(kind), encoded(&(format, value)))
}

/// Whether what is sealed needs a key that is not at hand.
pub(super) fn is_locked(error: &AtRestError) -> bool {
    matches!(error, AtRestError::Locked)
}

fn batch_context(batch: &Batch) -> Vec<u8> {
    [b"batch".as_slice(), &batch.hash().0].concat()
}

fn seal_batch(batch: &Batch, vault: &Vault) -> Batch {
    let personal = batch.personal.as_ref().map(|frame| vault.seal(&batch_context(batch), frame));
    Batch { personal, ..batch.clone() }
}

/// Opens the personal frame in place; true when it is there and cannot be read.
fn open_batch(batch: &mut Batch, vault: &Vault) -> Option<bool> {
    let Some(sealed) = batch.personal.take() else { return Some(false) };
    match vault.open(&batch_context(batch), &sealed) {
        Ok(frame) => batch.personal = Some(frame),
        Err(error) if is_locked(&error) => return Some(true),
        Err(_) => return None,
    }
    Some(false)
}

/// A value, to its last byte.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

impl Record {
    /// Kind and payload as appended. A note is encoded by the writer only, as the entry that it became.
    pub(super) fn encode(&self, vault: &Vault) -> (Kind, Vec<u8>) {
        match self {
            Self::Own(changes) => encode_own(changes, vault),
            Self::Sealed(batch) => encode(2, SEALED, &seal_batch(batch, vault)),
            Self::Accepted(accepted) => {
                let batch = seal_batch(&accepted.batch, vault);
                encode(3, SEALED, &AcceptedBatch { batch, ..AcceptedBatch::clone(accepted) })
            }
            Self::ParentReceipt(receipt) => encode(4, PLAIN, receipt),
            Self::Registration(registration) => encode(5, PLAIN, registration),
            Self::Directory(directory) => encode(6, PLAIN, directory),
            Self::Release(release) => encode(7, PLAIN, release),
            Self::Evidence(evidence) => encode(8, SEALED, evidence),
            Self::Revocations(revocations) => encode(9, PLAIN, revocations),
            Self::ErasureOrder(order) => encode(10, PLAIN, order),
            Self::ErasureDone(done) => encode(11, PLAIN, done),
            Self::Recovered(recovered) => {
                let batch = seal_batch(&recovered.batch, vault);
                encode(12, SEALED, &RecoveredBatch { batch, ..RecoveredBatch::clone(recovered) })
            }
            Self::Rewritten(rewritten) => encode(13, PLAIN, rewritten),
            Self::Resolution(resolution) => encode(14, PLAIN, resolution),
            Self::Office(office) => encode(15, PLAIN, office),
            Self::Audit(entry) => encode(16, PLAIN, entry),
            Self::Anchor(anchor) => encode(17, PLAIN, anchor),
            Self::Note(_) => unreachable!("the writer turns notes into entries before they are encoded"),
        }
    }

    /// The record of a payload read at `position`.
    pub(super) fn decode(
        kind: Kind,
        payload: &[u8],
        position: Position,
        vault: &Vault,
    ) -> Result<Decoded, StoreError> {
        let unreadable = || StoreError::RecordUnreadable { kind: kind.0, position };
        let (format, bytes) = payload.split_first().ok_or_else(unreadable)?;
        let found = match *format {
            format if kind.0 == own::KIND => decode_own(format, bytes, vault)
                .map(|(changes, veiled)| Decoded { record: Record::Own(changes), veiled }),
            PLAIN => decode_plain(kind, bytes).map(|record| Decoded { record, veiled: false }),
            SEALED => decode_sealed(kind, bytes, vault),
            _ => None,
        };
        found.ok_or_else(unreadable)
    }
}

fn decode_plain(kind: Kind, bytes: &[u8]) -> Option<Record> {
    match kind.0 {
        2 => read(bytes).map(Record::Sealed),
        3 => {
            let AcceptedPlain { child, batch, quarantined, receipt, accepted_at_ms } = read(bytes)?;
            let accepted =
                AcceptedBatch { child, batch, quarantined, receipt, accepted_at_ms, names_due: false };
            Some(Record::Accepted(Box::new(accepted)))
        }
        4 => read(bytes).map(Record::ParentReceipt),
        5 => read(bytes).map(Record::Registration),
        6 => read(bytes).map(Record::Directory),
        7 => read(bytes).map(Record::Release),
        8 => {
            let EvidencePlain { child, origin, code, header, hold, at_ms } = read(bytes)?;
            let evidence = Evidence { child, origin, code, header, hold, at_ms, cores: None };
            Some(Record::Evidence(Box::new(evidence)))
        }
        9 => read(bytes).map(Record::Revocations),
        10 => read(bytes).map(Record::ErasureOrder),
        11 => read(bytes).map(Record::ErasureDone),
        13 => read(bytes).map(Record::Rewritten),
        14 => read(bytes).map(Record::Resolution),
        15 => read(bytes).map(Record::Office),
        16 => read(bytes).map(Record::Audit),
        17 => read(bytes).map(Record::Anchor),
        _ => None,
    }
}

fn decode_sealed(kind: Kind, bytes: &[u8], vault: &Vault) -> Option<Decoded> {
    let (record, veiled) = match kind.0 {
        2 => {
            let mut batch: Box<Batch> = read(bytes)?;
            let veiled = open_batch(&mut batch, vault)?;
            (Record::Sealed(batch), veiled)
        }
        3 => {
            let mut accepted: Box<AcceptedBatch> = read(bytes)?;
            let veiled = open_batch(&mut accepted.batch, vault)?;
            (Record::Accepted(accepted), veiled)
        }
        8 => (Record::Evidence(read(bytes)?), false),
        12 => {
            let mut recovered: Box<RecoveredBatch> = read(bytes)?;
            let veiled = open_batch(&mut recovered.batch, vault)?;
            (Record::Recovered(recovered), veiled)
        }
        _ => return None,
    };
    Some(Decoded { record, veiled })
}

/// The capture ids in a record of the ledger, with the changes that they became; of one that was rewritten, in what
/// stands in its place.
pub(super) fn captures_of(record: &ledger::Record) -> Result<Vec<(CaptureId, Sequence)>, StoreError> {
    let unreadable = || StoreError::RecordUnreadable { kind: record.kind.0, position: record.position };
    captures_in(record.kind.0, &record.payload).ok_or_else(unreadable)
}

fn captures_in(kind: u8, payload: &[u8]) -> Option<Vec<(CaptureId, Sequence)>> {
    let (format, bytes) = payload.split_first()?;
    Some(match (kind, *format) {
        (own::KIND, format) => captures_of_own(format, bytes)?,
        (12, SEALED) => {
            let recovered: RecoveredBatch = read(bytes)?;
            recovered.captures.into_iter().map(|(sequence, capture)| (capture, sequence)).collect()
        }
        (13, PLAIN) => {
            let rewritten: Rewritten = read(bytes)?;
            captures_in(rewritten.kind, &rewritten.payload)?
        }
        _ => Vec::new(),
    })
}

impl Rewritten {
    /// A record in the place of the one at `of`.
    pub(super) fn new(of: Position, inner: &Record, scrub: bool, vault: &Vault) -> Self {
        let (kind, payload) = inner.encode(vault);
        Self { of: of.0, kind: kind.0, payload, scrub }
    }

    /// The inner record.
    pub(super) fn inner(&self, position: Position, vault: &Vault) -> Result<Decoded, StoreError> {
        Record::decode(Kind(self.kind), &self.payload, position, vault)
    }
}

/// The record that stands at a position now: behind a scrubbed one the one in its place, out of a rewritten
/// one the inner one. Gives it with the position where it lies.
pub(super) fn read_record(
    reader: &LedgerReader,
    position: Position,
    vault: &Vault,
) -> Result<(Decoded, Position), StoreError> {
    let mut at = position;
    loop {
        let record = reader.read(at)?;
        if record.kind == Kind::SCRUBBED {
            let next = ledger::replaced_by(&record.payload).filter(|next| *next > at);
            at = next.ok_or(StoreError::RecordUnreadable { kind: record.kind.0, position: at })?;
            continue;
        }
        let decoded = Record::decode(record.kind, &record.payload, at, vault)?;
        let decoded = match &decoded.record {
            Record::Rewritten(rewritten) => rewritten.inner(at, vault)?,
            _ => decoded,
        };
        return Ok((decoded, at));
    }
}
