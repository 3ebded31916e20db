//! The accept loop: TLS handshakes side by side, each bounded in time, all bounded in number.

use super::{
    calls::Calls,
    connection::{Hold, Peer, TlsConnection, Waiting},
    identity::{Identity, IdentityError},
    open::{AddressPlace, Connections, Overfull},
    reason::{Reason, reason},
    serial::serial_of,
    silence::Heard,
    trust::noting,
};
use crate::host::{Listener, Socket};
use danso_tier_config::limits;
use futures_util::Stream;
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
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
    /// Most connections at once from one address, those in their handshake included.
    pub per_address: usize,
    /// Most connections at once with certificates of one holder.
    pub per_identity: usize,
    /// Most guests at once for whom nobody has vouched.
    pub guests: usize,
    /// Longest time until somebody vouches for a guest.
    pub guest: Duration,
    /// Longest time without a call.
    pub idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            handshake: Duration::from_millis(limits::HANDSHAKE_MS_MAX),
            connections: limits::CONNECTIONS_MAX,
            per_address: limits::CONNECTIONS_PER_ADDRESS_MAX,
            per_identity: limits::CONNECTIONS_PER_IDENTITY_MAX,
            guests: limits::GUESTS_MAX,
            guest: Duration::from_millis(limits::GUEST_MS_MAX),
            idle: Duration::from_millis(limits::CONNECTION_IDLE_MS_MAX),
        }
    }
}

/// As [`incoming_with`], with a register of open connections that nobody else sees.
pub fn incoming(
    listener: Box<dyn Listener>,
    configs: watch::Receiver<Arc<ServerConfig>>,
    bounds: Bounds,
) -> impl Stream<Item = io::Result<TlsConnection>> + Send + Unpin + use<> {
    incoming_with(listener, configs, bounds, Connections::default())
}

/// Accepts connections until the stream is dropped, for tonic's `serve_with_incoming_shutdown`, and enters
/// each into `connections` until it ends.
///
/// Each connection uses the configuration that is current when it is accepted, so a renewed certificate or
/// a changed authority needs no restart. Items are never errors: a failed handshake is logged once as a
/// warning, with the peer's address, a stable code and the reason, and concerns nobody else. Must be
/// called within a Tokio runtime.
pub fn incoming_with(
    listener: Box<dyn Listener>,
    configs: watch::Receiver<Arc<ServerConfig>>,
    bounds: Bounds,
    connections: Connections,
) -> impl Stream<Item = io::Result<TlsConnection>> + Send + Unpin + use<> {
    let (ready, accepted) = mpsc::channel(1);
    let door = Arc::new(Door {
        connections,
        bounds,
        guests: Arc::new(Semaphore::new(bounds.guests)),
        guests_told: AtomicBool::new(false),
        ready,
    });
    tokio::spawn(accept_all(listener, configs, door));
    ReceiverStream::new(accepted)
}

/// What all connections of a listener share.
struct Door {
    connections: Connections,
    bounds: Bounds,
    guests: Arc<Semaphore>,
    guests_told: AtomicBool,
    ready: mpsc::Sender<io::Result<TlsConnection>>,
}

async fn accept_all(
    mut listener: Box<dyn Listener>,
    configs: watch::Receiver<Arc<ServerConfig>>,
    door: Arc<Door>,
) {
    let places = Arc::new(Semaphore::new(door.bounds.connections));
    let mut refusing = false;
    loop {
        let next = async {
            let place = free_place(&places, door.bounds.connections).await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = door.ready.closed() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, address)) => {
                refusing = false;
                // Before the configuration is read: a recheck in between must be noticed.
                match door.connections.admit(address.ip(), door.bounds.per_address) {
                    Ok(from) => {
                        let config = configs.borrow().clone();
                        tokio::spawn(Arc::clone(&door).greet(stream, address, config, from, place));
                    }
                    Err(full) => {
                        door.tell(
                            full,
                            "net_address_full",
                            address,
                            "too many connections from this address",
                        );
                    }
                }
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

impl Door {
    /// Counts a connection that was not taken, and logs it if it is the first one for this cause.
    fn tell(&self, full: Overfull, code: &'static str, peer: SocketAddr, because: &'static str) {
        match full {
            Overfull::Full { first } => {
                self.connections.refused(code);
                if first {
                    tracing::warn!(code, %peer, reason = because, "connection refused");
                }
            }
            Overfull::Outdated => {
                tracing::info!(%peer, "connection refused: the rules were exchanged during its handshake");
            }
        }
    }

    /// One connection from its first byte to the server, or to the log.
    async fn greet(
        self: Arc<Self>,
        stream: Socket,
        address: SocketAddr,
        config: Arc<ServerConfig>,
        from: AddressPlace,
        place: OwnedSemaphorePermit,
    ) {
        let greeted = tokio::select! {
            () = self.ready.closed() => return,
            greeted = timeout(self.bounds.handshake, handshake(stream, config)) => greeted,
        };
        let refusal = match greeted {
            Ok(Ok(shaken)) => return self.enter(shaken, address, from, place).await,
            Ok(Err(refusal)) => refusal,
            Err(_) => Refusal { reason: reason(&io::Error::from(io::ErrorKind::TimedOut)), stream: None },
        };
        self.connections.refused(refusal.reason.code());
        tracing::warn!(
            code = refusal.reason.code(), peer = %address, reason = %refusal.reason, "connection refused"
        );
        if let Some(stream) = refusal.stream {
            let _ = timeout(Duration::from_millis(limits::REFUSED_LINGER_MS), hang_up(stream)).await;
        }
    }

    /// Gives a connection after its handshake to the server, if there is room for such a one.
    async fn enter(
        &self,
        (stream, identity): (TlsStream<Socket>, Identity),
        address: SocketAddr,
        from: AddressPlace,
        place: OwnedSemaphorePermit,
    ) {
        let chain = stream.get_ref().1.peer_certificates().map_or_else(Vec::new, <[_]>::to_vec);
        let serial = chain.first().and_then(|certificate| serial_of(certificate));
        let chain: Arc<[CertificateDer<'static>]> = chain.into();
        let entered = match self.waiting(identity) {
            Ok(waiting) => self
                .connections
                .enter(from, (identity, address), chain, self.bounds.per_identity)
                .map_err(|full| (full, "net_identity_full", "too many connections of this holder"))
                .map(|(line, cut)| (waiting, line, cut)),
            Err(full) => Err((full, "net_guests_full", "too many connections without certificate")),
        };
        match entered {
            Ok((waiting, line, cut)) => {
                let (calls, heard) = (Calls::default(), Heard::default());
                let peer = Peer { identity, address, serial, waiting, calls, heard };
                let connection = TlsConnection::new(stream, peer, &self.bounds, Hold { line, cut, place });
                // Fails only when the server is gone; the connection is dropped with it.
                let _ = self.ready.send(Ok(connection)).await;
            }
            Err((full, code, because)) => {
                self.tell(full, code, address, because);
                let _ = timeout(Duration::from_millis(limits::REFUSED_LINGER_MS), hang_up(stream)).await;
            }
        }
    }

    /// A guest's place among those who wait to be vouched for; nothing for others.
    fn waiting(&self, identity: Identity) -> Result<Waiting, Overfull> {
        if identity != Identity::Guest {
            return Ok(Waiting::default());
        }
        match Arc::clone(&self.guests).try_acquire_owned() {
            Ok(place) => {
                self.guests_told.store(false, Ordering::Relaxed);
                Ok(Waiting::at(place))
            }
            Err(_) => Err(Overfull::Full { first: !self.guests_told.swap(true, Ordering::Relaxed) }),
        }
    }
}

/// A handshake that failed; the stream is kept so that the peer can still read the alert.
struct Refusal {
    reason: Reason,
    stream: Option<Socket>,
}

async fn handshake(
    stream: Socket,
    config: Arc<ServerConfig>,
) -> Result<(TlsStream<Socket>, Identity), Refusal> {
    let (accepted, fault) = noting(TlsAcceptor::from(config).accept(stream).into_fallible()).await;
    let stream = accepted.map_err(|(error, stream)| Refusal {
        reason: fault.map_or_else(|| reason(&error), |fault| reason(&fault)),
        stream: Some(stream),
    })?;
    let Some(certificate) = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()) else {
        return Ok((stream, Identity::Guest));
    };
    match Identity::of_peer(certificate) {
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
async fn hang_up(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = stream.shutdown().await;
    let mut unread = [0; 1_024];
    while matches!(stream.read(&mut unread).await, Ok(bytes) if bytes > 0) {}
}
