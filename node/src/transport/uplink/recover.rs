//! Chains fetched back from the parent: of what it has and this node lost, batch by batch, each verified.

use super::{LinkError, Session, Uplink};
use crate::{
    operations::recovery::{Former, TakeBackError},
    wire::{
        link::{self, Malformed},
        status::{CODE_KEY, code_of},
    },
};
use danso_core::{
    chain::{BatchNumber, Digest, Head, Signed},
    replication::{Course, Follower, course},
};
use danso_proto::v1::{RecoverRequest, RecoveredBatch, child_message::Message as FromChild};
use danso_tier_config::UnitId;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::{Code, Status};

/// A chain as it stands after it was fetched.
pub(super) struct Fetched {
    /// Its head.
    pub head: Head,
    /// The parent's receipt for that batch, verified; `None` where nothing had to be fetched.
    pub receipt: Option<Signed>,
}

impl Uplink {
    /// Mends an origin of which the parent has more than this node, or leaves it held and says why.
    pub(super) async fn settle(
        &mut self,
        session: &mut Session,
        origin: UnitId,
        number: BatchNumber,
        hash: Digest,
    ) -> Result<(), LinkError> {
        let own = origin == self.node.unit();
        match self.fetch(session, origin, (number, hash), None).await? {
            Ok(Fetched { head, .. }) => {
                if own {
                    self.node.store.hold_own_chain(false);
                }
                self.outbox.recovered(origin, head.number, number);
                self.node.link.write().expect("no holder of the link panics").held.remove(&origin);
            }
            Err(code) => {
                self.hold_link(origin, &code);
                tracing::error!(
                    %origin, code, "the parent holds batches of this origin that this node does not have; \
                     nothing is sent for it: danso chain inspect, danso rebuild --from-parent"
                );
                if code == "parent_diverges" {
                    self.tell_divergence(session, origin, number).await?;
                }
            }
        }
        Ok(())
    }

    fn hold_link(&self, origin: UnitId, code: &str) {
        let mut link = self.node.link.write().expect("no holder of the link panics");
        link.held.insert(origin, code.to_owned());
    }

    /// Shows the parent the header of a batch here under whose number it holds another one.
    async fn tell_divergence(
        &self,
        session: &Session,
        origin: UnitId,
        theirs: BatchNumber,
    ) -> Result<(), LinkError> {
        let number = theirs.min(self.node.head_of(origin).number);
        let held = self.node.store.batch(origin, number).ok().flatten();
        let Some(held) = held else { return Ok(()) };
        let header = FromChild::Diverged(link::signed_message(&held.batch.header));
        session.say(header).await
    }

    /// Fetches a chain up to what the parent promised and takes it. Gives its head, or the code of the reason
    /// why it stays as it is.
    pub(super) async fn fetch(
        &mut self,
        session: &mut Session,
        origin: UnitId,
        (number, hash): (BatchNumber, Digest),
        former: Option<&Arc<Former>>,
    ) -> Result<Result<Fetched, String>, LinkError> {
        let held = match self.node.standing(origin, number).await {
            Ok(held) => held,
            Err(error) => return Ok(Err(error.code().to_owned())),
        };
        let (after, until) = match course(&held, number, hash) {
            Course::Complete => return Ok(Ok(Fetched { head: held.head, receipt: None })),
            Course::Held(code) => return Ok(Err(code.to_owned())),
            Course::Fetch { after, until, .. } => (after, until),
        };
        tracing::warn!(%origin, after = after.0, until = until.0, "fetching a chain back from the parent");
        let request = RecoverRequest { origin: origin.to_string(), after_number: after.0 };
        let mut batches = match session.client.recover(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return refusal(status).map(Err),
        };
        let mut follower = Follower::new(self.parent.unit, held.head);
        let pause = Duration::from_millis(self.node.limits().heartbeat_ms);
        let mut beaten = Instant::now();
        let mut receipt = None;
        loop {
            let message = match batches.message().await {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(status) => return refusal(status).map(Err),
            };
            follower = match self.take(follower, message, former).await? {
                Ok((follower, taken)) => {
                    receipt = Some(taken);
                    follower
                }
                Err(error) => {
                    tracing::error!(%origin, code = error.code(), %error, "a batch that came back is not taken");
                    return Ok(Err(error.code().to_owned()));
                }
            };
            // The parent drops a link that is silent for long.
            if beaten.elapsed() >= pause {
                self.beat(session).await?;
                beaten = Instant::now();
            }
        }
        if let Err(fault) = follower.finish(until, hash) {
            tracing::error!(%origin, code = fault.code(), %fault, "the parent gave less than it promised");
            return Ok(Err(fault.code().to_owned()));
        }
        let came = (after.next(), follower.head().number);
        match self.node.came_back(self.parent.unit, origin, came).await {
            Ok(()) => Ok(Ok(Fetched { head: follower.head(), receipt })),
            Err(error) => Ok(Err(error.code().to_owned())),
        }
    }

    async fn take(
        &self,
        mut follower: Follower,
        message: RecoveredBatch,
        former: Option<&Arc<Former>>,
    ) -> Result<Result<(Follower, Signed), TakeBackError>, LinkError> {
        self.take_registrations(message.registrations).await?;
        let batch = link::batch(message.batch.ok_or(Malformed("batch"))?)?;
        let receipt = link::signed(message.receipt.ok_or(Malformed("receipt"))?);
        let former = former.cloned();
        let _turn = self.node.checking.acquire().await.expect("the turns are never closed");
        let taken = self.node.blocking(move |node| {
            let taken = node.take_back(&mut follower, batch, receipt.clone(), former.as_deref());
            taken.map(|()| (follower, receipt))
        });
        Ok(taken.await)
    }
}

/// The code with which the parent refuses to give a chain back; that concerns this chain alone. What no node
/// said is a line that broke.
fn refusal(status: Status) -> Result<String, LinkError> {
    if status.code() == Code::Unimplemented {
        // A parent of an earlier version: the chain stays as it stood with such a one.
        Ok("parent_ahead".to_owned())
    } else if status.metadata().contains_key(CODE_KEY) {
        Ok(code_of(&status))
    } else {
        Err(status.into())
    }
}
