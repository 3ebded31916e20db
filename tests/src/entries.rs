//! Entries of a register, ready to be recorded.

use danso_core::domain::{
    Area, BirthPlace, Education, Ethnicity, HouseholdFacts, HouseholdId, HouseholdKind, Marital, PersonFacts,
    PersonId, Reach, Residence, Sex,
    entry::{Entry, PersonData},
};
use danso_node::operations::Node;
use danso_tier_config::Date;
use std::{fmt::Write as _, sync::Arc};

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Basic data of a person.
pub fn person(name: &str, sex: Sex, birth: &str) -> PersonData {
    PersonData {
        sex,
        birth_date: date(birth),
        ethnicity: Ethnicity::KINH,
        education: Education::LowerSecondary,
        marital: Marital::NeverMarried,
        residence: Residence::Present,
        method: None,
        facts: PersonFacts { name: name.to_owned(), ..PersonFacts::default() },
    }
}

/// Records on one commune's node and waits until each entry is durable.
pub struct Recorder {
    node: Arc<Node>,
    households: u32,
}

impl Recorder {
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, households: 0 }
    }

    pub async fn record(&self, on: &str, entry: Entry) -> danso_node::operations::forms::Recorded {
        let (recorded, ticket) = self.node.record(None, date(on), entry).unwrap();
        if let Some(ticket) = ticket {
            ticket.durable().await.unwrap();
        }
        recorded
    }

    pub async fn household(&mut self, on: &str) -> HouseholdId {
        self.households += 1;
        let facts =
            HouseholdFacts { number: format!("{:04}", self.households), address: "Tổ 1".to_owned() };
        let entry = Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts };
        self.record(on, entry).await.household.unwrap()
    }

    pub async fn register(&self, on: &str, household: HouseholdId, person: PersonData) -> PersonId {
        self.record(on, Entry::Register { household, person }).await.person.unwrap()
    }

    /// A birth to a mother born in 1995.
    pub async fn birth(&self, on: &str, household: HouseholdId, name: &str, sex: Sex) -> PersonId {
        let child = PersonData { education: Education::None, ..person(name, sex, on) };
        let entry = Entry::Birth {
            household,
            child,
            order: 1,
            mother_birth: date("1995-05-05"),
            place: BirthPlace::Facility,
        };
        self.record(on, entry).await.person.unwrap()
    }

    pub async fn death(&self, on: &str, person: PersonId) {
        self.record(on, Entry::Death { person, birth_date: None }).await;
    }

    pub async fn departure(&self, on: &str, person: PersonId) {
        self.record(on, Entry::Departure { person, reach: Reach::OtherProvince, to: None }).await;
    }
}

/// The columns of [`register_csv`].
const REGISTER_HEADER: &str =
    "area,household,line,name,sex,birth_date,ethnicity,education,marital,residence\n";

/// An A0 book: households numbered from `first`, each with `size` persons.
pub fn register_csv(first: u64, households: u64, size: u64) -> String {
    let mut text = REGISTER_HEADER.to_owned();
    for household in first..first + households {
        for line in 1..=size {
            let (day, year) = (1 + household % 28, 1950 + (household + 7 * line) % 70);
            let sex = if line % 2 == 0 { "nữ" } else { "nam" };
            writeln!(
                text,
                "1,{household},{line},Nguyễn Văn {household} {line},{sex},{day:02}/06/{year},\
                 Kinh,THCS,chưa kết hôn,thường trú có mặt"
            )
            .unwrap();
        }
    }
    text
}
