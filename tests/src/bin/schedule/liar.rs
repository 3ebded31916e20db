//! Somebody with a district's certificate who lies to its province: replays, alters, skips, invents.

use crate::{network::channel, place::Scene};
use danso_core::chain::{Batch, BatchNumber, Header, LedgerKey, Signed};
use danso_node::{operations::Node, wire::link::batch_message};
use danso_proto::v1::{self, child_message::Message as FromChild};
use danso_tests::{Dice, forge::ChildLink};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How many lies are told over one link.
const LIES: u64 = 12;

/// Everything that a lie needs.
pub struct Lie {
    pub child: UnitId,
    pub parent: UnitId,
    pub address: String,
    pub keys: PathBuf,
    pub registration: v1::SignedStatement,
    pub batches: Vec<Batch>,
    pub seed: u64,
    pub now: SystemTime,
    pub scene: Arc<Scene>,
}

/// The batches that a node holds, as they pass its boundary.
pub fn batches(node: &Node) -> Vec<Batch> {
    let heads: Vec<_> =
        node.store.view().chains.iter().map(|(origin, chain)| (*origin, chain.head.number.0)).collect();
    let batch = |origin, number| node.batch_for(origin, BatchNumber(number), Policy::Cores).ok().flatten();
    heads
        .into_iter()
        .flat_map(|(origin, head)| (1..=head).filter_map(move |number| batch(origin, number)))
        .collect()
}

impl Lie {
    /// Tells lies over one link; whatever the parent answers, nothing may come of them.
    pub async fn tell(self) -> turmoil::Result {
        let mut dice = Dice::of(self.seed);
        let channel = channel(&self.keys, self.now, &self.address, self.parent);
        let Ok(Some(channel)) = tokio::time::timeout(Duration::from_secs(20), channel).await else {
            return Ok(());
        };
        let hello = v1::Hello {
            protocol_version: limits::PROTOCOL_VERSION,
            protocol_version_min: limits::PROTOCOL_VERSION_MIN,
            unit: self.child.to_string(),
            registrations: vec![self.registration.clone()],
            software: "liar".to_owned(),
            ..v1::Hello::default()
        };
        let first = v1::ChildMessage { message: Some(FromChild::Hello(hello)) };
        let Ok(link) = ChildLink::begin(channel, first).await else { return Ok(()) };
        self.scene.tell(&format!("lies are told in the name of {}", self.child));
        for _ in 0..LIES {
            tokio::time::sleep(Duration::from_millis(dice.below(200))).await;
            if let Some(lie) = self.lie(&mut dice) {
                link.send_if_open(FromChild::Batch(batch_message(lie))).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    fn lie(&self, dice: &mut Dice) -> Option<Batch> {
        let count = self.batches.len() as u64;
        let mut batch = self.batches.get(dice.below(count.max(1)) as usize)?.clone();
        match dice.below(4) {
            // A replay, or one out of its order.
            0 => {}
            1 => {
                let cores = batch.cores.as_mut()?;
                let at = dice.below(cores.len() as u64) as usize;
                cores[at] ^= 1 << dice.below(8);
            }
            2 => {
                let at = dice.below(batch.header.bytes.len() as u64) as usize;
                batch.header.bytes[at] ^= 1 << dice.below(8);
            }
            // Invented: somebody's changes under the liar's own key.
            _ => {
                let header: Header = batch.header.decode_trusted().ok()?;
                batch.header = Signed::sign(&header, &LedgerKey::from_seed(&[7; 32]));
            }
        }
        Some(batch)
    }
}
