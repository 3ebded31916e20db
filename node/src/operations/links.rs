//! The links that the units directly below have open.

use super::node::Node;
use danso_tier_config::UnitId;
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// A child's open link.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenLink {
    number: u64,
    last_ms: u64,
}

impl Node {
    /// Notes that a child opened a link, and gives the link's number. An older one of it ends at its next message.
    pub fn link_opened(&self, child: UnitId) -> u64 {
        let mut children = self.children.write().expect("no holder of the children panics");
        let number = self.links.fetch_add(1, Ordering::Relaxed);
        children.insert(child, OpenLink { number, last_ms: self.now_ms() });
        number
    }

    /// Notes a message on a link; false when the child has opened a newer one.
    pub fn link_used(&self, child: UnitId, number: u64) -> bool {
        let mut children = self.children.write().expect("no holder of the children panics");
        match children.get_mut(&child) {
            Some(link) if link.number == number => {
                link.last_ms = self.now_ms();
                true
            }
            _ => false,
        }
    }

    /// Notes that a link ended.
    pub fn link_closed(&self, child: UnitId, number: u64) {
        let mut children = self.children.write().expect("no holder of the children panics");
        if let Some(link) = children.get(&child).copied().filter(|link| link.number == number) {
            self.line_closed(child, link.last_ms);
            children.remove(&child);
        }
    }

    /// Children that have a link open, with the time of their last message, Unix milliseconds.
    pub fn linked_children(&self) -> BTreeMap<UnitId, u64> {
        let children = self.children.read().expect("no holder of the children panics");
        children.iter().map(|(child, link)| (*child, link.last_ms)).collect()
    }
}
