//! The floor: a bare tonic server with the same certificates, in a process of its own, that answers at once.

use crate::query::asking::{Asked, measure};
use danso_node::transport::tls::Keys;
use danso_tests::{country::Country, tree::central};
use std::{
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    process::{Child, Command},
    task::{Context, Poll},
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server, server::Connected},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};

/// The first argument of a process that is the echo.
const ECHO: &str = "echo-server";

/// Where the echo stands, and with whose keys.
pub struct Stand {
    address: SocketAddr,
    keys: PathBuf,
}

impl Stand {
    /// Of the arguments of a process that is to be it.
    pub fn of(arguments: &[String]) -> Option<Self> {
        match arguments {
            [echo, address, keys] if echo == ECHO => {
                Some(Self { address: address.parse().unwrap(), keys: keys.into() })
            }
            _ => None,
        }
    }

    /// Serves until it is killed.
    pub fn serve(self) {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(self.run());
    }

    async fn run(self) {
        let config = Keys::read(&self.keys, SystemTime::now()).unwrap().server();
        let (acceptor, listener) =
            (TlsAcceptor::from(config), TcpListener::bind(self.address).await.unwrap());
        let (out, lines) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let stream = acceptor.accept(stream).await;
                let _ = out.send(stream.map(Line)).await;
            }
        });
        let service = HealthServer::new(Bare);
        Server::builder().add_service(service).serve_with_incoming(ReceiverStream::new(lines)).await.unwrap();
    }
}

/// A TLS stream as tonic takes it.
struct Line(TlsStream<TcpStream>);

impl Connected for Line {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct Bare;

#[tonic::async_trait]
impl Health for Bare {
    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = request.into_inner().service.len() as i32 % 3;
        Ok(Response::new(HealthCheckResponse { status }))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("an echo"))
    }
}

/// The running echo; killed with the value.
pub struct Echo {
    child: Child,
    address: SocketAddr,
}

impl Echo {
    /// Starts it with central's keys beside central.
    pub fn start(nation: &Country) -> Self {
        let mut address = nation.tree.address(central());
        address.set_port(address.port() + 1);
        let keys = nation.tree.keys(central());
        let program = std::env::current_exe().unwrap();
        let child = Command::new(program).args([ECHO, &address.to_string()]).arg(keys).spawn().unwrap();
        Self { child, address }
    }

    /// So many clients for some time, one call at a time each.
    pub async fn measure(&self, nation: &Country, clients: usize, long: Duration) -> Asked {
        let channels = super::asking::channels(nation, self.address, clients).await;
        measure(channels, long, |channel: Channel, _| {
            let mut client = HealthClient::new(channel);
            async move {
                client.check(HealthCheckRequest { service: "00001@2025-07-01".to_owned() }).await.unwrap();
            }
        })
        .await
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
