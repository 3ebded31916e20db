//! Sealing and verifying a batch of 1,000 changes, and its bytes on the wire under each policy.

use crate::samples::{commune, line, millis, percentile};
use danso_core::{
    chain::{Head, Header, LedgerKey, SealInput, SealedChange, open, seal, strip},
    domain::{
        Area, Book, Core, HouseholdFacts, HouseholdId, HouseholdKind, RecordedAt, Sequence,
        entry::{Entry, Register, change_of},
    },
    rollup::{claim, judge},
};
use danso_node::wire::link::batch_message;
use danso_tests::unit;
use danso_tier_config::Policy;
use std::{collections::BTreeMap, time::Instant};

const CHANGES: usize = 1_000;
const ROUNDS: usize = 50;

/// The first changes of a simulated register, encoded as a commune would.
pub fn changes(count: usize) -> (Vec<SealedChange>, Vec<Core>) {
    let (simulated, _, _) = commune("00001", 2_000, 0, 7);
    let mut memory = Book::new(unit("00001"));
    let mut homes: BTreeMap<String, HouseholdId> = BTreeMap::new();
    let (mut sealed, mut cores) = (Vec::new(), Vec::new());
    let on = "2024-01-01".parse().unwrap();
    for row in simulated.register {
        let mut entries = Vec::new();
        if !homes.contains_key(&row.person.household) {
            homes.insert(row.person.household.clone(), memory.next_household());
            let facts = HouseholdFacts { number: row.person.household.clone(), address: row.address.clone() };
            entries.push(Entry::OpenHousehold { area: Area(row.area), kind: HouseholdKind::Family, facts });
        }
        let person = row.person();
        entries.push(Entry::Register { household: homes[&row.person.household], person });
        for entry in entries {
            let number = sealed.len() as u64 + 1;
            let recorded_at = RecordedAt::from_millis(1_767_000_000_000 + number);
            let change = change_of(entry, on, recorded_at, Sequence(number), &memory).unwrap();
            memory.apply(&change.core);
            let salt = std::array::from_fn(|at| (number as usize * 31 + at * 17) as u8);
            let personal = change.personal.map(|personal| (salt, personal.encode()));
            sealed.push(SealedChange { core: change.core.encode(), personal, recorded_at });
            cores.push(change.core);
            if sealed.len() == count {
                return (sealed, cores);
            }
        }
    }
    unreachable!("the register is larger than a batch")
}

pub fn run() {
    let key = LedgerKey::from_seed(&[3; 32]);
    let (changes, cores) = changes(CHANGES);
    let (mut sealing, mut verifying) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..ROUNDS {
        let since = Instant::now();
        let deltas = claim(&cores);
        let input =
            SealInput { origin: unit("00001"), head: Head::default(), changes: &changes, deltas: &deltas };
        let batch = seal(&input, &key);
        sealing.push(since.elapsed());
        let sent = strip(batch, Policy::Names);
        let since = Instant::now();
        let header: Header = sent.header.verify(key.public()).unwrap();
        let contents = open(&sent, &header, Policy::Names).unwrap();
        judge(&contents, &header, None).unwrap();
        verifying.push(since.elapsed());
        last = Some(sent);
    }
    line("sealing a batch of 1,000 changes, p50", &millis(percentile(&mut sealing, 50)));
    line("verifying and judging it, p50", &millis(percentile(&mut verifying, 50)));
    for policy in [Policy::Names, Policy::Cores] {
        let message = batch_message(strip(last.clone().unwrap(), policy));
        let bytes = prost_length(&message) as f64 / CHANGES as f64;
        line(
            &format!("bytes on the wire a change, batch of 1,000 registrations, policy {policy}"),
            &format!("{bytes:.1}"),
        );
    }
}

fn prost_length(message: &danso_proto::v1::Batch) -> usize {
    let statement = |signed: &Option<danso_proto::v1::SignedStatement>| {
        signed.as_ref().map_or(0, |signed| signed.statement.len() + signed.signature.len() + 8)
    };
    let frames = [&message.personal_frame, &message.cores_frame, &message.deltas_frame];
    statement(&message.header) + frames.into_iter().flatten().map(|frame| frame.len() + 4).sum::<usize>()
}
