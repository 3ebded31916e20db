//! Ledger keys on their way down a link: each is told before anything that is signed with it.

use super::answers::Out;
use crate::{operations::Node, wire::link};
use danso_proto::v1::{self, parent_message::Message as FromParent};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::Mutex;
use tonic::Status;

/// What one child was told of the keys of this node and of those above it.
pub(super) struct Introductions {
    node: Arc<Node>,
    /// Signatures of the registrations that the child was told of.
    told: Mutex<BTreeSet<Vec<u8>>>,
}

impl Introductions {
    /// Nothing was told yet.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, told: Mutex::default() }
    }

    /// What is known here and not yet to the child, which is taken as told from now on.
    pub async fn due(&self) -> Vec<v1::SignedStatement> {
        let mut told = self.told.lock().await;
        self.untold(&mut told)
    }

    /// Sends what is due. On return nothing that was signed up to the call can overtake the key behind it: a
    /// rotation is in the ledger, and so in what is due, before the new key signs. Errors: as [`Out::say`].
    pub async fn send(&self, out: &Out) -> Result<(), Status> {
        // Held while sending: who comes second finds nothing due, and must not go before the first.
        let mut told = self.told.lock().await;
        let registrations = self.untold(&mut told);
        if registrations.is_empty() {
            return Ok(());
        }
        out.say(FromParent::Registrations(v1::Registrations { registrations })).await
    }

    /// A node that was linked before its parent was learns the keys of the tiers above later than at the welcome.
    fn untold(&self, told: &mut BTreeSet<Vec<u8>>) -> Vec<v1::SignedStatement> {
        let directory = self.node.directory();
        let above = directory.at(self.node.today()).ancestors(self.node.unit());
        let view = self.node.store.view();
        std::iter::once(self.node.unit())
            .chain(above)
            .filter_map(|unit| view.keys.get(&unit))
            .flat_map(|ring| ring.epochs().iter().map(|epoch| &epoch.signed))
            .filter(|signed| told.insert(signed.signature.clone()))
            .map(link::signed_message)
            .collect()
    }
}
