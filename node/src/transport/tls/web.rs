//! Connections of browsers: plain on this computer, else TLS with the node's certificate or with one of its own.

use super::{
    certificates::{read_certificates, read_key, require_unexpired},
    config::web_config,
    error::TlsError,
    open::{AddressPlace, Connections, Overfull},
    pem_files,
    reason::reason,
};
use crate::host::{Listener, Socket};
use danso_tier_config::limits;
use futures_util::Stream;
use rustls::{ServerConfig, crypto::ring};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

/// What protects the connections of browsers.
#[derive(Debug)]
pub struct WebSecrets(Source);

#[derive(Debug)]
enum Source {
    Plain,
    Node(watch::Receiver<Arc<ServerConfig>>),
    Files(Files),
}

/// A certificate and key as PEM files, read again when they change.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Vec<Vec<u8>>,
    looked: Instant,
    config: Arc<ServerConfig>,
}

/// A connection's place among all and among those of its address, held until dropped.
#[derive(Debug)]
pub struct WebPlace {
    _from: AddressPlace,
    _place: OwnedSemaphorePermit,
}

impl WebSecrets {
    /// No protection: for addresses of this computer, or by order of the node's file.
    pub fn plain() -> Self {
        Self(Source::Plain)
    }

    /// The node's certificate, always the one in force.
    pub(in crate::transport) fn of_node(configs: watch::Receiver<Arc<ServerConfig>>) -> Self {
        Self(Source::Node(configs))
    }

    /// A certificate and its private key as PEM files, which may be exchanged while the node runs. One that has ended
    /// will do: browsers warn of it, and the pages are there.
    ///
    /// Errors: those of key folders, without `keys_expired`.
    pub fn of_files(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let config = read_pair(&certificate, &key)?;
        let seen = contents(&certificate, &key);
        Ok(Self(Source::Files(Files { certificate, key, seen, looked: Instant::now(), config })))
    }

    /// The configuration for the next connection; `None` for a plain one.
    fn current(&mut self) -> Option<Arc<ServerConfig>> {
        match &mut self.0 {
            Source::Plain => None,
            Source::Node(configs) => Some(configs.borrow().clone()),
            Source::Files(files) => {
                files.look();
                Some(Arc::clone(&files.config))
            }
        }
    }
}

impl Files {
    /// Reads changed files again; what cannot be used leaves the configuration in force.
    fn look(&mut self) {
        if self.looked.elapsed() < Duration::from_millis(limits::KEYS_CHECK_MS) {
            return;
        }
        self.looked = Instant::now();
        let now = contents(&self.certificate, &self.key);
        if std::mem::replace(&mut self.seen, now.clone()) == now {
            return;
        }
        let read = require_unexpired(&self.certificate, SystemTime::now())
            .and_then(|()| read_pair(&self.certificate, &self.key));
        match read {
            Ok(config) => {
                tracing::info!("the certificate of the pages has changed and is read again");
                self.config = config;
            }
            Err(error) => tracing::error!(
                code = error.code(), %error, "the certificate of the pages cannot be used; the one in force stays"
            ),
        }
    }
}

/// A certificate with those above it and its private key, for browsers; any authority will do.
fn read_pair(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let (chain, secret) = (read_certificates(certificate)?, read_key(key, &ring::default_provider())?);
    web_config(chain, secret, certificate, key)
}

fn contents(certificate: &Path, key: &Path) -> Vec<Vec<u8>> {
    [certificate, key].map(|path| pem_files::read(path).unwrap_or_default()).to_vec()
}

/// Accepts connections of browsers until the stream is dropped; each comes with its address and with a place that
/// is held as long as the connection.
///
/// Handshakes go on side by side, bounded in time; all connections are bounded in number and by address. Must be
/// called within a Tokio runtime.
pub fn web_incoming(
    listener: Box<dyn Listener>,
    secrets: WebSecrets,
    connections: Connections,
) -> impl Stream<Item = (Socket, SocketAddr, WebPlace)> + Send + Unpin + use<> {
    let (ready, accepted) = mpsc::channel(1);
    tokio::spawn(accept_all(listener, secrets, connections, ready));
    ReceiverStream::new(accepted)
}

type Ready = mpsc::Sender<(Socket, SocketAddr, WebPlace)>;

async fn accept_all(
    mut listener: Box<dyn Listener>,
    mut secrets: WebSecrets,
    connections: Connections,
    ready: Ready,
) {
    let places = Arc::new(Semaphore::new(limits::WEB_CONNECTIONS_MAX));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the places are never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = ready.closed() => return,
            next = next => next,
        };
        let Ok((stream, address)) = accepted else {
            sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            continue;
        };
        match connections.admit(address.ip(), limits::WEB_CONNECTIONS_PER_ADDRESS_MAX) {
            Ok(from) => {
                let place = WebPlace { _from: from, _place: place };
                tokio::spawn(greet(stream, address, secrets.current(), place, ready.clone()));
            }
            Err(full) => {
                connections.refused("net_address_full");
                if full == (Overfull::Full { first: true }) {
                    tracing::warn!(
                        code = "net_address_full", peer = %address, "too many connections to the pages from here"
                    );
                }
            }
        }
    }
}

/// One connection up to the end of its handshake.
async fn greet(
    stream: Socket,
    address: SocketAddr,
    config: Option<Arc<ServerConfig>>,
    place: WebPlace,
    ready: Ready,
) {
    let stream = match config {
        None => stream,
        Some(config) => {
            let patience = Duration::from_millis(limits::WEB_HANDSHAKE_MS_MAX);
            let shaken = tokio::select! {
                () = ready.closed() => return,
                shaken = timeout(patience, TlsAcceptor::from(config).accept(stream)) => shaken,
            };
            match shaken {
                Ok(Ok(stream)) => Box::new(stream) as Socket,
                Ok(Err(error)) => {
                    // Browsers end a handshake when they ask whether a certificate may be believed.
                    tracing::debug!(reason = %reason(&error), "a browser did not come through the handshake");
                    return;
                }
                Err(_) => return,
            }
        }
    };
    // Fails only when the server is gone; the connection is dropped with it.
    let _ = ready.send((stream, address, place)).await;
}
