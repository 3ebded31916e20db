//! The month of all communes, sent to central over a link of each province at once.

use super::{Central, Made, Place, Province};
use crate::{forge::ChildLink, tree::central};
use danso_core::chain::{Header, Receipt};
use danso_node::{
    transport::tls::{Keys, connect},
    wire::link::signed,
};
use danso_proto::v1::{
    self, ChildMessage, child_message::Message as FromChild, parent_message::Message as FromParent,
};
use danso_tier_config::{Limits, UnitId, limits};
use prost::Message as _;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

/// What a month took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    pub time: Duration,
    pub processor_ms: u64,
    pub events: u64,
    pub batches: u64,
}

/// Sends what central does not hold yet. On return it has signed for everything.
pub(super) async fn send(place: &Place, top: &Central, made: &[Made]) -> Took {
    let messages: Vec<_> =
        place.plan.provinces.iter().map(|province| batches(&place.month(province))).collect();
    let (since, before) = (Instant::now(), top.processor_ms());
    let count = messages.iter().map(Vec::len).sum::<usize>() as u64;
    let window = Limits::default().window_batches as usize;
    let mut links = Vec::new();
    for (province, messages) in place.plan.provinces.iter().zip(messages) {
        let link = open(place, province).await;
        links.push(tokio::spawn(forward(link, messages, window)));
    }
    for link in links {
        link.await.unwrap();
    }
    let events = Made::sum(made).events;
    Took { time: since.elapsed(), processor_ms: top.processor_ms() - before, events, batches: count }
}

fn batches(mut bytes: &[u8]) -> Vec<v1::Batch> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        found.push(v1::Batch::decode_length_delimited(&mut bytes).unwrap());
    }
    found
}

async fn open(place: &Place, province: &Province) -> ChildLink {
    let keys = Keys::read(&place.keys(province.unit), SystemTime::now()).unwrap();
    let address = place.address(central()).to_string();
    let channel = connect(&address, central(), keys.client()).await.unwrap();
    let hello = v1::Hello {
        protocol_version: limits::PROTOCOL_VERSION,
        protocol_version_min: limits::PROTOCOL_VERSION_MIN,
        unit: province.unit.to_string(),
        ..v1::Hello::default()
    };
    let mut link =
        ChildLink::begin(channel, ChildMessage { message: Some(FromChild::Hello(hello)) }).await.unwrap();
    link.welcome().await;
    link
}

/// Sends batches, at most `window` unanswered, until the parent has signed for each chain's last.
async fn forward(mut link: ChildLink, batches: Vec<v1::Batch>, window: usize) {
    let mut waiting: BTreeMap<UnitId, Vec<u64>> = BTreeMap::new();
    for batch in batches {
        while waiting.values().map(Vec::len).sum::<usize>() >= window {
            answered(&mut link, &mut waiting).await;
        }
        let header: Header = signed(batch.header.clone().unwrap()).decode_trusted().unwrap();
        waiting.entry(header.origin).or_default().push(header.number.0);
        link.send(FromChild::Batch(batch)).await;
    }
    while waiting.values().any(|numbers| !numbers.is_empty()) {
        answered(&mut link, &mut waiting).await;
    }
}

async fn answered(link: &mut ChildLink, waiting: &mut BTreeMap<UnitId, Vec<u64>>) {
    match link.next().await.unwrap().expect("central goes on answering") {
        FromParent::Receipt(receipt) => {
            let receipt: Receipt = signed(receipt).decode_trusted().unwrap();
            // A receipt stands for all batches before it.
            if let Some(numbers) = waiting.get_mut(&receipt.origin) {
                numbers.retain(|number| *number > receipt.number.0);
            }
        }
        FromParent::Refusal(refusal) => panic!("central refuses: {refusal:?}"),
        _ => {}
    }
}
