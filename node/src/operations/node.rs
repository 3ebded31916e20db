//! What every operation of a node works on: its configuration, store, keys, directory and watermarks.

use super::{accept::Acceptance, staging::Staging};
use crate::store::{Record, Store, StoreError, View};
use danso_core::chain::{Digest, Fault, LedgerKey, PublicKey, Registration, Signed};
use danso_tier_config::{Date, Directory, NodeConfig, Policy, UnitId};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The PC's clock, Unix milliseconds.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Up to when an origin had nothing more than a batch, as heard in heartbeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// The origin's latest batch then.
    pub number: u64,
    /// Unix milliseconds.
    pub as_of_ms: u64,
    /// When this node heard it, Unix milliseconds.
    pub heard_at_ms: u64,
}

/// A child's open link.
#[derive(Debug, Clone, Copy)]
struct OpenLink {
    number: u64,
    last_ms: u64,
}

/// How the link to the parent stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether the stream is open and welcomed.
    pub connected: bool,
    /// Code and sentence of the last failure; empty while it works.
    pub error: String,
    /// Batches held here and not acknowledged.
    pub unacknowledged: u64,
    /// Origins held on this connection, with the code.
    pub held: BTreeMap<UnitId, String>,
}

/// A node's secret and public signing material.
pub struct Signing {
    /// The node's ledger key.
    pub key: LedgerKey,
    /// The authority's word for it.
    pub registration: Signed,
    /// The key that all registrations are verified with.
    pub authority: PublicKey,
}

/// Everything that the operations of one node share.
pub struct Node {
    /// The node's file.
    pub config: NodeConfig,
    /// Its store.
    pub store: Store,
    /// Its keys.
    pub signing: Signing,
    /// When it started, Unix milliseconds.
    pub started_at_ms: u64,
    bootstrap: Arc<Directory>,
    /// What heartbeats said of each origin.
    pub heard: RwLock<BTreeMap<UnitId, Heard>>,
    /// Children that have a link open.
    children: RwLock<BTreeMap<UnitId, OpenLink>>,
    /// Numbers given to links so far.
    links: AtomicU64,
    /// Turns for checking batches, one a core.
    pub checking: tokio::sync::Semaphore,
    /// The link to the parent.
    pub link: RwLock<LinkStatus>,
    pub(super) acceptance: Acceptance,
    pub(super) staging: Mutex<Staging>,
    pub(super) publishing: tokio::sync::Mutex<()>,
    /// Held by the one import that runs.
    pub importing: Arc<tokio::sync::Mutex<()>>,
    tallies_digest: Mutex<Option<(u64, Digest)>>,
}

impl Node {
    /// A node over an opened store. `bootstrap` serves until a signed directory is there.
    pub fn new(config: NodeConfig, store: Store, signing: Signing, bootstrap: Directory) -> Self {
        Self {
            config,
            store,
            signing,
            started_at_ms: now_ms(),
            bootstrap: Arc::new(bootstrap),
            heard: RwLock::default(),
            children: RwLock::default(),
            links: AtomicU64::default(),
            checking: tokio::sync::Semaphore::new(
                std::thread::available_parallelism().map_or(1, usize::from),
            ),
            link: RwLock::default(),
            acceptance: Acceptance::default(),
            staging: Mutex::default(),
            publishing: tokio::sync::Mutex::default(),
            importing: Arc::default(),
            tallies_digest: Mutex::default(),
        }
    }

    /// Notes that a child opened a link, and gives the link's number. An older one of it ends at its next message.
    pub fn link_opened(&self, child: UnitId) -> u64 {
        let mut children = self.children.write().expect("no holder of the children panics");
        let number = self.links.fetch_add(1, Ordering::Relaxed);
        children.insert(child, OpenLink { number, last_ms: now_ms() });
        number
    }

    /// Notes a message on a link; false when the child has opened a newer one.
    pub fn link_used(&self, child: UnitId, number: u64) -> bool {
        let mut children = self.children.write().expect("no holder of the children panics");
        match children.get_mut(&child) {
            Some(link) if link.number == number => {
                link.last_ms = now_ms();
                true
            }
            _ => false,
        }
    }

    /// Notes that a link ended.
    pub fn link_closed(&self, child: UnitId, number: u64) {
        let mut children = self.children.write().expect("no holder of the children panics");
        if children.get(&child).is_some_and(|link| link.number == number) {
            children.remove(&child);
        }
    }

    /// Children that have a link open, with the time of their last message, Unix milliseconds.
    pub fn linked_children(&self) -> BTreeMap<UnitId, u64> {
        let children = self.children.read().expect("no holder of the children panics");
        children.iter().map(|(child, link)| (*child, link.last_ms)).collect()
    }

    /// The node's unit.
    pub fn unit(&self) -> UnitId {
        self.config.unit
    }

    /// The directory in force: the latest signed one, else the one that the node's file names.
    pub fn directory(&self) -> Arc<Directory> {
        let view = self.store.view();
        view.directory
            .as_ref()
            .map_or_else(|| Arc::clone(&self.bootstrap), |held| Arc::clone(&held.directory))
    }

    /// Version of the signed directory in force, 0 for the bootstrap one.
    pub fn directory_version(&self) -> u64 {
        self.store.view().directory.as_ref().map_or(0, |held| held.version)
    }

    /// Today in Vietnam.
    pub fn today(&self) -> Date {
        Date::in_vietnam(now_ms())
    }

    /// What may pass from a child's tier to this node by the profile.
    pub fn policy_from(&self, child: UnitId) -> Policy {
        let directory = self.directory();
        let tier = directory.unit(child).map(|unit| unit.tier.clone());
        tier.and_then(|tier| self.config.hierarchy.tier(&tier))
            .and_then(|tier| tier.up)
            .unwrap_or(Policy::Counts)
    }

    /// Whether this node's tier records changes itself.
    pub fn records(&self) -> bool {
        self.config.hierarchy.tier(&self.config.tier).is_some_and(|tier| tier.records)
    }

    /// Takes registrations that the authority signed; those known already are passed over.
    ///
    /// Errors: [`Fault`] of the first one that the authority did not sign, after which none is stored.
    pub async fn register(&self, registrations: Vec<Signed>) -> Result<(), RegisterError> {
        let mut new = Vec::new();
        for signed in registrations {
            // Known ones first: a signature costs more than a look.
            let unit = signed.decode_trusted::<Registration>().map(|claimed| claimed.unit);
            let held = unit.ok().and_then(|unit| self.store.view().keys.get(&unit).cloned());
            if held.as_ref().is_some_and(|held| held.signed == signed) {
                continue;
            }
            let registration: Registration =
                signed.verify(self.signing.authority).map_err(RegisterError::NotSigned)?;
            PublicKey::from_bytes(&registration.key).map_err(RegisterError::NotSigned)?;
            // An older registration is a replay and is passed over.
            if held.is_none_or(|held| held.registered_at_ms < registration.registered_at_ms) {
                new.push(Record::Registration(signed).into());
            }
        }
        if new.is_empty() { Ok(()) } else { self.store.write(new).await.map_err(RegisterError::Store) }
    }

    /// Digest over all tallies held here, in canonical order.
    pub fn tallies_digest(&self) -> Digest {
        self.tallies_digest_of(&self.store.view())
    }

    /// The same of a view; computed once for each ledger position.
    pub(super) fn tallies_digest_of(&self, view: &View) -> Digest {
        let mut known = self.tallies_digest.lock().expect("no holder of the digest panics");
        match *known {
            Some((position, digest)) if position == view.position.0 => digest,
            _ => {
                let digest = Digest(view.tallies.digest());
                *known = Some((view.position.0, digest));
                digest
            }
        }
    }

    /// The registered ledger key of a unit.
    pub fn key_of(&self, unit: UnitId) -> Option<PublicKey> {
        self.store.view().keys.get(&unit).map(|registered| registered.key)
    }
}

/// Why registrations were not taken.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Not signed by the authority.
    #[error("a key registration is not signed by the authority of this tree")]
    NotSigned(#[source] Fault),
    /// Not written.
    #[error("a key registration could not be stored")]
    Store(#[source] StoreError),
}
