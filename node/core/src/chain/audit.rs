//! The audit chain of a node: who read or wrote what names persons, signed in, changed keys or configuration.

use super::{Digest, Fault, KeyId, KeyRing, Signed, Statement};
use danso_tier_config::UnitId;
use serde::{Deserialize, Serialize};

/// What was done. New ones go to the end: the order is part of the signed format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Deed {
    /// Personal parts were recorded.
    PersonalWritten,
    /// Personal parts were read by a person.
    PersonalRead,
    /// Personal parts were sent to another tier or written into a backup.
    PersonalSent,
    /// Somebody signed in.
    SignedIn,
    /// A sign-in was refused.
    SignInRefused,
    /// A session or token ended.
    SignedOut,
    /// An account was made, changed or removed.
    AccountChanged,
    /// An API token was made or revoked.
    TokenChanged,
    /// An invitation was made or used.
    Invited,
    /// A certificate was issued.
    CertificateIssued,
    /// A node or certificate was revoked.
    Revoked,
    /// A ledger key was registered, rotated or replaced, or the key at rest was wrapped anew.
    KeyChanged,
    /// The node's file or directory changed.
    ConfigurationChanged,
    /// A chain was held, resolved or recovered.
    ChainResolved,
    /// A request of a person was opened, extended or answered.
    RequestChanged,
    /// A person's names were ordered to be erased.
    ErasureOrdered,
    /// An order of erasure was carried out here.
    ErasureDone,
    /// Another tier's word that it carried out an order.
    ErasureConfirmed,
    /// The audit log itself was read.
    AuditRead,
    /// The node started.
    Started,
    /// A call was denied.
    Denied,
}

impl Deed {
    /// Every deed, in the order of the format.
    pub const ALL: [Self; 21] = [
        Self::PersonalWritten,
        Self::PersonalRead,
        Self::PersonalSent,
        Self::SignedIn,
        Self::SignInRefused,
        Self::SignedOut,
        Self::AccountChanged,
        Self::TokenChanged,
        Self::Invited,
        Self::CertificateIssued,
        Self::Revoked,
        Self::KeyChanged,
        Self::ConfigurationChanged,
        Self::ChainResolved,
        Self::RequestChanged,
        Self::ErasureOrdered,
        Self::ErasureDone,
        Self::ErasureConfirmed,
        Self::AuditRead,
        Self::Started,
        Self::Denied,
    ];

    /// The deed as commands and answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PersonalWritten => "personal_written",
            Self::PersonalRead => "personal_read",
            Self::PersonalSent => "personal_sent",
            Self::SignedIn => "signed_in",
            Self::SignInRefused => "signin_refused",
            Self::SignedOut => "signed_out",
            Self::AccountChanged => "account_changed",
            Self::TokenChanged => "token_changed",
            Self::Invited => "invited",
            Self::CertificateIssued => "certificate_issued",
            Self::Revoked => "revoked",
            Self::KeyChanged => "key_changed",
            Self::ConfigurationChanged => "configuration_changed",
            Self::ChainResolved => "chain_resolved",
            Self::RequestChanged => "request_changed",
            Self::ErasureOrdered => "erasure_ordered",
            Self::ErasureDone => "erasure_done",
            Self::ErasureConfirmed => "erasure_confirmed",
            Self::AuditRead => "audit_read",
            Self::Started => "started",
            Self::Denied => "denied",
        }
    }

    /// The deed of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == word)
    }
}

/// One entry. Texts name ids only, never persons by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The node's unit.
    pub unit: UnitId,
    /// Number of the entry, from 1 without gaps.
    pub number: u64,
    /// Hash of the entry before; zero for the first.
    pub previous: Digest,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Who: `account hoa.nguyen`, `node 00004@2025-07-01`, `local`.
    pub actor: String,
    /// What.
    pub deed: Deed,
    /// Of what: ids, `person 00004@2025-07-01/12`, `changes 5-9`.
    pub subject: String,
    /// Key that signs.
    pub key: KeyId,
}

impl Statement for AuditEntry {
    const MAGIC: [u8; 4] = *b"DSA1";
    const BYTES_MAX: usize = 2_048;
}

/// Where an audit chain has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// Number of the latest entry, 0 for none.
    pub number: u64,
    /// Hash of its bytes.
    pub hash: Digest,
}

impl AuditHead {
    /// The head after an entry.
    pub fn after(entry: &AuditEntry, signed: &Signed) -> Self {
        Self { number: entry.number, hash: Digest::of(&[&signed.bytes]) }
    }

    /// Checks that an entry follows: number, link and signature, by the key that it names.
    ///
    /// Errors: [`Fault::Audit`] with the number at which the chain breaks.
    pub fn check(&self, signed: &Signed, unit: UnitId, ring: &KeyRing) -> Result<(AuditEntry, Self), Fault> {
        let broken = Fault::Audit { number: self.number + 1 };
        let entry: AuditEntry = ring.verify(signed).map_err(|_| broken.clone())?;
        let key = ring.epochs().iter().find(|epoch| epoch.key.id() == entry.key);
        let named = key.is_some_and(|epoch| signed.verify::<AuditEntry>(epoch.key).is_ok());
        let follows = entry.unit == unit && entry.number == self.number + 1 && entry.previous == self.hash;
        if !(named && follows) {
            return Err(broken);
        }
        let head = Self::after(&entry, signed);
        Ok((entry, head))
    }
}

/// A walk along an audit chain from its first entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditTrail {
    /// How far it has come.
    pub head: AuditHead,
    /// Place in the ring of the key that signed last.
    epoch: usize,
}

impl AuditTrail {
    /// Goes one entry further. Besides what [`AuditHead::check`] asks, the signing keys follow each other: once
    /// a key has a successor that signed, it signs no more.
    ///
    /// Errors: [`Fault::Audit`] with the number of the first entry that is altered, missing or out of place.
    pub fn follow(&mut self, signed: &Signed, unit: UnitId, ring: &KeyRing) -> Result<AuditEntry, Fault> {
        let (entry, head) = self.head.check(signed, unit, ring)?;
        let epoch = ring.epochs().iter().position(|epoch| epoch.key.id() == entry.key);
        let epoch = epoch.filter(|epoch| *epoch >= self.epoch).ok_or(Fault::Audit { number: head.number })?;
        *self = Self { head, epoch };
        Ok(entry)
    }
}
