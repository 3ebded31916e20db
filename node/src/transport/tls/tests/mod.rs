//! Real TLS on loopback sockets: an authority, a health service behind the accept loop, and clients of all kinds.
//!
//! | file | proves |
//! |---|---|
//! | `keys.rs` | every fault of a key folder is named |
//! | `refusals.rs` | who is let in, who is refused, and what both sides are told |
//! | `bounds.rs` | silence, garbage and numbers are bounded |
//! | `country.rs` | a country with an authority in each tier, for the others |
//! | `subtrees.rs` | each authority is believed for its own subtree only |
//! | `revoked.rs` | what is revoked, and what a changed directory changes |
//! | `guests.rs` | connections without a certificate |
//! | `live.rs` | changes cut open connections |
//! | `pinned.rs` | the way to a node of which only the root's fingerprint is known |
//!
//! Invariants:
//! 1. After every refusal a good client is still served.

mod bounds;
mod country;
mod guests;
mod keys;
mod live;
mod pinned;
mod refusals;
mod revoked;
mod subtrees;

use super::{Bounds, Cause, ConnectError, Connections, Keys, Peer, connect, incoming_with};
use crate::transport::authority::{Authority, Issued, Validity};
use danso_tier_config::UnitId;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
};
use tonic::transport::{Channel, Server};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const SERVER: &str = "01@2004-07-08";
const CLIENT: &str = "00004@2025-07-01";
/// Longer than anything here takes, so that only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(20);

fn unit(text: &str) -> UnitId {
    text.parse().unwrap()
}

/// An authority in a folder of its own.
struct Root {
    authority: Authority,
    _folder: TempDir,
}

impl Root {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { authority: Authority::create(folder.path(), SystemTime::now()).unwrap(), _folder: folder }
    }

    fn pem(&self) -> &str {
        self.authority.certificate_pem()
    }

    fn node(&self, name: &str, validity: Validity) -> Issued {
        self.authority.issue_node(unit(name), &[], validity).unwrap()
    }

    fn keys(&self, name: &str) -> Keys {
        keys(&self.node(name, good()), self.pem(), SystemTime::now())
    }
}

fn good() -> Validity {
    Validity::days(SystemTime::now(), 30)
}

fn keys(issued: &Issued, trusted_pem: &str, now: SystemTime) -> Keys {
    let folder = tempfile::tempdir().unwrap();
    issued.write(folder.path(), trusted_pem).unwrap();
    Keys::read(folder.path(), now).unwrap()
}

/// A client configuration that `Keys` would never make.
fn odd_client(
    trusted_pem: &str,
    certificate: Option<(String, String)>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted_pem.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect(),
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// A health service that tells who calls it; it stops when dropped.
struct Node {
    address: SocketAddr,
    peers: mpsc::UnboundedReceiver<Peer>,
    configs: watch::Sender<Arc<ServerConfig>>,
    connections: Connections,
    _stop: oneshot::Sender<()>,
}

impl Node {
    async fn start(config: Arc<ServerConfig>, bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (configs, current) = watch::channel(config);
        let (seen, peers) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let register = Connections::default();
        let connections = incoming_with(Box::new(listener), current, bounds, register.clone());
        let (_, health) = tonic_health::server::health_reporter();
        let told = tonic::service::interceptor::InterceptedService::new(
            health,
            move |request: tonic::Request<()>| {
                let peer = request.extensions().get::<Peer>().expect("the connection tells its peer");
                seen.send(peer.clone()).unwrap();
                Ok(request)
            },
        );
        tokio::spawn(Server::builder().add_service(told).serve_with_incoming_shutdown(connections, async {
            let _ = stopped.await;
        }));
        Self { address, peers, configs, connections: register, _stop: stop }
    }

    fn address(&self) -> String {
        self.address.to_string()
    }
}

/// Why a node is not reached.
async fn refused(address: &str, config: Arc<ClientConfig>) -> Cause {
    match connect(address, unit(SERVER), config).await.expect_err("the node must not be reached") {
        ConnectError::Failed { reason, .. } => reason.cause,
        error @ ConnectError::Address { .. } => panic!("{error}"),
    }
}

async fn check(channel: Channel) -> Result<(), tonic::Status> {
    let request = HealthCheckRequest { service: String::new() };
    tokio::time::timeout(PATIENCE, HealthClient::new(channel).check(request)).await.unwrap().map(|_| ())
}

/// What was logged on this thread since it was made.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, code: &str) -> usize {
        self.text().matches(&format!("code=\"{code}\"")).count()
    }

    /// Waits until a code was logged.
    async fn shows(&self, code: &str) {
        let wait = async {
            while self.count(code) == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "no {code} in:\n{}", self.text());
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
