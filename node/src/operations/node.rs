//! What every operation of a node works on: its configuration, store, keys, directory and watermarks.

use super::{
    accept::Acceptance,
    actor::Actor,
    audit::AuditWatch,
    clocks::Clocks,
    confirmations::Confirmations,
    enrolment::Invitations,
    keys::{KeyFolder, Signing},
    lag::Lag,
    links::OpenLink,
    meters::{LEDGER_SYNC, Meters},
    office::Office,
    requests::RequestDesk,
    retention::Retention,
    room::DiskRoom,
    settings::InForce,
    staging::Staging,
    turned_away::Doorstep,
};
use crate::host::Host;
use crate::store::{AuditNote, Record, Store, StoreError, View};
use danso_core::chain::{Deed, Digest, KeyRing, PublicKey};
use danso_tier_config::{Date, Directory, NodeConfig, Policy, UnitId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, RwLock, atomic::AtomicU64},
};

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

/// How the link to the parent stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether the stream is open and welcomed.
    pub connected: bool,
    /// Code and sentence of the last failure; empty while it works.
    pub error: String,
    /// Origins held on this connection, with the code.
    pub held: BTreeMap<UnitId, String>,
}

/// Everything that the operations of one node share.
pub struct Node {
    /// The computer it runs on.
    pub host: Host,
    /// The node's file as it was at the start; the limits in force are [`Node::limits`].
    pub config: NodeConfig,
    pub(super) in_force: InForce,
    pub(super) room: DiskRoom,
    pub(super) doorstep: Doorstep,
    pub(super) retention: Retention,
    /// Its store.
    pub store: Store,
    /// Its keys.
    pub signing: Signing,
    /// When it started, Unix milliseconds.
    pub started_at_ms: u64,
    bootstrap: Arc<Directory>,
    /// The signed directory up to this version is from before this unit moved: only its new parent has the next one.
    outdated: u64,
    /// What heartbeats said of each origin.
    pub heard: RwLock<BTreeMap<UnitId, Heard>>,
    /// Children that have a link open.
    pub(super) children: RwLock<BTreeMap<UnitId, OpenLink>>,
    /// Numbers given to links so far.
    pub(super) links: AtomicU64,
    news_above: tokio::sync::watch::Sender<u64>,
    /// Invitations for children.
    pub(super) invitations: tokio::sync::Mutex<Invitations>,
    /// What the node counts of itself.
    pub meters: Arc<Meters>,
    /// Turns for checking batches, one a core.
    pub checking: tokio::sync::Semaphore,
    /// The link to the parent.
    pub link: RwLock<LinkStatus>,
    /// What the tiers above have signed for.
    pub(super) confirmations: Confirmations,
    /// The children's clocks.
    pub(super) clocks: Clocks,
    /// What was seen of the units below.
    pub(super) lag: Lag,
    pub(super) acceptance: Acceptance,
    pub(super) office: Office,
    pub(super) staging: Mutex<Staging>,
    pub(super) publishing: tokio::sync::Mutex<()>,
    /// Held while an erasure is ordered or carried out.
    pub(super) erasing: tokio::sync::Mutex<()>,
    pub(super) requests: RequestDesk,
    /// Held by the one import that runs.
    pub importing: Arc<tokio::sync::Mutex<()>>,
    tallies_digest: Mutex<Option<(u64, Digest)>>,
    pub(super) key_folder: OnceLock<Arc<dyn KeyFolder>>,
    /// Held while keys are examined and stored: what is found of one must still be true when it is written.
    pub(super) registering: tokio::sync::Mutex<()>,
    pub(super) audit: AuditWatch,
    /// Turns true when the node is told to stop.
    pub(super) stopping: tokio::sync::watch::Sender<bool>,
}

impl Node {
    /// A node over an opened store. `bootstrap` serves until a signed directory is there.
    pub fn new(config: NodeConfig, store: Store, signing: Signing, bootstrap: Directory) -> Self {
        Self::on(Host::default(), config, store, signing, bootstrap)
    }

    /// The same on a given computer.
    pub fn on(host: Host, config: NodeConfig, store: Store, signing: Signing, bootstrap: Directory) -> Self {
        let parent = config.parent.as_ref().map(|parent| parent.unit);
        let outdated = store.view().directory.as_ref().map_or(0, |held| {
            let moved = held.directory.last_parent(config.unit) != parent
                && bootstrap.last_parent(config.unit) == parent;
            if moved { held.version } else { 0 }
        });
        let meters: Arc<Meters> = Arc::default();
        let counted = Arc::clone(&meters);
        store.watch_syncs(move |took| counted.observe(LEDGER_SYNC, "", took.as_secs_f64()));
        Self {
            in_force: InForce::new(&config.limits),
            room: DiskRoom::default(),
            doorstep: Doorstep::default(),
            retention: Retention::default(),
            config,
            store,
            signing,
            started_at_ms: host.clock.now_ms(),
            host,
            bootstrap: Arc::new(bootstrap),
            outdated,
            heard: RwLock::default(),
            children: RwLock::default(),
            links: AtomicU64::default(),
            news_above: tokio::sync::watch::Sender::new(0),
            invitations: tokio::sync::Mutex::default(),
            meters,
            checking: tokio::sync::Semaphore::new(
                std::thread::available_parallelism().map_or(1, usize::from),
            ),
            link: RwLock::default(),
            confirmations: Confirmations::default(),
            clocks: Clocks::default(),
            lag: Lag::default(),
            acceptance: Acceptance::default(),
            office: Office::default(),
            staging: Mutex::default(),
            publishing: tokio::sync::Mutex::default(),
            erasing: tokio::sync::Mutex::default(),
            requests: RequestDesk::default(),
            importing: Arc::default(),
            tallies_digest: Mutex::default(),
            key_folder: OnceLock::new(),
            registering: tokio::sync::Mutex::default(),
            audit: AuditWatch::default(),
            stopping: tokio::sync::watch::Sender::new(false),
        }
    }

    /// The time of day by the node's clock, Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.host.clock.now_ms()
    }

    /// Does blocking work where this computer does such, and gives its result. It is done to its end even where
    /// nobody waits for it any more.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> T + Send + 'static,
    ) -> T {
        let node = Arc::clone(self);
        self.host.threads.run(move || work(&node)).await
    }

    /// The node's unit.
    pub fn unit(&self) -> UnitId {
        self.config.unit
    }

    /// The directory in force: the latest signed one, else the one that the node's file names.
    pub fn directory(&self) -> Arc<Directory> {
        let view = self.store.view();
        let held = view.directory.as_ref().filter(|held| held.version > self.outdated);
        held.map_or_else(|| Arc::clone(&self.bootstrap), |held| Arc::clone(&held.directory))
    }

    /// Version of the signed directory in force, 0 for the bootstrap one.
    pub fn directory_version(&self) -> u64 {
        self.store.view().directory.as_ref().map_or(0, |held| held.version)
    }

    /// Today in Vietnam.
    pub fn today(&self) -> Date {
        Date::in_vietnam(self.now_ms())
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

    /// A number that changes whenever something new flows down from here.
    pub fn news(&self) -> u64 {
        let revocations: u64 = self.revocation_versions().iter().map(|(_, version)| version).sum();
        self.directory_version() + self.release_number() + revocations
    }

    /// What the parent says of its own news.
    pub fn hear_news(&self, news: u64) {
        self.news_above.send_if_modified(|known| std::mem::replace(known, news) != news);
    }

    /// Tells when the parent has something new.
    pub fn news_from_above(&self) -> tokio::sync::watch::Receiver<u64> {
        self.news_above.subscribe()
    }

    /// Notes in the audit log that the node runs from now on, and under which settings: the beginning of their
    /// SHA-256.
    pub async fn note_start(&self) -> Result<(), StoreError> {
        self.fold_invitations()?;
        let file = self.config.to_toml(std::path::Path::new("/"));
        let digest = Digest::of(&[file.as_bytes()]).to_string();
        let text = format!("danso {}, settings {}", env!("CARGO_PKG_VERSION"), &digest[..16]);
        self.note(&Actor::local(), Deed::Started, text).await
    }

    /// Writes an entry of the audit log; durable on return.
    pub async fn note(
        &self,
        actor: &Actor,
        deed: Deed,
        subject: impl Into<String>,
    ) -> Result<(), StoreError> {
        let note = AuditNote::text(&actor.words(), deed, subject, self.now_ms());
        self.store.write(vec![Record::Note(note).into()]).await
    }

    /// The ledger key of a unit that is in force.
    pub fn key_of(&self, unit: UnitId) -> Option<PublicKey> {
        self.store.view().keys.get(&unit)?.current().map(|epoch| epoch.key)
    }

    /// All ledger keys that a unit has had.
    pub fn ring_of(&self, unit: UnitId) -> KeyRing {
        self.store.view().keys.get(&unit).cloned().unwrap_or_default()
    }
}
