//! Entries of a register, ready to be recorded.

use danso_core::domain::{
    Area, BirthPlace, Education, Ethnicity, HouseholdFacts, HouseholdId, HouseholdKind, Marital, PersonFacts, PersonId,
    Reach, Residence, Sex,
    entry::{Entry, PersonData},
};
use danso_node::operations::Node;
use danso_tier_config::Date;
use std::sync::Arc;

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
        let facts = HouseholdFacts { number: format!("{:04}", self.households), address: "Tổ 1".to_owned() };
        let entry = Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts };
        self.record(on, entry).await.household.unwrap()
    }

    pub async fn register(&self, on: &str, household: HouseholdId, person: PersonData) -> PersonId {
        self.record(on, Entry::Register { household, person }).await.person.unwrap()
    }

    /// A birth to a mother born in 1995.
    pub async fn birth(&self, on: &str, household: HouseholdId, name: &str, sex: Sex) -> PersonId {
        let child = PersonData { education: Education::None, ..person(name, sex, on) };
        let entry =
            Entry::Birth { household, child, order: 1, mother_birth: date("1995-05-05"), place: BirthPlace::Facility };
        self.record(on, entry).await.person.unwrap()
    }

    pub async fn death(&self, on: &str, person: PersonId) {
        self.record(on, Entry::Death { person, birth_date: None }).await;
    }

    pub async fn departure(&self, on: &str, person: PersonId) {
        self.record(on, Entry::Departure { person, reach: Reach::OtherProvince, to: None }).await;
    }
}
