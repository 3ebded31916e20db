//! The ledger keys of one unit, one after the other: claimed by their holder, granted by somebody trusted.
//!
//! A key holds from the batch after its cut-over on, until the next key's cut-over. Old batches verify
//! under the key that held then, for ever; batches beyond a cut-over do not.

use super::{BatchNumber, Digest, Fault, Header, KeyId, PublicKey, Registration, Signed, Statement};
use danso_tier_config::{UnitId, limits};
use serde::{Deserialize, Serialize};

/// A unit's claim to a key, signed with that very key: proof that the claimant holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyClaim {
    /// Whose key it is.
    pub unit: UnitId,
    /// The public key, 32 bytes.
    pub key: [u8; 32],
    /// The key that it takes the place of; `None` for a unit's first.
    pub replaces: Option<KeyId>,
    /// The last batch of the former key; 0 for a first key.
    pub after: BatchNumber,
    /// Hash of that batch's header; zero for a first key.
    pub hash: Digest,
    /// When, Unix milliseconds.
    pub claimed_at_ms: u64,
}

impl Statement for KeyClaim {
    const MAGIC: [u8; 4] = *b"DSC1";
    const BYTES_MAX: usize = 512;
}

/// Who stands for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantor {
    /// The authority of the whole tree: the top's first key.
    Authority,
    /// A unit above: enrolment, or the replacement of a lost key.
    Unit(UnitId),
    /// The key that is replaced: rotation.
    Former,
}

/// The grantor's word for a claim, signed by the grantor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGrant {
    /// The claim as signed by the claimed key.
    pub claim: Signed,
    /// Who grants it.
    pub grantor: Grantor,
    /// When, Unix milliseconds.
    pub granted_at_ms: u64,
}

impl Statement for KeyGrant {
    const MAGIC: [u8; 4] = *b"DSK2";
    const BYTES_MAX: usize = 1_024;
}

/// One key of a unit and the batches that it may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// The key.
    pub key: PublicKey,
    /// It signs the batches after this one.
    pub after: BatchNumber,
    /// Hash of that batch's header; zero for a first key.
    pub hash: Digest,
    /// When it was granted, Unix milliseconds.
    pub granted_at_ms: u64,
    /// The registration or grant as signed.
    pub signed: Signed,
}

/// All keys that a unit has had, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRing {
    epochs: Vec<Epoch>,
}

impl KeyRing {
    /// All keys, the oldest first.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The key in force.
    pub fn current(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// The key that may sign batch `number` when its header names `id`.
    ///
    /// Errors: [`Fault::UnknownKey`] when the unit never had it, [`Fault::KeyOutOfTurn`] when it is not the one
    /// in force at that batch.
    pub fn key_for(&self, origin: UnitId, id: KeyId, number: BatchNumber) -> Result<PublicKey, Fault> {
        let place = self.epochs.iter().position(|epoch| epoch.key.id() == id);
        let place = place.ok_or_else(|| Fault::UnknownKey { origin, key: id.to_string() })?;
        let epoch = &self.epochs[place];
        // A unit above may have set a later key back: it holds from its own cut-over on, whatever was said between.
        let until = self.epochs[place + 1..].iter().map(|later| later.after).min();
        if number <= epoch.after || until.is_some_and(|until| number > until) {
            return Err(Fault::KeyOutOfTurn { origin, number, key: id });
        }
        Ok(epoch.key)
    }

    /// Verifies the header of a batch: signed with the key that it names, which is in force at its number.
    ///
    /// The first batch under a key follows the very batch that the key's claim names.
    ///
    /// Errors: [`Fault::Signature`] where no key of the unit stands under it, [`Fault::WrongPrevious`] where the
    /// first batch under a key follows another one, else as [`Self::key_for`].
    pub fn verify_header(&self, origin: UnitId, signed: &Signed) -> Result<Header, Fault> {
        if self.epochs.is_empty() {
            return Err(Fault::UnknownKey { origin, key: "none".to_owned() });
        }
        let (header, under): (Header, PublicKey) = self.verified(signed)?;
        let key = self.key_for(origin, header.key, header.number)?;
        // The key that stands under it must be the one that it names.
        if key != under {
            return Err(Fault::Signature);
        }
        let cut = self.epochs.iter().find(|epoch| epoch.key == key && header.number == epoch.after.next());
        if cut.is_some_and(|epoch| epoch.hash != header.previous) {
            return Err(Fault::WrongPrevious { origin, number: header.number });
        }
        Ok(header)
    }

    /// Verifies a statement that names no batch, such as a receipt, with any of the keys, the newest first.
    pub fn verify<T: Statement>(&self, signed: &Signed) -> Result<T, Fault> {
        self.verified(signed).map(|(statement, _)| statement)
    }

    /// A statement and the key that stands under it.
    fn verified<T: Statement>(&self, signed: &Signed) -> Result<(T, PublicKey), Fault> {
        let verify = |epoch: &Epoch| signed.verify(epoch.key).map(|statement| (statement, epoch.key));
        let tried = self.epochs.iter().rev().map(verify);
        let mut first = None;
        for outcome in tried {
            match outcome {
                Ok(statement) => return Ok(statement),
                Err(fault) => {
                    first.get_or_insert(fault);
                }
            }
        }
        Err(first.unwrap_or(Fault::Signature))
    }

    /// When somebody above last stood for this key or for one that it follows by rotation, Unix milliseconds.
    /// What a key says of its own successor does not count: a stolen one would say anything.
    pub fn vouched_at_ms(&self, id: KeyId) -> Option<u64> {
        let mut vouched = None;
        for epoch in &self.epochs {
            if vouched.is_none() || !is_by_former(&epoch.signed) {
                vouched = Some(epoch.granted_at_ms);
            }
            if epoch.key.id() == id {
                return vouched;
            }
        }
        None
    }

    /// Whether this very statement is held already.
    pub fn holds(&self, signed: &Signed) -> bool {
        self.epochs.iter().any(|epoch| epoch.signed == *signed)
    }

    /// Adds an epoch that [`examine`] found good. A repeat changes nothing.
    pub fn admit(&mut self, epoch: Epoch) {
        if !self.holds(&epoch.signed) {
            self.epochs.push(epoch);
        }
    }
}

/// The unit that a registration or grant is about, read before anything is verified: it tells what verifies it.
pub fn key_subject(signed: &Signed) -> Result<UnitId, Fault> {
    if signed.bytes.len() > KeyGrant::BYTES_MAX {
        let (bytes, max) = (signed.bytes.len(), KeyGrant::BYTES_MAX);
        return Err(Fault::TooLarge { what: "key grant", bytes, max });
    }
    if signed.bytes.starts_with(&Registration::MAGIC) {
        return signed.decode_trusted::<Registration>().map(|registration| registration.unit);
    }
    signed.decode_trusted::<KeyGrant>()?.claim.decode_trusted::<KeyClaim>().map(|claim| claim.unit)
}

/// What a registration or grant is checked against.
pub struct Grounds<'a> {
    /// The key of the authority of the whole tree.
    pub authority: PublicKey,
    /// The keys that units are known to have.
    pub ring_of: &'a dyn Fn(UnitId) -> Option<KeyRing>,
    /// Whether the first unit lies above the second (or did, on its last day).
    pub is_above: &'a dyn Fn(UnitId, UnitId) -> bool,
}

/// Examines a registration (of the whole tree's authority) or a grant against what is known.
///
/// Gives the unit and its new epoch; `None` for what is held already or is an older word about a key that has a
/// successor. Errors: [`Fault::Signature`] where claim or grant does not verify, [`Fault::Grantor`] where the
/// grantor may not speak for the unit or is not known, [`Fault::KeyFork`] where the unit has another key in
/// that place already or had this key before, [`Fault::Malformed`] where a first key does not begin the chain.
pub fn examine(signed: &Signed, grounds: &Grounds<'_>) -> Result<Option<(UnitId, Epoch)>, Fault> {
    let unit = key_subject(signed)?;
    let ring = (grounds.ring_of)(unit).unwrap_or_default();
    if ring.holds(signed) {
        return Ok(None);
    }
    let verified = if signed.bytes.starts_with(&Registration::MAGIC) {
        let registration = signed.verify::<Registration>(grounds.authority);
        registration.map(|registration| (first_claim(&registration), registration.registered_at_ms))
    } else {
        verified_grant(signed, unit, &ring, grounds)
    };
    let (claim, granted_at_ms) = match verified {
        // A unit that moved is granted its key anew, by somebody who need not be known where the key is.
        Err(Fault::Grantor { .. }) if holds_epoch(&ring, signed) => return Ok(None),
        verified => verified?,
    };
    let key = PublicKey::from_bytes(&claim.key)?;
    if ring.epochs.iter().any(|epoch| epoch.key == key && epoch.after == claim.after) {
        return Ok(None);
    }
    // Whoever has a stolen key can use up all rotations: the units above still may replace it.
    let room = if is_by_former(signed) { 1 } else { 2 } * limits::LEDGER_KEYS_PER_UNIT_MAX;
    if ring.epochs.len() >= room {
        return Err(Fault::KeyFork { unit });
    }
    let current = ring.current().map(|epoch| (epoch.key.id(), epoch.after));
    // A key that comes back would hold at two places, and whoever made it be replaced would have it again.
    if ring.epochs.iter().any(|epoch| epoch.key == key) {
        return Err(Fault::KeyFork { unit });
    }
    match (claim.replaces, current) {
        (None, None) if claim.after == BatchNumber(0) && claim.hash == Digest::default() => {}
        (None, None) => return Err(Fault::Malformed("claim of a first key")),
        // A lost or stolen key may have been rotated to a cut-over that nobody reached: whoever stands above goes back.
        (Some(former), Some((held, since)))
            if former == held && (claim.after >= since || !is_by_former(signed)) => {}
        (Some(_), None) => return Err(Fault::Grantor { unit }),
        _ => return Err(Fault::KeyFork { unit }),
    }
    Ok(Some((unit, epoch_of(&claim, granted_at_ms, signed)?)))
}

/// Whether a key was granted by the one that it replaces.
fn is_by_former(signed: &Signed) -> bool {
    signed.decode_trusted::<KeyGrant>().is_ok_and(|grant| grant.grantor == Grantor::Former)
}

fn holds_epoch(ring: &KeyRing, signed: &Signed) -> bool {
    let place = |epoch: &Epoch| (epoch.key, epoch.after, epoch.hash);
    stored_epoch(signed).is_ok_and(|claimed| ring.epochs.iter().any(|epoch| place(epoch) == place(&claimed)))
}

fn verified_grant(
    signed: &Signed,
    unit: UnitId,
    ring: &KeyRing,
    grounds: &Grounds<'_>,
) -> Result<(KeyClaim, u64), Fault> {
    let unknown = Fault::Grantor { unit };
    let claimed: KeyGrant = signed.decode_trusted()?;
    let grant: KeyGrant = match claimed.grantor {
        Grantor::Authority => signed.verify(grounds.authority)?,
        Grantor::Unit(grantor) if (grounds.is_above)(grantor, unit) => {
            (grounds.ring_of)(grantor).ok_or(unknown)?.verify(signed)?
        }
        Grantor::Unit(_) => return Err(unknown),
        Grantor::Former => {
            let former = claimed.claim.decode_trusted::<KeyClaim>()?.replaces;
            let former = former.and_then(|id| ring.epochs.iter().find(|epoch| epoch.key.id() == id));
            signed.verify(former.ok_or(unknown)?.key)?
        }
    };
    let untrusted: KeyClaim = grant.claim.decode_trusted()?;
    let claim: KeyClaim = grant.claim.verify(PublicKey::from_bytes(&untrusted.key)?)?;
    Ok((claim, grant.granted_at_ms))
}

/// The epoch of a registration or grant that was examined before it was stored.
pub fn stored_epoch(signed: &Signed) -> Result<Epoch, Fault> {
    let (claim, granted_at_ms) = if signed.bytes.starts_with(&Registration::MAGIC) {
        let registration: Registration = signed.decode_trusted()?;
        (first_claim(&registration), registration.registered_at_ms)
    } else {
        let grant: KeyGrant = signed.decode_trusted()?;
        (grant.claim.decode_trusted::<KeyClaim>()?, grant.granted_at_ms)
    };
    epoch_of(&claim, granted_at_ms, signed)
}

fn epoch_of(claim: &KeyClaim, granted_at_ms: u64, signed: &Signed) -> Result<Epoch, Fault> {
    let key = PublicKey::from_bytes(&claim.key)?;
    Ok(Epoch { key, after: claim.after, hash: claim.hash, granted_at_ms, signed: signed.clone() })
}

fn first_claim(registration: &Registration) -> KeyClaim {
    let Registration { unit, key, registered_at_ms } = *registration;
    let (after, hash) = (BatchNumber(0), Digest::default());
    KeyClaim { unit, key, replaces: None, after, hash, claimed_at_ms: registered_at_ms }
}
