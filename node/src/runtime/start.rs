//! Opening of a node: keys, directory, store, listener, then the tasks.

use super::{
    at_rest,
    error::RuntimeError,
    keys,
    rebuild::finish_swap,
    stopping::{cut_off, ended, within_grace},
    tasks, web,
};
use crate::{
    host::{Host, Listener},
    operations::Node,
    store::{Options, Store, StoreError, at_rest::State},
    transport::{self, Keeper, uplink},
};
use danso_tier_config::{Directory, Faults, NodeConfig};
use std::{net::SocketAddr, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};

/// A node that serves.
pub struct Running {
    /// What its operations work on.
    pub node: Arc<Node>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it serves pages, if it does.
    pub web: Option<SocketAddr>,
    pub(super) keeper: Arc<Keeper>,
    stop: watch::Sender<bool>,
    unlink: watch::Sender<bool>,
    tasks: Tasks,
}

/// What runs for a node until it is told to stop.
struct Tasks {
    /// What takes something from others, and what looks after the node.
    serving: Vec<JoinHandle<()>>,
    /// The link to the parent, which goes last.
    linked: Vec<JoinHandle<()>>,
}

impl Running {
    /// Takes no new calls and links, tells the children, lets open calls end, lets the parent sign for what was
    /// recorded here last, then flushes and closes the store. What has not ended after
    /// [`danso_tier_config::limits::STOP_GRACE_MS`] is cut off: false then, and nothing that was acknowledged is lost.
    pub async fn stop(self) -> bool {
        let Tasks { mut serving, mut linked } = self.tasks;
        self.node.note_stopping();
        let _ = self.stop.send(true);
        let drained = within_grace(async {
            ended(&mut serving).await;
            tasks::last_words(&self.node).await;
            let _ = self.unlink.send(true);
            ended(&mut linked).await;
        })
        .await;
        cut_off(&serving);
        cut_off(&linked);
        // Known again at the next start; a disk without space is no reason to stop otherwise.
        let _ = self.node.keep_reports().await;
        self.node.store.close().await;
        drained
    }
}

/// Reads the unit directory that a node's file names, in the tiers of its hierarchy.
pub fn read_directory(config: &NodeConfig) -> Result<Directory, RuntimeError> {
    let file = config.directory.display().to_string();
    let text = std::fs::read_to_string(&config.directory).map_err(|source| {
        let fault = danso_tier_config::Fault {
            file: file.clone(),
            line: 0,
            key: String::new(),
            message: format!("cannot read the unit directory: {source}"),
            code: "file-unreadable",
        };
        RuntimeError::Directory(Faults(vec![fault]))
    })?;
    let hierarchies = std::slice::from_ref(&config.hierarchy);
    let directory = Directory::read_csv(&text, &file)
        .or_else(|_| Directory::read_csv_in(&text, &file, hierarchies))
        .map_err(RuntimeError::Directory)?;
    check_unit(config, &directory, file)?;
    Ok(directory)
}

fn check_unit(config: &NodeConfig, directory: &Directory, file: String) -> Result<(), RuntimeError> {
    let unit = directory.unit(config.unit);
    let unit = unit.ok_or_else(|| RuntimeError::UnitUnknown { unit: config.unit.to_string(), file })?;
    if unit.tier != config.tier {
        let (file, directory) = (config.tier.to_string(), unit.tier.to_string());
        return Err(RuntimeError::UnitDiffers { what: "tier", file, directory });
    }
    let named = config.parent.as_ref().map(|parent| parent.unit);
    if unit.parent != named {
        let text =
            |unit: Option<danso_tier_config::UnitId>| unit.map_or("none".to_owned(), |unit| unit.to_string());
        let (file, directory) = (text(named), text(unit.parent));
        return Err(RuntimeError::UnitDiffers { what: "parent", file, directory });
    }
    Ok(())
}

/// How a node's store is opened.
pub fn store_options(config: &NodeConfig) -> Result<Options, RuntimeError> {
    let key = keys::read_secret(&config.keys)?;
    Ok(Options {
        folder: config.data.clone(),
        unit: config.unit,
        key,
        next_key: keys::read_next(&config.keys)?,
        grants: keys::read_registrations(&config.keys)?,
        at_rest: at_rest::key_for(config)?,
        limits: config.limits.clone(),
        hierarchies: vec![config.hierarchy.clone()],
        host: Host::default(),
    })
}

/// Starts a node. On return it serves, and its store has caught up with its ledger.
pub async fn start(config: NodeConfig, progress: &mut dyn FnMut(u64, u64)) -> Result<Running, RuntimeError> {
    start_on(Host::default(), config, progress).await
}

/// The same on a given computer.
pub async fn start_on(
    host: Host,
    config: NodeConfig,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Running, RuntimeError> {
    let keeper = Arc::new(Keeper::open(&config.keys, config.unit, host.clock.clone())?);
    let web_secrets = web::secrets(&config, &keeper)?;
    let signing = keys::read(&config.keys, config.unit)?;
    let bootstrap = read_directory(&config)?;
    finish_swap(&config.data).map_err(|error| RuntimeError::HalfRebuilt(error.to_string()))?;
    let (store, report) = Store::open(Options { host: host.clone(), ..store_options(&config)? }, progress)?;
    if let Some(because) = &report.rebuilt_because {
        tracing::warn!(because, replayed = report.replayed, "the index was rebuilt from the ledger");
    }
    if report.cut_bytes > 0 {
        tracing::warn!(bytes = report.cut_bytes, "cut a torn tail that was never acknowledged");
    }
    if report.ballast_dropped {
        tracing::error!("the disk is full: gave up the ballast to start, free some space");
    }
    let registrations = signing.registrations.clone();
    let node = Arc::new(Node::on(host, config, store, signing, bootstrap.clone()));
    node.set_key_folder(keys::Folder(node.config.keys.clone()));
    node.open_office()?;
    node.register(registrations).await?;
    settle_key(&node)?;
    node.recall_reports();
    if node.store.at_rest() == State::Locked {
        tracing::error!(
            code = "at_rest_locked",
            "the key at rest is missing: the node replicates and counts, names are neither read nor recorded"
        );
    }
    if node.store.restored_at_ms().is_some() {
        tracing::warn!(
            code = "parent_ahead",
            "restored from a backup: nothing is recorded before the parent was heard"
        );
    }
    match node.note_start().await {
        Err(error) if error.code() == "disk_full" => {
            tracing::error!(code = error.code(), %error, "this start is not in the audit log");
        }
        other => other?,
    }
    if let Err(error) = node.finish_erasures().await {
        tracing::error!(code = error.code(), %error, "orders of erasure wait for the next start");
    }
    if node.config.parent.is_none() {
        node.publish_directory(&bootstrap).await?;
    }
    let address = node.config.listen;
    let listener =
        node.host.network.listen(address).await.map_err(|source| RuntimeError::Listen { address, source })?;
    let address = listener.address().map_err(|source| RuntimeError::Listen { address, source })?;
    let pages = web::open(&node.config, &node.host, web_secrets).await?;
    node.look_at_room();
    let (stop, stopped) = watch::channel(false);
    let (unlink, unlinked) = watch::channel(false);
    let mut tasks = spawn_all(&node, listener, &keeper, (&stopped, unlinked));
    let web = pages.as_ref().map(|pages| pages.address);
    tasks.serving.extend(pages.map(|pages| tokio::spawn(pages.serve(Arc::clone(&node), stopped))));
    Ok(Running { node, address, web, keeper, stop, unlink, tasks })
}

/// The key in force is the one that the ledger names last; a rotation that was cut short is finished.
pub(super) fn settle_key(node: &Node) -> Result<(), RuntimeError> {
    let folder = &node.config.keys;
    let ring = node.ring_of(node.unit());
    let Some(in_force) = ring.current() else { return Ok(()) };
    if node.signing.key().public() == in_force.key {
        return Ok(());
    }
    match keys::read_next(folder)? {
        Some(next) if next.public() == in_force.key => {
            keys::finish_rotation(folder, &in_force.signed)?;
            node.signing.replace(next);
            Ok(())
        }
        _ => Err(RuntimeError::Store(StoreError::KeyNotInForce {
            unit: node.unit(),
            key: in_force.key.id().to_string(),
        })),
    }
}

fn spawn_all(
    node: &Arc<Node>,
    listener: Box<dyn Listener>,
    keeper: &Arc<Keeper>,
    (stopped, unlinked): (&watch::Receiver<bool>, watch::Receiver<bool>),
) -> Tasks {
    let (mut tasks, mut linked) = (Vec::new(), Vec::new());
    keeper.look(node);
    tasks.push(tokio::spawn(tasks::watch_room(Arc::clone(node), stopped.clone())));
    tasks.push(tokio::spawn(Arc::clone(keeper).run(Arc::clone(node), stopped.clone())));
    if node.config.personal_months.is_some() {
        tasks.push(tokio::spawn(tasks::keep_retention(Arc::clone(node), stopped.clone())));
    }
    let listening = Arc::clone(keeper);
    let (served, mut stop) = (Arc::clone(node), stopped.clone());
    tasks.push(tokio::spawn(async move {
        let stop = async move { drop(stop.wait_for(|stop| *stop).await) };
        if let Err(error) = transport::serve(served, listener, &listening, stop).await {
            tracing::error!(%error, "the server ended");
        }
    }));
    tasks.push(tokio::spawn(tasks::sample_lag(Arc::clone(node), stopped.clone())));
    if let Some(parent) = node.config.parent.clone() {
        let keeper = Arc::clone(keeper);
        linked.push(tokio::spawn(uplink::run(Arc::clone(node), parent, keeper, unlinked)));
    } else {
        tasks.push(tokio::spawn(tasks::close_months(Arc::clone(node), stopped.clone())));
    }
    Tasks { serving: tasks, linked }
}
