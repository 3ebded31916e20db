//! When the writer seals what waits into batches: at once where nothing is on its way, together where much comes.

use super::Writer;
use crate::store::{
    Staged,
    record::{OwnChange, Record, SaltedPersonal},
    rows::ChainRow,
    view::Unsealed,
};
use danso_core::{
    chain::{Head, SALT_BYTES, SealInput, Sealable, seal},
    domain::{Change, Core, RecordedAt},
    rollup::{Judged, canonical_of},
};
use danso_tier_config::limits;
use std::{borrow::Cow, sync::atomic::Ordering, time::Duration};
use tokio::time::Instant;

impl Writer {
    /// Whether anything can be sealed at all.
    fn can_seal(&self) -> bool {
        let held = self.inner.held.load(Ordering::Acquire);
        !(held || self.inner.index.vault.is_locked() || self.inner.stopped())
    }

    /// Whether changes wait that a receipt has just given way to.
    pub fn may_seal(&self) -> bool {
        if !self.can_seal() || self.unsealed_since.is_none() {
            return false;
        }
        let view = self.inner.view.read().expect("no holder of the view panics");
        self.is_free(view.chains.get(&self.inner.unit), view.unsealed.len())
    }

    /// Whether nothing that was sent still waits for its receipt, and the last batch is not so young that the next
    /// changes are better sent together.
    fn is_free(&self, chain: Option<&ChainRow>, waiting: usize) -> bool {
        !chain.is_some_and(ChainRow::awaits_receipt)
            && self.pace.gathered_in(waiting).is_zero()
            && self.unsealed_since.is_none_or(|since| since <= Instant::now())
    }

    /// Seals what is due, or all that waits, in the same group as the changes themselves: one sync makes both durable.
    pub fn seal_due(&mut self, group: &mut Vec<Staged>, all: bool) {
        let coming = || group.iter().flat_map(Staged::own_changes);
        // What waits is sealed where it lies: only the writer takes it away.
        let view = self.inner.view.read().expect("no holder of the view panics");
        let chain = view.chains.get(&self.inner.unit);
        let count = view.unsealed.len() + coming().count();
        if count == 0 || !self.can_seal() || !(all || self.due(chain, count)) {
            return;
        }
        let waiting: Vec<Waiting<'_>> =
            view.unsealed.iter().map(Waiting::applied).chain(coming().map(Waiting::coming)).collect();
        let mut head = chain.map(|chain| chain.head).unwrap_or_default();
        let most = self.batch_most();
        let mut batches = Vec::new();
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (changes, later) = rest.split_at(batch_length(rest, most));
            batches.push(self.sealed(&mut head, changes));
            rest = later;
        }
        drop(view);
        group.extend(batches);
        self.pace.sealed(count);
    }

    /// Full, or old enough, or free to go.
    fn due(&self, chain: Option<&ChainRow>, waiting: usize) -> bool {
        waiting >= self.batch_most()
            || self.is_free(chain, waiting)
            || self
                .unsealed_since
                .is_some_and(|since| since.elapsed() >= Duration::from_millis(self.limits.batch_age_ms))
    }

    /// Most changes of the next batch.
    fn batch_most(&self) -> usize {
        self.pace.most(self.limits.batch_changes as usize)
    }

    /// When the next batch may be due, if changes wait that can be sealed.
    pub fn seal_in(&self) -> Option<Duration> {
        let since = self.unsealed_since.filter(|_| self.can_seal())?;
        let view = self.inner.view.read().expect("no holder of the view panics");
        let waiting = view.unsealed.len();
        if self.is_free(view.chains.get(&self.inner.unit), waiting) {
            return Some(Duration::ZERO);
        }
        let due = since + Duration::from_millis(self.limits.batch_age_ms);
        let old = due.saturating_duration_since(Instant::now());
        let gathered = self.pace.gathered_in(waiting);
        Some(if gathered.is_zero() { old } else { old.min(gathered) })
    }

    fn sealed(&self, head: &mut Head, changes: &[Waiting<'_>]) -> Staged {
        let counted = canonical_of(changes.iter().map(|change| &*change.core));
        let judged = Judged { counted, ..Judged::default() };
        let deltas = judged.claim();
        let batch =
            seal(&SealInput { origin: self.inner.unit, head: *head, changes, deltas: &deltas }, &self.key);
        let header = batch.header.decode_trusted().expect("the header was encoded here");
        *head = Head::after(&header, batch.hash());
        Staged::judged(Record::Sealed(Box::new(batch)), judged)
    }
}

/// How many of the waiting changes go into the next batch: as many as the limit allows and as surely fit
/// into its frames, at least one.
fn batch_length(waiting: &[Waiting<'_>], changes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |change: &&Waiting<'_>| {
        bytes += change.bytes.len().max(change.personal.map_or(0, |(_, bytes)| bytes.len()));
        bytes <= limits::FRAME_BYTES_MAX / 2
    };
    waiting.iter().take(changes_max).take_while(fits).count().max(1)
}

/// An own change that is not sealed yet.
struct Waiting<'a> {
    bytes: &'a [u8],
    personal: Option<&'a SaltedPersonal>,
    core: Cow<'a, Core>,
}

impl<'a> Waiting<'a> {
    fn applied(change: &'a Unsealed) -> Self {
        let Unsealed { core, bytes, personal } = change;
        Self { bytes, personal: personal.as_ref(), core: Cow::Borrowed(core) }
    }

    /// One of the group that is about to be written.
    fn coming((change, made): (&'a OwnChange, Option<&'a Change>)) -> Self {
        let decoded = || Core::decode(&change.core).expect("own cores were encoded here");
        let core = made.map_or_else(|| Cow::Owned(decoded()), |made| Cow::Borrowed(&made.core));
        Self { bytes: &change.core, personal: change.personal.as_ref(), core }
    }
}

impl Sealable for Waiting<'_> {
    fn core(&self) -> &[u8] {
        self.bytes
    }

    fn personal(&self) -> Option<(&[u8; SALT_BYTES], &[u8])> {
        self.personal.map(|(salt, bytes)| (salt, bytes.as_slice()))
    }

    fn recorded_at(&self) -> RecordedAt {
        self.core.recorded_at
    }
}
