//! A batch as it passes to the parent.

use super::AcceptError;
use crate::operations::Node;
use danso_core::{
    chain::{Batch, BatchNumber, Exclusions, Header, Signed, open, strip, write_frame},
    rollup::{encode_leaves, judge},
};
use danso_tier_config::{Policy, UnitId};

impl Node {
    /// A batch as it may pass to the parent under `policy`.
    pub fn batch_for(
        &self,
        origin: UnitId,
        number: BatchNumber,
        policy: Policy,
    ) -> Result<Option<Batch>, AcceptError> {
        let Some(held) = self.store.batch(origin, number)? else {
            return Ok(None);
        };
        let mut batch = held.batch;
        if policy < Policy::Cores && batch.cores.is_some() {
            self.add_counts(&mut batch)?;
        }
        Ok(Some(strip(batch, policy)))
    }

    /// Adds what travels where the cores do not: the deltas, and what this tier excluded of them.
    fn add_counts(&self, batch: &mut Batch) -> Result<(), AcceptError> {
        let header: Header = batch.header.decode_trusted()?;
        let deltas = batch.deltas.take();
        let kept = Batch { personal: None, ..batch.clone() };
        let contents = open(&kept, &header, Policy::Cores)?;
        let judged = judge(&contents, &header, None)?;
        batch.deltas = Some(deltas.unwrap_or_else(|| write_frame(judged.claim().iter().map(Vec::as_slice))));
        if !judged.quarantined.is_empty() {
            let exclusions = Exclusions {
                tier_unit: self.unit(),
                origin: header.origin,
                number: header.number,
                hash: batch.hash(),
                deltas: encode_leaves(&judged.excluded),
                quarantined: judged.quarantined,
            };
            batch.exclusions = Some(Signed::sign(&exclusions, &self.signing.key()));
        }
        Ok(())
    }
}
