//! A province's node runs and is linked to central until central has signed for all that it holds.

use super::{Central, Made, Place, Province, screen::Bar};
use crate::wait::moment;
use danso_node::{operations::Node, runtime};
use std::time::{Duration, Instant};

/// Pause between two looks at what is acknowledged.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs the province until central holds all of it, then lets its data go. Notes time and central's share.
pub(super) async fn link(place: &Place, province: &Province, made: &Made, central: &Central, bar: &mut Bar) {
    let (since, processor) = (Instant::now(), central.processor_ms());
    let running = runtime::start(place.config(province.unit), &mut |_, _| ()).await.unwrap();
    let mut before = 0;
    loop {
        let (acknowledged, all) = standing(&running.node, province);
        bar.linked((acknowledged - before) * made.changes / made.batches);
        before = acknowledged;
        if all {
            break;
        }
        assert!(central.runs(), "central ended, see its log");
        moment(PAUSE).await;
    }
    let took = since.elapsed().as_millis() as u64;
    running.stop().await;
    place.linked(province, [took, central.processor_ms() - processor, central.highest_bytes()]);
}

/// Batches of the province's communes that central has signed for, and whether these are all.
fn standing(node: &Node, province: &Province) -> (u64, bool) {
    let view = node.store.view();
    let chains = province.communes.iter().filter_map(|commune| view.chains.get(&commune.unit));
    chains.fold((0, true), |(sum, all), chain| {
        (sum + chain.acknowledged.0, all && chain.acknowledged == chain.head.number)
    })
}
