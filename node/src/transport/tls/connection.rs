//! An accepted connection and who is at its other end.

use super::identity::Identity;
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// Bytes that every HTTP/2 client sends first, whatever it wants (RFC 9113, section 3.4).
const PREFACE_BYTES: usize = 24;

/// Who is at the other end of a connection; services find it in the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The node or person that the verified certificate names.
    pub identity: Identity,
    /// Where the connection comes from.
    pub address: SocketAddr,
}

/// An authenticated connection. It holds one of the server's places until it is dropped.
///
/// Reading fails with `TimedOut` if the client's HTTP/2 preface is not there within the bound: after it,
/// HTTP/2 keep-alive watches the connection, before it nothing else would.
#[derive(Debug)]
pub struct TlsConnection {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    greeting: Option<Greeting>,
    _place: OwnedSemaphorePermit,
}

/// The wait for the preface.
#[derive(Debug)]
struct Greeting {
    missing_bytes: usize,
    deadline: Pin<Box<Sleep>>,
}

impl TlsConnection {
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        peer: Peer,
        greeting_max: Duration,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let deadline = Box::pin(sleep(greeting_max));
        Self {
            stream,
            peer,
            greeting: Some(Greeting { missing_bytes: PREFACE_BYTES, deadline }),
            _place: place,
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }
}

impl Connected for TlsConnection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

impl AsyncRead for TlsConnection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some(greeting) = &mut this.greeting else { return polled };
        if polled.is_ready() {
            greeting.missing_bytes = greeting.missing_bytes.saturating_sub(buffer.filled().len() - before);
            if greeting.missing_bytes == 0 {
                this.greeting = None;
            }
        } else if greeting.deadline.as_mut().poll(cx).is_ready() {
            this.greeting = None;
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
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
