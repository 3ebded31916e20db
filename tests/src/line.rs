//! A bad line: carries TCP late, slowly and with losses; can be cut, fall silent, and come back.

use crate::{random::Dice, wait::moment};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// Bytes of a packet.
const PACKET_BYTES: usize = 1_400;
/// Packets on their way in one direction of a connection, which is what a slow line buffers.
const PACKETS_ON_THEIR_WAY: usize = 8;

/// How bad a line is, the same in both directions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quality {
    /// Time that a packet takes one way.
    pub delay: Duration,
    /// Bytes a second of one direction; 0 for as many as come.
    pub bytes_a_second: u64,
    /// Of 100 packets, those that are lost; each comes after a repetition, and all behind it wait.
    pub lost_percent: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections are closed as soon as they are there.
    Cut,
    /// Connections stay, and nothing that is sent arrives.
    Silent,
    /// What is sent arrives, and no answer comes back.
    Deaf,
}

/// A line to one address; ends with the value.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: watch::Sender<State>,
    to: watch::Sender<SocketAddr>,
    quality: Quality,
    opened: AtomicUsize,
    carried: AtomicU64,
    /// Of these, those that were no answer.
    there: AtomicU64,
    seed: u64,
}

impl Line {
    /// A line from a free port at `from` (its port is not looked at) to `to`.
    pub async fn open(from: SocketAddr, to: SocketAddr, quality: Quality) -> Self {
        let listener = TcpListener::bind((from.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: watch::Sender::new(State::Open),
            to: watch::Sender::new(to),
            quality,
            opened: AtomicUsize::new(0),
            carried: AtomicU64::new(0),
            there: AtomicU64::new(0),
            seed: Dice::thrown().number(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// Where one dials.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection, and every new one at once.
    pub fn cut(&self) {
        self.shared.state.send_replace(State::Cut);
    }

    /// From now on nothing arrives any more, in neither direction, and no connection is closed: not even
    /// after [`Self::restore`], which lets only new ones through.
    pub fn fall_silent(&self) {
        self.shared.state.send_replace(State::Silent);
    }

    /// From now on no answer comes back, whatever arrives at the other end; nor over the connections of that
    /// time after [`Self::restore`].
    pub fn lose_answers(&self) {
        self.shared.state.send_replace(State::Deaf);
    }

    /// New connections are carried again.
    pub fn restore(&self) {
        self.shared.state.send_replace(State::Open);
    }

    /// New connections lead to another address.
    pub fn lead_to(&self, to: SocketAddr) {
        self.shared.to.send_replace(to);
    }

    /// Connections that were carried so far.
    pub fn opened(&self) -> usize {
        self.shared.opened.load(SeqCst)
    }

    /// Bytes that were carried so far towards the other end, without answers.
    pub fn carried_there(&self) -> u64 {
        self.shared.there.load(SeqCst)
    }

    /// Bytes that were carried so far, both directions together.
    pub fn carried(&self) -> u64 {
        self.shared.carried.load(SeqCst)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Before the task, whose connections would otherwise go on without it.
        self.cut();
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((near, _)) = listener.accept().await {
        if *shared.state.borrow() != State::Cut {
            tokio::spawn(carry(near, Arc::clone(&shared)));
        }
    }
}

async fn carry(near: TcpStream, shared: Arc<Shared>) {
    let mut cut = shared.state.subscribe();
    tokio::select! {
        _ = carry_both(near, &shared) => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn carry_both(mut near: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let mut silent = shared.state.subscribe();
    near.set_nodelay(true)?;
    // The handshake of TCP itself takes a way there and a way back.
    moment(2 * shared.quality.delay).await;
    let state = *silent.borrow_and_update();
    if state == State::Silent {
        return std::future::pending().await;
    }
    let to = *shared.to.borrow();
    let mut far = TcpStream::connect(to).await?;
    far.set_nodelay(true)?;
    let number = shared.opened.fetch_add(1, SeqCst) as u64;
    // Borrowed, so that a direction that is not carried any more is not closed either.
    let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
    tokio::select! {
        ended = one_way(near_in, far_out, shared, 2 * number) => return ended,
        ended = back(far_in, near_out, shared, 2 * number + 1) => return ended,
        () = is(&mut silent, State::Silent) => {}
    }
    std::future::pending().await
}

/// Carries answers, until they are lost.
async fn back(from: ReadHalf<'_>, to: WriteHalf<'_>, shared: &Shared, way: u64) -> io::Result<()> {
    let mut deaf = shared.state.subscribe();
    tokio::select! {
        ended = one_way(from, to, shared, way) => return ended,
        () = is(&mut deaf, State::Deaf) => {}
    }
    std::future::pending().await
}

async fn is(now: &mut watch::Receiver<State>, state: State) {
    let _ = now.wait_for(|now| *now == state).await;
}

/// Carries one direction until its end, which ends the connection.
async fn one_way(from: ReadHalf<'_>, to: WriteHalf<'_>, shared: &Shared, way: u64) -> io::Result<()> {
    let (on_the_way, arriving) = mpsc::channel(PACKETS_ON_THEIR_WAY);
    let taking = take(from, on_the_way, shared, way);
    let (taken, arrived) = tokio::join!(taking, arrive(to, arriving, shared, way));
    taken.and(arrived)
}

/// Puts packets on their way, each with the time at which it arrives.
async fn take(
    mut from: ReadHalf<'_>,
    on_the_way: mpsc::Sender<(Instant, Vec<u8>)>,
    shared: &Shared,
    way: u64,
) -> io::Result<()> {
    let mut dice = Dice::of(shared.seed.wrapping_add(way));
    let quality = shared.quality;
    let mut packet = vec![0; PACKET_BYTES];
    loop {
        let length = from.read(&mut packet).await?;
        if length == 0 {
            return Ok(());
        }
        if quality.bytes_a_second > 0 {
            moment(Duration::from_secs_f64(length as f64 / quality.bytes_a_second as f64)).await;
        }
        let mut arrival = Instant::now() + quality.delay;
        // A sender notices a loss after a way there and back, and waits longer at each repetition.
        let mut wait = 2 * quality.delay;
        while dice.below(100) < quality.lost_percent {
            arrival += wait;
            wait = (2 * wait).min(8 * quality.delay);
        }
        if on_the_way.send((arrival, packet[..length].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

async fn arrive(
    mut to: WriteHalf<'_>,
    mut arriving: mpsc::Receiver<(Instant, Vec<u8>)>,
    shared: &Shared,
    way: u64,
) -> io::Result<()> {
    while let Some((arrival, packet)) = arriving.recv().await {
        moment(arrival.saturating_duration_since(Instant::now())).await;
        to.write_all(&packet).await?;
        shared.carried.fetch_add(packet.len() as u64, SeqCst);
        // Of each connection the even way leads there, the odd one back.
        if way.is_multiple_of(2) {
            shared.there.fetch_add(packet.len() as u64, SeqCst);
        }
    }
    to.shutdown().await
}
