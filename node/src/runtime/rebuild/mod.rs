//! `danso rebuild --from-parent`: a new data folder from what the parent holds, and from what the old one has
//! and nobody else. The old one is set aside and never deleted.
//!
//! The new folder grows beside the old one and takes its place at the end, by two renames. A rebuild that was
//! cut short begins again: what it left was never sent or acknowledged to anybody.
//!
//! | file | holds |
//! |---|---|
//! | `place.rs` | the data folder and its neighbours, and how one takes the place of the other |
//! | `error.rs` | why nothing was rebuilt |

mod error;
mod place;

pub use error::RebuildError;
pub(super) use place::finish_swap;

use super::{
    conflicts, keys,
    start::{read_directory, settle_key, store_options},
};
use crate::{
    operations::{
        Actor, Node,
        recovery::{Again, Carried, Former},
    },
    store::{Store, StoreError, at_rest::State},
    transport::uplink::{Came, Restored, restore},
};
use danso_core::chain::{Deed, Digest, Receipt};
use danso_tier_config::{NodeConfig, Policy};
use place::{Place, free};
use std::{path::PathBuf, sync::Arc};

/// What was rebuilt.
pub struct Rebuilt {
    /// Every chain that the parent holds of the subtree, with the receipt that proves its head.
    pub chains: Vec<Came>,
    /// What may pass the boundary to the parent.
    pub policy: Policy,
    /// Persons in the register of the new folder who have no name there.
    pub nameless: bool,
    /// What went over from the old folder.
    pub carried: Carried,
    /// What was recorded again, and what was not.
    pub again: Again,
    /// Where the changes are listed that were not.
    pub conflicts: Option<PathBuf>,
    /// Where the old folder is now.
    pub set_aside: Option<PathBuf>,
    /// Code of the reason why nothing could be read from the old folder.
    pub unreadable: Option<String>,
    /// Digest over all tallies of the new folder.
    pub tallies: Digest,
}

impl Rebuilt {
    /// The moment at which the parent signed for a chain's head, Unix milliseconds.
    pub fn signed_at_ms(came: &Came) -> Option<u64> {
        let receipt = came.receipt.as_ref()?;
        receipt.decode_trusted::<Receipt>().ok().map(|receipt| receipt.accepted_at_ms)
    }
}

/// Rebuilds the data folder of a node that is not running. On return the new folder is in the place of the old
/// one, durable, and what is not in it is listed.
///
/// `progress` is told (chains fetched, chains in all).
pub async fn rebuild_from_parent(
    config: NodeConfig,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Rebuilt, RebuildError> {
    let parent = config.parent.clone().ok_or(RebuildError::NoParent)?;
    let key_folder = config.keys.clone();
    let signing = keys::read(&config.keys, config.unit)?;
    let bootstrap = read_directory(&config)?;
    let place = Place::prepare(&config.data)?;
    let (former, unreadable) = open_former(&config)?;

    let new_config = NodeConfig { data: place.rebuilding.clone(), ..config.clone() };
    let (store, _) = Store::open(store_options(&new_config)?, &mut |_, _| ())?;
    // Nothing is sealed in the new folder before it is in its place.
    store.hold_own_chain(true);
    let registrations = signing.registrations.clone();
    let node = Arc::new(Node::new(new_config, store, signing, bootstrap));
    let filled = async {
        node.register(registrations).await?;
        let mut carried = node.carry_words(former.as_deref()).await?;
        settle_key(&node)?;
        let restored = restore(&node, &parent, &key_folder, former.as_ref(), progress).await?;
        let own = restored.chains.iter().find(|came| came.origin == node.unit());
        if let Some(code) = own.and_then(|own| own.left.clone()) {
            return Err(RebuildError::OwnChain { code });
        }
        let (worker, old) = (Arc::clone(&node), former.clone());
        let again = tokio::task::spawn_blocking(move || fill(&worker, old.as_deref(), &mut carried));
        let (again, carried) = again.await.expect("filling a folder does not panic")?;
        Ok((restored, carried, again))
    };
    let filled: Result<(Restored, Carried, Again), RebuildError> = filled.await;
    let finished = match filled {
        Ok(filled) => finish(&node, &place, filled, unreadable).await,
        Err(error) => Err(error),
    };
    node.store.close().await;
    if let Some(former) = former {
        former.close().await;
    }
    let mut rebuilt = finished?;
    rebuilt.set_aside = place.swap(node.today())?;
    Ok(rebuilt)
}

/// The old folder, if there is one that can be read; else the code of the reason.
fn open_former(config: &NodeConfig) -> Result<(Option<Arc<Former>>, Option<String>), RebuildError> {
    if !config.data.join("FORMAT").exists() {
        return Ok((None, None));
    }
    match Store::open(store_options(config)?, &mut |_, _| ()) {
        Ok((store, _)) if store.at_rest() == State::Locked => Err(StoreError::Locked.into()),
        Ok((store, _)) => Ok((Some(Arc::new(Former::new(store))), None)),
        Err(error) if is_damage(error.code()) => Ok((None, Some(error.code().to_owned()))),
        Err(error) => Err(error.into()),
    }
}

/// Whether a folder is beyond reading; anything else (in use, another unit's, a newer format) is no reason to
/// put another one in its place.
fn is_damage(code: &str) -> bool {
    let damages = [
        "ledger_damaged",
        "ledger_missing_segment",
        "ledger_beyond_end",
        "ledger_io",
        "index_failed",
        "at_rest_damaged",
        "at_rest_missing",
    ];
    damages.contains(&code)
}

fn fill(
    node: &Node,
    former: Option<&Former>,
    carried: &mut Carried,
) -> Result<(Again, Carried), RebuildError> {
    let Some(former) = former else { return Ok((Again::default(), carried.clone())) };
    node.carry_batches(former, carried)?;
    let again = if node.records() { node.record_again(&Actor::local(), former)? } else { Again::default() };
    Ok((again, carried.clone()))
}

async fn finish(
    node: &Node,
    place: &Place,
    (restored, carried, again): (Restored, Carried, Again),
    unreadable: Option<String>,
) -> Result<Rebuilt, RebuildError> {
    let conflicts = if again.conflicts.is_empty() {
        None
    } else {
        let path = free(&place.data, &format!("conflicts-{}", node.today()), ".csv");
        let folder = |source| RebuildError::Folder { action: "write", path: path.clone(), source };
        conflicts::write(&path, &again.conflicts).map_err(folder)?;
        Some(path)
    };
    let text = format!(
        "rebuilt: {} chains from the parent, {} own batches and {} of others from the old folder, {} changes \
         recorded again, {} not",
        restored.chains.len(),
        carried.own,
        carried.below,
        again.recorded,
        again.conflicts.len()
    );
    node.note(&Actor::local(), Deed::ChainResolved, text).await?;
    let view = node.store.view();
    let tallies = Digest(view.tallies.digest());
    drop(view);
    let nameless = node.store.has_nameless_persons()?;
    let Restored { policy, chains } = restored;
    let set_aside = None;
    Ok(Rebuilt { chains, policy, nameless, carried, again, conflicts, set_aside, unreadable, tallies })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_folder_in_use_or_of_another_unit_is_no_damage() {
        for code in ["already_running", "folder_other_unit", "folder_newer_format", "ledger_newer_format"] {
            assert!(!is_damage(code), "{code}");
        }
        assert!(is_damage("ledger_damaged"));
    }
}
