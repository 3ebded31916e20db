//! The people at a commune, who record now and then and note what the node has acknowledged.

use crate::place::Scene;
use danso_core::domain::{
    Area, HouseholdFacts, HouseholdId, HouseholdKind, PersonId, Reach, Sequence, Sex,
    entry::{Entry, PersonData},
};
use danso_node::operations::Node;
use danso_tests::{
    Dice,
    book::birth,
    entries::{date, person},
};
use danso_tier_config::UnitId;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// An entry of which the node said that it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    pub unit: UnitId,
    pub sequence: Sequence,
    pub person: Option<PersonId>,
    pub household: Option<HouseholdId>,
    /// When, in milliseconds since the beginning.
    pub at_ms: u64,
}

/// Longest time between two entries of one commune.
const PAUSE_MS: u64 = 2_000;

/// Records until the program ends. With a disk that was `put_back` people wait until the node has reached its parent
/// and knows how far its chain had come.
pub async fn record(node: Arc<Node>, scene: Arc<Scene>, put_back: Arc<AtomicBool>, mut dice: Dice) {
    let (mut households, mut persons) = (Vec::new(), Vec::new());
    loop {
        tokio::time::sleep(Duration::from_millis(50 + dice.below(PAUSE_MS))).await;
        if node.link.read().unwrap().connected {
            put_back.store(false, Ordering::Relaxed);
        }
        if put_back.load(Ordering::Relaxed) || !scene.recording.load(Ordering::Relaxed) {
            continue;
        }
        // Now and then many at once, as when a file is imported.
        let count = if dice.below(8) == 0 { 1 + dice.below(12) } else { 1 };
        for _ in 0..count {
            let (on, entry) = entry(&mut dice, &households, &persons);
            let Ok((recorded, Some(ticket))) = node.record(None, date(&on), entry) else { continue };
            if let Err(error) = ticket.durable().await {
                scene.tell(&format!("{} was told {}", node.unit(), error.code()));
                continue;
            }
            households.extend(recorded.household);
            persons.extend(recorded.person);
            let (person, household) = (recorded.person, recorded.household);
            let (unit, sequence, at_ms) = (node.unit(), recorded.sequence, scene.now_ms());
            scene.acknowledged.lock().unwrap().push(Acknowledged {
                unit,
                sequence,
                person,
                household,
                at_ms,
            });
            scene.tell(&format!("{unit} recorded {}", sequence.0));
        }
    }
}

fn entry(dice: &mut Dice, households: &[HouseholdId], persons: &[PersonId]) -> (String, Entry) {
    let on = format!("2026-{:02}-{:02}", 1 + dice.below(8), 1 + dice.below(28));
    let pick = dice.number() as usize;
    let sex = Sex::ALL[pick % 2];
    let household = households.get(pick.checked_rem(households.len()).unwrap_or_default()).copied();
    let resident = persons.get(pick.checked_rem(persons.len()).unwrap_or_default()).copied();
    let entry = match (dice.below(8), household, resident) {
        (0..=2, Some(household), _) => Entry::Register { household, person: newcomer(sex) },
        (3 | 4, Some(household), _) => birth(household, sex, &on),
        (5, _, Some(person)) => Entry::Death { person, birth_date: None },
        (6, _, Some(person)) => Entry::Departure { person, reach: Reach::OtherProvince, to: None },
        _ => {
            let facts =
                HouseholdFacts { number: dice.below(9_999).to_string(), address: "Tổ 1".to_owned() };
            Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts }
        }
    };
    (on, entry)
}

fn newcomer(sex: Sex) -> PersonData {
    person("Nguyễn Văn Bình", sex, "1990-01-01")
}
