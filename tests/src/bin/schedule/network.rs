//! The simulated network in the place of the computer's.

use danso_node::{
    host::{Clock, Listener, Network, Opening, Socket},
    transport::tls::{Grounds, Keys, Trust, connect_over},
};
use danso_tier_config::UnitId;
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::SystemTime};
use tonic::transport::Channel;
use turmoil::net::{TcpListener, TcpStream};

/// Turmoil's network: connections between the hosts of one simulation.
pub struct Turmoil;

struct Doors(TcpListener);

impl Network for Turmoil {
    fn listen(&self, address: SocketAddr) -> Opening<'_, Box<dyn Listener>> {
        Box::pin(async move { Ok(Box::new(Doors(TcpListener::bind(address).await?)) as Box<dyn Listener>) })
    }

    fn look_up<'a>(&'a self, address: &'a str) -> Opening<'a, Vec<SocketAddr>> {
        Box::pin(async move {
            let (host, port) = address.rsplit_once(':').ok_or(io::ErrorKind::InvalidInput)?;
            let port = port.parse().map_err(io::Error::other)?;
            Ok(vec![(turmoil::lookup(host), port).into()])
        })
    }

    fn connect(&self, target: SocketAddr) -> Opening<'_, Socket> {
        Box::pin(async move { Ok(Box::new(TcpStream::connect(target).await?) as Socket) })
    }
}

impl Listener for Doors {
    fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn accept(&mut self) -> Opening<'_, (Socket, SocketAddr)> {
        Box::pin(async move {
            let (stream, from) = self.0.accept().await?;
            Ok((Box::new(stream) as Socket, from))
        })
    }
}

/// A channel to a unit's node with the certificate in a folder, for who is no node; checked at one moment of the
/// simulated time.
pub async fn channel(keys: &Path, now: SystemTime, address: &str, to: UnitId) -> Option<Channel> {
    let trust = Trust::new(Grounds::default(), Clock::new(move || now));
    let keys = Keys::read_with(keys, now, &trust).ok()?;
    connect_over(Arc::new(Turmoil), address, to, keys.client()).await.ok()
}
