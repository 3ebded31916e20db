//! The accept loop: TLS handshakes side by side, each bounded in time, all bounded in number.

use super::{
    connection::{Peer, TlsConnection},
    identity::{Identity, IdentityError},
    reason::{Reason, reason},
};
use danso_tier_config::limits;
use futures_util::Stream;
use rustls::ServerConfig;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;

/// How long and how many; the defaults are the program's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Longest TLS handshake, and longest silence after it.
    pub handshake: Duration,
    /// Most connections at once, those in their handshake included.
    pub connections: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            handshake: Duration::from_millis(limits::HANDSHAKE_MS_MAX),
            connections: limits::CONNECTIONS_MAX,
        }
    }
}

/// Accepts connections until the stream is dropped, for tonic's `serve_with_incoming_shutdown`.
///
/// Each connection uses the configuration that is current when it is accepted, so a renewed certificate or
/// a changed authority needs no restart. Items are never errors: a failed handshake is logged once as a
/// warning, with the peer's address, a stable code and the reason, and concerns nobody else. Must be
/// called within a Tokio runtime.
pub fn incoming(
    listener: TcpListener,
    configs: watch::Receiver<Arc<ServerConfig>>,
    bounds: Bounds,
) -> impl Stream<Item = io::Result<TlsConnection>> + Send + Unpin + use<> {
    let (ready, connections) = mpsc::channel(1);
    tokio::spawn(accept_all(listener, configs, bounds, ready));
    ReceiverStream::new(connections)
}

type Ready = mpsc::Sender<io::Result<TlsConnection>>;

async fn accept_all(
    listener: TcpListener,
    configs: watch::Receiver<Arc<ServerConfig>>,
    bounds: Bounds,
    ready: Ready,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let mut refusing = false;
    loop {
        let next = async {
            let place = free_place(&places, bounds.connections).await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = ready.closed() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, address)) => {
                refusing = false;
                let config = configs.borrow().clone();
                tokio::spawn(greet(stream, address, config, bounds.handshake, place, ready.clone()));
            }
            Err(error) if concerns_one_peer(&error) => {}
            Err(error) => {
                if !refusing {
                    tracing::warn!(code = "net_accept", %error, "the system refuses new connections");
                }
                refusing = true;
                sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

async fn free_place(places: &Arc<Semaphore>, connections: usize) -> OwnedSemaphorePermit {
    if let Ok(place) = places.clone().try_acquire_owned() {
        return place;
    }
    tracing::warn!(code = "net_connections_full", connections, "new connections wait for a free place");
    places.clone().acquire_owned().await.expect("the places are never closed")
}

/// Errors of `accept` that come from the connection being accepted, not from this computer.
fn concerns_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted)
}

/// One connection from its first byte to the server, or to the log.
async fn greet(
    stream: TcpStream,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    handshake_max: Duration,
    place: OwnedSemaphorePermit,
    ready: Ready,
) {
    let greeted = tokio::select! {
        () = ready.closed() => return,
        greeted = timeout(handshake_max, handshake(stream, config)) => greeted,
    };
    let refusal = match greeted {
        Ok(Ok((stream, identity))) => {
            let peer = Peer { identity, address };
            // Fails only when the server is gone; the connection is dropped with it.
            let _ = ready.send(Ok(TlsConnection::new(stream, peer, handshake_max, place))).await;
            return;
        }
        Ok(Err(refusal)) => refusal,
        Err(_) => Refusal { reason: reason(&io::Error::from(io::ErrorKind::TimedOut)), stream: None },
    };
    tracing::warn!(
        code = refusal.reason.code(), peer = %address, reason = %refusal.reason, "connection refused"
    );
    if let Some(stream) = refusal.stream {
        let _ = timeout(Duration::from_millis(limits::REFUSED_LINGER_MS), hang_up(stream)).await;
    }
}

/// A handshake that failed; the stream is kept so that the peer can still read the alert.
struct Refusal {
    reason: Reason,
    stream: Option<TcpStream>,
}

async fn handshake(
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> Result<(TlsStream<TcpStream>, Identity), Refusal> {
    // Without it small answers wait for acknowledgements; a failure only costs time.
    let _ = stream.set_nodelay(true);
    let accepted = TlsAcceptor::from(config).accept(stream).into_fallible().await;
    let stream =
        accepted.map_err(|(error, stream)| Refusal { reason: reason(&error), stream: Some(stream) })?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let identity = certificate.ok_or(IdentityError::Missing).and_then(|der| Identity::of_certificate(der));
    match identity {
        Ok(identity) => Ok((stream, identity)),
        Err(error) => Err(Refusal { reason: unidentified(error), stream: None }),
    }
}

/// Only for a configuration that was not made by `Keys`, whose verifier reads the identity first.
fn unidentified(error: IdentityError) -> Reason {
    let error = rustls::CertificateError::Other(rustls::OtherError(Arc::new(error)));
    reason(&rustls::Error::InvalidCertificate(error))
}

/// Ends a refused connection so that its alert arrives: closing with unread bytes would reset the
/// connection, and a reset overtakes the alert at the other side.
async fn hang_up(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut unread = [0; 1_024];
    while matches!(stream.read(&mut unread).await, Ok(bytes) if bytes > 0) {}
}
