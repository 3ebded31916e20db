//! What a node does about a chain of which its parent knows more: fetch the rest, or stay held.

use crate::chain::{BatchNumber, Digest, Fault, Head, Header, Receipt, check_link};
use danso_tier_config::UnitId;

/// A chain as it is held here, where the parent's word about it is judged.
#[derive(Debug, Clone, Copy)]
pub struct HeldChain {
    /// Its latest batch here.
    pub head: Head,
    /// Own changes recorded and not sealed; they build on the head as it is.
    pub unsealed: u64,
    /// Hash of the batch held under the number that the parent names.
    pub same_number: Option<Digest>,
}

/// What is to be done about a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Nothing is missing here.
    Complete,
    /// The parent has more: what follows `after` is fetched, up to `until`, whose hash is `hash`.
    Fetch {
        /// The latest batch held here.
        after: BatchNumber,
        /// The parent's latest.
        until: BatchNumber,
        /// Its hash.
        hash: Digest,
    },
    /// Nothing more is sent, recorded or taken until somebody decides; the code says why.
    Held(&'static str),
}

/// What to do when the parent's latest batch of a chain is `number` with `hash`.
///
/// What is fetched must still prove that it follows what is held: see [`Follower`].
pub fn course(held: &HeldChain, number: BatchNumber, hash: Digest) -> Course {
    if number <= held.head.number {
        let agrees = number.0 == 0 || held.same_number == Some(hash);
        return if agrees { Course::Complete } else { Course::Held("parent_diverges") };
    }
    if held.unsealed > 0 {
        return Course::Held("parent_ahead");
    }
    Course::Fetch { after: held.head.number, until: number, hash }
}

/// Why batches that came back from the parent are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFault {
    /// The first of them builds on another batch than the one held here.
    #[error("batch {number} of the parent does not build on the chain held here")]
    Diverges {
        /// The first batch fetched.
        number: BatchNumber,
    },
    /// One breaks a rule of its chain.
    #[error(transparent)]
    Chain(#[from] Fault),
    /// The receipt that came with one is not for it.
    #[error("the receipt that came with batch {number} is for another one")]
    Receipt {
        /// The batch.
        number: BatchNumber,
    },
    /// The parent gave less, or other batches, than its welcome promised.
    #[error("the parent promised batch {promised} and gave up to {found}")]
    Promise {
        /// By its welcome.
        promised: BatchNumber,
        /// The last that came.
        found: BatchNumber,
    },
    /// The parent has no cores of an own batch, and without them no register can be built.
    #[error("the parent holds only the counts of batch {number}")]
    CountsOnly {
        /// The batch.
        number: BatchNumber,
    },
}

impl RecoveryFault {
    /// The code under which the chain stays held.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Diverges { .. } => "parent_diverges",
            Self::Chain(fault) => fault.code(),
            Self::Receipt { .. } => "parent_signature",
            Self::Promise { .. } => "parent_ahead",
            Self::CountsOnly { .. } => "recover_counts_only",
        }
    }
}

/// Follows a chain as it comes back, batch by batch.
#[derive(Debug, Clone)]
pub struct Follower {
    parent: UnitId,
    start: BatchNumber,
    head: Head,
}

impl Follower {
    /// From the chain held here on; `parent` is who signs the receipts.
    pub fn new(parent: UnitId, head: Head) -> Self {
        Self { parent, start: head.number, head }
    }

    /// The head after what came so far.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Checks that a batch whose header and receipt verify is the next one, and that the receipt is for it.
    pub fn follow(&mut self, header: &Header, hash: Digest, receipt: &Receipt) -> Result<(), RecoveryFault> {
        let number = header.number;
        let link = check_link(&self.head, header, hash, None);
        match link {
            Ok(_) => {}
            // Anything but a batch that builds on the head held here means that the chains parted before.
            Err(_) if self.head.number == self.start && self.start.0 > 0 => {
                return Err(RecoveryFault::Diverges { number });
            }
            Err(fault) => return Err(fault.into()),
        }
        let names_it = receipt.parent == self.parent
            && (receipt.origin, receipt.number, receipt.hash) == (header.origin, number, hash);
        if !names_it {
            return Err(RecoveryFault::Receipt { number });
        }
        self.head = Head::after(header, hash);
        Ok(())
    }

    /// Checks that the chain has come as far as was promised.
    pub fn finish(&self, promised: BatchNumber, hash: Digest) -> Result<(), RecoveryFault> {
        // It may have gone on meanwhile; then the promised batch was one of those that were followed.
        let reached = self.head.number > promised || (self.head.number == promised && self.head.hash == hash);
        if reached { Ok(()) } else { Err(RecoveryFault::Promise { promised, found: self.head.number }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::KeyId,
        domain::{RecordedAt, Sequence},
    };

    fn unit(code: &str) -> UnitId {
        format!("{code}@2025-07-01").parse().unwrap()
    }

    fn digest(number: u64) -> Digest {
        Digest::of(&[&number.to_be_bytes()])
    }

    fn head(number: u64) -> Head {
        let hash = if number == 0 { Digest::default() } else { digest(number) };
        Head {
            number: BatchNumber(number),
            hash,
            next: Sequence(number + 1),
            recorded_to: RecordedAt::default(),
        }
    }

    fn header(number: u64, previous: Digest) -> Header {
        let at = RecordedAt::from_millis(number);
        Header {
            origin: unit("1"),
            number: BatchNumber(number),
            first: Sequence(number),
            changes: 1,
            previous,
            personal_root: Digest::default(),
            cores_root: Digest::default(),
            tallies_root: Digest::default(),
            recorded_from: at,
            recorded_to: at,
            key: KeyId([0; 8]),
        }
    }

    fn receipt(number: u64) -> Receipt {
        Receipt {
            parent: unit("9"),
            origin: unit("1"),
            number: BatchNumber(number),
            hash: digest(number),
            quarantined: Vec::new(),
            accepted_at_ms: 0,
        }
    }

    #[test]
    fn only_a_prefix_without_changes_on_top_of_it_is_fetched() {
        let held = |number, unsealed, same| HeldChain { head: head(number), unsealed, same_number: same };
        let ask = |held: HeldChain, number| course(&held, BatchNumber(number), digest(number));
        assert_eq!(ask(held(3, 0, None), 0), Course::Complete);
        assert_eq!(ask(held(3, 7, Some(digest(2))), 2), Course::Complete);
        assert_eq!(ask(held(3, 0, Some(digest(9))), 3), Course::Held("parent_diverges"));
        assert_eq!(ask(held(3, 0, None), 3), Course::Held("parent_diverges"));
        assert_eq!(ask(held(3, 1, None), 5), Course::Held("parent_ahead"));
        let fetch = Course::Fetch { after: BatchNumber(3), until: BatchNumber(5), hash: digest(5) };
        assert_eq!(ask(held(3, 0, None), 5), fetch);
    }

    #[test]
    fn what_comes_back_must_follow_what_is_held() {
        let mut follower = Follower::new(unit("9"), head(2));
        let other = header(3, digest(77));
        let parted = follower.follow(&other, digest(3), &receipt(3));
        assert_eq!(parted, Err(RecoveryFault::Diverges { number: BatchNumber(3) }));
        assert_eq!(follower.follow(&header(3, digest(2)), digest(3), &receipt(3)), Ok(()));
        let gap = follower.follow(&header(5, digest(4)), digest(5), &receipt(5)).unwrap_err();
        assert_eq!(gap.code(), "batch_gap");
        let foreign = follower.follow(&header(4, digest(3)), digest(4), &receipt(3));
        assert_eq!(foreign, Err(RecoveryFault::Receipt { number: BatchNumber(4) }));
        assert_eq!(follower.head().number, BatchNumber(3));
        assert_eq!(follower.finish(BatchNumber(3), digest(3)), Ok(()));
        let short = RecoveryFault::Promise { promised: BatchNumber(4), found: BatchNumber(3) };
        assert_eq!(follower.finish(BatchNumber(4), digest(4)), Err(short));
        let found = BatchNumber(3);
        assert_eq!(follower.finish(found, digest(8)), Err(RecoveryFault::Promise { promised: found, found }));
    }

    #[test]
    fn an_empty_chain_takes_its_first_batch_or_says_what_is_wrong_with_it() {
        let mut follower = Follower::new(unit("9"), Head::default());
        let wrong = follower.follow(&header(1, digest(5)), digest(1), &receipt(1)).unwrap_err();
        assert_eq!(wrong.code(), "batch_wrong_previous");
        follower.follow(&header(1, Digest::default()), digest(1), &receipt(1)).unwrap();
        assert_eq!(follower.head().number, BatchNumber(1));
    }
}
