//! What every operation of a node works on: its configuration, store, keys, directory and watermarks.

use super::{
    accept::Acceptance,
    actor::Actor,
    audit::AuditWatch,
    clocks::Clocks,
    confirmations::Confirmations,
    enrolment::Invitations,
    keys::KeyFolder,
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
use crate::store::{AuditNote, Record, Staged, Store, StoreError, View};
use danso_core::chain::{
    BatchNumber, Deed, Digest, Fault, Grantor, Grounds, KeyClaim, KeyGrant, KeyRing, LedgerKey, PublicKey,
    Signed, examine, key_subject, stored_epoch,
};
use danso_tier_config::{Date, Directory, NodeConfig, Policy, UnitId, limits};
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
    /// Batches held here and not acknowledged.
    pub unacknowledged: u64,
    /// Origins held on this connection, with the code.
    pub held: BTreeMap<UnitId, String>,
}

/// A node's secret and public signing material.
pub struct Signing {
    key: RwLock<Arc<LedgerKey>>,
    /// The words for the keys above and for its own, in the order in which they lead to each other.
    pub registrations: Vec<Signed>,
    /// The key of the authority of the whole tree.
    pub authority: PublicKey,
}

impl Signing {
    /// The material of a node.
    pub fn new(key: LedgerKey, registrations: Vec<Signed>, authority: PublicKey) -> Self {
        Self { key: RwLock::new(Arc::new(key)), registrations, authority }
    }

    /// The ledger key in force.
    pub fn key(&self) -> Arc<LedgerKey> {
        Arc::clone(&self.key.read().expect("no holder of the key panics"))
    }

    /// Goes on under another ledger key.
    pub fn replace(&self, key: LedgerKey) {
        *self.key.write().expect("no holder of the key panics") = Arc::new(key);
    }
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

    /// Takes registrations and grants of ledger keys, in any order; those known already are passed over, and
    /// so is one for the place of a key that has a successor, or one that would deny batches held here. A key in
    /// the place of another is noted in the audit log.
    ///
    /// Errors: [`Fault`] of the first one that nobody trusted stands for, after which none is stored.
    pub async fn register(&self, registrations: Vec<Signed>) -> Result<(), RegisterError> {
        // What every child brings that comes back does not wait until the keys of others are on the disk.
        if self.holds_keys(&registrations) {
            return Ok(());
        }
        let _turn = self.registering.lock().await;
        let records = self.new_keys(registrations)?;
        if records.is_empty() {
            return Ok(());
        }
        self.store.write(records).await.map_err(RegisterError::Store)
    }

    fn holds_keys(&self, registrations: &[Signed]) -> bool {
        let view = self.store.view();
        let holds = |signed| {
            let ring = key_subject(signed).ok().and_then(|unit| view.keys.get(&unit));
            ring.is_some_and(|ring| ring.holds(signed))
        };
        registrations.iter().all(holds)
    }

    /// The records of what is new of these and stands up. The lock of registrations must be held until they are
    /// applied.
    pub(super) fn new_keys(&self, registrations: Vec<Signed>) -> Result<Vec<Staged>, RegisterError> {
        let new = self.examined(registrations).map_err(RegisterError::NotSigned)?;
        let notes: Vec<_> = new.iter().filter_map(|signed| self.note_of_key(signed)).collect();
        let keys = new.into_iter().map(|signed| Record::Registration(signed).into());
        Ok(keys.chain(notes).collect())
    }

    fn note_of_key(&self, signed: &Signed) -> Option<Staged> {
        let (unit, epoch) = (key_subject(signed).ok()?, stored_epoch(signed).ok()?);
        let claim = signed.decode_trusted::<KeyGrant>().ok()?.claim.decode_trusted::<KeyClaim>().ok()?;
        let former = claim.replaces?;
        let text = format!(
            "ledger key {former} of {unit} replaced by {} after batch {}",
            epoch.key.id(),
            epoch.after
        );
        let note = AuditNote::text(&Actor::node(self.unit()).words(), Deed::KeyChanged, text, self.now_ms());
        Some(Record::Note(note).into())
    }

    /// What is new of these and stands up; a grant may come before the grantor's own.
    fn examined(&self, mut waiting: Vec<Signed>) -> Result<Vec<Signed>, Fault> {
        let directory = self.directory();
        let today = self.today();
        // Also who stood above once: a unit that moved keeps its chain, and the keys that it was granted before.
        let days = std::cell::OnceCell::new();
        let is_above = |above: UnitId, unit: UnitId| {
            let days = || days.get_or_init(|| directory.boundary_dates());
            self.lies_below(unit, above) || stood_below(&directory, days(), today, unit, above)
        };
        // A key after those that it replaces: nearly all of them stand up at their first turn.
        waiting.sort_by_cached_key(|signed| stored_epoch(signed).map_or(BatchNumber(0), |epoch| epoch.after));
        let mut rings: BTreeMap<UnitId, KeyRing> = BTreeMap::new();
        let mut new = Vec::new();
        let mut turns = 0..limits::KEY_TURNS_MAX;
        while !waiting.is_empty() {
            let (mut later, mut refusal) = (Vec::new(), None);
            let count = waiting.len();
            for signed in waiting {
                let ring_of = |unit| {
                    let known = rings.get(&unit).cloned();
                    known.or_else(|| self.store.view().keys.get(&unit).cloned())
                };
                let grounds =
                    Grounds { authority: self.signing.authority, ring_of: &ring_of, is_above: &is_above };
                match examine(&signed, &grounds) {
                    Ok(None) => {}
                    Ok(Some((unit, epoch))) if self.denies_held_batches(unit, &epoch) => {
                        tracing::error!(
                            %unit,
                            code = "key_fork",
                            "a key that would deny batches held here is passed over"
                        );
                    }
                    Ok(Some((unit, epoch))) => {
                        let mut ring = ring_of(unit).unwrap_or_default();
                        ring.admit(epoch);
                        rings.insert(unit, ring);
                        new.push(signed);
                    }
                    Err(Fault::KeyFork { unit }) => {
                        tracing::error!(%unit, code = "key_fork", "a second key for the same place is passed over");
                    }
                    Err(fault @ Fault::Grantor { .. }) => {
                        let elsewhere = grantor_of(&signed).zip(key_subject(&signed).ok()).is_some_and(
                            |(grantor, unit)| !self.lies_below(unit, grantor) && is_above(grantor, unit),
                        );
                        // Of a unit that moved here from where nobody is known: its chain waits for its keys.
                        refusal = refusal.or((!elsewhere).then_some(fault));
                        later.push(signed);
                    }
                    Err(fault) => return Err(fault),
                }
            }
            if later.len() == count || turns.next().is_none() {
                if let Some(fault) = refusal {
                    return Err(fault);
                }
                tracing::warn!(
                    count,
                    "keys that were granted by a former parent that is not known here are passed over"
                );
                break;
            }
            waiting = later;
        }
        Ok(new)
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

/// Whether a unit stood below another on a day before `today`, at the latest boundary or any before it.
fn stood_below(directory: &Directory, days: &[Date], today: Date, unit: UnitId, above: UnitId) -> bool {
    let mut days = days.iter().filter(|day| (unit.valid_from..=today).contains(*day));
    unit != above && days.any(|day| directory.at(*day).is_within(unit, above))
}

/// The unit that granted a key; `None` for another grantor and for what is no grant.
pub(crate) fn grantor_of(signed: &Signed) -> Option<UnitId> {
    match signed.decode_trusted::<KeyGrant>().ok()?.grantor {
        Grantor::Unit(grantor) => Some(grantor),
        Grantor::Authority | Grantor::Former => None,
    }
}
