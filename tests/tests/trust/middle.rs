//! A district that drops, reorders, alters, replays, invents and lies, between a real commune and a real
//! province: who finds out, by which code, and that nothing wrong is counted.

use danso_core::{
    chain::{Batch, Digest, Header, LedgerKey, Receipt, Signed, read_frame, strip, write_frame},
    domain::{Core, HouseholdId, Sex},
    rollup::claim,
};
use danso_node::operations::{CountQuery, Node, meters::BATCHES_REFUSED, now_ms};
use danso_proto::v1::{
    self, Refusal, child_message::Message as FromChild, parent_message::Message as FromParent,
};
use danso_tests::{
    Recorder, Tree,
    forge::{ChildLink, Forger, public_key},
    liar::{Liar, Line, head, receipt_of},
    tree::central,
    unit, until,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tonic::Status;

/// How long a condition may take on a loaded machine before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

pub fn commune() -> UnitId {
    unit("00001")
}

pub fn district() -> UnitId {
    unit("001")
}

pub fn province() -> UnitId {
    unit("01")
}

/// A real commune below, a real province above, and the district between them in the test's hands.
pub struct Middle {
    pub tree: Tree,
    pub commune: Arc<Node>,
    pub province: Arc<Node>,
    pub liar: Liar,
    pub line: Line,
    pub up: ChildLink,
    pub recorder: Recorder,
    home: Option<HouseholdId>,
}

impl Middle {
    pub async fn new() -> Self {
        let mut tree = Tree::four();
        let above = tree.start(province()).await;
        let mut liar = Liar::serve(&tree, district()).await;
        let below = tree.start(commune()).await;
        let line = liar.line().await;
        line.welcome(liar.welcome(&tree, &[province(), central()], Vec::new())).await;
        let (up, _) = ChildLink::open(&tree, district(), province(), &[commune(), district()]).await;
        let recorder = Recorder::new(Arc::clone(&below));
        Self { tree, commune: below, province: above, liar, line, up, recorder, home: None }
    }

    /// Records a household; the batch that the commune sends for it.
    pub async fn batch(&mut self) -> Batch {
        self.home = Some(self.recorder.household("2026-01-01").await);
        self.line.batch().await
    }

    /// Records a birth in the last household; the batch that the commune sends for it.
    async fn birth(&mut self) -> Batch {
        self.recorder.birth("2026-03-09", self.home.unwrap(), "Nguyễn Bí Ẩn", Sex::Female).await;
        self.line.batch().await
    }

    /// The same, with the district's receipt given to the commune.
    pub async fn receipted(&mut self) -> Batch {
        let batch = self.batch().await;
        self.line.receipt(&self.liar.receipt(&batch)).await;
        batch
    }

    /// Sends a batch up, which is accepted.
    pub async fn passed_on(&mut self, batch: &Batch) -> Receipt {
        self.up.send_batch(batch).await;
        self.up.receipt().await.verify(public_key(&self.tree, province())).unwrap()
    }

    /// Sends a batch up, which must be refused with `code`, counted as such, and change nothing.
    async fn refused(&mut self, batch: &Batch, code: &str) -> Refusal {
        let (before, digest) = (self.at_province(), self.province.tallies_digest());
        let counted = self.province.meters.value(BATCHES_REFUSED, code);
        self.up.send_batch(batch).await;
        let refusal = self.up.refusal().await;
        assert_eq!(refusal.code, code, "{}", refusal.message);
        assert_eq!(self.province.meters.value(BATCHES_REFUSED, code), counted + 1);
        assert_eq!((self.at_province(), self.province.tallies_digest()), (before, digest));
        refusal
    }

    fn at_province(&self) -> u64 {
        self.tree.head(province(), commune())
    }

    fn assert_equal_counts(&self) {
        assert_eq!(self.province.tallies_digest(), self.commune.tallies_digest());
        assert_eq!(self.province.quarantine(commune()).unwrap(), []);
    }

    /// Why the commune sends nothing more to its parent.
    async fn held_below(&self, code: &str) {
        until("the commune holds its chain", || {
            self.commune.link.read().unwrap().held.get(&commune()).is_some_and(|held| held == code)
        })
        .await;
        let acknowledged = self.commune.store.view().chains[&commune()].acknowledged;
        assert_eq!(acknowledged.0, 0, "a lie acknowledges nothing");
    }

    pub async fn end(mut self) {
        drop((self.up, self.line));
        self.tree.stop_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_batch_shows_above_as_a_gap() {
    let mut middle = Middle::new().await;
    let (one, two, three) = (middle.batch().await, middle.batch().await, middle.batch().await);
    middle.passed_on(&one).await;
    let refusal = middle.refused(&three, "batch_gap").await;
    assert_eq!((refusal.origin, refusal.expected), (commune().to_string(), 2));
    middle.passed_on(&two).await;
    middle.passed_on(&three).await;
    middle.assert_equal_counts();
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_batches_are_taken_in_their_order_only() {
    let mut middle = Middle::new().await;
    let (one, two) = (middle.batch().await, middle.batch().await);
    assert_eq!(middle.refused(&two, "batch_gap").await.expected, 1);
    middle.passed_on(&one).await;
    middle.passed_on(&two).await;
    assert_eq!(middle.at_province(), 2);
    middle.assert_equal_counts();
    middle.end().await;
}

/// The header with one byte changed, the signature as it was.
fn altered_header(batch: &Batch, place: usize) -> Batch {
    let mut bytes = batch.header.bytes.clone();
    bytes[place] ^= 1;
    Batch { header: Signed { bytes, signature: batch.header.signature.clone() }, ..batch.clone() }
}

/// A frame with one byte of its last leaf changed, compressed anew.
fn altered_frame(frame: &[u8]) -> Vec<u8> {
    let mut leaves = read_frame(frame, "frame", limits::BATCH_DELTAS_MAX).unwrap();
    *leaves.last_mut().unwrap().last_mut().unwrap() ^= 1;
    write_frame(leaves.iter().map(Vec::as_slice))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_altered_byte_anywhere_is_found_out_above() {
    let mut middle = Middle::new().await;
    let first = middle.batch().await;
    middle.passed_on(&first).await;
    let batch = middle.birth().await;
    // From the end, where hashes, times and the key id lie: the origin is read before the signature.
    let length = batch.header.bytes.len();
    for place in [length - 1, length - 9, length - 40, length - 80] {
        middle.refused(&altered_header(&batch, place), "batch_signature").await;
    }
    let mut signature = batch.clone();
    signature.header.signature[63] ^= 1;
    middle.refused(&signature, "batch_signature").await;
    let cores = batch.cores.as_ref().map(|frame| altered_frame(frame));
    middle.refused(&Batch { cores, ..batch.clone() }, "batch_root").await;
    let personal = batch.personal.as_ref().map(|frame| altered_frame(frame));
    middle.refused(&Batch { personal, ..batch.clone() }, "batch_root").await;
    // Less than the policy allows may be sent: then the deltas are what is verified.
    let counts = counts_only(&batch);
    let deltas = counts.deltas.as_ref().map(|frame| altered_frame(frame));
    middle.refused(&Batch { deltas, ..counts }, "batch_root").await;
    middle.passed_on(&batch).await;
    middle.assert_equal_counts();
    middle.end().await;
}

/// A batch of the commune as it would travel with its counts alone.
pub fn counts_only(batch: &Batch) -> Batch {
    let frame = batch.cores.as_ref().unwrap();
    let cores = read_frame(frame, "cores", limits::BATCH_CHANGES_MAX as usize).unwrap();
    let cores: Vec<_> = cores.iter().map(|core| Core::decode(core).unwrap()).collect();
    let deltas = write_frame(claim(&cores).iter().map(Vec::as_slice));
    strip(Batch { deltas: Some(deltas), ..batch.clone() }, Policy::Counts)
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_batches_get_the_receipt_of_then_and_count_once() {
    let mut middle = Middle::new().await;
    let (one, two) = (middle.batch().await, middle.batch().await);
    let first = middle.passed_on(&one).await;
    middle.passed_on(&two).await;
    let digest = middle.province.tallies_digest();
    for _ in 0..3 {
        assert_eq!(middle.passed_on(&one).await, first);
    }
    assert_eq!((middle.at_province(), middle.province.tallies_digest()), (2, digest));
    middle.assert_equal_counts();
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_batch_is_signed_by_no_key_of_the_commune() {
    let mut middle = Middle::new().await;
    let one = middle.batch().await;
    middle.passed_on(&one).await;
    let mut forger = Forger::new(&middle.tree, commune());
    forger.follow(&one);
    let births = forger.births(2);
    let claimed = strip(forger.seal(&births), Policy::Names);
    let header: Header = claimed.header.decode_trusted().unwrap();
    let district_key = middle.tree.ledger_key(district());
    for key in [district_key, LedgerKey::from_seed(&[42; 32])] {
        // Its own name in the header, and the commune's.
        let own = Forger { origin: commune(), key, head: forger.head };
        middle.refused(&strip(own.seal(&births), Policy::Names), "batch_signature").await;
        let as_commune = Batch { header: Signed::sign(&header, &own.key), ..claimed.clone() };
        middle.refused(&as_commune, "batch_signature").await;
    }
    // The same header twice is one piece of it.
    until("the evidence is kept", || middle.province.store.evidence_count().unwrap() == 3).await;
    let two = middle.batch().await;
    middle.passed_on(&two).await;
    middle.assert_equal_counts();
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_from_another_district_is_not_allowed_even_with_the_right_signature() {
    let mut middle = Middle::new().await;
    let foreign = Forger::new(&middle.tree, unit("00037")).next(1);
    middle.refused(&foreign, "not_allowed").await;
    // A unit of its own district is, under its own name.
    let sibling = Forger::new(&middle.tree, unit("00004")).next(1);
    let mut renamed: Header = sibling.header.decode_trusted().unwrap();
    renamed.origin = commune();
    let renamed = Batch { header: Signed::sign(&renamed, &middle.tree.ledger_key(unit("00004"))), ..sibling };
    middle.refused(&renamed, "batch_signature").await;
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withheld_names_are_named_by_batch_at_the_tier_that_should_have_them() {
    let mut middle = Middle::new().await;
    let (one, two, three) = (middle.batch().await, middle.batch().await, middle.batch().await);
    middle.passed_on(&one).await;
    middle.passed_on(&strip(two.clone(), Policy::Cores)).await;
    middle.passed_on(&three).await;
    middle.assert_equal_counts();
    let client = middle.tree.client(province()).await;
    let status = client.replication_status().await.unwrap();
    let row = status.units.iter().find(|row| row.unit == commune().to_string()).unwrap();
    assert_eq!((row.names_missing_from, row.names_missing_to), (2, 2));
    // Asked for at the next welcome, and taken when they come.
    let (up, welcome) = ChildLink::open(&middle.tree, district(), province(), &[commune()]).await;
    let asked = welcome.heads.iter().find(|head| head.origin == commune().to_string()).unwrap();
    assert_eq!((asked.names_missing_from, asked.names_missing_to), (2, 2));
    middle.up = up;
    middle.passed_on(&two).await;
    let view = || middle.province.store.view().chains[&commune()].nameless;
    until("the names are there", || view().0.0 == 0).await;
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_receipts_hold_the_commune_and_acknowledge_nothing() {
    for (number, forged, code) in
        [(5, Digest([7; 32]), "parent_ahead"), (1, Digest([7; 32]), "parent_diverges")]
    {
        let mut middle = Middle::new().await;
        let _one = middle.batch().await;
        middle.line.receipt(&receipt_of(district(), commune(), number, forged, &middle.liar.key)).await;
        middle.held_below(code).await;
        middle.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_in_another_name_or_with_another_key_ends_the_line() {
    let mut middle = Middle::new().await;
    let one = middle.batch().await;
    let stranger = LedgerKey::from_seed(&[42; 32]);
    let forged = [
        receipt_of(district(), commune(), 1, one.hash(), &stranger),
        receipt_of(province(), commune(), 1, one.hash(), &middle.liar.key),
    ];
    for receipt in forged {
        middle.line.receipt(&receipt).await;
        middle.line.hung_up().await;
        until("the commune says why", || {
            middle.commune.link.read().unwrap().error.starts_with("parent_signature")
        })
        .await;
        assert_eq!(middle.commune.store.view().chains[&commune()].acknowledged.0, 0);
        middle.line = middle.liar.line().await;
        let welcome = middle.liar.welcome(&middle.tree, &[province()], Vec::new());
        middle.line.welcome(welcome).await;
    }
    // The true one is taken.
    middle.line.receipt(&middle.liar.receipt(&one)).await;
    until("the batch is acknowledged", || middle.commune.store.view().chains[&commune()].acknowledged.0 == 1)
        .await;
    middle.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_district_makes_its_communes_late() {
    let mut middle = Middle::new().await;
    let one = middle.receipted().await;
    middle.passed_on(&one).await;
    let as_of_ms = now_ms();
    let frozen = v1::Heartbeat {
        watermarks: vec![v1::Watermark { origin: commune().to_string(), number: 1, as_of_ms }],
        sent_at_ms: as_of_ms,
        ..v1::Heartbeat::default()
    };
    // The commune records on; what the district says stays as it was.
    let _two = middle.receipted().await;
    let found = async {
        loop {
            middle.up.send(FromChild::Heartbeat(frozen.clone())).await;
            while !matches!(middle.up.next().await, Ok(Some(FromParent::Heartbeat(_)))) {}
            if let Some(late) = late(&middle.province) {
                break late;
            }
        }
    };
    let late = timeout(PATIENCE, found).await.expect("the commune is late at the province");
    assert_eq!(late, as_of_ms);
    assert_eq!(middle.tree.head(province(), commune()), 1);
    middle.end().await;
}

/// Up to when the commune is known at the province, once it counts as late there.
fn late(province: &Node) -> Option<u64> {
    let question = CountQuery {
        measure: danso_core::rollup::Measure::Births,
        units: vec![commune().to_string()],
        by_tier: None,
        months: Some((province.today().month(), province.today().month())),
        filters: Vec::new(),
        group_by: Vec::new(),
        boundary: None,
    };
    let provenance = province.count(&question).unwrap().provenance;
    provenance.late.iter().find(|late| late.unit == commune()).map(|late| late.watermark_ms)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_head_in_the_welcome_holds_the_commune_and_an_old_one_is_harmless() {
    let mut middle = Middle::new().await;
    let one = middle.batch().await;
    let lies = [(9, Digest([7; 32]), "parent_ahead"), (1, Digest([7; 32]), "parent_diverges")];
    for (number, hash, code) in lies {
        middle.line.fail(Status::aborted("the district hangs up")).await;
        middle.line = middle.liar.line().await;
        let heads = vec![head(commune(), number, hash)];
        middle.line.welcome(middle.liar.welcome(&middle.tree, &[], heads)).await;
        middle.held_below(code).await;
    }
    // It says that it has nothing: everything comes again, byte for byte.
    middle.line.fail(Status::aborted("the district hangs up")).await;
    middle.line = middle.liar.line().await;
    middle.line.welcome(middle.liar.welcome(&middle.tree, &[], Vec::new())).await;
    assert_eq!(middle.line.batch().await, one);
    assert_eq!(middle.passed_on(&one).await.hash, one.hash());
    middle.assert_equal_counts();
    middle.end().await;
}
