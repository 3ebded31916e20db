//! The fifteen nodes in one simulated network, while things go wrong and are mended.
//!
//! | file | holds |
//! |---|---|
//! | `country.rs` | the nodes before anything has happened |
//! | `hand.rs` | the hand that lets things go wrong and mends them |

mod country;
mod hand;

use crate::{
    careless::Careless,
    checks::Watch,
    place::{Order, Place, Scene, Story},
    plan::{self, Fault, MENDED_MS},
};
use country::places;
use danso_tests::{Dice, Tree};
use danso_tier_config::Limits;
use hand::Deed;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use turmoil::{Builder, Sim};

/// Length of one step of the simulation.
const TICK: Duration = Duration::from_millis(10);
/// When every simulation begins by its clocks: 2026-09-01, in hours since 1970.
const EPOCH: Duration = Duration::from_hours(496_728);
/// Where every node listens.
const PORT: u16 = 7_443;
/// Between two looks of the checkers.
const LOOK_MS: u64 = 1_000;
/// When people stop recording.
const RECORDED_MS: u64 = MENDED_MS + 1_000;
/// Time for everything to arrive after that; broken links take up to a minute and a half to be noticed.
const ARRIVAL_MS: u64 = 400_000;
/// Between two backups of every disk.
const BACKUP_MS: u64 = 2_000;

pub struct World {
    sim: Sim<'static>,
    pub tree: Tree,
    pub places: Vec<Arc<Place>>,
    pub careless: Arc<Careless>,
    pub scene: Arc<Scene>,
    /// The commune that moves and the district to which.
    moving: Option<(usize, usize)>,
    dice: Dice,
    deeds: BTreeMap<(u64, u64), Deed>,
    numbered: u64,
    /// Backups of the disk that a schedule will put back, with the time of each.
    backups: Vec<(u64, PathBuf)>,
    restores: Option<usize>,
    pub watch: Watch,
}

impl World {
    /// The nodes of a seed before anything has happened, in a folder below `place`.
    pub fn new(seed: u64, place: &Path) -> Self {
        let epoch = UNIX_EPOCH + EPOCH;
        let mut tree = Tree::sixteen(place, epoch);
        tree.limits = Limits {
            heartbeat_ms: 2_000,
            backoff_first_ms: 200,
            backoff_max_ms: 3_000,
            pull_interval_ms: 2_000,
            batch_changes: 5,
            cache_bytes: 1_048_576,
            ..Limits::default()
        };
        let scene = Arc::new(Scene {
            seed,
            elapsed_ms: AtomicU64::new(0),
            epoch,
            story: Story::default(),
            recording: AtomicBool::new(true),
            acknowledged: Mutex::default(),
        });
        let mut sim = Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .simulation_duration(Duration::from_hours(1))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(30))
            .tcp_capacity(4_096)
            .build();
        let (places, careless) = places(&tree, &scene);
        for place in &places {
            let lives = Arc::clone(place);
            sim.host(place.host.as_str(), move || {
                let place = Arc::clone(&lives);
                async move {
                    place.live().await;
                    Ok(())
                }
            });
        }
        sim.client("careless", Arc::clone(&careless).live());
        let mut world = Self {
            sim,
            tree,
            places,
            careless,
            scene,
            moving: None,
            dice: Dice::of(seed),
            deeds: BTreeMap::new(),
            numbered: 0,
            backups: Vec::new(),
            restores: None,
            watch: Watch::default(),
        };
        for (at_ms, fault) in plan::faults(&mut world.dice) {
            if let Fault::Restore { at, .. } = fault {
                world.restores = Some(at);
            }
            world.later(at_ms, Deed::Begin(fault));
        }
        world.later(MENDED_MS, Deed::Mend);
        world
    }

    fn later(&mut self, at_ms: u64, deed: Deed) {
        self.numbered += 1;
        self.deeds.insert((at_ms, self.numbered), deed);
    }

    fn now(&self) -> SystemTime {
        self.scene.epoch + Duration::from_millis(self.scene.now_ms())
    }

    /// Runs the schedule to its end: everything has gone wrong, was mended, and has arrived.
    pub fn run(&mut self) {
        let (mut looked, mut backed_up) = (0, 0);
        loop {
            self.sim.step().expect("no host ends by itself");
            let now = self.sim.elapsed().as_millis() as u64;
            self.scene.elapsed_ms.store(now, Ordering::Relaxed);
            while self.deeds.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
                let (_, deed) = self.deeds.pop_first().expect("one was there");
                self.act(deed);
            }
            self.care(now);
            if now >= backed_up + BACKUP_MS && now < MENDED_MS {
                backed_up = now;
                self.back_up();
            }
            if now >= looked + LOOK_MS {
                looked = now;
                self.watch.look(&self.places, &self.scene);
                self.scene.recording.store(now < RECORDED_MS, Ordering::Relaxed);
                self.go_on_moving();
                if now > RECORDED_MS {
                    let missing = self.missing();
                    if missing.is_empty() {
                        return;
                    }
                    assert!(now < RECORDED_MS + ARRIVAL_MS, "not everything arrived: {missing}");
                }
            }
        }
    }

    /// What has not arrived, or not happened yet.
    fn missing(&self) -> String {
        let moving = self.moving.map(|moving| format!("{moving:?} still moves; ")).unwrap_or_default();
        let receipts = self.careless.receipts();
        let unreceipted = (receipts.0 != receipts.1).then(|| format!("careless: {receipts:?}; "));
        moving + &unreceipted.unwrap_or_default() + &Watch::missing(&self.places, self.careless.unit)
    }

    /// Stops every node in good order.
    pub fn stop(&mut self) {
        for place in &self.places {
            place.order(Order::Stop);
        }
        let until = self.sim.elapsed() + Duration::from_mins(2);
        while self.places.iter().any(|place| place.ended.lock().unwrap().is_none()) {
            self.sim.step().expect("no host ends by itself");
            assert!(self.sim.elapsed() < until, "a node does not stop");
        }
        for at in 0..self.places.len() {
            self.switch_off(at);
        }
    }

    fn switch_off(&mut self, at: usize) {
        self.sim.crash(self.places[at].host.as_str());
        self.places[at].switched_off();
    }

    fn start(&mut self, at: usize) {
        if self.places[at].node().is_none() {
            *self.places[at].ended.lock().unwrap() = None;
            self.sim.bounce(self.places[at].host.as_str());
        }
    }

    /// What an operator and systemd do: a node that ended is started again, one without power too.
    fn care(&mut self, now: u64) {
        for at in 0..self.places.len() {
            let place = Arc::clone(&self.places[at]);
            let ended = place.ended.lock().unwrap().clone();
            let failed = ended.is_some_and(|why| why != "switched off");
            if place.disk.is_dead() || failed {
                self.switch_off(at);
                if place.disk.is_dead() {
                    place.disk.power_up(&mut self.dice);
                } else {
                    place.disk.killed();
                }
                let pause = 200 + self.dice.below(3_000);
                self.later(now + pause, Deed::Start { at });
            }
        }
    }
}
