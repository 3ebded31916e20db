//! TLS and HTTP/2 spoken by hand, as far as a rude client needs them.

use danso_node::transport::tls::{AUTHORITY_FILE, Keys, guest_client, server_name};
use danso_tests::Tree;
use danso_tier_config::UnitId;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How long a node may take to end a connection: its longest bound, on a loaded machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// The rules of the frames that are looked at.
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
}

/// The configuration of a unit's node as a client.
pub fn config(tree: &Tree, holder: UnitId) -> Arc<ClientConfig> {
    Keys::read(&tree.keys(holder), SystemTime::now()).unwrap().client()
}

/// The configuration of a client without certificate.
pub fn guest(tree: &Tree, holder: UnitId) -> Arc<ClientConfig> {
    guest_client(&tree.keys(holder).join(AUTHORITY_FILE), SystemTime::now()).unwrap()
}

/// A TCP connection to a unit's node from an address of the loopback net.
pub async fn dial(to: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A connection after its TLS handshake.
pub async fn shake(tree: &Tree, to: UnitId, config: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(tree.address(to)).await.unwrap();
    let name = ServerName::try_from(server_name(to)).unwrap();
    TlsConnector::from(config).connect(name, stream).await.unwrap()
}

/// Reads until the other side has closed; how it closes does not matter.
pub async fn closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut bytes = [0; 1_024];
    let drain = async { while matches!(stream.read(&mut bytes).await, Ok(count) if count > 0) {} };
    timeout(PATIENCE, drain).await.expect("the connection is closed");
}

/// One frame of HTTP/2.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// An HTTP/2 connection that answers pings and settings and does nothing else of itself.
pub struct Http2(TlsStream<TcpStream>);

impl Http2 {
    pub async fn open(tree: &Tree, to: UnitId, config: Arc<ClientConfig>) -> Self {
        let mut stream = shake(tree, to, config).await;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut line = Self(stream);
        line.write(kind::SETTINGS, 0, 0, &[]).await;
        line
    }

    async fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        // The other side may have closed meanwhile; reading finds out.
        let _ = self.0.write_all(&[&head, payload].concat()).await;
        let _ = self.0.flush().await;
    }

    /// Begins a call; the request's messages follow as data.
    pub async fn call(&mut self, stream: u32, path: &str) {
        let fields = [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", path),
            (":authority", "danso"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ];
        let mut block = Vec::new();
        for (name, value) in fields {
            // A literal that is not to be remembered.
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend_from_slice(text.as_bytes());
            }
        }
        self.write(kind::HEADERS, 4, stream, &block).await;
    }

    pub async fn data(&mut self, stream: u32, bytes: &[u8], last: bool) {
        self.write(kind::DATA, u8::from(last), stream, bytes).await;
    }

    /// Asks for a sign of life; whatever was on the line before comes before the answer.
    pub async fn ping(&mut self) {
        self.write(kind::PING, 0, 0, &[7; 8]).await;
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let mut payload =
            vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        self.0.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame, pings and settings answered; `None` once the other side has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = timeout(PATIENCE, self.read()).await.expect("the other side says something or closes")?;
        if matches!(frame.kind, kind::PING | kind::SETTINGS) && frame.flags & 1 == 0 {
            let answer = if frame.kind == kind::PING { frame.payload.as_slice() } else { &[] };
            self.write(frame.kind, 1, 0, answer).await;
        }
        Some(frame)
    }

    /// Answers pings until the other side has closed.
    pub async fn closed(&mut self) {
        let drain = async { while self.next().await.is_some() {} };
        timeout(PATIENCE, drain).await.expect("the connection is closed");
    }
}
