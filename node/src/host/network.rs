//! Listening and connecting.

use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, lookup_host},
};

/// A connection's bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Duplex for T {}

/// An open connection. Small writes leave at once.
pub type Socket = Box<dyn Duplex>;

/// What is still being opened.
pub type Opening<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Takes connections.
pub trait Listener: Send {
    /// Where it listens.
    fn address(&self) -> io::Result<SocketAddr>;

    /// The next connection, and where it comes from. May be given up and asked again.
    fn accept(&mut self) -> Opening<'_, (Socket, SocketAddr)>;
}

/// A way to other computers.
pub trait Network: Send + Sync {
    /// Listens at an address.
    fn listen(&self, address: SocketAddr) -> Opening<'_, Box<dyn Listener>>;

    /// The addresses of `host:port`, best first.
    fn look_up<'a>(&'a self, address: &'a str) -> Opening<'a, Vec<SocketAddr>>;

    /// Connects.
    fn connect(&self, target: SocketAddr) -> Opening<'_, Socket>;
}

/// The network of this computer.
pub fn tcp() -> Arc<dyn Network> {
    Arc::new(Tcp)
}

struct Tcp;

impl Network for Tcp {
    fn listen(&self, address: SocketAddr) -> Opening<'_, Box<dyn Listener>> {
        Box::pin(async move { Ok(Box::new(TcpListener::bind(address).await?) as Box<dyn Listener>) })
    }

    fn look_up<'a>(&'a self, address: &'a str) -> Opening<'a, Vec<SocketAddr>> {
        Box::pin(async move { Ok(lookup_host(address).await?.collect()) })
    }

    fn connect(&self, target: SocketAddr) -> Opening<'_, Socket> {
        Box::pin(async move { Ok(prompt(TcpStream::connect(target).await?)) })
    }
}

impl Listener for TcpListener {
    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn accept(&mut self) -> Opening<'_, (Socket, SocketAddr)> {
        Box::pin(async move {
            let (stream, from) = Self::accept(self).await?;
            Ok((prompt(stream), from))
        })
    }
}

fn prompt(stream: TcpStream) -> Socket {
    // Without it small messages wait for acknowledgements; a failure only costs time.
    let _ = stream.set_nodelay(true);
    Box::new(stream)
}
