//! Which node a command asks, and with whose keys.

use super::failure::Failure;
use crate::transport::client::NodeClient;
use clap::Args;
use danso_tier_config::{NodeConfig, UnitId};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

/// The node as named on the command line.
#[derive(Debug, Args)]
pub(super) struct TargetArguments {
    /// A node's file: asks that node, on this computer, with its own keys
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the node listens, HOST:PORT
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "config")]
    address: Option<String>,
    /// The unit whose node it is, CODE@YYYY-MM-DD
    #[arg(long, value_name = "ID", required_unless_present = "config", conflicts_with = "config")]
    unit: Option<UnitId>,
    /// Folder of the keys to ask with
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    keys: Option<PathBuf>,
}

/// A node that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// `host:port`.
    pub address: String,
    /// The unit that must answer there.
    pub unit: UnitId,
    /// Key folder of the one who asks.
    pub keys: PathBuf,
}

impl TargetArguments {
    /// Reads the node's file where one is named; address and keys on the command line go before it.
    pub fn checked(&self) -> Result<Target, Failure> {
        let Self { config, address, unit, keys } = self;
        if let Some(file) = config {
            let own = NodeConfig::load(file)?;
            let address = match address {
                Some(address) => address.clone(),
                None => address_of(own.listen)?,
            };
            return Ok(Target { address, unit: own.unit, keys: keys.clone().unwrap_or(own.keys) });
        }
        match (address, unit, keys) {
            (Some(address), Some(unit), Some(keys)) => {
                Ok(Target { address: address.clone(), unit: *unit, keys: keys.clone() })
            }
            _ => {
                Err(Failure::Usage("name a node by --config, or by --address, --unit and --keys".to_owned()))
            }
        }
    }

    /// Connects to the node.
    pub async fn connect(&self) -> Result<NodeClient, Failure> {
        self.checked()?.connect().await
    }
}

impl Target {
    /// Connects as the holder of the key folder.
    pub async fn connect(&self) -> Result<NodeClient, Failure> {
        Ok(NodeClient::connect(&self.address, self.unit, &self.keys).await?)
    }
}

/// Where a node on this computer is reached that listens at an address.
fn address_of(listen: SocketAddr) -> Result<String, Failure> {
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    match listen.port() {
        0 => Err(Failure::told(
            "listen_port_any",
            "the node's file leaves the port open, name it by --address",
        )),
        port => Ok(SocketAddr::new(host, port).to_string()),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_node_that_listens_everywhere_is_reached_on_this_computer() {
        for (listen, expected) in [
            ("0.0.0.0:7411", "127.0.0.1:7411"),
            ("[::]:7411", "[::1]:7411"),
            ("10.0.0.1:7411", "10.0.0.1:7411"),
        ] {
            assert_eq!(address_of(listen.parse().unwrap()).unwrap(), expected);
        }
        let open = address_of("127.0.0.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(open, Failure::Told { code, .. } if code == "listen_port_any"));
    }
}
