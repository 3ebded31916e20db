//! A province's store, filled through the acceptance of its node with the batches of its communes.

use super::{Made, Place, Province, people, plan::CommunePlan, screen::Bar};
use danso_core::chain::strip;
use danso_node::{
    operations::Node,
    runtime::{keys, read_directory, store_options},
    store::Store,
    wire::link::batch_message,
};
use danso_tier_config::Policy;
use prost::Message as _;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::{runtime::Handle, task::block_in_place};

/// What a commune gave: what was made, and its month as the province would forward it.
type Given = (Made, Vec<u8>);

/// Makes the communes of a province and lets its node accept and store their registers, as many at once as there are
/// cores. No link is open meanwhile. What the store holds already is not given again.
pub(super) async fn fill(place: &Place, province: &Province, bar: &mut Bar) -> Made {
    let config = place.config(province.unit);
    let (store, _) = Store::open(store_options(&config).unwrap(), &mut |_, _| ()).unwrap();
    let signing = keys::read(&config.keys, province.unit).unwrap();
    let directory = read_directory(&config).unwrap();
    let mut registrations = signing.registrations.clone();
    registrations.extend(province.communes.iter().map(|commune| place.registration_of(commune)));
    let node = Arc::new(Node::new(config, store, signing, directory));
    node.register(registrations).await.unwrap();
    let given = block_in_place(|| all(place, province, &node, bar));
    node.store.close().await;
    let made = Made::sum(&given.iter().map(|(made, _)| *made).collect::<Vec<_>>());
    let month: Vec<u8> = given.into_iter().flat_map(|(_, month)| month).collect();
    place.filled(province, &made, &month);
    made
}

fn all(place: &Place, province: &Province, node: &Arc<Node>, bar: &mut Bar) -> Vec<Given> {
    let (next, handle) = (AtomicUsize::new(0), Handle::current());
    let given = Mutex::new(vec![None; province.communes.len()]);
    let bar = Mutex::new(bar);
    let work = || {
        while let Some((at, commune)) = one_more(&next, province) {
            let one = accept(place, commune, node, &handle);
            bar.lock().unwrap().made(one.0.changes);
            given.lock().unwrap()[at] = Some(one);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    given.into_inner().unwrap().into_iter().map(Option::unwrap).collect()
}

fn one_more<'a>(next: &AtomicUsize, province: &'a Province) -> Option<(usize, &'a CommunePlan)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    province.communes.get(at).map(|commune| (at, commune))
}

fn accept(place: &Place, plan: &CommunePlan, node: &Node, handle: &Handle) -> Given {
    let commune = people::commune(&place.plan.simulated(plan), plan.unit, place.key_of(plan), plan.events);
    let held = node.head_of(plan.unit).number.0 as usize;
    let accepted: Vec<_> = commune
        .register
        .into_iter()
        .skip(held)
        .map(|batch| node.accept(plan.unit, strip(batch, Policy::Names)).unwrap())
        .collect();
    for one in accepted {
        assert_eq!(one.quarantined, 0, "a simulated change breaks a rule");
        handle.block_on(one.receipt(node)).unwrap();
    }
    let mut month = Vec::new();
    for batch in commune.month {
        batch_message(strip(batch, Policy::Cores)).encode_length_delimited(&mut month).unwrap();
    }
    (commune.made, month)
}
