//! Catching up: records of the ledger applied to memory and index again.

use super::{
    StoreError,
    apply::Applier,
    encoding::read_record,
    index::Index,
    keys,
    ledger::{self, Kind, LedgerReader, Position},
    recent::Recent,
    record::Record,
    register::OwnRegister,
    staged::Known,
    view::{Unsealed, View},
};
use danso_core::{
    chain::{Batch, Header},
    domain::{Core, Sequence},
    rollup::Judged,
};
use danso_tier_config::{Hierarchy, UnitId, limits};

/// Loads what the index reflects and applies what the ledger holds beyond. Gives the records applied.
pub(super) fn catch_up(
    index: &Index,
    reader: &LedgerReader,
    (unit, hierarchies): (UnitId, &[Hierarchy]),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(View, u64), StoreError> {
    let mut view = View::load(index, reader, hierarchies)?;
    let replayed = replay(&mut view, index, reader, unit, &mut |_, _, _| Ok(None), progress)?;
    restore_unsealed(&mut view, index, reader, unit)?;
    Ok((view, replayed))
}

/// What a replay may look at before a record is applied; gives what it found out about a batch.
pub(super) type Inspect<'a> = dyn FnMut(&View, &Record, Position) -> Result<Option<Judged>, StoreError> + 'a;

/// Applies the ledger's records from the view's position on. Gives how many.
pub(super) fn replay(
    view: &mut View,
    index: &Index,
    reader: &LedgerReader,
    unit: UnitId,
    inspect: &mut Inspect<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, StoreError> {
    let end = reader.end().0;
    let recent = Recent::default();
    let (mut count, mut flush_at) = (0, limits::INDEX_UNFLUSHED_KEYS_MAX);
    for record in reader.iter_from(view.position) {
        let record = record?;
        let next = record.next;
        match to_apply(view, index, reader, unit, &record)? {
            Due::Apply(record, position) => {
                let judged = inspect(view, &record, position)?;
                let mut applier = Applier { view, index, ledger: reader, recent: &recent, unit };
                applier.apply(vec![(
                    *record,
                    position,
                    judged.map_or(Known::Nothing, |judged| Known::Counts(Box::new(judged))),
                )])?;
            }
            Due::Named(header) => {
                Applier { view, index, ledger: reader, recent: &recent, unit }.named(&header);
            }
            Due::Nothing => {}
        }
        view.position = next;
        count += 1;
        if index.unflushed() >= flush_at {
            flush_or_keep(index, view)?;
            // What found no space is not tried again with every record.
            flush_at = index.unflushed() + limits::INDEX_UNFLUSHED_KEYS_MAX;
            progress(next.0, end);
        }
    }
    if count > 0 {
        flush_or_keep(index, view)?;
    }
    Ok(count)
}

/// Flushes what was replayed; on a full disk it stays in memory as long as there is not too much of it.
fn flush_or_keep(index: &Index, view: &View) -> Result<(), StoreError> {
    let flushed = index.rows_of(&view.tallies).and_then(|rows| index.flush(view.reflected(), &rows));
    match flushed {
        // As much as a running node may have had in memory, and what its last group added.
        Err(full @ StoreError::IndexFull(_)) if index.unflushed() >= 2 * limits::INDEX_OVERLAY_KEYS_MAX => {
            Err(full)
        }
        Err(StoreError::IndexFull(_)) => Ok(()),
        other => other,
    }
}

/// What a record read again asks for.
enum Due {
    /// To be applied, as one that lies there.
    Apply(Box<Record>, Position),
    /// The batch was applied; what stood here brought its names, or dropped them.
    Named(Header),
    /// It was applied.
    Nothing,
}

/// The record to apply for one read from the ledger, and where it lies: for a scrubbed one that in its place,
/// unless it was applied already.
fn to_apply(
    view: &View,
    index: &Index,
    reader: &LedgerReader,
    unit: UnitId,
    read: &ledger::Record,
) -> Result<Due, StoreError> {
    let scrubbed = read.kind == Kind::SCRUBBED;
    let (decoded, position) = if scrubbed {
        read_record(reader, read.position, &index.vault)?
    } else {
        (Record::decode(read.kind, &read.payload, read.position, &index.vault)?, read.position)
    };
    let record = decoded.record;
    if decoded.veiled && matches!(record, Record::Own(_) | Record::Recovered(_)) {
        index.put(keys::VEILED, &());
    }
    let known = match &record {
        Record::Own(changes) => changes.iter().all(|change| change.sequence.0 <= view.recording.sequence),
        Record::Sealed(batch) => holds(view, unit, batch),
        Record::Accepted(accepted) => {
            let origin = danso_core::chain::origin_of(&accepted.batch.header.bytes);
            origin.is_ok_and(|origin| holds(view, origin, &accepted.batch))
        }
        Record::Recovered(recovered) => holds(view, unit, &recovered.batch),
        _ => false,
    };
    Ok(match &record {
        _ if !(scrubbed && known) => Due::Apply(Box::new(record), position),
        Record::Accepted(accepted) => accepted.batch.header.decode_trusted().map_or(Due::Nothing, Due::Named),
        _ => Due::Nothing,
    })
}

fn holds(view: &View, origin: UnitId, batch: &Batch) -> bool {
    let head = view.chains.get(&origin).map(|chain| chain.head).unwrap_or_default();
    batch.header.decode_trusted::<Header>().is_ok_and(|header| header.number <= head.number)
}

/// Own changes that were recorded but never sealed, read back from the ledger.
fn restore_unsealed(
    view: &mut View,
    index: &Index,
    reader: &LedgerReader,
    unit: UnitId,
) -> Result<(), StoreError> {
    let next = view.chains.get(&unit).map_or(Sequence(1), |chain| chain.head.next);
    view.unsealed.clear();
    let recent = Recent::default();
    let mut register = OwnRegister::new(index, reader, &recent);
    for sequence in next.0..=view.recording.sequence {
        let wrong = |reason: &str| StoreError::Index(format!("own change {sequence} is {reason}"));
        let change = register.change(Sequence(sequence))?.ok_or_else(|| wrong("not indexed"))?;
        let core = Core::decode(&change.core).map_err(|_| wrong("not decodable"))?;
        view.unsealed.push_back(Unsealed { core, bytes: change.core, personal: change.personal });
    }
    Ok(())
}
