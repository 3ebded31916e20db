//! One node of the simulation: the computer under it, the program on it, and who records there.

use crate::{disk::Disk, network::Turmoil, people};
use danso_node::{
    host::{Clock, DiskWatch, Host, Threads},
    operations::Node,
    runtime::{Running, start_on},
    store::StoreError,
};
use danso_tests::Dice;
use danso_tier_config::{NodeConfig, Parent, UnitId};
use std::{
    future::pending,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;

/// What happened to whom, in the order in which it happened; the same for the same seed.
#[derive(Default)]
pub struct Story(Mutex<(u64, Vec<String>)>);

impl Story {
    /// Adds a line.
    pub fn tell(&self, line: String) {
        let mut story = self.0.lock().unwrap();
        // FNV-1a: enough to compare two runs of one seed.
        for byte in line.bytes().chain([b'\n']) {
            story.0 = (story.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        story.1.push(line);
    }

    /// A number that follows from all lines.
    pub fn digest(&self) -> u64 {
        self.0.lock().unwrap().0
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }
}

/// What is shared by all places of one simulation.
pub struct Scene {
    pub seed: u64,
    /// Milliseconds since the simulation began.
    pub elapsed_ms: AtomicU64,
    /// When it began by the clocks.
    pub epoch: SystemTime,
    pub story: Story,
    /// Whether people record.
    pub recording: AtomicBool,
    /// What was acknowledged.
    pub acknowledged: Mutex<Vec<people::Acknowledged>>,
}

impl Scene {
    /// Milliseconds since the beginning.
    pub fn now_ms(&self) -> u64 {
        self.elapsed_ms.load(Ordering::Relaxed)
    }

    pub fn tell(&self, line: &str) {
        self.story.tell(format!("{:>7} {line}", self.now_ms()));
    }
}

/// Something to be done with a node, within its runtime.
pub type Work = Box<dyn FnOnce(Arc<Node>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// An order to the program of a place.
pub enum Order {
    /// Do something with the node.
    Do(Work),
    /// Stop in good order.
    Stop,
}

/// One node.
pub struct Place {
    pub unit: UnitId,
    /// The number of the place above it; central's own is 0.
    above: AtomicUsize,
    /// Its host in the simulated network.
    pub host: String,
    pub config: Mutex<NodeConfig>,
    pub disk: Arc<Disk>,
    /// How far its clock is off, in milliseconds.
    pub clock_off_ms: Arc<AtomicI64>,
    /// Its disk was put back, and it has not reached its parent since: nobody records there, as the runbook says.
    pub put_back: Arc<AtomicBool>,
    /// How often it was started.
    pub starts: AtomicU64,
    node: Mutex<Weak<Node>>,
    orders: Mutex<Option<mpsc::UnboundedSender<Order>>>,
    /// Why it does not run, since its last start.
    pub ended: Mutex<Option<String>>,
    scene: Arc<Scene>,
}

impl Place {
    pub fn new(config: NodeConfig, host: String, above: usize, scene: Arc<Scene>) -> Self {
        Self {
            unit: config.unit,
            above: AtomicUsize::new(above),
            host,
            config: Mutex::new(config),
            disk: Arc::default(),
            clock_off_ms: Arc::default(),
            put_back: Arc::default(),
            starts: AtomicU64::new(0),
            node: Mutex::default(),
            orders: Mutex::default(),
            ended: Mutex::default(),
            scene,
        }
    }

    /// The number of the place above it.
    pub fn above(&self) -> usize {
        self.above.load(Ordering::Relaxed)
    }

    /// From its next start on it is the child of another place, by another directory.
    pub fn goes_under(&self, above: usize, parent: Parent, directory: PathBuf) {
        self.above.store(above, Ordering::Relaxed);
        let mut config = self.config.lock().unwrap();
        config.parent = Some(parent);
        config.directory = directory;
    }

    /// The node, while it runs.
    pub fn node(&self) -> Option<Arc<Node>> {
        self.node.lock().unwrap().upgrade()
    }

    /// Gives an order; one to a place that does not run is dropped.
    pub fn order(&self, order: Order) {
        if let Some(orders) = &*self.orders.lock().unwrap() {
            let _ = orders.send(order);
        }
    }

    /// The computer: this simulation's time, network and disk, and one thread.
    fn computer(&self) -> Host {
        let (scene, off) = (Arc::clone(&self.scene), Arc::clone(&self.clock_off_ms));
        let clock = Clock::new(move || {
            let since = scene.epoch.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
            let shown = since + scene.now_ms() as i64 + off.load(Ordering::Relaxed);
            UNIX_EPOCH + Duration::from_millis(shown.max(0) as u64)
        });
        Host {
            clock,
            network: Arc::new(Turmoil),
            threads: Threads::None,
            disk: DiskWatch::new(self.disk.clone()),
        }
    }

    /// What runs on the computer, from its start until it is switched off.
    pub async fn live(self: Arc<Self>) {
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        *self.ended.lock().unwrap() = None;
        let config = self.config.lock().unwrap().clone();
        let running = match start_on(self.computer(), config, &mut |_, _| ()).await {
            Ok(running) => running,
            Err(error) => return self.end(format!("not started: {}", error.code())).await,
        };
        self.scene.tell(&format!("{} runs", self.host));
        *self.node.lock().unwrap() = Arc::downgrade(&running.node);
        let (sender, mut orders) = mpsc::unbounded_channel();
        *self.orders.lock().unwrap() = Some(sender);
        if running.node.records() {
            let dice = Dice::of(self.scene.seed ^ (number_of(self.unit) << 24) ^ (start << 56));
            let (node, scene) = (running.node.clone(), Arc::clone(&self.scene));
            tokio::task::spawn_local(people::record(node, scene, Arc::clone(&self.put_back), dice));
        }
        let ended = self.serve(running, &mut orders).await;
        self.end(ended).await;
    }

    /// Carries out orders until it is to stop or its store fails, as the program does.
    async fn serve(&self, running: Running, orders: &mut mpsc::UnboundedReceiver<Order>) -> String {
        let mut failure = running.node.store.failure();
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Do(work)) => work(running.node.clone()).await,
                    Some(Order::Stop) | None => {
                        let drained = running.stop().await;
                        no_panic(failure.borrow().as_ref());
                        // Connections to a computer that vanished may stand open until then.
                        return if drained { "stopped" } else { "cut off after the grace of a stop" }.to_owned();
                    }
                },
                _ = failure.changed() => {
                    let error = failure.borrow().clone();
                    no_panic(error.as_ref());
                    if let Some(error) = error {
                        return format!("failed: {}", error.code());
                    }
                }
            }
        }
    }

    async fn end(&self, why: String) {
        self.scene.tell(&format!("{} ended: {why}", self.host));
        *self.ended.lock().unwrap() = Some(why);
        *self.orders.lock().unwrap() = None;
        pending::<()>().await;
    }

    /// After the computer was switched off.
    pub fn switched_off(&self) {
        *self.orders.lock().unwrap() = None;
        *self.ended.lock().unwrap() = Some("switched off".to_owned());
    }
}

/// No disk makes the writer panic: where it did, the program is wrong.
fn no_panic(failure: Option<&StoreError>) {
    let failure = failure.map(ToString::to_string).unwrap_or_default();
    assert!(!failure.contains("the writer panicked"), "{failure}");
}

/// The number in a unit's code.
fn number_of(unit: UnitId) -> u64 {
    unit.code.as_str().parse().unwrap_or_default()
}
