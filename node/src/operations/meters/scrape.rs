//! What is looked up when somebody asks for the numbers of a node, and the text that Prometheus reads.

use super::{
    counted::LookedUp,
    declared::{
        AUDIT_CUT, BATCHES_ACCEPTED, BATCHES_UNACKNOWLEDGED, BUILD, CERTIFICATE_END, CHANGES_ACCEPTED,
        CHANGES_RECORDED, CHANGES_UNSEALED, DIRECTORY, DISK_FREE, DISK_SIZE, INDEX_BYTES, LEDGER_BYTES,
        MEMORY, Meter, NAMES_LOCKED, NODE, PARENT_LINK, PERSONS, READY, STARTED,
    },
};
use crate::{host, operations::Node, store::at_rest::State};

/// Unix milliseconds as Unix seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// A metric without labels.
pub(super) fn one(meter: Meter, value: f64) -> LookedUp {
    LookedUp { meter, samples: vec![(Vec::new(), value)] }
}

fn truth(meter: Meter, holds: bool) -> LookedUp {
    one(meter, f64::from(u8::from(holds)))
}

impl Node {
    /// Everything that this node tells in numbers, in Prometheus's text format 0.0.4. Nobody's data is in it. Blocks
    /// for the sizes of a few files.
    pub fn exposition(&self) -> String {
        self.meters.tell(&self.looked_up())
    }

    /// All counters that are not zero: metric, value of its label, count. Blocks as [`Node::exposition`].
    pub fn counters(&self) -> Vec<(Meter, String, u64)> {
        self.meters.counters(&self.looked_up())
    }

    fn looked_up(&self) -> Vec<LookedUp> {
        let mut found = self.units_looked_up();
        found.extend(self.standing_looked_up());
        found.extend(self.counts_looked_up());
        found.extend(self.computer_looked_up());
        found
    }

    /// Who this node is and how it stands.
    fn standing_looked_up(&self) -> Vec<LookedUp> {
        let parent = self.config.parent.as_ref().map(|parent| parent.unit);
        let node = [
            self.unit().to_string(),
            self.config.tier.to_string(),
            parent.map(|parent| parent.to_string()).unwrap_or_default(),
        ];
        let version = vec![env!("CARGO_PKG_VERSION").to_owned()];
        let mut found = vec![
            LookedUp { meter: BUILD, samples: vec![(version, 1.0)] },
            LookedUp { meter: NODE, samples: vec![(node.into(), 1.0)] },
            truth(READY, self.health().is_ready()),
            one(STARTED, seconds(self.started_at_ms)),
            truth(NAMES_LOCKED, self.store.at_rest() == State::Locked),
            truth(AUDIT_CUT, self.parent_anchor().cut),
            one(DIRECTORY, self.directory_version() as f64),
        ];
        // At the top there is no parent to be linked to.
        if parent.is_some() {
            let link = self.link.read().expect("no holder of the link panics");
            found.push(truth(PARENT_LINK, link.connected));
        }
        let until_ms = self.certificate_until_ms();
        found.extend((until_ms > 0).then(|| one(CERTIFICATE_END, seconds(until_ms))));
        found
    }

    /// What the store has come to.
    fn counts_looked_up(&self) -> Vec<LookedUp> {
        let (own, has_parent) = (self.unit(), self.config.parent.is_some());
        let view = self.store.view();
        let (mut batches, mut changes) = (0, 0);
        for (origin, chain) in &view.chains {
            if *origin != own {
                batches += chain.head.number.0;
                changes += chain.head.next.0.saturating_sub(1);
            }
        }
        let mut found = vec![
            one(CHANGES_RECORDED, view.recording.sequence as f64),
            one(PERSONS, view.recording.persons as f64),
            one(CHANGES_UNSEALED, view.unsealed.len() as f64),
            one(BATCHES_ACCEPTED, batches as f64),
            one(CHANGES_ACCEPTED, changes as f64),
            one(LEDGER_BYTES, view.position.0 as f64),
        ];
        drop(view);
        if has_parent {
            found.push(one(BATCHES_UNACKNOWLEDGED, self.unacknowledged() as f64));
        }
        found
    }

    /// Disk and memory; what the system does not say is left out.
    fn computer_looked_up(&self) -> Vec<LookedUp> {
        let disk = self.disk_space().into_iter().flat_map(|disk| {
            [one(DISK_FREE, disk.free_bytes as f64), one(DISK_SIZE, disk.size_bytes as f64)]
        });
        let memory = host::resident_bytes().map(|bytes| one(MEMORY, bytes as f64));
        disk.chain(memory).chain([one(INDEX_BYTES, self.store.index_bytes() as f64)]).collect()
    }
}
