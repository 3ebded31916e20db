//! Clients of a tree's nodes: as the node itself, as a person with a role, as a stranger.

use crate::Tree;
use danso_node::transport::{
    authority::{Authority, Validity},
    client::NodeClient,
    tls::{self, Keys, Role},
};
use danso_tier_config::UnitId;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};
use tonic::transport::Channel;

impl Tree {
    /// A typed client of a node that runs, with the node's own certificate: it may do everything there.
    pub async fn client(&self, unit: UnitId) -> NodeClient {
        self.client_as(unit, &self.keys(unit)).await
    }

    /// A typed client with the keys of a folder.
    pub async fn client_as(&self, unit: UnitId, keys: &Path) -> NodeClient {
        NodeClient::connect(&self.address(unit).to_string(), unit, keys).await.unwrap()
    }

    /// A channel for calls that the typed client does not have.
    pub async fn channel_as(&self, unit: UnitId, keys: &Path) -> Channel {
        let keys = Keys::read(keys, SystemTime::now()).unwrap();
        tls::connect(&self.address(unit).to_string(), unit, keys.client()).await.unwrap()
    }

    /// A folder with the keys of a person bound to a unit.
    pub fn person_keys(&self, role: Role, unit: UnitId) -> PathBuf {
        let folder = self.path(&format!("{}-{unit}", role.as_str()));
        let issuer = Authority::open(&self.path("authority")).unwrap();
        let keys = issuer.issue_person(role, unit, Validity::days(SystemTime::now(), 30)).unwrap();
        keys.write(&folder, issuer.certificate_pem()).unwrap();
        folder
    }

    /// A folder with a node's certificate by another authority; the tree's authority is trusted in it, so
    /// that it is the node that must refuse.
    pub fn stranger_keys(&self, unit: UnitId) -> PathBuf {
        let folder = self.path("stranger");
        let issuer = Authority::create(&self.path("other-authority"), SystemTime::now()).unwrap();
        let keys = issuer.issue_node(unit, &[], Validity::days(SystemTime::now(), 30)).unwrap();
        let own = fs::read_to_string(self.keys(unit).join("ca.crt")).unwrap();
        keys.write(&folder, &format!("{}{own}", issuer.certificate_pem())).unwrap();
        folder
    }
}
