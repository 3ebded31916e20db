//! How far every chain has come is told at any moment.

use danso_node::operations::{Watermark, now_ms};
use danso_tests::{Recorder, Tree, tree::central, unit, until};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

/// Heads asked for by each reader; without care, readers and heartbeats lock each other out well before.
const ROUNDS: u32 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_answered_while_heartbeats_arrive() {
    let mut tree = Tree::three();
    tree.start_all().await;
    let commune = unit("00001");
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    until("the change is at central", || tree.changes(central(), commune) == 1).await;
    let (top, done) = (tree.node(central()), Arc::new(AtomicU32::new(0)));
    for reads in [true, true, false] {
        let (top, done) = (Arc::clone(&top), Arc::clone(&done));
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                if reads {
                    assert_eq!(top.heads(None).0.len(), 1);
                } else {
                    top.hear([Watermark { origin: commune, number: 1, as_of_ms: now_ms() }]);
                }
            }
            done.fetch_add(1, Ordering::Relaxed);
        });
    }
    until("readers and heartbeats are done", || done.load(Ordering::Relaxed) == 3).await;
    tree.stop_all().await;
}
