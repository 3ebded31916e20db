//! Chains and what contradicts them, as messages.

use crate::operations::recovery::{Contradiction, Inspected, Version};
use danso_core::chain::Head;
use danso_proto::v1;

/// A version of a batch as a message.
pub fn version(version: &Version) -> v1::ChainVersion {
    let header = &version.header;
    v1::ChainVersion {
        number: header.number.0,
        hash: version.hash.0.to_vec().into(),
        first_sequence: header.first.0,
        changes: u64::from(header.changes),
        recorded_from_ms: header.recorded_from.millis(),
        recorded_to_ms: header.recorded_to.millis(),
        key: header.key.to_string(),
    }
}

fn evidence(found: Contradiction) -> v1::EvidenceRow {
    v1::EvidenceRow {
        code: found.evidence.code,
        hold: found.evidence.hold,
        sender: found.evidence.child.to_string(),
        at_ms: found.evidence.at_ms,
        received: found.received.as_ref().map(version),
        held: found.held.as_ref().map(version),
    }
}

/// An inspected chain as a message; `name` is the unit's.
pub fn inspected(found: Inspected, name: String) -> v1::InspectedChain {
    let empty = found.chain.head == Head::default();
    v1::InspectedChain {
        origin: found.origin.to_string(),
        name,
        child: found.chain.child.map(|child| child.to_string()).unwrap_or_default(),
        head: found.head.as_ref().map(version).filter(|_| !empty),
        acknowledged_number: found.chain.acknowledged.0,
        held_code: found.chain.held.unwrap_or_default(),
        link_held_code: found.link_held.unwrap_or_default(),
        evidence: found.contradictions.into_iter().map(evidence).collect(),
        quarantined: found
            .quarantined
            .into_iter()
            .map(|(sequence, reason)| v1::QuarantineRow {
                sequence: sequence.0,
                reason: reason.code().to_owned(),
            })
            .collect(),
        quarantined_count: found.chain.quarantined,
    }
}
