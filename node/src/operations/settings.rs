//! The limits in force: those of the node's file, most of which may change while the node runs.

use super::node::Node;
use danso_tier_config::{
    Limits,
    limits::{LIMIT_FIELDS, LimitField},
};
use std::sync::Arc;
use tokio::sync::watch;

/// The limits in force.
#[derive(Debug)]
pub(super) struct InForce(watch::Sender<Arc<Limits>>);

impl InForce {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(watch::Sender::new(Arc::new(limits.clone())))
    }
}

/// A limit that the node's file gives another value than the one in force.
#[derive(Debug, Clone, Copy)]
pub struct LimitChange {
    /// Which.
    pub field: &'static LimitField,
    /// The value in force until now.
    pub from: u64,
    /// The value in the file.
    pub to: u64,
}

impl Node {
    /// The limits in force now.
    pub fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.in_force.0.borrow())
    }

    /// Tells when others are in force.
    pub fn limits_changed(&self) -> watch::Receiver<Arc<Limits>> {
        self.in_force.0.subscribe()
    }

    /// Puts limits in force as far as a running node takes them, and gives all that differ: those that are not
    /// `live` stay as they were until the next start. The window of an open link stays as it was agreed.
    pub fn take_limits(&self, new: &Limits) -> Vec<LimitChange> {
        let before = self.limits();
        let mut after = Limits::clone(&before);
        let mut changes = Vec::new();
        for field in &LIMIT_FIELDS {
            let (from, to) = ((field.get)(&before), (field.get)(new));
            if from == to {
                continue;
            }
            if field.live {
                (field.set)(&mut after, to);
            }
            changes.push(LimitChange { field, from, to });
        }
        if *before != after {
            self.store.set_limits(after.clone());
            self.in_force.0.send_replace(Arc::new(after));
        }
        changes
    }
}
