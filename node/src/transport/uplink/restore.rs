//! Everything that the parent holds of this node's subtree, fetched into a new data folder.

use super::{LinkError, Uplink, recover::Fetched};
use crate::{
    operations::{Node, recovery::Former},
    transport::{Keeper, downward},
    wire::link,
};
use danso_core::chain::{Head, Signed};
use danso_tier_config::{Parent, Policy, UnitId};
use std::{path::Path, sync::Arc};

/// Why nothing could be fetched.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct RestoreError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub code: String,
    sentence: String,
}

impl From<LinkError> for RestoreError {
    fn from(error: LinkError) -> Self {
        Self { code: error.code(), sentence: error.to_string() }
    }
}

/// A chain that the parent holds.
#[derive(Debug, Clone)]
pub struct Came {
    /// Whose.
    pub origin: UnitId,
    /// Where it has come to in the new folder.
    pub head: Head,
    /// The parent's receipt for that batch, verified with the parent's key.
    pub receipt: Option<Signed>,
    /// Why it was not fetched: it comes again from the units below, which hold all of it.
    pub left: Option<String>,
}

/// What came.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What may pass the boundary to the parent.
    pub policy: Policy,
    /// Every chain that the parent holds of the subtree.
    pub chains: Vec<Came>,
}

/// Fetches all chains of the node's subtree from its parent into the node's store, which is new; `former` is
/// what a folder that is set aside still knows of them. Durable on return.
///
/// The own chain is held from here on, so that nothing is sealed on top of half of it.
pub async fn restore(
    node: &Arc<Node>,
    parent: &Parent,
    keys: &Path,
    former: Option<&Arc<Former>>,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Restored, RestoreError> {
    let mut uplink = Uplink::new(Arc::clone(node), parent.clone());
    let keeper = Keeper::open(keys, node.unit(), node.host.clock.clone())
        .map_err(|error| LinkError::Connect { code: error.code().to_owned(), sentence: error.to_string() })?;
    keeper.look(node);
    let channel = uplink.connect(&keeper).await?;
    let (mut session, _inbound, welcome) = uplink.greet(channel.clone()).await?;
    // The directory decides whose chains these are and what may be in them.
    downward::pull_now(node, channel).await;
    let heads = link::heads(&welcome.heads).map_err(LinkError::from)?;
    let total = heads.len();
    let mut chains = Vec::with_capacity(total);
    for (done, (origin, number, hash)) in heads.into_iter().enumerate() {
        progress(done, total);
        let fetched = uplink.fetch(&mut session, origin, (number, hash), former).await?;
        let (head, receipt, left) = match fetched {
            Ok(Fetched { head, receipt }) => (head, receipt, None),
            Err(code) => (node.head_of(origin), None, Some(code)),
        };
        chains.push(Came { origin, head, receipt, left });
    }
    progress(total, total);
    Ok(Restored { policy: session.policy, chains })
}
