//! The fifteen nodes in one simulated network, and the hand that lets things go wrong and mends them.

use crate::{
    careless::Careless,
    checks::Watch,
    liar,
    place::{Order, Place, Scene, Story},
    plan::{self, Fault, MENDED_MS},
};
use danso_core::chain::Revoked;
use danso_node::{
    operations::Actor,
    transport::authority::{Authority, Validity},
};
use danso_tests::{Dice, Tree, entries::date, folder, tree::central};
use danso_tier_config::{Directory, Limits, Parent, Unit, UnitId};
use std::{
    collections::BTreeMap,
    fs,
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

/// What the hand does next.
#[derive(Clone, Copy)]
enum Deed {
    Begin(Fault),
    Repair { child: usize },
    Release { child: usize },
    Start { at: usize },
    Free { at: usize },
    SetClock { at: usize },
    Certify { at: usize },
    Mend,
}

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

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Begin(fault) => self.begin(fault),
            Deed::Repair { child } => {
                let (child, parent) = self.line(child);
                self.sim.repair(child.as_str(), parent.as_str());
                self.sim.set_link_fail_rate(child.as_str(), parent.as_str(), 0.0);
                self.sim.set_link_max_message_latency(
                    child.as_str(),
                    parent.as_str(),
                    Duration::from_millis(30),
                );
            }
            Deed::Release { child } => {
                let (child, parent) = self.line(child);
                self.sim.release(child, parent);
            }
            Deed::Start { at } => self.start(at),
            Deed::Free { at } => self.places[at].disk.fill(false),
            Deed::SetClock { at } => self.places[at].clock_off_ms.store(0, Ordering::Relaxed),
            Deed::Certify { at } => self.certify(at, Validity::days(self.now(), 30)),
            Deed::Mend => self.mend(),
        }
    }

    fn line(&self, child: usize) -> (String, String) {
        (self.places[child].host.clone(), self.places[self.places[child].above()].host.clone())
    }

    fn begin(&mut self, fault: Fault) {
        let now = self.scene.now_ms();
        self.scene.tell(&format!("{fault:?}"));
        match fault {
            Fault::Cut { child, ms } => {
                let (low, high) = self.line(child);
                self.sim.partition(low, high);
                self.later(now + ms, Deed::Repair { child });
            }
            Fault::CutOneWay { child, up, ms } => {
                let (low, high) = self.line(child);
                let (from, to) = if up { (low, high) } else { (high, low) };
                self.sim.partition_oneway(from, to);
                self.later(now + ms, Deed::Repair { child });
            }
            Fault::Hold { child, ms } => {
                let (low, high) = self.line(child);
                self.sim.hold(low, high);
                self.later(now + ms, Deed::Release { child });
            }
            Fault::Slow { child, latency_ms, ms } => {
                let (low, high) = self.line(child);
                self.sim.set_link_max_message_latency(low, high, Duration::from_millis(latency_ms));
                self.later(now + ms, Deed::Repair { child });
            }
            Fault::Lossy { child, percent, ms } => {
                let (low, high) = self.line(child);
                self.sim.set_link_fail_rate(low, high, percent as f64 / 100.0);
                self.later(now + ms, Deed::Repair { child });
            }
            Fault::Kill { at, ms } => {
                self.switch_off(at);
                self.places[at].disk.killed();
                self.later(now + ms, Deed::Start { at });
            }
            Fault::Stop { at, .. } => self.places[at].order(Order::Stop),
            Fault::PowerCut { at, steps, .. } => self.places[at].disk.cut_after(steps),
            Fault::DiskFull { at, ms } => {
                self.places[at].disk.fill(true);
                self.later(now + ms, Deed::Free { at });
            }
            Fault::SyncFails { at } => self.places[at].disk.fail_sync(),
            Fault::Restore { at, age_ms } => self.restore(at, age_ms),
            Fault::Clock { at, off_ms, ms } => {
                self.places[at].clock_off_ms.store(off_ms, Ordering::Relaxed);
                self.later(now + ms, Deed::SetClock { at });
            }
            Fault::Expire { at, ms } => {
                let issued_at = self.now() - Duration::from_hours(24);
                let not_after = self.now() + Duration::from_secs(2);
                self.certify(at, Validity { issued_at, not_before: issued_at, not_after });
                self.later(now + ms, Deed::Certify { at });
            }
            Fault::Revoke { commune, ms } => {
                let (unit, until) = (self.places[commune].unit, self.now());
                let issued_until_ms = until.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
                self.places[0].order(Order::Do(Box::new(move |node| {
                    Box::pin(async move {
                        let what = Revoked::Node { unit, issued_until_ms, after: None };
                        let _ = node.revoke(what, "stolen", &Actor::local()).await;
                    })
                })));
                self.later(now + ms, Deed::Certify { at: commune });
            }
            Fault::Move { commune, district } if self.places[commune].above() != district => {
                self.moving = Some((commune, district));
            }
            Fault::Move { .. } => {}
            Fault::Lie { district, .. } => self.lie(district),
        }
    }

    fn certify(&self, at: usize, validity: Validity) {
        let unit = self.places[at].unit;
        let issuer = Authority::open(&self.tree.path("authority")).unwrap();
        let keys = issuer.issue_node(unit, &[], validity).unwrap();
        keys.write(&self.tree.keys(unit), issuer.certificate_pem()).unwrap();
    }

    fn back_up(&mut self) {
        let Some(at) = self.restores else { return };
        let number = self.backups.len();
        let to = self.tree.path(&format!("backup{number}"));
        folder::copy(&self.places[at].config.lock().unwrap().data, &to);
        self.backups.push((self.scene.now_ms(), to));
    }

    /// A disk is put back to a backup, unless that would take away the only copy of something.
    fn restore(&mut self, at: usize, age_ms: u64) {
        let now = self.scene.now_ms();
        let wanted = now.saturating_sub(age_ms);
        let Some((made, from)) = self.backups.iter().rev().find(|(made, _)| *made <= wanted).cloned() else {
            return;
        };
        if !Watch::is_elsewhere(&self.places, at) {
            return self.scene.tell("not restored: it may hold the only copy");
        }
        self.scene.tell(&format!("restored to {made}"));
        self.switch_off(at);
        self.places[at].disk.killed();
        let data = self.places[at].config.lock().unwrap().data.clone();
        folder::put_back(&from, &data);
        self.places[at].put_back.store(true, Ordering::Relaxed);
        self.watch.restored(self.places[at].unit);
        self.later(now + 500, Deed::Start { at });
    }

    /// The office's order of a move: central publishes the directory; when it is out there the commune's node is
    /// stopped, its file names the new parent, and it starts.
    fn go_on_moving(&mut self) {
        let Some((commune, district)) = self.moving else { return };
        let (place, to) = (&self.places[commune], &self.places[district]);
        let (Some(central), Some(_)) = (self.places[0].node(), place.node()) else { return };
        let directory = moved_in(&self.tree.directory, place.unit, to.unit);
        let file = self.tree.path("moved.csv");
        if central.directory().last_parent(place.unit) != Some(to.unit) {
            // Central's own file too: at its next start it would publish the former one again.
            fs::write(&file, directory.to_csv()).unwrap();
            self.places[0].config.lock().unwrap().directory = file;
            return self.places[0].order(Order::Do(Box::new(move |node| {
                Box::pin(async move {
                    let _ = node.publish_directory(&directory).await;
                })
            })));
        }
        self.moving = None;
        let parent = Parent { unit: to.unit, address: format!("{}:{PORT}", to.host) };
        self.scene.tell(&format!("{} goes on under {}", place.host, to.host));
        place.goes_under(district, parent, file);
        self.switch_off(commune);
        self.places[commune].disk.killed();
        self.later(self.scene.now_ms() + 300, Deed::Start { at: commune });
    }

    fn lie(&mut self, district: usize) {
        let place = &self.places[district];
        let parent = &self.places[place.above()];
        let host = format!("liar{}", self.numbered);
        let lie = liar::Lie {
            child: place.unit,
            parent: parent.unit,
            address: format!("{}:{PORT}", parent.host),
            keys: self.tree.keys(place.unit),
            registration: danso_tests::forge::registration(&self.tree, place.unit),
            // What a middle tier has to lie with: batches of its communes as it holds them.
            batches: place.node().map(|node| liar::batches(&node)).unwrap_or_default(),
            seed: self.dice.number(),
            now: self.now(),
            scene: Arc::clone(&self.scene),
        };
        self.numbered += 1;
        self.sim.client(host, lie.tell());
    }

    /// Everything is mended and everybody runs.
    fn mend(&mut self) {
        self.scene.tell("mended");
        self.deeds.retain(|_, deed| matches!(deed, Deed::Start { .. }));
        for child in 1..self.places.len() {
            self.act(Deed::Release { child });
            self.act(Deed::Repair { child });
        }
        let now = self.scene.now_ms();
        for at in 0..self.places.len() {
            self.places[at].disk.fill(false);
            self.places[at].clock_off_ms.store(0, Ordering::Relaxed);
            if at > 0 {
                self.certify(at, Validity::days(self.now(), 30));
            }
            if self.places[at].node().is_none() {
                self.later(now + 100, Deed::Start { at });
            }
        }
        assert_eq!(self.places[0].unit, central());
    }
}

/// The fifteen nodes, from the top down and the children of one parent side by side, and the commune that is none.
fn places(tree: &Tree, scene: &Arc<Scene>) -> (Vec<Arc<Place>>, Arc<Careless>) {
    let mut units: Vec<UnitId> = tree.directory.rows().iter().map(|row| row.id).collect();
    let depth = |unit: &UnitId| tree.directory.at(unit.valid_from).ancestors(*unit).len();
    units.sort_by_key(|unit| (depth(unit), *unit));
    let number: BTreeMap<UnitId, usize> = units.iter().enumerate().map(|(at, unit)| (*unit, at)).collect();
    let host = |unit: UnitId| format!("node{:02}", number[&unit]);
    let place = |unit: &UnitId| {
        let mut config = tree.config(*unit);
        config.listen = ([0, 0, 0, 0], PORT).into();
        let above = config.parent.as_ref().map_or(0, |parent| number[&parent.unit]);
        if let Some(parent) = &mut config.parent {
            parent.address = format!("{}:{PORT}", host(parent.unit));
        }
        Arc::new(Place::new(config, host(*unit), above, Arc::clone(scene)))
    };
    let last = units.pop().expect("there are units");
    let parent = tree.config(last).parent.expect("a commune has one").unit;
    let address = format!("{}:{PORT}", host(parent));
    let careless = Careless::new(tree, last, parent, address, Arc::clone(scene));
    (units.iter().map(place).collect(), Arc::new(careless))
}

/// The directory in which a unit stands under another parent since July.
fn moved_in(directory: &Directory, who: UnitId, to: UnitId) -> Directory {
    let mut rows = directory.rows().to_vec();
    let row = rows.iter_mut().find(|row| row.id == who).expect("it is there");
    row.valid_to = Some(date("2026-06-30"));
    let after = Unit { parent: Some(to), valid_from: date("2026-07-01"), valid_to: None, ..row.clone() };
    rows.push(after);
    Directory::from_rows(rows, Vec::new()).unwrap()
}
