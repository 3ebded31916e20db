//! What is held in memory of a node's state, behind one lock: read by many, changed by the writer, and filled with what
//! is read at a first question.

use super::{
    StoreError,
    captures::Captures,
    encoding::read_record,
    index::{Index, Reflected, decode},
    keys,
    ledger::{LedgerReader, Position},
    lookups::Lookups,
    names::Names,
    record::{Anchor, Record, SaltedPersonal},
    rows::{ChainRow, Recording, TalliesRow},
};
use danso_core::{
    chain::{
        AuditHead, BatchNumber, Digest, DirectoryVersion, ErasedLeaf, ErasureDone, ErasureOrder, KeyRing,
        Release, Revocations, Signed, key_subject, order_digest, stored_epoch,
    },
    domain::Core,
    rollup::{Cell, Delta, Tallies, Tally},
};
use danso_tier_config::{Directory, Hierarchy, Month, UnitId};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// An order of erasure and what became of it.
#[derive(Debug, Clone)]
pub struct HeldOrder {
    /// As signed by the origin.
    pub signed: Signed,
    /// Its content.
    pub order: ErasureOrder,
    /// The words of the tiers that carried it out, this one's included.
    pub done: BTreeMap<UnitId, Signed>,
}

/// A list of revocations in force.
#[derive(Debug, Clone)]
pub struct HeldRevocations {
    /// As signed by its issuer.
    pub signed: Signed,
    /// Its content.
    pub list: Revocations,
}

/// The directory in force.
#[derive(Debug, Clone)]
pub struct StoredDirectory {
    /// Its version.
    pub version: u64,
    /// As signed.
    pub signed: Signed,
    /// Its content.
    pub directory: Arc<Directory>,
}

/// An own change that waits to be sealed.
#[derive(Debug)]
pub struct Unsealed {
    /// What of it counts.
    pub core: Core,
    /// The same, encoded.
    pub bytes: Vec<u8>,
    /// Salt and encoded personal part, where it names somebody.
    pub personal: Option<SaltedPersonal>,
}

/// The state of a node in memory.
#[derive(Debug, Default)]
pub struct View {
    /// All chains held here, the node's own included.
    pub chains: BTreeMap<UnitId, ChainRow>,
    /// The roll-up.
    pub tallies: Tallies,
    /// Order-free check sum over the tallies, compared after a start: the sum of each one's weight times its value.
    pub(super) tallies_check: u64,
    /// The ledger keys of each unit, one after the other.
    pub keys: BTreeMap<UnitId, KeyRing>,
    /// The latest list of revocations of each issuer.
    pub revocations: BTreeMap<UnitId, HeldRevocations>,
    /// Orders of erasure.
    pub orders: BTreeMap<Digest, HeldOrder>,
    /// Leaves that were ordered to be erased, by batch.
    pub erased: BTreeMap<(UnitId, BatchNumber), BTreeSet<ErasedLeaf>>,
    /// Where the audit chain has come to.
    pub audit: AuditHead,
    /// How far the audit chains of the children had come.
    pub anchors: BTreeMap<UnitId, Anchor>,
    /// The latest directory, if one was ever received or issued.
    pub directory: Option<StoredDirectory>,
    /// The latest release.
    pub release: Option<Arc<Release>>,
    /// Counters of the node's own recording.
    pub recording: Recording,
    /// The search by name.
    pub(super) names: Names,
    /// The search by number and household.
    pub(super) lookups: Lookups,
    /// What recognises what was recorded.
    pub(super) captures: Captures,
    /// Own changes not sealed yet, from sequence `head.next` on.
    pub unsealed: VecDeque<Unsealed>,
    /// Ledger position up to which this view is true.
    pub position: Position,
    /// Hierarchies of which a directory may be made, beside those shipped.
    pub(super) hierarchies: Vec<Hierarchy>,
}

/// What one more in a tally adds to the check sum: `SplitMix64` over what names the tally, made odd, so that every
/// difference of a tally shows.
fn weight_of(unit: UnitId, month: Month, cell: Cell) -> u64 {
    let key = unit.to_key();
    let parts = key.chunks(8).map(|part| part.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    let place = u64::from(month.index()) << Cell::PACKED_BITS | cell.pack();
    parts.chain([u64::from(cell.cuboid().code()), place]).fold(0, |sum: u64, part| {
        let mixed = (sum ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }) | 1
}

impl View {
    /// An empty view.
    pub(super) fn new(hierarchies: &[Hierarchy]) -> Self {
        Self { hierarchies: hierarchies.to_vec(), ..Self::default() }
    }

    /// What an index reflects that was made of this.
    pub(super) fn reflected(&self) -> Reflected {
        Reflected { position: self.position.0, tallies_check: self.tallies_check }
    }

    /// Adds deltas to the tallies.
    pub(super) fn count(&mut self, unit: UnitId, deltas: &[Delta]) {
        self.tallies.apply(unit, deltas);
        for Delta { month, cell, amount } in deltas {
            self.check(unit, (*month, *cell), *amount);
        }
    }

    fn check(&mut self, unit: UnitId, (month, cell): (Month, Cell), amount: i64) {
        let change = weight_of(unit, month, cell).wrapping_mul(amount.cast_unsigned());
        self.tallies_check = self.tallies_check.wrapping_add(change);
    }

    pub(super) fn load_tallies(&mut self, index: &Index) -> Result<(), StoreError> {
        index.each(keys::TALLIES, &mut |key, value| {
            let (row, _) = keys::tallies_of_key(key).ok_or_else(|| unreadable("key of tallies"))?;
            let piece: TalliesRow = decode(value)?;
            for Tally { unit, month, cell, value } in
                row.decode(&piece.entries).ok_or_else(|| unreadable("row of tallies"))?
            {
                self.check(unit, (month, cell), value);
                self.tallies.load(unit, month, cell, value);
            }
            Ok(())
        })
    }

    /// Digest over the heads of the given chains, in order of origin: origin, number and hash of each.
    pub fn heads_digest(&self, origins: impl IntoIterator<Item = UnitId>) -> Digest {
        let mut bytes = b"danso heads 1\n".to_vec();
        let mut origins: Vec<UnitId> = origins.into_iter().collect();
        origins.sort_unstable();
        for origin in origins {
            if let Some(chain) = self.chains.get(&origin).filter(|chain| chain.head.number.0 > 0) {
                bytes.extend_from_slice(&origin.to_key());
                bytes.extend_from_slice(&chain.head.number.0.to_be_bytes());
                bytes.extend_from_slice(&chain.head.hash.0);
            }
        }
        Digest::of(&[&bytes])
    }

    /// Reads back what the index reflects. Own unsealed changes are read from the ledger.
    pub(super) fn load(
        index: &Index,
        reader: &LedgerReader,
        hierarchies: &[Hierarchy],
    ) -> Result<Self, StoreError> {
        let mut view = Self::new(hierarchies);
        let Some(reflected) = index.reflected()? else { return Ok(view) };
        if index.get::<()>(keys::VEILED)?.is_some() && !index.vault.is_locked() {
            return Err(StoreError::Index("it was built without the key at rest".to_owned()));
        }
        view.position = Position(reflected.position);
        view.load_tallies(index)?;
        if view.tallies_check != reflected.tallies_check {
            return Err(StoreError::Index("the tallies do not have their check sum".to_owned()));
        }
        for (key, value) in index.scan(keys::CHAINS)? {
            let origin = UnitId::from_key(&key[1..])
                .ok_or_else(|| StoreError::Index("a chain key is unreadable".to_owned()))?;
            view.chains.insert(origin, decode(&value)?);
        }
        view.recording = index.get(keys::RECORDING)?.unwrap_or_default();
        view.audit = index.get(keys::AUDIT)?.unwrap_or_default();
        for value in index.scan(keys::ANCHORS)?.values() {
            let anchor: Anchor = decode(value)?;
            view.anchors.insert(anchor.child, anchor);
        }
        let read = |position| read_statement(reader, position, index);
        for key in index.scan(keys::REGISTRATIONS)?.keys() {
            let position = keys::position_of_key(key);
            view.register(&read(position.ok_or_else(|| unreadable("key of a registration"))?.0)?)?;
        }
        for value in index.scan(keys::REVOCATIONS)?.values() {
            view.set_revocations(read(decode(value)?)?)?;
        }
        for value in index.scan(keys::ORDERS)?.values() {
            view.add_order(read(decode(value)?)?)?;
        }
        for value in index.scan(keys::DONE)?.values() {
            view.add_done(read(decode(value)?)?)?;
        }
        if let Some(value) = index.scan(keys::DIRECTORIES)?.values().next_back() {
            view.set_directory(read(decode(value)?)?)?;
        }
        if let Some(value) = index.scan(keys::RELEASES)?.values().next_back() {
            view.set_release(&read(decode(value)?)?)?;
        }
        Ok(view)
    }

    /// Takes a registration or grant that was examined before it was stored.
    pub(super) fn register(&mut self, signed: &Signed) -> Result<UnitId, StoreError> {
        let unit = key_subject(signed).map_err(|_| unreadable("registration"))?;
        let epoch = stored_epoch(signed).map_err(|_| unreadable("registration"))?;
        self.keys.entry(unit).or_default().admit(epoch);
        Ok(unit)
    }

    pub(super) fn set_revocations(&mut self, signed: Signed) -> Result<UnitId, StoreError> {
        let list: Revocations = signed.decode_trusted().map_err(|_| unreadable("list of revocations"))?;
        let issuer = list.issuer;
        if self.revocations.get(&issuer).is_none_or(|held| held.list.version < list.version) {
            self.revocations.insert(issuer, HeldRevocations { signed, list });
        }
        Ok(issuer)
    }

    pub(super) fn add_order(&mut self, signed: Signed) -> Result<(Digest, ErasureOrder), StoreError> {
        let order: ErasureOrder = signed.decode_trusted().map_err(|_| unreadable("order of erasure"))?;
        let digest = order_digest(&signed);
        for leaf in &order.leaves {
            self.erased.entry((order.origin, leaf.number)).or_default().insert(*leaf);
        }
        let held = HeldOrder { signed, order: order.clone(), done: BTreeMap::new() };
        self.orders.entry(digest).or_insert(held);
        Ok((digest, order))
    }

    pub(super) fn add_done(&mut self, signed: Signed) -> Result<ErasureDone, StoreError> {
        let done: ErasureDone = signed.decode_trusted().map_err(|_| unreadable("word of an erasure"))?;
        if let Some(held) = self.orders.get_mut(&done.order) {
            held.done.entry(done.tier_unit).or_insert(signed);
        }
        Ok(done)
    }

    pub(super) fn set_directory(&mut self, signed: Signed) -> Result<u64, StoreError> {
        let version: DirectoryVersion = signed.decode_trusted().map_err(|_| unreadable("directory"))?;
        let directory =
            super::directory::unpack(&version, &self.hierarchies).map_err(|_| unreadable("directory"))?;
        let number = version.version;
        let newer = self.directory.as_ref().is_none_or(|held| held.version < number);
        if newer {
            self.directory =
                Some(StoredDirectory { version: number, signed, directory: Arc::new(directory) });
        }
        Ok(number)
    }

    pub(super) fn set_release(&mut self, signed: &Signed) -> Result<u64, StoreError> {
        let release: Release = signed.decode_trusted().map_err(|_| unreadable("release"))?;
        let number = release.number;
        if self.release.as_ref().is_none_or(|held| held.number < number) {
            self.release = Some(Arc::new(release.sorted()));
        }
        Ok(number)
    }
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Index(format!("a stored {what} is unreadable"))
}

fn read_statement(reader: &LedgerReader, position: u64, index: &Index) -> Result<Signed, StoreError> {
    let (decoded, _) = read_record(reader, Position(position), &index.vault)?;
    match decoded.record {
        Record::Registration(signed)
        | Record::Directory(signed)
        | Record::Release(signed)
        | Record::Revocations(signed)
        | Record::ErasureOrder(signed)
        | Record::ErasureDone(signed) => Ok(signed),
        _ => Err(StoreError::Index("an index row points to another kind of record".to_owned())),
    }
}
