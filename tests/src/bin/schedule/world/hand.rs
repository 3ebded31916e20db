//! The hand that lets things go wrong and mends them.

use super::{PORT, World};
use crate::{checks::Watch, liar, place::Order, plan::Fault};
use danso_core::chain::Revoked;
use danso_node::{
    operations::Actor,
    transport::authority::{Authority, Validity},
};
use danso_tests::{entries::date, folder, tree::central};
use danso_tier_config::{Directory, Parent, Unit, UnitId};
use std::{
    fs,
    sync::{Arc, atomic::Ordering},
    time::{Duration, UNIX_EPOCH},
};

/// What the hand does next.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    Begin(Fault),
    Repair { child: usize },
    Release { child: usize },
    Start { at: usize },
    Free { at: usize },
    SetClock { at: usize },
    Certify { at: usize },
    Mend,
}

impl World {
    pub(super) fn act(&mut self, deed: Deed) {
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

    pub(super) fn back_up(&mut self) {
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
    pub(super) fn go_on_moving(&mut self) {
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

/// The directory in which a unit stands under another parent since July.
fn moved_in(directory: &Directory, who: UnitId, to: UnitId) -> Directory {
    let mut rows = directory.rows().to_vec();
    let row = rows.iter_mut().find(|row| row.id == who).expect("it is there");
    row.valid_to = Some(date("2026-06-30"));
    let after = Unit { parent: Some(to), valid_from: date("2026-07-01"), valid_to: None, ..row.clone() };
    rows.push(after);
    Directory::from_rows(rows, Vec::new()).unwrap()
}
