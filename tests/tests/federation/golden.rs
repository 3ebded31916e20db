//! The bytes of a batch, fixed: what an older danso signed must stay readable, and the same entries must
//! give the same signed bytes for ever. A change of `golden/batch-1.txt` is a new format.

use danso_core::{
    chain::{Batch, Digest, Head, Header, LedgerKey, PersonalLeaf, Signed, open, read_frame, strip},
    domain::{
        Area, Core, HouseholdFacts, HouseholdId, HouseholdKind, Method, PersonId, Personal, Reach, Sequence,
        Sex, entry::Entry,
    },
    rollup::{Tallies, judge},
};
use danso_tests::{ChainBook, book::birth, entries::person};
use danso_tier_config::{Policy, UnitId, limits};
use std::{collections::BTreeMap, fmt::Write as _};

const GOLDEN: &str = include_str!("golden/batch-1.txt");
const SEED: [u8; 32] = [7; 32];

fn origin() -> UnitId {
    "31117@2025-07-01".parse().unwrap()
}

/// Entries of every frame's kind: with and without names, stocks and flows, a void, a wrong one.
fn book() -> ChainBook {
    let unit = origin();
    let mut book = ChainBook::new(unit, LedgerKey::from_seed(&SEED));
    let household = HouseholdId { unit, serial: 1 };
    let resident = |serial| PersonId { unit, serial };
    let facts = HouseholdFacts { number: "27".to_owned(), address: "Xóm Đình thôn Hạ".to_owned() };
    let mut wife = person("Nguyễn Thị Hòa", Sex::Female, "1995-05-05");
    wife.marital = danso_core::domain::Marital::Married;
    let entries = [
        ("2026-01-01", Entry::OpenHousehold { area: Area(3), kind: HouseholdKind::Family, facts }),
        ("2026-01-01", Entry::Register { household, person: wife }),
        (
            "2026-01-01",
            Entry::Register { household, person: person("Trần Văn Bình", Sex::Male, "1946-11-30") },
        ),
        ("2026-02-11", Entry::MethodStarted { person: resident(1), method: Method::Pill }),
        ("2026-03-09", birth(household, Sex::Male, "2026-03-09")),
        ("2026-03-31", Entry::Death { person: resident(2), birth_date: None }),
        ("2026-04-02", Entry::Departure { person: resident(3), reach: Reach::Abroad, to: None }),
    ];
    for (on, entry) in entries {
        assert!(book.write(on, entry), "{on}");
    }
    let original = Box::new(book.cores[6].clone());
    assert!(book.write("2026-04-02", Entry::Void { sequence: Sequence(7), original }));
    book.write_wrong();
    book
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The golden file: `name hex` on each line.
fn golden() -> BTreeMap<&'static str, Vec<u8>> {
    GOLDEN.lines().filter_map(|line| line.split_once(' ')).map(|(name, hex)| (name, unhex(hex))).collect()
}

fn golden_batch() -> Batch {
    let mut parts = golden();
    let mut part = |name| parts.remove(name).unwrap();
    Batch {
        header: Signed { bytes: part("header"), signature: part("signature") },
        personal: Some(part("personal")),
        cores: Some(part("cores")),
        deltas: Some(part("deltas")),
        exclusions: None,
    }
}

fn leaves(frame: Option<&Vec<u8>>) -> Vec<Vec<u8>> {
    read_frame(frame.unwrap(), "golden", limits::BATCH_DELTAS_MAX).unwrap().to_vec()
}

#[test]
fn the_same_entries_give_the_same_signed_bytes() {
    let (batch, golden) = (book().seal().unwrap(), golden_batch());
    if batch.header != golden.header {
        // Shown whole, so that a wanted new format can be written down from here.
        let tallies = Tallies::recount(book().counted()).digest();
        for (name, bytes) in [
            ("header", batch.header.bytes.as_slice()),
            ("signature", &batch.header.signature),
            ("personal", batch.personal.as_ref().unwrap()),
            ("cores", batch.cores.as_ref().unwrap()),
            ("deltas", batch.deltas.as_ref().unwrap()),
            ("hash", &batch.hash().0),
            ("tallies", &tallies),
        ] {
            println!("golden {name} {}", hex(bytes));
        }
    }
    assert_eq!(hex(&batch.header.bytes), hex(&golden.header.bytes));
    assert_eq!(hex(&batch.header.signature), hex(&golden.header.signature));
    // Compressed bytes may change with zstd; what they hold may not.
    assert_eq!(leaves(batch.personal.as_ref()), leaves(golden.personal.as_ref()));
    assert_eq!(leaves(batch.cores.as_ref()), leaves(golden.cores.as_ref()));
    assert_eq!(leaves(batch.deltas.as_ref()), leaves(golden.deltas.as_ref()));
}

#[test]
fn the_golden_batch_verifies_and_means_what_was_written() {
    let (batch, book) = (golden_batch(), book());
    let header: Header = batch.header.verify(LedgerKey::from_seed(&SEED).public()).unwrap();
    assert_eq!((header.origin, header.number.0, header.first, header.changes), (origin(), 1, Sequence(1), 9));
    assert_eq!(Head::after(&header, batch.hash()).next, Sequence(10));
    let contents = open(&strip(batch.clone(), Policy::Names), &header, Policy::Names).unwrap();
    let cores: Vec<Core> =
        contents.cores.as_ref().unwrap().iter().map(|bytes| Core::decode(bytes).unwrap()).collect();
    assert_eq!(cores, book.cores);
    let personal = contents.personal.as_ref().unwrap();
    let leaf = |place| PersonalLeaf::decode(personal.get(place).unwrap()).unwrap();
    let PersonalLeaf::Present { bytes, .. } = leaf(1) else {
        panic!("the wife's names are missing");
    };
    assert_eq!(Personal::decode(bytes).unwrap().persons[0].1.name, "Nguyễn Thị Hòa");
    assert!(leaf(3) == PersonalLeaf::Absent, "a method names nobody");

    let judged = judge(&contents, &header, None).unwrap();
    assert_eq!(judged.quarantined.iter().map(|wrong| wrong.sequence).collect::<Vec<_>>(), [Sequence(9)]);
    let mut tallies = Tallies::default();
    tallies.apply(origin(), &judged.counted);
    assert_eq!(super::differences_of(&tallies, &Tallies::recount(book.counted())), []);
    assert_eq!(hex(&tallies.digest()), hex(&golden()["tallies"]));
    assert_eq!(batch.hash(), Digest::from_slice(&golden()["hash"]).unwrap());
}

#[test]
fn the_golden_batch_opens_as_counts_alone() {
    let batch = strip(golden_batch(), Policy::Counts);
    let header: Header = batch.header.decode_trusted().unwrap();
    assert!(batch.cores.is_none() && batch.personal.is_none());
    let contents = open(&batch, &header, Policy::Counts).unwrap();
    let counted = judge(&contents, &header, None).unwrap().counted;
    let mut tallies = Tallies::default();
    tallies.apply(origin(), &counted);
    // Without the tier's list of exclusions, the wrong change is still in them.
    let all = book().cores;
    let expected = Tallies::recount(all.iter().map(|core| (origin(), core)));
    assert_eq!(super::differences_of(&tallies, &expected), []);
    assert_ne!(hex(&tallies.digest()), hex(&golden()["tallies"]));
}
