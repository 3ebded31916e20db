//! Places for pages that are kept up to date: bounded in all and for each account.

use crate::operations::accounts::AccountName;
use danso_tier_config::limits::{WEB_STREAMS_MAX, WEB_STREAMS_PER_ACCOUNT_MAX};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The live pages of a node.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<BTreeMap<AccountName, usize>>>);

/// A place, held until dropped.
#[derive(Debug)]
pub(super) struct StreamPlace {
    streams: Streams,
    account: AccountName,
}

impl Streams {
    /// A place for one more page of an account, if there is any.
    pub fn enter(&self, account: &AccountName) -> Option<StreamPlace> {
        let mut open = self.open();
        let own = open.get(account).copied().unwrap_or(0);
        if own >= WEB_STREAMS_PER_ACCOUNT_MAX || open.values().sum::<usize>() >= WEB_STREAMS_MAX {
            return None;
        }
        open.insert(account.clone(), own + 1);
        Some(StreamPlace { streams: self.clone(), account: account.clone() })
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<AccountName, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Some(own) = open.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn an_account_has_so_many_places_and_a_node_so_many_in_all() {
        let streams = Streams::default();
        let name = |number: usize| format!("a{number}").parse::<AccountName>().unwrap();
        let own: Vec<_> =
            (0..WEB_STREAMS_PER_ACCOUNT_MAX).map(|_| streams.enter(&name(0)).unwrap()).collect();
        assert!(streams.enter(&name(0)).is_none());
        let rest: Vec<_> = (own.len()..WEB_STREAMS_MAX).map(|at| streams.enter(&name(at)).unwrap()).collect();
        assert!(streams.enter(&name(1_000)).is_none());
        drop(own);
        assert!(streams.enter(&name(1_000)).is_some());
        drop(rest);
        assert!(streams.open().is_empty());
    }
}
