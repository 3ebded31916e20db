//! The way to one named unit: dial, handshake, certificate of exactly that unit, HTTP/2 channel.

use super::{
    identity::server_name,
    reason::{Reason, reason},
    silence::Watched,
    trust::{TrustFault, noting},
};
use crate::host::{Network, Socket, tcp};
use danso_tier_config::{UnitId, limits};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::AsyncBufReadExt,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint, Uri};

/// A channel that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address is not a host name or IP address with a port.
    #[error("address must be host:port, for example 10.0.0.1:7443 or [::1]:7443, found {address:?}")]
    Address {
        /// The address as given.
        address: String,
    },
    /// The first connection failed.
    #[error("cannot connect to node {unit} at {address}")]
    Failed {
        /// The unit that was expected.
        unit: UnitId,
        /// The address dialled.
        address: String,
        /// Why, in plain words.
        #[source]
        reason: Reason,
    },
}

impl ConnectError {
    /// The stable code, which names the page in the runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "net_address",
            Self::Failed { reason, .. } => reason.code(),
        }
    }
}

/// One failed attempt to dial, found by `reason` among the sources of a call's error.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("no address is known for {address}")]
    Name { address: String, source: io::Error },
    #[error("cannot reach {address}")]
    Reach { address: String, source: io::Error },
    #[error("{address} did not finish {step} in time")]
    Timeout { address: String, step: &'static str },
    #[error("the TLS handshake with {address} failed")]
    Handshake { address: String, source: io::Error },
    #[error("the node at {address} is not trusted")]
    Untrusted { address: String, source: TrustFault },
    #[error("{address} closed the connection during {step}")]
    Closed { address: String, step: &'static str },
}

/// A channel to the node of `expected` at `address` (`host:port`), opened at its first call.
///
/// The server's certificate must name `expected`, whatever the address. A lost connection is opened again
/// at the next call, with the name looked up anew; pings notice a half-open one. Waiting between attempts
/// is the caller's. A failed call's error is explained by [`reason`].
pub fn channel(address: &str, expected: UnitId, config: Arc<ClientConfig>) -> Result<Channel, ConnectError> {
    let (endpoint, route) = prepare(tcp(), address, expected, config)?;
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| route.clone().open())))
}

/// As [`channel`], but connects at once: an unreachable or refusing node is an error here.
pub async fn connect(
    address: &str,
    expected: UnitId,
    config: Arc<ClientConfig>,
) -> Result<Channel, ConnectError> {
    connect_over(tcp(), address, expected, config).await
}

/// As [`connect`], over a given network.
pub async fn connect_over(
    network: Arc<dyn Network>,
    address: &str,
    expected: UnitId,
    config: Arc<ClientConfig>,
) -> Result<Channel, ConnectError> {
    let (endpoint, route) = prepare(network, address, expected, config)?;
    let connector = tower::service_fn(move |_: Uri| route.clone().open());
    endpoint.connect_with_connector(connector).await.map_err(|error| ConnectError::Failed {
        unit: expected,
        address: address.to_owned(),
        reason: reason(&error),
    })
}

fn prepare(
    network: Arc<dyn Network>,
    address: &str,
    expected: UnitId,
    config: Arc<ClientConfig>,
) -> Result<(Endpoint, Route), ConnectError> {
    let wrong = || ConnectError::Address { address: address.to_owned() };
    let uri: Uri = format!("http://{address}").parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    let plain = authority.as_str() == address && !address.contains('@') && !authority.host().is_empty();
    if !plain || authority.port_u16().is_none_or(|port| port == 0) {
        return Err(wrong());
    }
    let name = server_name(expected);
    let origin = format!("https://{name}").parse().expect("a server name is a host name");
    // The URI stays http: tonic's own TLS is off, and the connector below never hands out plain text.
    let endpoint = Endpoint::from(uri.clone())
        .origin(origin)
        .http2_keep_alive_interval(Duration::from_millis(limits::KEEPALIVE_MS))
        .keep_alive_timeout(Duration::from_millis(limits::KEEPALIVE_ANSWER_MS_MAX))
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(limits::HEADER_LIST_BYTES_MAX);
    let name = ServerName::try_from(name).expect("a server name is a host name");
    let patience = Duration::from_millis(limits::CONNECT_MS_MAX);
    Ok((endpoint, Route { address: address.to_owned(), name, config, patience, network }))
}

fn carries_tls_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// Everything needed to open the connection again.
#[derive(Clone)]
struct Route {
    address: String,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    patience: Duration,
    network: Arc<dyn Network>,
}

impl Route {
    /// Opens the connection and waits for the server's first bytes.
    ///
    /// In TLS 1.3 the client is done before the server has looked at its certificate; a refusal arrives in
    /// place of the first bytes. HTTP/2 servers send their settings at once (RFC 9113, section 3.4), so
    /// waiting for them costs nothing and turns a refusal into an error of the connection, with its alert.
    async fn open(self) -> Result<TokioIo<Watched<TlsStream<Socket>>>, DialError> {
        let deadline = Instant::now() + self.patience;
        let tcp = self.dial(deadline).await?;
        let handshake = TlsConnector::from(self.config.clone()).connect(self.name.clone(), tcp);
        let mut stream = self.handshake(deadline, "the TLS handshake", handshake).await?;
        let settings = "the first exchange";
        let first_bytes = async { stream.fill_buf().await.map(<[u8]>::len) };
        if self.handshake(deadline, settings, first_bytes).await? == 0 {
            return Err(DialError::Closed { address: self.address, step: settings });
        }
        Ok(TokioIo::new(Watched::new(stream)))
    }

    async fn handshake<T>(
        &self,
        deadline: Instant,
        step: &'static str,
        work: impl Future<Output = io::Result<T>>,
    ) -> Result<T, DialError> {
        let address = || self.address.clone();
        let (done, fault) = noting(timeout_at(deadline, work)).await;
        if let Some(source) = fault {
            return Err(DialError::Untrusted { address: address(), source });
        }
        match done {
            Err(_) => Err(DialError::Timeout { address: address(), step }),
            Ok(Err(error)) if carries_tls_error(&error) => {
                Err(DialError::Handshake { address: address(), source: error })
            }
            Ok(Err(_)) => Err(DialError::Closed { address: address(), step }),
            Ok(Ok(done)) => Ok(done),
        }
    }

    /// Tries every address of the name in turn; each gets an equal share of the time that is left, so that
    /// a dead one cannot use up the time of a living one.
    async fn dial(&self, deadline: Instant) -> Result<Socket, DialError> {
        let address = || self.address.clone();
        let step = "the look-up of its name";
        let found: Vec<SocketAddr> = timeout_at(deadline, self.network.look_up(&self.address))
            .await
            .map_err(|_| DialError::Timeout { address: address(), step })?
            .map_err(|source| DialError::Name { address: address(), source })?;
        let mut failure =
            DialError::Name { address: address(), source: io::ErrorKind::AddrNotAvailable.into() };
        for (index, target) in found.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(found.len() - index).unwrap_or(u32::MAX);
            failure = match timeout_at(Instant::now() + share, self.network.connect(*target)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(source)) => DialError::Reach { address: address(), source },
                Err(_) => DialError::Timeout { address: address(), step: "the connection" },
            };
        }
        Err(failure)
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::transport::{
        authority::{Authority, Validity},
        tls::{Cause, Keys},
    };
    use std::time::SystemTime;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_server_that_never_answers_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let (now, unit) = (SystemTime::now(), "01@2004-07-08".parse().unwrap());
        let authority = Authority::create(folder.path(), now).unwrap();
        let issued = authority.issue_node(unit, &[], Validity::days(now, 1)).unwrap();
        issued.write(folder.path(), authority.certificate_pem()).unwrap();
        let config = Keys::read(folder.path(), now).unwrap().client();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (_, route) = prepare(tcp(), &address, unit, config).unwrap();
        let error = Route { patience: Duration::from_millis(100), ..route }.open().await.unwrap_err();
        let found = reason(&error);
        assert_eq!(found.cause, Cause::Timeout);
        assert_eq!(found.sentence, format!("{address} did not finish the TLS handshake in time"));
    }
}
