//! Orders of erasure and the words that they were carried out, on a link: the parent's and the child's side.

use crate::{
    operations::Node,
    wire::link::{self, Malformed},
};
use danso_core::chain::{Digest, Signed};
use danso_proto::v1;
use danso_tier_config::{UnitId, limits};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Mutex;

/// What a parent's link knows of its child. Nothing is sent before the child has said what it knows.
#[derive(Default)]
pub(super) struct Told(Mutex<Option<State>>);

#[derive(Default)]
struct State {
    orders: BTreeSet<Digest>,
    words: BTreeSet<(Digest, UnitId)>,
    /// Orders that were refused on this link; the child repeats them.
    refused: BTreeSet<Digest>,
}

impl Told {
    /// Takes what a child sent: carries its orders out, durably, and gives the answer.
    pub async fn received(
        &self,
        node: &Arc<Node>,
        child: UnitId,
        message: v1::ErasuresUp,
    ) -> Result<Option<v1::ErasuresDown>, Malformed> {
        if message.known.len() > limits::HELLO_ORDERS_MAX || message.orders.len() > limits::ERASURE_A_MESSAGE
        {
            return Err(Malformed("list of orders of erasure"));
        }
        let mut known = self.0.lock().await;
        let mut lost = Vec::new();
        let state = match &mut *known {
            Some(state) => state,
            unset => {
                let (state, unknown) = State::of(node, &message.known)?;
                lost = unknown;
                unset.insert(state)
            }
        };
        let new = statements(message.orders).into_iter();
        let new: Vec<Signed> = new.filter(|order| !state.refused.contains(&digest(order))).collect();
        let told: Vec<Digest> = new.iter().map(digest).collect();
        match node.take_orders(Some(child), new).await {
            Ok(refused) => {
                state.orders.extend(told);
                for (order, error) in refused {
                    state.orders.remove(&order);
                    tracing::error!(%child, ?order, code = error.code(), %error, "an order of erasure is not taken");
                    state.refused.insert(order);
                }
                if state.refused.len() > limits::ERASURE_REFUSED_PER_LINK_MAX {
                    return Err(Malformed("orders of erasure, too many of which are refused"));
                }
            }
            // The child sends them again.
            Err(error) => tracing::error!(%child, code = error.code(), %error, "erasure was not carried out"),
        }
        let mut answer = state.due(node, child);
        answer.lost = lost.into_iter().map(|order| order.0.to_vec().into()).collect();
        Ok(Some(answer).filter(said))
    }

    /// What became known since the last message to the child.
    pub async fn due(&self, node: &Node, child: UnitId) -> Option<v1::ErasuresDown> {
        self.0.lock().await.as_mut().map(|state| state.due(node, child)).filter(said)
    }
}

impl State {
    /// The state after a child said what it knows, and the orders that are not known here.
    fn of(node: &Node, known: &[v1::KnownOrder]) -> Result<(Self, Vec<Digest>), Malformed> {
        let (mut state, mut lost) = (Self::default(), Vec::new());
        for known in known {
            let order = Digest::from_slice(&known.order).ok_or(Malformed("digest of an order of erasure"))?;
            state.orders.insert(order);
            match node.erasure_words(order) {
                None => lost.push(order),
                Some(tiers) if tiers.len() <= known.confirmations as usize => {
                    state.words.extend(tiers.into_iter().map(|tier| (order, tier)));
                }
                Some(_) => {}
            }
        }
        Ok((state, lost))
    }

    fn due(&mut self, node: &Node, child: UnitId) -> v1::ErasuresDown {
        let orders = node.orders_for_child(child, &|order| self.orders.contains(order));
        let words = node.confirmations_for_child(child, &|order, tier| self.words.contains(&(*order, tier)));
        self.orders.extend(orders.iter().map(|(order, _)| *order));
        self.words.extend(words.iter().map(|(key, _)| *key));
        v1::ErasuresDown {
            orders: orders.iter().map(|(_, signed)| link::signed_message(signed)).collect(),
            confirmations: words.iter().map(|(_, signed)| link::signed_message(signed)).collect(),
            lost: Vec::new(),
        }
    }
}

fn said(message: &v1::ErasuresDown) -> bool {
    !(message.orders.is_empty() && message.confirmations.is_empty() && message.lost.is_empty())
}

fn statements(messages: Vec<v1::SignedStatement>) -> Vec<Signed> {
    messages.into_iter().map(link::signed).collect()
}

fn digest(order: &Signed) -> Digest {
    danso_core::chain::order_digest(order)
}

/// What a child's link has said, for one connection.
#[derive(Default)]
pub(super) struct Saying {
    begun: bool,
    /// Orders that the parent has lost.
    lost: BTreeSet<Digest>,
    /// Place after which orders are sent next, so that all get their turn.
    after: Option<Digest>,
    /// Origins whose keys were sent for their orders.
    introduced: BTreeMap<UnitId, usize>,
}

impl Saying {
    /// What is due to the parent: the message, and the keys that it needs for it, to be sent before.
    pub fn due(&mut self, node: &Node, parent: UnitId) -> Option<(Vec<v1::SignedStatement>, v1::ErasuresUp)> {
        let orders = node.orders_for_parent(parent, &self.lost, self.after);
        self.after = orders.last().map(|(order, ..)| *order);
        for (order, ..) in &orders {
            self.lost.remove(order);
        }
        let mut keys = Vec::new();
        for (_, origin, _) in &orders {
            let ring = node.ring_of(*origin);
            if self.introduced.insert(*origin, ring.epochs().len()) != Some(ring.epochs().len()) {
                keys.extend(ring.epochs().iter().map(|epoch| link::signed_message(&epoch.signed)));
            }
        }
        let said = |(order, confirmations): (Digest, u32)| v1::KnownOrder {
            order: order.0.to_vec().into(),
            confirmations,
        };
        let known = if self.begun { Vec::new() } else { node.known_orders() };
        let message = v1::ErasuresUp {
            known: known.into_iter().map(said).collect(),
            orders: orders.iter().map(|(.., signed)| link::signed_message(signed)).collect(),
        };
        let due = !self.begun || !message.orders.is_empty();
        self.begun = true;
        due.then_some((keys, message))
    }

    /// Takes what the parent sent: orders that this node lost, words of the tiers above. Durable on return.
    pub async fn received(&mut self, node: &Arc<Node>, message: v1::ErasuresDown) -> Result<(), Malformed> {
        let most = message.orders.len().max(message.confirmations.len());
        if most > limits::ERASURE_A_MESSAGE || message.lost.len() > limits::HELLO_ORDERS_MAX {
            return Err(Malformed("list of orders of erasure"));
        }
        for lost in &message.lost {
            self.lost.insert(Digest::from_slice(lost).ok_or(Malformed("digest of an order of erasure"))?);
        }
        match node.take_orders(None, statements(message.orders)).await {
            Ok(refused) => {
                for (order, error) in refused {
                    tracing::error!(?order, code = error.code(), %error, "an order of erasure is not taken");
                }
            }
            // They come again with the next connection.
            Err(error) => tracing::error!(code = error.code(), %error, "erasure was not carried out"),
        }
        if let Err(error) = node.take_confirmations(statements(message.confirmations)).await {
            tracing::error!(code = error.code(), %error, "confirmations of erasure were not kept");
        }
        Ok(())
    }
}
