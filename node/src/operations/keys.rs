//! The node's ledger key, and its rotation while the node runs.
//!
//! The order makes every crash harmless: the next key is durable in the key folder before the ledger grants it,
//! and takes the place of the former one there only after the grant is durable. What a crash leaves between
//! these steps the next start settles.

use super::{actor::Actor, node::Node};
use crate::store::StoreError;
use danso_core::chain::{BatchNumber, Epoch, KeyClaim, KeyGrant, KeyId, LedgerKey, PublicKey, Signed};
use danso_tier_config::{UnitId, limits};
use std::sync::{Arc, RwLock};

/// A node's secret and public signing material.
pub struct Signing {
    key: RwLock<Arc<LedgerKey>>,
    /// The words for the keys above and for its own, in the order in which they lead to each other.
    pub registrations: Vec<Signed>,
    /// The key of the authority of the whole tree.
    pub authority: PublicKey,
}

impl Signing {
    /// The material of a node.
    pub fn new(key: LedgerKey, registrations: Vec<Signed>, authority: PublicKey) -> Self {
        Self { key: RwLock::new(Arc::new(key)), registrations, authority }
    }

    /// The ledger key in force.
    pub fn key(&self) -> Arc<LedgerKey> {
        Arc::clone(&self.key.read().expect("no holder of the key panics"))
    }

    /// Goes on under another ledger key.
    pub fn replace(&self, key: LedgerKey) {
        *self.key.write().expect("no holder of the key panics") = Arc::new(key);
    }
}

/// Where a node's secret ledger keys lie; the runtime knows.
pub trait KeyFolder: Send + Sync {
    /// Makes the next key, durable on return. One that is there already is given again.
    fn prepare(&self) -> Result<LedgerKey, KeyFolderError>;

    /// Puts the next key in the place of the one in force, with its grant. A repeat changes nothing.
    fn finish(&self, grant: &Signed) -> Result<(), KeyFolderError>;
}

/// Why the key folder could not be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct KeyFolderError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub code: &'static str,
    /// What happened, with its sources.
    pub message: String,
}

/// Why a key was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The key folder.
    #[error(transparent)]
    Folder(#[from] KeyFolderError),
    /// The parent holds other batches of the own chain, or the grant could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// As many as any node takes: the next one would be known here alone.
    #[error(
        "this unit has had {} ledger keys, and nobody takes another one",
        limits::LEDGER_KEYS_PER_UNIT_MAX
    )]
    TooMany,
}

impl RotateError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.code,
            Self::Store(error) => error.code(),
            Self::TooMany => "ledger_keys_too_many",
        }
    }
}

/// A key that took the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The key replaced.
    pub former: KeyId,
    /// The key in force from now on.
    pub key: KeyId,
    /// The last batch under the former key.
    pub after: BatchNumber,
}

impl Node {
    /// Tells where the secret keys lie; once, at the start.
    pub fn set_key_folder(&self, folder: impl KeyFolder + 'static) {
        // A second word changes nothing: the folder of a running node is one.
        let _ = self.key_folder.set(Arc::new(folder));
    }

    /// Goes on under a new ledger key. On return the grant is durable in the ledger, the key folder holds the
    /// new key, and the next batch is signed with it. Every call makes a new key.
    ///
    /// Errors: `ledger_keys_too_many` where the unit has had as many as any node takes; `parent_ahead` while the own chain is behind what the parent holds (its cut-over would deny
    /// batches that exist); those of writing and of the key folder. After an error of the key folder behind a
    /// durable grant the node goes on under the new key, and the next start brings the folder in order.
    pub async fn rotate_key(&self, actor: &Actor) -> Result<Rotated, RotateError> {
        let folder = self.key_folder.get().cloned().ok_or_else(|| KeyFolderError {
            code: "ledger_key_unreadable",
            message: "this node was started without its key folder".to_owned(),
        })?;
        // One at a time, and not while something else is being numbered and signed.
        let _turn = self.publishing.lock().await;
        let _keys = self.registering.lock().await;
        if self.store.own_chain_held() {
            return Err(StoreError::OwnChainHeld.into());
        }
        if self.ring_of(self.unit()).epochs().len() >= limits::LEDGER_KEYS_PER_UNIT_MAX {
            return Err(RotateError::TooMany);
        }
        let former = self.signing.key().public().id();
        let in_force = self.ring_of(self.unit()).current().map(|epoch| epoch.signed.clone());
        let (next, copy) = self
            .host
            .threads
            .run({
                let folder = Arc::clone(&folder);
                move || {
                    let left_over = folder.prepare()?.public().id() == former;
                    if let Some(grant) = in_force.filter(|_| left_over) {
                        // An earlier rotation could not bring the folder in order.
                        folder.finish(&grant)?;
                    }
                    Ok::<_, KeyFolderError>((folder.prepare()?, folder.prepare()?))
                }
            })
            .await?;
        let key = next.public().id();
        let grant = self.store.rotate(next, actor.words(), self.now_ms()).await?;
        self.signing.replace(copy);
        let after = claimed_after(&grant);
        tracing::info!(%former, %key, %after, "the ledger key was rotated");
        let finished = self.host.threads.run(move || folder.finish(&grant)).await;
        if let Err(error) = &finished {
            tracing::error!(code = error.code, %error, "the new ledger key is in force, its folder is not in order");
        }
        finished?;
        Ok(Rotated { former, key, after })
    }

    /// Whether a new key of a unit contradicts what is held of its chain: batches beyond its cut-over, or another
    /// batch at it.
    pub(super) fn denies_held_batches(&self, unit: UnitId, epoch: &Epoch) -> bool {
        let head = self.store.view().chains.get(&unit).map(|chain| chain.head).unwrap_or_default();
        head.number > epoch.after || (head.number == epoch.after && head.hash != epoch.hash)
    }
}

fn claimed_after(grant: &Signed) -> BatchNumber {
    let claim = grant.decode_trusted::<KeyGrant>().and_then(|grant| grant.claim.decode_trusted::<KeyClaim>());
    claim.expect("the store made this grant").after
}
