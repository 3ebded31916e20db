//! The answer to a child's hello: what is held here, and what the child missed.

use super::{errors::malformed, serving::ParentLink};
use crate::{
    operations::{Actor, Node},
    transport::{access, answers::has_verdicts},
    wire::{
        link::{self, Malformed},
        status::{of_register, status},
    },
};
use danso_core::{
    chain::{BatchNumber, Head, Signed, key_subject},
    replication::{Spoken, agreed, may_speak_for},
};
use danso_proto::v1::{self, parent_message::Message as FromParent};
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeMap;
use tonic::{Code, Status};

impl ParentLink {
    /// Answers the hello: heads, policy, window and keys, then the receipts that the child missed.
    pub(super) async fn welcome(&self, hello: v1::Hello) -> Result<(), Status> {
        let child = Spoken { min: hello.protocol_version_min, max: hello.protocol_version };
        let protocol_version = agreed(Spoken::OURS, child).map_err(|none| {
            self.node.turn_away(self.child, "protocol_version", none.to_string());
            status(Code::FailedPrecondition, "protocol_version", none.to_string())
        })?;
        self.out.speak(protocol_version);
        if hello.unit != self.child.to_string() {
            let message = format!("the certificate names {}, the hello another unit", self.child);
            let answer = status(Code::PermissionDenied, "not_allowed", message);
            return Err(access::refused(&self.node, Some(&Actor::node(self.child)), "Link", answer));
        }
        link::heads(&hello.heads).map_err(|error| malformed(&error))?;
        self.take_registrations(hello.registrations).await?;
        let known = known_heads(&self.node, self.child);
        let registrations = self.told.due().await;
        let nothing = BatchNumber(0);
        let origins = known.keys().copied().collect();
        let missing = self.node.blocking(move |node| node.names_missing(origins)).await;
        let welcome = v1::Welcome {
            protocol_version,
            unit: self.node.unit().to_string(),
            heads: known
                .iter()
                .map(|(origin, head)| {
                    let (first, last) = missing.get(origin).copied().unwrap_or_default();
                    v1::Head {
                        names_missing_from: first.0,
                        names_missing_to: last.0,
                        ..link::head_message(*origin, head, nothing)
                    }
                })
                .collect(),
            policy: self.node.policy_from(self.child).to_string(),
            window_batches: self.node.limits().window_batches,
            registrations,
        };
        self.send(FromParent::Welcome(welcome)).await?;
        let acknowledged: BTreeMap<String, u64> =
            hello.heads.into_iter().map(|head| (head.origin, head.acknowledged_number)).collect();
        let reach = u64::from(self.node.limits().window_batches);
        let late = self.node.blocking(move |node| late_receipts(node, &known, &acknowledged, reach)).await;
        self.introduce().await?;
        for receipt in late {
            self.send(FromParent::Receipt(link::signed_message(&receipt))).await?;
        }
        Ok(())
    }
}

/// What a node holds of a child's subtree, also of origins that the child's hello does not name: one whose folder was
/// lost names nothing.
pub(in crate::transport) fn known_heads(node: &Node, child: UnitId) -> BTreeMap<UnitId, Head> {
    let directory = node.directory();
    let (today, parent) = (node.today(), node.unit());
    let view = node.store.view();
    let held = view.chains.iter().filter(|(_, chain)| chain.head.number.0 > 0);
    held.filter(|(origin, _)| may_speak_for(&directory, today, parent, child, **origin))
        .map(|(origin, chain)| (*origin, chain.head))
        .collect()
}

/// Takes the keys that a child brings of its own subtree; others are passed over.
pub(in crate::transport) async fn take_registrations(
    node: &Node,
    child: UnitId,
    registrations: Vec<v1::SignedStatement>,
) -> Result<(), Status> {
    if registrations.len() > limits::HELLO_ORIGINS_MAX {
        return Err(malformed(&Malformed("list of registrations")));
    }
    let directory = node.directory();
    let (today, parent) = (node.today(), node.unit());
    let within = |signed: &Signed| {
        key_subject(signed).map_or(true, |unit| may_speak_for(&directory, today, parent, child, unit))
    };
    let registrations = registrations.into_iter().map(link::signed).filter(within).collect();
    node.register(registrations).await.map_err(|error| of_register(&error))
}

/// Receipts that a child never got: of each origin the latest, and those before it that carry verdicts, as
/// far back as `reach` batches.
pub(in crate::transport) fn late_receipts(
    node: &Node,
    known: &BTreeMap<UnitId, Head>,
    acknowledged: &BTreeMap<String, u64>,
    reach: u64,
) -> Vec<Signed> {
    let mut receipts = Vec::new();
    for (origin, head) in known {
        let Some(acknowledged) = acknowledged.get(&origin.to_string()) else {
            continue;
        };
        let first = acknowledged.saturating_add(1).max(head.number.0.saturating_sub(reach));
        for number in first..=head.number.0 {
            let held = node.store.batch(*origin, BatchNumber(number)).ok().flatten();
            let receipt = held.and_then(|held| held.receipt);
            receipts.extend(receipt.filter(|receipt| number == head.number.0 || has_verdicts(receipt)));
        }
    }
    receipts
}
