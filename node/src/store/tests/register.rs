//! The own register: what names persons lies in the ledger alone, and is found there.

use super::{super::*, options};
use danso_core::{
    chain::SALT_BYTES,
    domain::{
        Area, Book, CaptureId, Education, Ethnicity, HouseholdFacts, HouseholdId, HouseholdKind, Marital,
        PersonFacts, PersonId, RecordedAt, Residence, Sequence, Sex,
        entry::{Entry, PersonData, change_of},
    },
};
use danso_tier_config::Date;
use std::{fs, path::Path};

const FORMER: &str = "Lê Thị Hường";
const NAME: &str = "Lê Thị Hương";
const ADDRESS: &str = "Xóm Đình Hạ";

fn facts(name: &str) -> PersonFacts {
    PersonFacts { name: name.to_owned(), subject_code: "GD77".to_owned(), ..PersonFacts::default() }
}

fn person(name: &str) -> PersonData {
    PersonData {
        sex: Sex::Female,
        birth_date: day(),
        ethnicity: Ethnicity::KINH,
        education: Education::None,
        marital: Marital::NeverMarried,
        residence: Residence::Present,
        method: None,
        facts: facts(name),
    }
}

fn day() -> Date {
    "2026-01-01".parse().unwrap()
}

/// A store whose names are not encrypted, and ids of what is recorded in it.
struct Commune {
    folder: tempfile::TempDir,
    home: HouseholdId,
    who: PersonId,
}

impl Commune {
    fn new() -> Self {
        let unit = "00001@2025-07-01".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { folder, home: HouseholdId { unit, serial: 1 }, who: PersonId { unit, serial: 1 } }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn open(&self) -> Store {
        Store::open(options(&self.data()), &mut |_, _| ()).unwrap().0
    }

    fn capture(sequence: u64) -> CaptureId {
        CaptureId([sequence as u8; 16])
    }

    /// A household with one person, whose name is then corrected; a change each, in one group.
    fn entries(&self) -> [Entry; 3] {
        let household = HouseholdFacts { number: "27".to_owned(), address: ADDRESS.to_owned() };
        let correction = Entry::Correction {
            person: self.who,
            sex: None,
            birth_date: None,
            ethnicity: None,
            education: Some(Education::Primary),
            marital: None,
            residence: None,
            facts: Some(facts(NAME)),
        };
        [
            Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts: household },
            Entry::Register { household: self.home, person: person(FORMER) },
            correction,
        ]
    }

    fn records(&self) -> Vec<Staged> {
        self.staged(self.entries())
    }

    /// Changes recorded one after the other, from the first on.
    fn staged(&self, entries: impl IntoIterator<Item = Entry>) -> Vec<Staged> {
        let mut book = Book::new(self.home.unit);
        let record = |(place, entry)| {
            let (number, at) = (place as u64 + 1, RecordedAt::from_millis(1_800_000_000_000 + place as u64));
            let change = change_of(entry, day(), at, Sequence(number), &book).unwrap();
            book.apply(&change.core);
            let personal = change.personal.map(|personal| ([7; SALT_BYTES], personal.encode()));
            let capture = Some(Self::capture(number));
            let sequence = Sequence(number);
            Record::Own(vec![OwnChange { sequence, capture, core: change.core.encode(), personal }]).into()
        };
        entries.into_iter().enumerate().map(record).collect()
    }

    fn is_found(&self, store: &Store) {
        let row = store.person(self.who).unwrap().unwrap();
        assert_eq!((row.facts, row.changed), (facts(NAME), Some(Sequence(3))));
        assert_eq!(row.state.unwrap().education, Education::Primary);
        assert_eq!(store.household(self.home).unwrap().unwrap().facts.address, ADDRESS);
        let found = |name: &str| store.persons_by_name(name, 9).unwrap().len();
        assert_eq!((found(NAME), found(FORMER)), (1, 0));
        assert_eq!(store.person_by_subject_code("GD77").unwrap(), Some(self.who));
        assert_eq!(store.members(self.home).unwrap(), [self.who]);
        for number in 1..=3 {
            assert_eq!(store.capture(Self::capture(number)).unwrap(), Some(Sequence(number)));
        }
        assert_eq!(store.capture(Self::capture(4)).unwrap(), None);
    }
}

fn holds(folder: &Path, word: &str) -> bool {
    let files =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let bytes: Vec<u8> = files.flat_map(|path| fs::read(path).unwrap()).collect();
    bytes.windows(word.len()).any(|found| found == word.as_bytes())
}

#[tokio::test]
async fn names_and_captures_of_changes_that_share_a_record_lie_in_the_ledger_alone_and_are_found_there() {
    lie_in_the_ledger_alone(3).await;
}

#[tokio::test]
async fn names_and_captures_of_changes_that_stand_alone_lie_in_the_ledger_alone_and_are_found_there() {
    lie_in_the_ledger_alone(1).await;
}

/// Changes that are committed by `together`, each group as one record.
async fn lie_in_the_ledger_alone(together: usize) {
    let commune = Commune::new();
    let store = commune.open();
    for group in commune.records().chunks(together) {
        store.write(group.to_vec()).await.unwrap();
    }
    commune.is_found(&store);
    let place = |number| store.own_record(Sequence(number)).unwrap().unwrap();
    assert_eq!(place(3).1.len(), together);
    assert_eq!(place(1).0 == place(3).0, together == 3);
    store.close().await;
    drop(store);
    let (ledger, index) = (commune.data().join("ledger"), commune.data().join("index"));
    for word in [FORMER, NAME, ADDRESS, "GD77"] {
        // Those of several changes are packed there.
        assert!((holds(&ledger, word) || together > 1) && !holds(&index, word), "{word}");
    }
    let again = commune.open();
    commune.is_found(&again);
    again.close().await;
    drop(again);
    fs::remove_dir_all(&index).unwrap();
    let anew = commune.open();
    commune.is_found(&anew);
    anew.close().await;
}

#[tokio::test]
async fn a_change_follows_what_a_look_up_was_filled_with_before() {
    let commune = Commune::new();
    let store = commune.open();
    let mut records = commune.records();
    let correction = records.pop().unwrap();
    store.write(records).await.unwrap();
    let found = |name: &str| store.persons_by_name(name, 9).unwrap().len();
    assert_eq!((found(NAME), found(FORMER)), (0, 1));
    assert_eq!(store.members(commune.home).unwrap(), [commune.who]);
    store.write(vec![correction]).await.unwrap();
    commune.is_found(&store);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_the_register_while_it_is_written_finds_each_person_with_a_name() {
    const PERSONS: u64 = 2_000;
    let commune = Commune::new();
    let store = commune.open();
    let [household, _, _] = commune.entries();
    let persons = (0..PERSONS)
        .map(|number| Entry::Register { household: commune.home, person: person(&format!("Lê {number}")) });
    let mut records = commune.staged([household].into_iter().chain(persons));
    std::thread::scope(|threads| {
        let writing = threads.spawn(|| {
            while !records.is_empty() {
                let group = records.drain(..records.len().min(500)).collect();
                store.stage(group, store.generation()).blocking_durable().unwrap();
            }
        });
        // Reads each as soon as it is there.
        for serial in 1..=PERSONS {
            let id = PersonId { serial, ..commune.who };
            let row = loop {
                let last = writing.is_finished();
                if let Some(row) = store.person(id).unwrap() {
                    break row;
                }
                assert!(!last, "person {serial} is not there");
            };
            assert_eq!(row.facts.name, format!("Lê {}", serial - 1));
        }
    });
    store.close().await;
}
