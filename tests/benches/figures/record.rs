//! One event durable at the commune.

use crate::samples::{line, millis, percentile};
use danso_core::domain::Sex;
use danso_tests::{Recorder, Tree, entries::person, unit};
use std::time::Instant;

const ALONE: usize = 1_000;
const CLIENTS: usize = 8;
const EACH: usize = 1_000;

pub async fn run() {
    let mut tree = Tree::four();
    let node = tree.start(unit("00001")).await;
    let mut recorder = Recorder::new(node.clone());
    let home = recorder.household("2026-01-01").await;
    let mut samples = Vec::new();
    for _ in 0..ALONE {
        let since = Instant::now();
        recorder.register("2026-01-01", home, person("Nguyễn Thị Hòa", Sex::Female, "1995-05-05")).await;
        samples.push(since.elapsed());
    }
    let median = percentile(&mut samples, 50);
    line("one event durable at the commune, one client, p50", &millis(median));
    line("one event durable at the commune, one client, p99", &millis(percentile(&mut samples, 99)));
    let since = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let recorder = Recorder::new(node.clone());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    recorder
                        .register("2026-01-01", home, person("Trần Văn Bảo", Sex::Male, "1990-01-01"))
                        .await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let rate = (CLIENTS * EACH) as f64 / since.elapsed().as_secs_f64();
    line("single events durable at the commune, eight clients", &format!("{rate:.0} a second"));
    node.store.close().await;
    tree.stop_all().await;
}
