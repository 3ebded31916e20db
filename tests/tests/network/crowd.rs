//! Communes whose links are spoken by the test: each with its own keys, address and batch, with the limits and
//! delays of a node.

use danso_core::{chain::Batch, replication::backoff_ms};
use danso_node::{
    host::{Listener, Network, Opening, Socket, tcp},
    runtime::keys,
    transport::{
        authority::{Authority, Validity},
        tls::{Keys, connect_over},
    },
    wire::{link::batch_message, status::code_of},
};
use danso_proto::v1::{
    ChildMessage, Heartbeat, Hello, ParentMessage, child_message::Message as FromChild,
    parent_message::Message as FromParent, replication_client::ReplicationClient,
};
use danso_tests::{
    Dice, Tree,
    forge::{self, Forger},
    unit,
    wait::moment,
};
use danso_tier_config::{
    Directory, Limits, UnitId,
    limits::{HANDSHAKE_MS_MAX, STREAM_SILENCE_MS_MAX},
};
use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};
use tokio::{net::TcpSocket, sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

/// First number of the communes' codes.
const FIRST_CODE: usize = 10_000;
/// Communes whose keys are written one after the other.
const EQUIPPED_TOGETHER: usize = 50;

/// Connections from an address of one's own: every commune has one.
struct Own(Ipv4Addr);

impl Network for Own {
    fn listen(&self, address: SocketAddr) -> Opening<'_, Box<dyn Listener>> {
        Box::pin(async move { tcp().listen(address).await })
    }

    fn look_up<'a>(&'a self, address: &'a str) -> Opening<'a, Vec<SocketAddr>> {
        Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
    }

    fn connect(&self, target: SocketAddr) -> Opening<'_, Socket> {
        Box::pin(async move {
            let socket = TcpSocket::new_v4()?;
            socket.bind((self.0, 0).into())?;
            let stream = socket.connect(target).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Socket)
        })
    }
}

/// What happened to all of them.
#[derive(Default)]
pub(super) struct Tally {
    /// How often one tried.
    pub attempts: AtomicU64,
    /// How many are linked.
    pub linked: AtomicU64,
    /// Why one was not linked, or not any more.
    pub refusals: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    fn refused(&self, code: String) {
        *self.refusals.lock().unwrap().entry(code).or_default() += 1;
    }
}

/// A commune whose link is spoken by the test.
pub(super) struct Child {
    keys: PathBuf,
    from: Arc<Own>,
    hello: Hello,
    batch: Batch,
}

impl Child {
    /// A commune of the crowd, with keys of its own.
    fn new(tree: &Tree, issuer: &Authority, number: usize) -> Self {
        let unit = code(number);
        let (authority, keys) = (tree.path("authority"), tree.keys(unit));
        fs::create_dir_all(&keys).unwrap();
        let certified = issuer.issue_node(unit, &[], Validity::days(SystemTime::now(), 30)).unwrap();
        certified.write(&keys, issuer.certificate_pem()).unwrap();
        keys::create_node(&authority, &keys, unit, 1).unwrap();
        let place = u8::try_from(number / 250).unwrap();
        Self {
            from: Arc::new(Own(Ipv4Addr::new(127, 255, place, 1 + (number % 250) as u8))),
            hello: forge::hello(tree, unit, &[unit]),
            batch: Forger::new(tree, unit).next(1),
            keys,
        }
    }

    /// Connects, is welcomed, and where the parent has not its batch yet, brings it and has it signed for.
    async fn link(&self, parent: UnitId, address: &str) -> Result<Link, String> {
        let keys = Keys::read(&self.keys, SystemTime::now()).unwrap();
        let channel = connect_over(Arc::clone(&self.from) as _, address, parent, keys.client())
            .await
            .map_err(|error| error.code().to_owned())?;
        let mut link = Link::open(channel, self.hello.clone()).await?;
        let nothing_there = |message| match message {
            FromParent::Welcome(welcome) => Some(welcome.heads.is_empty()),
            _ => None,
        };
        if link.heard(HANDSHAKE_MS_MAX, nothing_there).await? {
            link.say(FromChild::Batch(batch_message(self.batch.clone()))).await?;
            let signed = |message| matches!(message, FromParent::Receipt(_)).then_some(());
            link.heard(STREAM_SILENCE_MS_MAX, signed).await?;
        }
        Ok(link)
    }

    /// Comes, stays and comes back, with the delays of a node.
    pub async fn live(self, parent: UnitId, address: String, tally: Arc<Tally>) {
        let limits = Limits::default();
        let mut dice = Dice::of(u64::from(u32::from(self.from.0)));
        let mut attempt = 0;
        loop {
            tally.attempts.fetch_add(1, SeqCst);
            let ended = match self.link(parent, &address).await {
                Ok(mut link) => {
                    attempt = 0;
                    tally.linked.fetch_add(1, SeqCst);
                    let ended = link.beat(limits.heartbeat_ms).await;
                    tally.linked.fetch_sub(1, SeqCst);
                    ended
                }
                Err(code) => code,
            };
            tally.refused(ended);
            let (first, most) = (limits.backoff_first_ms, limits.backoff_max_ms);
            moment(Duration::from_millis(backoff_ms(attempt, first, most, dice.number()))).await;
            attempt += 1;
        }
    }
}

/// Nothing was heard in time.
const SILENT: &str = "stream_silent";
/// The other side ended the stream in good order, or this side found it ended.
const ENDED: &str = "stream_ended";

/// A link whose end is a code: a node would begin anew.
struct Link {
    out: mpsc::Sender<ChildMessage>,
    inbound: Streaming<ParentMessage>,
}

impl Link {
    async fn open(channel: Channel, hello: Hello) -> Result<Self, String> {
        let (out, outgoing) = mpsc::channel(8);
        let mut client = ReplicationClient::new(channel);
        out.send(ChildMessage { message: Some(FromChild::Hello(hello)) }).await.unwrap();
        let answer = client.link(ReceiverStream::new(outgoing)).await;
        Ok(Self { out, inbound: answer.map_err(|status| code_of(&status))?.into_inner() })
    }

    async fn say(&self, message: FromChild) -> Result<(), String> {
        self.out.send(ChildMessage { message: Some(message) }).await.map_err(|_| ENDED.to_owned())
    }

    /// The first message that is looked for.
    async fn heard<T>(
        &mut self,
        silence_ms: u64,
        looked_for: impl Fn(FromParent) -> Option<T>,
    ) -> Result<T, String> {
        loop {
            let next = timeout(Duration::from_millis(silence_ms), self.inbound.message()).await;
            let message = next.map_err(|_| SILENT)?.map_err(|status| code_of(&status))?.ok_or(ENDED)?;
            match message.message.expect("a message with content") {
                FromParent::Refusal(refusal) => return Err(refusal.code),
                other => {
                    if let Some(found) = looked_for(other) {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Says heartbeats, as a node does that has nothing else to say, until the link ends; gives the code.
    async fn beat(&mut self, heartbeat_ms: u64) -> String {
        loop {
            if let Err(code) = self.say(FromChild::Heartbeat(Heartbeat::default())).await {
                return code;
            }
            let ended = self.heard(heartbeat_ms, |_| None::<()>).await.expect_err("nothing is looked for");
            if ended != SILENT {
                return ended;
            }
        }
    }
}

/// The unit of a commune of the crowd.
pub(super) fn code(number: usize) -> UnitId {
    unit(&format!("{:05}", FIRST_CODE + number))
}

/// A country with that many communes more in its province.
pub(super) fn country(children: usize) -> Tree {
    let mut tree = Tree::three();
    let like = tree.directory.unit(unit("00001")).unwrap().clone();
    let more = (0..children).map(|number| {
        let (id, name) = (code(number), format!("Xã số {number}"));
        Directory::simple_unit(id, &name, like.kind, &like.tier, like.parent)
    });
    let rows = tree.directory.rows().iter().cloned().chain(more).collect();
    tree.directory = Directory::from_rows(rows, Vec::new()).unwrap();
    fs::write(tree.path("directory.csv"), tree.directory.to_csv()).unwrap();
    tree.limits = Limits::default();
    tree
}

/// All communes of a crowd. Their keys are written side by side, since each waits for the disk.
pub(super) fn equipped(tree: &Tree, children: usize) -> Vec<Child> {
    let issuer = Authority::open(&tree.path("authority")).unwrap();
    let numbers: Vec<usize> = (0..children).collect();
    let equip = |part: &[usize]| part.iter().map(|number| Child::new(tree, &issuer, *number)).collect();
    std::thread::scope(|scope| {
        let together = numbers.chunks(EQUIPPED_TOGETHER);
        let parts: Vec<_> = together.map(|part| scope.spawn(|| -> Vec<Child> { equip(part) })).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}
