//! A commune whose program is not ours: it signs and sends in order, but some of its changes are wrong. The tiers must
//! keep all of them, count those that stand up, and tell it which do not.

use crate::{network::channel, place::Scene};
use danso_core::{
    chain::{Batch, BatchNumber, Head, PublicKey, Receipt, strip},
    domain::{Core, Reason, Sequence, verdict},
};
use danso_node::wire::link::{batch_message, head_message, heartbeat_message, signed};
use danso_proto::v1::{self, child_message::Message as FromChild, parent_message::Message as FromParent};
use danso_tests::{
    Dice, Tree,
    book::ChainBook,
    forge::{ChildLink, public_key, registration},
};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, timeout};

/// Longest wait for a connection, and for room to send.
const PATIENCE: Duration = Duration::from_secs(20);
/// A link on which nothing was heard for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// Between two tries, and between two looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(700);
/// Most batches that it makes: what a parent may leave without a receipt.
const BATCHES: usize = 30;

pub struct Careless {
    pub unit: UnitId,
    parent: UnitId,
    address: String,
    keys: PathBuf,
    registration: v1::SignedStatement,
    parent_key: PublicKey,
    scene: Arc<Scene>,
    state: Mutex<State>,
}

struct State {
    book: ChainBook,
    batches: Vec<Batch>,
    dice: Dice,
    /// Up to which batch its parent has signed.
    acknowledged: u64,
    /// What it was told is not counted, and why.
    told: BTreeMap<Sequence, Reason>,
}

impl Careless {
    pub fn new(tree: &Tree, unit: UnitId, parent: UnitId, address: String, scene: Arc<Scene>) -> Self {
        let state = State {
            book: ChainBook::new(unit, tree.ledger_key(unit)),
            batches: Vec::new(),
            dice: Dice::of(scene.seed ^ 0xCA_4E1E),
            acknowledged: 0,
            told: BTreeMap::new(),
        };
        Self {
            unit,
            parent,
            address,
            keys: tree.keys(unit),
            registration: registration(tree, unit),
            parent_key: public_key(tree, parent),
            scene,
            state: Mutex::new(state),
        }
    }

    /// Writes and sends until the simulation ends.
    pub async fn live(self: Arc<Self>) -> turmoil::Result {
        loop {
            let _ = self.talk().await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// How many batches it made, and for how many it has a receipt.
    pub fn receipts(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap();
        (state.batches.len() as u64, state.acknowledged)
    }

    /// All that it wrote.
    pub fn cores(&self) -> Vec<Core> {
        self.state.lock().unwrap().book.cores.clone()
    }

    /// What it wrote that nobody may count, and why.
    pub fn wrong(&self) -> BTreeMap<Sequence, Reason> {
        let sequenced = (1..).map(Sequence).zip(self.cores());
        sequenced.filter_map(|(sequence, core)| Some((sequence, verdict(&core, sequence).err()?))).collect()
    }

    /// What it was told of that.
    pub fn told(&self) -> BTreeMap<Sequence, Reason> {
        self.state.lock().unwrap().told.clone()
    }

    /// One link, from its connection to its end.
    async fn talk(&self) -> Option<()> {
        let now = self.scene.epoch + Duration::from_millis(self.scene.now_ms());
        let mut link = timeout(PATIENCE, self.connect(now)).await.ok()??;
        let (mut sent, mut heard) = (None, Instant::now());
        while heard.elapsed() < SILENCE {
            if let Ok(next) = timeout(PAUSE, link.next()).await {
                heard = Instant::now();
                match next.ok()?? {
                    FromParent::Welcome(welcome) => {
                        let own = welcome.heads.iter().find(|head| head.origin == self.unit.to_string());
                        sent = Some(own.map_or(0, |head| head.number));
                    }
                    FromParent::Receipt(receipt) => self.hear(receipt),
                    FromParent::Refusal(_) => return None,
                    _ => {}
                }
                continue;
            }
            self.write();
            let heartbeat = FromChild::Heartbeat(heartbeat_message(&[], 0, self.scene.now_ms()));
            timeout(PATIENCE, link.send_if_open(heartbeat)).await.ok()?;
            while let Some((number, batch)) = self.after(sent) {
                let batch = FromChild::Batch(batch_message(batch));
                timeout(PATIENCE, link.send_if_open(batch)).await.ok()?;
                sent = Some(number);
            }
        }
        None
    }

    async fn connect(&self, now: SystemTime) -> Option<ChildLink> {
        let channel = channel(&self.keys, now, &self.address, self.parent).await?;
        let acknowledged = BatchNumber(self.state.lock().unwrap().acknowledged);
        let hello = v1::Hello {
            protocol_version: limits::PROTOCOL_VERSION,
            protocol_version_min: limits::PROTOCOL_VERSION_MIN,
            unit: self.unit.to_string(),
            heads: vec![head_message(self.unit, &Head::default(), acknowledged)],
            registrations: vec![self.registration.clone()],
            software: "careless".to_owned(),
        };
        let first = v1::ChildMessage { message: Some(FromChild::Hello(hello)) };
        ChildLink::begin(channel, first).await.ok()
    }

    /// The next batch to send after one, once the parent has said where it stands.
    fn after(&self, sent: Option<u64>) -> Option<(u64, Batch)> {
        let number = sent? + 1;
        let state = self.state.lock().unwrap();
        state.batches.get(number as usize - 1).map(|batch| (number, batch.clone()))
    }

    fn write(&self) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        if !self.scene.recording.load(Ordering::Relaxed) || state.batches.len() == BATCHES {
            return;
        }
        for _ in 0..=state.dice.below(4) {
            state.book.write_any(state.dice.number() as u8, state.dice.number() as u16);
        }
        if let Some(batch) = state.book.seal() {
            state.batches.push(strip(batch, Policy::Names));
            self.scene.tell(&format!("{} made batch {}", self.unit, state.batches.len()));
        }
    }

    fn hear(&self, receipt: v1::SignedStatement) {
        let receipt: Receipt =
            signed(receipt).verify(self.parent_key).expect("its parent signs what it says");
        let mut state = self.state.lock().unwrap();
        let hash = state.batches.get(receipt.number.0 as usize - 1).map(Batch::hash);
        assert_eq!(Some(receipt.hash), hash, "a receipt for a batch that was never made");
        state.acknowledged = state.acknowledged.max(receipt.number.0);
        let count = receipt.quarantined.len();
        if count > 0 {
            self.scene.tell(&format!("{} hears that {count} changes are not counted", self.unit));
        }
        for said in receipt.quarantined {
            let before = *state.told.entry(said.sequence).or_insert(said.reason);
            assert_eq!(before, said.reason, "change {} is refused for another reason now", said.sequence.0);
        }
    }
}
