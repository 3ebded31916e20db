//! Batches: what reaches `accept` from a child, changed on its way or signed by a hostile origin.

use crate::edits::{Edit, apply, some_edits};
use bolero::TypeGenerator;
use danso_core::{
    chain::{
        Batch, Contents, Exclusions, Fault, Head, Header, LedgerKey, Link, PersonalLeaf, SealInput,
        SealedChange, Signed, check_link, open, origin_of, seal, strip, write_frame,
    },
    domain::{Core, Reason},
    rollup::{Judged, claim, decode_leaves, encode_leaves, judge},
};
use danso_tests::{ChainBook, unit};
use danso_tier_config::Policy;

const POLICIES: [Policy; 3] = [Policy::Names, Policy::Cores, Policy::Counts];

fn key() -> LedgerKey {
    LedgerKey::from_seed(&[1; 32])
}

/// Three batches of a chain with all frames, each with the head before it.
fn chain() -> Vec<(Head, Batch)> {
    let mut book = ChainBook::new(unit("00001"), key());
    let mut head = Head::default();
    (0..3u16)
        .map(|round| {
            (0..12).for_each(|step| book.write_any((step % 8) as u8, round * 31 + step * 7));
            let batch = book.seal().unwrap();
            let before = head;
            head = Head::after(&batch.header.decode_trusted().unwrap(), batch.hash());
            (before, batch)
        })
        .collect()
}

/// A batch as it passes a boundary; with counts come the tier's exclusions.
fn forwarded(batch: &Batch, policy: Policy) -> Batch {
    let mut batch = batch.clone();
    if policy == Policy::Counts {
        let header: Header = batch.header.decode_trusted().unwrap();
        let cores = strip(batch.clone(), Policy::Cores);
        let judged = judge(&open(&cores, &header, Policy::Cores).unwrap(), &header, None).unwrap();
        batch.deltas = Some(write_frame(judged.claim().iter().map(Vec::as_slice)));
        let exclusions = Exclusions {
            tier_unit: unit("001"),
            origin: header.origin,
            number: header.number,
            hash: batch.hash(),
            deltas: encode_leaves(&judged.excluded),
            quarantined: judged.quarantined,
        };
        batch.exclusions = Some(Signed::sign(&exclusions, &key()));
    }
    strip(batch, policy)
}

/// What acceptance finds in a batch, in its order: signature, link, frames, exclusions, verdicts.
fn accept(head: &Head, batch: &Batch, policy: Policy) -> Result<(Header, Contents, Judged), Fault> {
    origin_of(&batch.header.bytes)?;
    let header: Header = batch.header.verify(key().public())?;
    assert_eq!(check_link(head, &header, batch.hash(), None)?, Link::Next);
    let contents = open(batch, &header, policy)?;
    let exclusions = batch.exclusions.as_ref().map(|signed| signed.verify::<Exclusions>(key().public()));
    let exclusions = exclusions.transpose()?;
    if exclusions.as_ref().is_some_and(|found| found.hash != batch.hash()) {
        return Err(Fault::Signature);
    }
    let judged = judge(&contents, &header, exclusions.as_ref())?;
    Ok((header, contents, judged))
}

/// A batch of the chain, sent under one policy and read under another, with edits in each of its parts.
#[derive(Debug, Clone, TypeGenerator)]
struct Forwarded {
    batch: u8,
    sent: u8,
    read: u8,
    #[generator(0u8..6)]
    part: u8,
    #[generator(some_edits())]
    edits: Vec<Edit>,
    /// A frame that another batch of the chain lends in place of its own.
    lent: Option<u8>,
}

#[test]
fn forwarded_with_something_changed() {
    let chain = chain();
    let sent: Vec<Vec<Batch>> =
        chain.iter().map(|(_, batch)| POLICIES.map(|policy| forwarded(batch, policy)).to_vec()).collect();
    for ((head, _), batches) in chain.iter().zip(&sent) {
        for (batch, policy) in batches.iter().zip(POLICIES) {
            assert!(accept(head, batch, policy).is_ok(), "under {policy} the honest batch is taken");
        }
    }
    fuzz!(Forwarded, |input: &Forwarded| {
        let place = usize::from(input.batch) % chain.len();
        let (policy, read) = (usize::from(input.sent) % 3, POLICIES[usize::from(input.read) % 3]);
        let (head, honest) = (&chain[place].0, &sent[place][policy]);
        let mut batch = honest.clone();
        let lender = input.lent.map_or(&batch, |lent| &sent[usize::from(lent) % sent.len()][policy]).clone();
        let donors = [lender.header.bytes.clone(), lender.cores.clone().unwrap_or_default()];
        let edit = |bytes: Vec<u8>| {
            let mut bytes = bytes;
            apply(&input.edits, &mut bytes, &donors);
            bytes
        };
        match input.part {
            0 => batch.header.bytes = edit(lender.header.bytes),
            1 => batch.header.signature = edit(lender.header.signature),
            2 => batch.personal = lender.personal.map(edit),
            3 => batch.cores = lender.cores.map(edit),
            4 => batch.deltas = lender.deltas.map(edit),
            _ => {
                batch.exclusions =
                    lender.exclusions.map(|signed| Signed { bytes: edit(signed.bytes), ..signed });
            }
        }
        let _ = origin_of(&batch.header.bytes);
        let signed = sent.iter().any(|batches| batches[0].header == batch.header);
        assert_eq!(batch.header.verify::<Header>(key().public()).is_ok(), signed);
        let Ok((_, contents, judged)) = accept(head, &batch, read) else { return };
        // Accepted means: what the origin signed, whatever was done to the compressed bytes.
        let policy = POLICIES[policy];
        let (_, expected, verdicts) = accept(head, honest, policy).unwrap();
        assert!(batch.header == honest.header && contents == expected);
        assert!(batch.exclusions == honest.exclusions || batch.exclusions.is_none());
        assert!(batch.exclusions != honest.exclusions || judged == verdicts);
    });
}

/// A batch that its origin signs although something in it is wrong.
#[derive(Debug, Clone, TypeGenerator)]
struct Hostile {
    batch: u8,
    leaf: u8,
    #[generator(some_edits())]
    core: Vec<Edit>,
    #[generator(some_edits())]
    personal: Vec<Edit>,
    #[generator(some_edits())]
    delta: Vec<Edit>,
    #[generator(some_edits())]
    header: Vec<Edit>,
    /// Whether its deltas are those of the cores as they are now.
    claims_truly: bool,
    sent: u8,
    read: u8,
}

/// The changes of an honest batch, and its claim.
fn parts(batch: &Batch) -> (Vec<SealedChange>, Vec<Vec<u8>>) {
    let header: Header = batch.header.decode_trusted().unwrap();
    let named = open(&strip(batch.clone(), Policy::Names), &header, Policy::Names).unwrap();
    let (cores, personal) = (named.cores.unwrap(), named.personal.unwrap());
    let change = |(core, leaf): (&[u8], &[u8])| SealedChange {
        core: core.to_vec(),
        personal: match PersonalLeaf::decode(leaf).unwrap() {
            PersonalLeaf::Present { salt, bytes } => Some((*salt, bytes.to_vec())),
            _ => None,
        },
        recorded_at: header.recorded_to,
    };
    let deltas = Batch { personal: None, cores: None, ..batch.clone() };
    let deltas = open(&deltas, &header, Policy::Counts).unwrap().deltas.unwrap();
    (cores.iter().zip(personal.iter()).map(change).collect(), deltas.to_vec())
}

impl Hostile {
    /// The batch that this input makes of an honest one; `None` where its header is none any more.
    fn seal(&self, head: Head, parts: &(Vec<SealedChange>, Vec<Vec<u8>>)) -> Option<Batch> {
        let (mut changes, mut deltas) = parts.clone();
        let donors: Vec<Vec<u8>> = changes.iter().map(|change| change.core.clone()).collect();
        let (leaf, delta) = (usize::from(self.leaf) % changes.len(), usize::from(self.leaf) % deltas.len());
        apply(&self.core, &mut changes[leaf].core, &donors);
        if let Some((_, personal)) = &mut changes[leaf].personal {
            apply(&self.personal, personal, &donors);
        }
        if self.claims_truly {
            let cores: Vec<Core> =
                changes.iter().filter_map(|change| Core::decode(&change.core).ok()).collect();
            deltas = claim(&cores);
        } else {
            apply(&self.delta, &mut deltas[delta], &donors);
        }
        let batch =
            seal(&SealInput { origin: unit("00001"), head, changes: &changes, deltas: &deltas }, &key());
        let mut edited = batch.header.clone();
        apply(&self.header, &mut edited.bytes, &donors);
        let header: Header = edited.decode_trusted().ok()?;
        Some(Batch { header: Signed::sign(&header, &key()), ..batch })
    }
}

#[test]
fn signed_by_a_hostile_origin() {
    let chain = chain();
    let parts: Vec<_> = chain.iter().map(|(_, batch)| parts(batch)).collect();
    fuzz!(Hostile, |input: &Hostile| {
        let place = usize::from(input.batch) % chain.len();
        let head = chain[place].0;
        let Some(batch) = input.seal(head, &parts[place]) else { return };
        let (sent, read) = (POLICIES[usize::from(input.sent) % 3], POLICIES[usize::from(input.read) % 3]);
        let Ok((header, contents, judged)) = accept(&head, &strip(batch.clone(), sent), read) else { return };
        let sequences = judged.quarantined.iter().map(|quarantined| quarantined.sequence);
        assert!(sequences.is_sorted() && judged.quarantined.len() <= header.changes as usize);
        for leaves in [judged.claim(), encode_leaves(&judged.excluded), encode_leaves(&judged.counted)] {
            assert_eq!(
                decode_leaves(leaves.iter().map(Vec::as_slice)).map(|found| found.len()),
                Ok(leaves.len())
            );
        }
        // What one tier accepts with its cores, the next accepts as counts, and counts the same.
        let newer = judged.quarantined.iter().any(|quarantined| quarantined.reason == Reason::NewerFormat);
        if contents.cores.is_some() && !newer {
            let counts = forwarded(&batch, Policy::Counts);
            let (_, _, above) = accept(&head, &counts, Policy::Counts).unwrap();
            assert_eq!(above, judged);
        }
    });
}
