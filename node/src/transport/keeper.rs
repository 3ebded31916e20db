//! The keeper of a running node's certificates: reads them again when they change, believes what the directory
//! and the revocations say, renews in time, and cuts connections that no longer pass.

use super::{
    enrolment::client as enrolment,
    tls::{Connections, Grounds, Keys, TlsError, Trust, WebSecrets},
};
use crate::host::Clock;
use crate::operations::Node;
use danso_core::chain::Revoked;
use danso_tier_config::{Directory, UnitId, limits};
use rustls::ServerConfig;
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

/// Certificates, trust and open connections of one node. Shared by the listener and the link to the parent.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    /// The open connections of the listener.
    pub connections: Connections,
    trust: Trust,
    configs: watch::Sender<Arc<ServerConfig>>,
    web_configs: watch::Sender<Arc<ServerConfig>>,
    relink: watch::Sender<u64>,
    seen: Mutex<Seen>,
    /// Whether the clock was outside the certificate's dates at the last look.
    out_of_dates: AtomicBool,
}

/// What was in force at the last look.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Seen {
    files: [u8; 32],
    directory: u64,
    revocations: Vec<(UnitId, u64)>,
}

impl Keeper {
    /// Reads the key folder of the node of `unit`. A certificate that has ended or has not begun will do: an old PC
    /// whose clock is wrong, or whose line was down for long, goes on recording ([`Self::look`] tells of it).
    pub fn open(folder: &Path, unit: UnitId, clock: Clock) -> Result<Self, TlsError> {
        let now = clock.now();
        let trust = Trust::new(Grounds::default(), clock);
        let keys = Keys::read_whenever(folder, now, &trust)?;
        keys.require_node(unit)?;
        Ok(Self {
            folder: folder.to_owned(),
            connections: Connections::default(),
            trust,
            configs: watch::Sender::new(keys.server()),
            web_configs: watch::Sender::new(keys.web()),
            relink: watch::Sender::new(0),
            seen: Mutex::new(Seen { files: files_digest(folder), ..Seen::default() }),
            out_of_dates: AtomicBool::new(false),
        })
    }

    /// The node's keys as they are now, checked by what the node believes now.
    pub fn keys(&self) -> Result<Keys, TlsError> {
        Keys::read_with(&self.folder, self.now(), &self.trust)
    }

    /// The same also outside the certificate's dates.
    fn keys_whenever(&self) -> Result<Keys, TlsError> {
        Keys::read_whenever(&self.folder, self.now(), &self.trust)
    }

    /// Until a store can say more: no certificate counts beyond the subtree of its authority.
    pub fn stand_on(&self, directory: Directory) {
        self.trust.set(Grounds { directory: Some(Arc::new(directory)), ..Grounds::default() });
    }

    fn now(&self) -> SystemTime {
        self.trust.clock().now()
    }

    /// The folder of the keys.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// For the listener: the configuration in force.
    pub fn configs(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.configs.subscribe()
    }

    /// For the pages: the node's certificate in force.
    pub fn web_secrets(&self) -> WebSecrets {
        WebSecrets::of_node(self.web_configs.subscribe())
    }

    /// Tells that connections to others are to be opened anew, by changed keys or trust.
    pub fn relink(&self) -> watch::Receiver<u64> {
        self.relink.subscribe()
    }

    /// Looks at the key folder, the directory and the revocations; after a change all connections are checked
    /// again. A folder that cannot be used leaves the configuration in force. Tells once that the clock has left the
    /// certificate's dates, and that it is back.
    pub fn look(&self, node: &Node) {
        if node.certificate_until_ms() == 0
            && let Ok(keys) = self.keys_whenever()
        {
            tell_dates(node, &keys);
        }
        self.look_at_dates(node);
        self.compare(node, files_digest(&self.folder));
    }

    fn look_at_dates(&self, node: &Node) {
        let out = !node.believes_clock();
        if self.out_of_dates.swap(out, Ordering::Relaxed) == out {
            return;
        }
        let found = self.keys_whenever().and_then(|keys| keys.require_dates(self.now()));
        let Err(error) = found else {
            tracing::info!("the clock is within the certificate's dates again");
            return;
        };
        tracing::error!(
            code = error.code(), %error,
            "the clock or the certificate is wrong: the node goes on recording; until it is mended nobody links to it, no names are dropped and no month is closed / đồng hồ hoặc chứng chỉ sai: vẫn ghi được, nhưng không nối được với máy khác"
        );
    }

    /// The keys to put in force: outside the dates of those in force any that are usable otherwise.
    fn next_keys(&self) -> Result<Keys, TlsError> {
        if self.out_of_dates.load(Ordering::Relaxed) { self.keys_whenever() } else { self.keys() }
    }

    /// The same when somebody asks for it: what the look found is told, also where nothing has changed.
    pub fn reload(&self, node: &Node) {
        self.look(node);
        match self.keys() {
            Ok(keys) => {
                tracing::info!(expires_on = %keys.expires_on(), "the key folder is in force as it is");
            }
            Err(error) => tracing::error!(
                code = error.code(), %error, "the key folder cannot be used; the certificates in force stay"
            ),
        }
    }

    /// The same without a look at the files: under load the store changes often, and they do not.
    fn look_at_trust(&self, node: &Node) {
        let files = self.seen.lock().unwrap_or_else(PoisonError::into_inner).files;
        self.compare(node, files);
    }

    fn compare(&self, node: &Node, files: [u8; 32]) {
        let now =
            Seen { files, directory: node.directory_version(), revocations: node.revocation_versions() };
        let before =
            std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        if before == now {
            return;
        }
        if (before.directory, &before.revocations) != (now.directory, &now.revocations) {
            self.trust.set(grounds(node));
        }
        match self.next_keys() {
            Ok(keys) => {
                if before.files != now.files {
                    tracing::info!(expires_on = %keys.expires_on(), "the key folder has changed and is read again");
                    self.configs.send_replace(keys.server());
                    self.web_configs.send_replace(keys.web());
                }
                tell_dates(node, &keys);
                self.recheck(&keys);
            }
            Err(error) => tracing::error!(
                code = error.code(), %error, "the key folder cannot be used; the certificates in force stay"
            ),
        }
        if before.files != now.files || before.revocations != now.revocations {
            self.relink.send_modify(|count| *count += 1);
        }
    }

    fn recheck(&self, keys: &Keys) {
        let cut = self.connections.recheck(keys, self.now());
        if cut > 0 {
            tracing::warn!(cut, "connections were cut that no longer pass");
        }
    }

    /// Keeps everything current until `stop` turns true.
    pub async fn run(self: Arc<Self>, node: Arc<Node>, mut stop: watch::Receiver<bool>) {
        let mut changed = node.store.changed();
        let mut tick = tokio::time::interval(Duration::from_millis(limits::KEYS_CHECK_MS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rechecked = Instant::now();
        self.look(&node);
        // Beside the rest: a parent that does not answer keeps no revocation waiting.
        let mut renewing = JoinSet::new();
        renewing.spawn(Arc::clone(&self).keep_renewed(Arc::clone(&node)));
        loop {
            if rechecked.elapsed() >= Duration::from_millis(limits::RECHECK_MS) {
                rechecked = Instant::now();
                if let Ok(keys) = self.keys() {
                    self.recheck(&keys);
                }
            }
            tokio::select! {
                _ = tick.tick() => self.look(&node),
                _ = changed.changed() => {
                    self.wait_for_more(&mut changed).await;
                    self.look_at_trust(&node);
                }
                () = async { drop(stop.wait_for(|stop| *stop).await) } => return,
            }
        }
    }

    /// Changes come in crowds under load; a look for each would be too many.
    async fn wait_for_more(&self, changed: &mut watch::Receiver<u64>) {
        tokio::time::sleep(Duration::from_millis(limits::TRUST_LOOK_MS)).await;
        changed.mark_unchanged();
    }

    async fn keep_renewed(self: Arc<Self>, node: Arc<Node>) {
        loop {
            self.renew(&node).await;
            tokio::time::sleep(Duration::from_millis(limits::RENEWAL_RETRY_MS)).await;
        }
    }

    /// Renews what has passed the share of its life.
    async fn renew(&self, node: &Node) {
        let Ok(keys) = self.keys() else { return };
        let (from, until) = keys.validity();
        let life = until.duration_since(from).unwrap_or_default();
        let due = from + life / limits::RENEWAL_PARTS;
        if self.now() < due || enrolment::is_thrown_away(&self.folder) {
            return;
        }
        let patience = Duration::from_millis(limits::RENEWAL_RETRY_MS);
        match tokio::time::timeout(patience, enrolment::renew(node, &keys, &self.folder)).await {
            Err(_) => {
                tracing::warn!(code = "net_timeout", "the parent did not renew the certificate in time");
            }
            Ok(Ok(())) => tracing::info!("the node's certificate was renewed"),
            Ok(Err(error)) => tracing::warn!(
                code = error.code, %error, expires_on = %keys.expires_on(), "the certificate was not renewed, it is tried again"
            ),
        }
    }
}

/// Tells the node when its certificate begins and ends.
fn tell_dates(node: &Node, keys: &Keys) {
    let since = |moment: SystemTime| moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let ms = |moment| u64::try_from(since(moment).as_millis()).unwrap_or(u64::MAX);
    let (from, until) = keys.validity();
    node.set_certificate_dates(ms(from), ms(until));
}

fn grounds(node: &Node) -> Grounds {
    let mut grounds = Grounds { directory: Some(node.directory()), ..Grounds::default() };
    for revocation in node.revocations() {
        match revocation.what {
            Revoked::Node { unit, issued_until_ms, .. } => {
                let until = grounds.revoked_nodes.entry(unit).or_default();
                *until = issued_until_ms.max(*until);
            }
            Revoked::Certificate { serial } => {
                grounds.revoked_serials.insert(serial);
            }
        }
    }
    grounds
}

/// Digest of what is in the files that matter; a file that is missing counts as empty.
fn files_digest(folder: &Path) -> [u8; 32] {
    use super::tls::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, pem_files};
    let mut hasher = Sha256::new();
    for name in [CERTIFICATE_FILE, KEY_FILE, AUTHORITY_FILE] {
        let bytes = pem_files::read(&folder.join(name)).unwrap_or_default();
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(&bytes);
    }
    hasher.finalize().into()
}
