//! An accepted connection and who is at its other end.

use super::{
    calls::Calls,
    identity::Identity,
    listener::Bounds,
    open::Line,
    serial::Serial,
    silence::{Blockade, Heard, Silence},
};
use crate::host::Socket;
use std::{
    future::Future,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, Sleep, sleep},
};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// Bytes that every HTTP/2 client sends first, whatever it wants (RFC 9113, section 3.4).
const PREFACE_BYTES: usize = 24;

/// Who is at the other end of a connection; services find it in the extensions of a request.
///
/// Two are equal if holder and address are.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The node or person that the verified certificate names, or a guest.
    pub identity: Identity,
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// The serial number of the certificate, where danso chose it.
    pub serial: Option<Serial>,
    pub(super) waiting: Waiting,
    pub(super) calls: Calls,
    pub(super) heard: Heard,
}

impl Peer {
    /// The serial number in hexadecimal digits; empty where there is none.
    pub fn serial_text(&self) -> String {
        let digits = self.serial.iter().flatten().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
    }

    /// How many bytes the connection has brought so far, those of HTTP/2 itself included.
    pub fn bytes_heard(&self) -> u64 {
        self.heard.bytes()
    }

    /// Says that whoever calls over this connection has proved who it is by other means than a certificate,
    /// so that the connection may stay. Changes nothing for those with a certificate, nor when repeated.
    pub fn vouch(&self) {
        self.waiting.end();
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        (self.identity, self.address) == (other.identity, other.address)
    }
}

impl Eq for Peer {}

/// A guest's place among those for whom nobody has vouched; empty for all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Waiting {
    pub(super) fn at(place: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Mutex::new(Some(place))))
    }

    fn end(&self) {
        drop(self.place().take());
    }

    fn goes_on(&self) -> bool {
        self.place().is_some()
    }

    fn place(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection holds of its server until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) line: Line,
    pub(super) cut: oneshot::Receiver<()>,
    pub(super) place: OwnedSemaphorePermit,
}

/// A connection after its handshake. It holds one of the server's places until it is dropped.
///
/// Reading fails with `TimedOut` if the client's HTTP/2 preface is not there within the bound, and once nothing
/// has come for `LINE_SILENCE_MS_MAX`: HTTP/2 pings make sure that there is something. Writing does once nothing
/// could be written for `LINE_BLOCKED_MS_MAX`. Reading and writing fail with
/// `TimedOut` where nobody has vouched for a guest in time or nobody has called for too long, and with
/// `ConnectionAborted` after
/// [`Connections::recheck`](super::Connections::recheck) has cut the connection.
#[derive(Debug)]
pub struct TlsConnection {
    stream: TlsStream<Socket>,
    peer: Peer,
    greeting: Option<Greeting>,
    guest: Option<Pin<Box<Sleep>>>,
    idle: Pin<Box<Sleep>>,
    idle_max: Duration,
    silence: Silence,
    blockade: Blockade,
    cut: Option<oneshot::Receiver<()>>,
    ended: Option<io::ErrorKind>,
    line: Line,
    _place: OwnedSemaphorePermit,
}

/// The wait for the preface.
#[derive(Debug)]
struct Greeting {
    missing_bytes: usize,
    deadline: Pin<Box<Sleep>>,
}

impl TlsConnection {
    pub(super) fn new(stream: TlsStream<Socket>, peer: Peer, bounds: &Bounds, hold: Hold) -> Self {
        let deadline = Box::pin(sleep(bounds.handshake));
        let guest = peer.waiting.goes_on().then(|| Box::pin(sleep(bounds.guest)));
        let silence = Silence::new(peer.heard.clone());
        Self {
            stream,
            peer,
            greeting: Some(Greeting { missing_bytes: PREFACE_BYTES, deadline }),
            guest,
            idle: Box::pin(sleep(bounds.idle)),
            idle_max: bounds.idle,
            silence,
            blockade: Blockade::default(),
            cut: Some(hold.cut),
            ended: None,
            line: hold.line,
            _place: hold.place,
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// Fails once the connection was cut, or nobody has vouched for a guest in time.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(order) = &mut self.cut
            && let Poll::Ready(order) = Pin::new(order).poll(cx)
        {
            self.cut = None;
            if order.is_ok() {
                self.ended = Some(io::ErrorKind::ConnectionAborted);
            }
        }
        if let Some(deadline) = &mut self.guest
            && deadline.as_mut().poll(cx).is_ready()
        {
            self.guest = None;
            if self.peer.waiting.goes_on() {
                self.ended = Some(io::ErrorKind::TimedOut);
                self.line.refused("tls_guest_idle");
                tracing::warn!(
                    code = "tls_guest_idle", peer = %self.peer.address,
                    "connection dropped: a guest without certificate made no authenticated call"
                );
            }
        }
        self.poll_idle(cx);
        self.ended.map_or(Ok(()), |kind| Err(kind.into()))
    }

    /// Ends a connection on which there has been no call for too long; HTTP/2 pings are no calls.
    fn poll_idle(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none() && self.idle.as_mut().poll(cx).is_ready() {
            // While a call is open, the next look is after the whole time.
            let since = self.peer.calls.idle_since().unwrap_or_else(Instant::now);
            if since.elapsed() < self.idle_max {
                self.idle.as_mut().reset(since + self.idle_max);
                continue;
            }
            self.ended = Some(io::ErrorKind::TimedOut);
            self.line.refused("net_idle");
            tracing::info!(
                code = "net_idle", peer = %self.peer.address, identity = %self.peer.identity,
                "connection closed: there was no call for too long"
            );
        }
    }
}

impl Drop for TlsConnection {
    fn drop(&mut self) {
        // Requests may hold the peer for longer than the connection lasts.
        self.peer.waiting.end();
    }
}

impl Connected for TlsConnection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer()
    }
}

impl AsyncRead for TlsConnection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_end(cx)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if polled.is_ready() {
            this.silence.broken(buffer.filled().len() - before);
        } else if this.silence.too_long(cx) {
            this.ended = Some(io::ErrorKind::TimedOut);
            tracing::info!(
                code = "net_timeout", peer = %this.peer.address, identity = %this.peer.identity,
                "connection closed: nothing came for too long"
            );
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let Some(greeting) = &mut this.greeting else { return polled };
        if polled.is_ready() {
            greeting.missing_bytes = greeting.missing_bytes.saturating_sub(buffer.filled().len() - before);
            if greeting.missing_bytes == 0 {
                this.greeting = None;
            }
        } else if greeting.deadline.as_mut().poll(cx).is_ready() {
            this.greeting = None;
            this.ended = Some(io::ErrorKind::TimedOut);
            this.line.refused("tls_silent");
            tracing::warn!(
                code = "tls_silent", peer = %this.peer.address, identity = %this.peer.identity,
                "connection dropped: nothing was asked after the TLS handshake"
            );
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

impl AsyncWrite for TlsConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_end(cx)?;
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.blockade.watch(polled, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_end(cx)?;
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.blockade.watch(polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.blockade.watch(polled, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_end(cx)?;
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        this.blockade.watch(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
