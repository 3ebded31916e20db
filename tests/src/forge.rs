//! Crafted batches, and a child's link spoken by hand over real TLS.

use crate::{Tree, entries::date};
use danso_core::{
    chain::{
        Batch, Exclusions, Head, Header, LedgerKey, PublicKey, SealInput, SealedChange, Signed, seal, strip,
    },
    domain::{
        Area, BirthPlace, Core, Education, Ethnicity, Event, HouseholdChange, HouseholdId, HouseholdKind,
        HouseholdState, Marital, PersonChange, PersonFacts, PersonId, PersonState, Personal, RecordedAt,
        Residence, Sex,
    },
    rollup::claim,
};
use danso_node::{
    runtime::keys,
    transport::tls::{Keys, connect},
    wire::link::{batch_message, signed_message},
};
use danso_proto::v1::{
    self, ChildMessage, ParentMessage, child_message::Message as FromChild,
    parent_message::Message as FromParent, replication_client::ReplicationClient,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::{
    task::{Context, Poll},
    time::{Duration, SystemTime},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Status, Streaming,
    body::Body,
    codegen::{Service, http},
    transport::Channel,
};

/// How long a parent may take to answer on a loaded machine before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);
/// When the first forged change was recorded: 2026-02-02, after every forged event.
const RECORDED_MS: u64 = 1_770_000_000_000;

/// The name in the personal part of every forged birth.
pub const FORGED_NAME: &str = "Trần Thị Bí Mật";

/// Writes the chain of an origin, with the origin's key or another one.
pub struct Forger {
    pub origin: UnitId,
    pub key: LedgerKey,
    /// The head that the next batch follows.
    pub head: Head,
}

impl Forger {
    /// A forger at the beginning of a unit's chain, with the unit's own key.
    pub fn new(tree: &Tree, origin: UnitId) -> Self {
        Self { origin, key: tree.ledger_key(origin), head: Head::default() }
    }

    /// Births that keep every rule, one a change, each with a name, from the next sequence on.
    pub fn births(&self, count: u64) -> Vec<SealedChange> {
        (0..count).map(|n| self.named(&self.birth(self.head.next.0 + n))).collect()
    }

    /// The core of a birth at `sequence`: a girl of January 2026 as the second member of a household.
    pub fn birth(&self, sequence: u64) -> Core {
        let household = HouseholdId { unit: self.origin, serial: 1 };
        let child = PersonState {
            household,
            sex: Sex::Female,
            birth: "2026-01".parse().unwrap(),
            ethnicity: Ethnicity::KINH,
            education: Education::None,
            marital: Marital::NeverMarried,
            residence: Residence::Present,
            method: None,
        };
        let home = |size| Some(HouseholdState { area: Area(1), kind: HouseholdKind::Family, size });
        Core {
            recorded_at: RecordedAt::from_millis(RECORDED_MS + sequence),
            effective_on: date("2026-01-15"),
            area: Area(1),
            event: Event::Born {
                order: 1,
                mother_birth: "1995-05".parse().unwrap(),
                place: BirthPlace::Home,
            },
            persons: vec![PersonChange {
                id: PersonId { unit: self.origin, serial: sequence },
                before: None,
                after: Some(child),
            }],
            households: vec![HouseholdChange { id: household, before: home(1), after: home(2) }],
        }
    }

    /// A core with a personal part, ready to be sealed.
    pub fn named(&self, core: &Core) -> SealedChange {
        let facts = PersonFacts {
            name: FORGED_NAME.to_owned(),
            birth_date: Some(core.effective_on),
            citizen_number: "001326009999".to_owned(),
            ..PersonFacts::default()
        };
        let person = core.persons[0].id;
        let personal = Personal { persons: vec![(person, facts)], ..Personal::default() };
        SealedChange {
            core: core.encode(),
            personal: Some(([person.serial as u8; 16], personal.encode())),
            recorded_at: core.recorded_at,
        }
    }

    /// Seals changes as the next batch, with the deltas that follow from them, all three frames present.
    pub fn seal(&self, changes: &[SealedChange]) -> Batch {
        let cores: Vec<Core> = changes.iter().filter_map(|change| Core::decode(&change.core).ok()).collect();
        self.seal_claiming(changes, &claim(&cores))
    }

    /// Seals changes with any claim of deltas.
    pub fn seal_claiming(&self, changes: &[SealedChange], deltas: &[Vec<u8>]) -> Batch {
        seal(&SealInput { origin: self.origin, head: self.head, changes, deltas }, &self.key)
    }

    /// Edits a batch's header and signs it again.
    pub fn edit_header(&self, batch: &Batch, edit: impl FnOnce(&mut Header)) -> Batch {
        let mut header: Header = batch.header.decode_trusted().unwrap();
        edit(&mut header);
        Batch { header: Signed::sign(&header, &self.key), ..batch.clone() }
    }

    /// The next batch of `births` births as it travels with names; the chain goes on after it.
    pub fn next(&mut self, births: u64) -> Batch {
        let batch = strip(self.seal(&self.births(births)), Policy::Names);
        self.follow(&batch);
        batch
    }

    /// The chain goes on after `batch`.
    pub fn follow(&mut self, batch: &Batch) {
        self.head = Head::after(&batch.header.decode_trusted().unwrap(), batch.hash());
    }
}

/// Edits signed exclusions and signs them with a key.
pub fn edit_exclusions(signed: &Signed, key: &LedgerKey, edit: impl FnOnce(&mut Exclusions)) -> Signed {
    let mut exclusions: Exclusions = signed.decode_trusted().unwrap();
    edit(&mut exclusions);
    Signed::sign(&exclusions, key)
}

/// The registered public ledger key of a unit.
pub fn public_key(tree: &Tree, unit: UnitId) -> PublicKey {
    tree.ledger_key(unit).public()
}

/// A channel to the node of `to` with the certificate of `holder`.
pub async fn channel(tree: &Tree, holder: UnitId, to: UnitId) -> Channel {
    let keys = Keys::read(&tree.keys(holder), SystemTime::now()).unwrap();
    connect(&tree.address(to).to_string(), to, keys.client()).await.unwrap()
}

/// The authority's registration of a unit's ledger key.
pub fn registration(tree: &Tree, unit: UnitId) -> v1::SignedStatement {
    signed_message(&keys::read(&tree.keys(unit), unit).unwrap().registrations[0])
}

/// A hello of `child` that names no heads and brings the keys of `origins`.
pub fn hello(tree: &Tree, child: UnitId, origins: &[UnitId]) -> v1::Hello {
    v1::Hello {
        protocol_version: limits::PROTOCOL_VERSION,
        protocol_version_min: limits::PROTOCOL_VERSION_MIN,
        unit: child.to_string(),
        heads: Vec::new(),
        registrations: origins.iter().map(|origin| registration(tree, *origin)).collect(),
        software: "forged".to_owned(),
    }
}

fn message(content: FromChild) -> ChildMessage {
    ChildMessage { message: Some(content) }
}

/// A child's stream to its parent, spoken message by message.
pub struct ChildLink {
    out: mpsc::Sender<ChildMessage>,
    inbound: Streaming<ParentMessage>,
}

impl ChildLink {
    /// Opens a stream with any first message.
    pub async fn begin(channel: Channel, first: ChildMessage) -> Result<Self, Status> {
        let (out, outgoing) = mpsc::channel(64);
        out.send(first).await.unwrap();
        let mut client = ReplicationClient::new(channel);
        let inbound = client.link(ReceiverStream::new(outgoing)).await?.into_inner();
        Ok(Self { out, inbound })
    }

    /// Opens a stream with a hello; the parent's answer is still to be read.
    pub async fn greet(
        tree: &Tree,
        holder: UnitId,
        parent: UnitId,
        hello: v1::Hello,
    ) -> Result<Self, Status> {
        Self::begin(channel(tree, holder, parent).await, message(FromChild::Hello(hello))).await
    }

    /// Opens a stream as `child` and is welcomed.
    pub async fn open(tree: &Tree, child: UnitId, parent: UnitId, origins: &[UnitId]) -> (Self, v1::Welcome) {
        let mut link = Self::greet(tree, child, parent, hello(tree, child, origins)).await.unwrap();
        let welcome = link.welcome().await;
        (link, welcome)
    }

    pub async fn welcome(&mut self) -> v1::Welcome {
        match self.next().await {
            Ok(Some(FromParent::Welcome(welcome))) => welcome,
            other => panic!("no welcome: {other:?}"),
        }
    }

    pub async fn send(&self, content: FromChild) {
        self.out.send(message(content)).await.unwrap();
    }

    /// The same over a link that may have ended.
    pub async fn send_if_open(&self, content: FromChild) {
        let _ = self.out.send(message(content)).await;
    }

    pub async fn send_batch(&self, batch: &Batch) {
        self.send(FromChild::Batch(batch_message(batch.clone()))).await;
    }

    /// The next message; `None` when the parent closed the stream in good order.
    pub async fn next(&mut self) -> Result<Option<FromParent>, Status> {
        let next = timeout(PATIENCE, self.inbound.message()).await.expect("the parent says nothing");
        Ok(next?.map(|message| message.message.expect("a message with content")))
    }

    /// The next answer about a batch; keys, relayed receipts and heartbeats come in between.
    async fn answer(&mut self) -> Result<Option<FromParent>, Status> {
        loop {
            match self.next().await {
                Ok(Some(
                    FromParent::Registrations(_)
                    | FromParent::Relayed(_)
                    | FromParent::Erasures(_)
                    | FromParent::Heartbeat(_),
                )) => {}
                other => return other,
            }
        }
    }

    /// The next answer, which is a receipt.
    pub async fn receipt(&mut self) -> Signed {
        match self.answer().await {
            Ok(Some(FromParent::Receipt(receipt))) => danso_node::wire::link::signed(receipt),
            other => panic!("no receipt: {other:?}"),
        }
    }

    /// The next answer, which is a refusal.
    pub async fn refusal(&mut self) -> v1::Refusal {
        match self.answer().await {
            Ok(Some(FromParent::Refusal(refusal))) => refusal,
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// The status with which the parent ends the stream; a heartbeat that comes before it is answered with one.
    pub async fn end(&mut self) -> Status {
        let ending = async {
            loop {
                match self.next().await {
                    Ok(Some(FromParent::Heartbeat(_))) => {
                        self.send_if_open(FromChild::Heartbeat(v1::Heartbeat::default())).await;
                    }
                    Err(status) => return status,
                    Ok(other) => panic!("the stream goes on: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, ending).await.expect("the stream goes on")
    }
}

/// A channel that sends these bytes in place of every request's body.
#[derive(Clone)]
struct Garbled {
    channel: Channel,
    body: String,
    encoding: Option<&'static str>,
}

impl Service<http::Request<Body>> for Garbled {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = <Channel as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.channel, context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut request = request.map(|_| Body::new(self.body.clone()));
        if let Some(encoding) = self.encoding {
            request.headers_mut().insert("grpc-encoding", http::HeaderValue::from_static(encoding));
        }
        Service::call(&mut self.channel, request)
    }
}

/// One gRPC frame around an ASCII payload.
pub fn grpc_frame(payload: &str) -> String {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    assert!(length.iter().all(u8::is_ascii), "a length whose bytes are ASCII");
    format!("\0{}{payload}", std::str::from_utf8(&length).unwrap())
}

/// Opens a link whose stream is these bytes and gives the status with which the parent ends it.
pub async fn garbage(channel: Channel, body: &str, encoding: Option<&'static str>) -> Status {
    let mut client = ReplicationClient::new(Garbled { channel, body: body.to_owned(), encoding });
    let opened =
        timeout(PATIENCE, client.link(tokio_stream::empty())).await.expect("the parent says nothing");
    match opened {
        Err(status) => status,
        Ok(stream) => {
            let ended = timeout(PATIENCE, stream.into_inner().message()).await;
            ended.expect("the parent says nothing").expect_err("the parent takes garbage")
        }
    }
}
