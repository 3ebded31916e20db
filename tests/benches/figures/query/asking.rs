//! Clients that ask as fast as they are answered, each over a connection of its own.

use crate::samples::{millis, percentile};
use danso_node::transport::tls::{self, Keys};
use danso_tests::{country::Country, tree::central};
use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};
use tonic::transport::Channel;

/// What some clients saw.
pub struct Asked {
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
}

impl Asked {
    pub fn words(&self) -> String {
        format!("{:.0} a second, p50 {}, p99 {}", self.rate, millis(self.p50), millis(self.p99))
    }
}

/// Connections with central's own certificate.
pub async fn channels(nation: &Country, address: SocketAddr, clients: usize) -> Vec<Channel> {
    let keys = Keys::read(&nation.tree.keys(central()), SystemTime::now()).unwrap();
    let mut channels = Vec::new();
    while channels.len() < clients {
        match tls::connect(&address.to_string(), central(), keys.client()).await {
            Ok(channel) => channels.push(channel),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    channels
}

/// Asks over each channel, one call at a time, for some time; `ask` is told the number of the call.
pub async fn measure<A, F>(channels: Vec<Channel>, long: Duration, ask: A) -> Asked
where
    A: Fn(Channel, usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let since = Instant::now();
    let mut clients = Vec::new();
    for (one, channel) in channels.into_iter().enumerate() {
        let ask = ask.clone();
        clients.push(tokio::spawn(async move {
            let mut samples = Vec::new();
            while since.elapsed() < long {
                let begun = Instant::now();
                ask(channel.clone(), one * 7_919 + samples.len()).await;
                samples.push(begun.elapsed());
            }
            samples
        }));
    }
    let mut samples = Vec::new();
    for client in clients {
        samples.extend(client.await.unwrap());
    }
    let rate = samples.len() as f64 / since.elapsed().as_secs_f64();
    Asked { rate, p50: percentile(&mut samples, 50), p99: percentile(&mut samples, 99) }
}
