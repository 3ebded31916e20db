//! What is kept against a chain that contradicts itself.

use super::{AcceptError, Chain};
use crate::{
    operations::Node,
    store::{Evidence, Record},
};
use danso_core::{
    chain::{Digest, Fault, Signed, origin_of},
    replication::may_speak_for,
};
use danso_tier_config::{Policy, UnitId, limits};
use std::collections::BTreeSet;

impl Node {
    /// Keeps the header of what contradicts a chain. A fork holds the origin until it is cleared up.
    pub(super) fn keep_evidence(
        &self,
        chain: &mut Chain,
        child: UnitId,
        origin: UnitId,
        (header, cores): (Signed, Option<Vec<u8>>),
        error: &AcceptError,
    ) {
        let AcceptError::Chain(fault) = error else {
            return;
        };
        let contradicts = matches!(
            fault,
            Fault::Fork { .. }
                | Fault::WrongPrevious { .. }
                | Fault::Signature
                | Fault::Root { .. }
                | Fault::FalseDeltas { .. }
        );
        // A fork is kept whatever was kept before it: it holds the origin.
        let hold = matches!(fault, Fault::Fork { .. });
        if !contradicts {
            return;
        }
        let code = fault.code().to_owned();
        let kept = self.contradictions(chain, origin);
        if !hold && kept.len() >= limits::EVIDENCE_PER_ORIGIN_MAX {
            return;
        }
        // The same batch sent again says nothing new, also where somebody has decided about it since.
        if !kept.insert((code.clone(), Digest::of(&[&header.bytes]))) {
            return;
        }
        tracing::error!(%child, %origin, code, hold, "a batch contradicts its chain");
        // Never more than what may pass the boundary.
        let may_pass = |cores: &Vec<u8>| {
            self.policy_from(child) >= Policy::Cores && cores.len() <= limits::FRAME_BYTES_MAX
        };
        let cores = cores.filter(|_| hold).filter(may_pass);
        let evidence = Evidence { child, origin, code, header, hold, at_ms: self.now_ms(), cores };
        // Its ticket is not awaited: the refusal does not depend on it.
        let _ = self.store.stage(vec![Record::Evidence(Box::new(evidence)).into()], self.store.generation());
    }

    /// A child's word that it holds another batch of a chain than this node: kept as evidence, once. Nothing is
    /// held for it, since the child sends nothing more of that chain. Blocks.
    pub fn hear_divergence(&self, child: UnitId, header: Signed) -> Result<(), AcceptError> {
        let origin = origin_of(&header.bytes)?;
        let parent = self.unit();
        if !may_speak_for(&self.directory(), self.today(), parent, child, origin) {
            return Err(AcceptError::NotAllowed { child, origin, parent });
        }
        let number = self.ring_of(origin).verify_header(origin, &header)?.number;
        let turn = self.turn_of(origin);
        let mut chain = turn.lock().expect("no acceptance panics");
        let found = Digest::of(&[&header.bytes]);
        let known = self.store.batch_row(origin, number)?.map(|row| row.hash);
        let Some(known) = known.filter(|known| *known != found) else { return Ok(()) };
        let code = Fault::Fork { origin, number, known, found }.code().to_owned();
        let kept = self.contradictions(&mut chain, origin);
        if kept.len() >= limits::EVIDENCE_PER_ORIGIN_MAX || !kept.insert((code.clone(), found)) {
            return Ok(());
        }
        tracing::error!(%child, %origin, code, number = number.0, "a child holds another batch under this number");
        let evidence =
            Evidence { child, origin, code, header, hold: false, at_ms: self.now_ms(), cores: None };
        let _ = self.store.stage(vec![Record::Evidence(Box::new(evidence)).into()], self.store.generation());
        Ok(())
    }

    fn contradictions<'a>(&self, chain: &'a mut Chain, origin: UnitId) -> &'a mut BTreeSet<(String, Digest)> {
        chain.contradictions.get_or_insert_with(|| {
            // Unreadable evidence is no reason to keep less of the new.
            let kept = self.store.evidence().unwrap_or_default().into_iter();
            let kept = kept.filter(|evidence| evidence.origin == origin);
            kept.map(|evidence| (evidence.code, Digest::of(&[&evidence.header.bytes]))).collect()
        })
    }
}
