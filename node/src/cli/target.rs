//! Which node a command asks, and with whose keys, session or token.

use super::{failure::Failure, secret};
use crate::transport::{client::NodeClient, tls::AUTHORITY_FILE};
use clap::Args;
use danso_tier_config::{NodeConfig, UnitId};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The environment variable that holds a session or token.
const TOKEN_VARIABLE: &str = "DANSO_TOKEN";

/// The node as named on the command line.
#[derive(Debug, Args)]
pub(super) struct TargetArguments {
    #[command(flatten)]
    place: Place,
    /// The unit whose node it is, CODE@YYYY-MM-DD
    #[arg(long, visible_alias = "node", value_name = "ID", required_unless_present = "config")]
    #[arg(conflicts_with = "config")]
    unit: Option<UnitId>,
}

/// The same for commands that name a unit of their own by `--unit`.
#[derive(Debug, Args)]
pub(super) struct NodeArguments {
    #[command(flatten)]
    place: Place,
    /// The unit whose node is asked, CODE@YYYY-MM-DD
    #[arg(long, value_name = "ID", required_unless_present = "config", conflicts_with = "config")]
    node: Option<UnitId>,
}

/// Where the node is and who asks.
#[derive(Debug, Args)]
struct Place {
    /// A node's file: asks that node, on this computer, with its own keys
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the node listens, HOST:PORT
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "config")]
    address: Option<String>,
    /// Folder of the keys to ask with
    #[arg(long, value_name = "DIR", conflicts_with_all = ["token_file", "ca"])]
    keys: Option<PathBuf>,
    /// File with the session or token to ask with; without it that of the environment's `DANSO_TOKEN`
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authority's certificate (ca.crt) that the node is trusted by, where a token is shown
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A node that can be asked.
#[derive(Debug)]
pub(super) struct Target {
    /// `host:port`.
    pub address: String,
    /// The unit that must answer there.
    pub unit: UnitId,
    /// Who asks.
    pub asker: Asker,
}

/// Who asks.
#[derive(Debug)]
pub(super) enum Asker {
    /// The holder of a key folder.
    Keys(PathBuf),
    /// The holder of a session or token, or with none somebody who signs in.
    Token {
        /// Root certificates that the node is trusted by.
        authority: PathBuf,
        /// The session or token.
        token: Option<Zeroizing<String>>,
    },
}

impl TargetArguments {
    /// Reads the node's file where one is named; what the command line says goes before it.
    pub fn checked(&self) -> Result<Target, Failure> {
        self.place.checked(self.unit, || std::env::var(TOKEN_VARIABLE).ok())
    }

    /// Connects to the node.
    pub async fn connect(&self) -> Result<NodeClient, Failure> {
        self.checked()?.connect().await
    }

    /// The file of a node on this computer, if one was named.
    pub fn own_file(&self) -> Option<&Path> {
        self.place.config.as_deref()
    }

    /// The file of the session or token, if one was named.
    pub fn token_file(&self) -> Option<&Path> {
        self.place.token_file.as_deref()
    }
}

impl NodeArguments {
    /// As [`TargetArguments::connect`].
    pub async fn connect(&self) -> Result<NodeClient, Failure> {
        self.place.checked(self.node, || std::env::var(TOKEN_VARIABLE).ok())?.connect().await
    }
}

impl Place {
    fn checked(
        &self,
        unit: Option<UnitId>,
        variable: impl FnOnce() -> Option<String>,
    ) -> Result<Target, Failure> {
        let Self { config, address, keys, token_file, ca } = self;
        let named = config.as_deref().map(NodeConfig::load).transpose()?;
        let unit = unit.or(named.as_ref().map(|own| own.unit));
        let address = match (address, &named) {
            (Some(address), _) => Some(address.clone()),
            (None, Some(own)) => Some(address_of(own.listen)?),
            (None, None) => None,
        };
        let (Some(unit), Some(address)) = (unit, address) else {
            return Err(Failure::Usage("name a node by --config, or by --address and --unit".to_owned()));
        };
        let own_keys = named.map(|own| own.keys);
        let authority = ca.clone().or_else(|| own_keys.as_ref().map(|keys| keys.join(AUTHORITY_FILE)));
        let asker = match (keys, token_file, own_keys) {
            (Some(keys), ..) => Asker::Keys(keys.clone()),
            (None, Some(file), _) => with_token(authority, secret::line_of(file)?)?,
            // Whoever names the authority asks with a token; the node's own keys are for its own computer.
            (None, None, Some(keys)) if ca.is_none() => Asker::Keys(keys),
            (None, None, _) => {
                let usage = format!("say who asks: by --keys, --token-file, or {TOKEN_VARIABLE} and --ca");
                let token = variable().filter(|token| !token.is_empty());
                with_token(authority, Zeroizing::new(token.ok_or(Failure::Usage(usage))?))?
            }
        };
        Ok(Target { address, unit, asker })
    }
}

fn with_token(authority: Option<PathBuf>, token: Zeroizing<String>) -> Result<Asker, Failure> {
    let missing = || Failure::Usage("name the authority's certificate by --ca".to_owned());
    Ok(Asker::Token { authority: authority.ok_or_else(missing)?, token: Some(token) })
}

impl Target {
    /// Connects as the holder of the keys, session or token.
    pub async fn connect(&self) -> Result<NodeClient, Failure> {
        let Self { address, unit, asker } = self;
        Ok(match asker {
            Asker::Keys(keys) => NodeClient::connect(address, *unit, keys).await?,
            Asker::Token { authority, token } => {
                let token = token.as_ref().map(|token| token.as_str());
                NodeClient::connect_with_token(address, *unit, authority, token).await?
            }
        })
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

    fn place(words: &str) -> Result<Place, clap::Error> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            place: Place,
        }
        let words = std::iter::once("danso").chain(words.split_whitespace());
        clap::Parser::try_parse_from(words).map(|line: Line| line.place)
    }

    fn unit() -> UnitId {
        "01@2025-07-01".parse().unwrap()
    }

    #[test]
    fn a_token_comes_from_its_file_or_from_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session");
        std::fs::write(&file, "danso_of_file\n").unwrap();
        let by_file = format!("--address 10.0.0.1:7411 --ca ca.crt --token-file {}", file.display());
        let by_environment = "--address 10.0.0.1:7411 --ca ca.crt".to_owned();
        for (words, expected) in [(by_file, "danso_of_file"), (by_environment, "danso_of_variable")] {
            let target =
                place(&words).unwrap().checked(Some(unit()), || Some("danso_of_variable".to_owned()));
            let Asker::Token { authority, token } = target.unwrap().asker else {
                panic!("expected a token for {words}");
            };
            assert_eq!((authority, token.unwrap().as_str()), (PathBuf::from("ca.crt"), expected));
        }
    }

    #[test]
    fn who_asks_must_be_said() {
        let token = || Some("danso_of_variable".to_owned());
        let nobody = place("--address 10.0.0.1:7411 --ca ca.crt").unwrap().checked(Some(unit()), || None);
        assert!(matches!(nobody.unwrap_err(), Failure::Usage(said) if said.contains("--token-file")));
        let trusts_nobody = place("--address 10.0.0.1:7411").unwrap().checked(Some(unit()), token);
        assert!(matches!(trusts_nobody.unwrap_err(), Failure::Usage(said) if said.contains("--ca")));
        assert!(place("--address 10.0.0.1:7411 --keys a --token-file b").is_err());
        let keys =
            place("--address 10.0.0.1:7411 --keys folder").unwrap().checked(Some(unit()), token).unwrap();
        assert!(matches!(keys.asker, Asker::Keys(folder) if folder == Path::new("folder")));
    }
}
