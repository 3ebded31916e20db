//! Persons of the own register, looked up by name, number or id: what is read is in the audit log, durably,
//! before the answer leaves.

use super::{actor::Actor, node::Node};
use crate::store::{HouseholdRow, PersonRow, StoreError};
use danso_core::{
    chain::{BatchNumber, Deed, Header, PersonalLeaf, read_frame},
    domain::{Core, Event, HouseholdId, PersonId, Sequence},
};
use danso_tier_config::{Date, limits};
use std::sync::Arc;

/// How a person is looked for.
#[derive(Clone)]
pub enum PersonQuestion {
    /// Words of the name, with or without diacritics; the last may be a beginning only.
    Name(String),
    /// The whole citizen number of a resident.
    CitizenNumber(String),
    /// The whole health-insurance number of a resident.
    SubjectCode(String),
}

/// A person found.
#[derive(Clone)]
pub struct FoundPerson {
    /// Who.
    pub id: PersonId,
    /// State and names.
    pub row: PersonRow,
    /// The household of a resident.
    pub home: Option<(HouseholdId, HouseholdRow)>,
}

/// A change in a person's life here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonEvent {
    /// Its number.
    pub sequence: Sequence,
    /// Stable name of its kind.
    pub kind: &'static str,
    /// When it happened.
    pub effective_on: Date,
    /// When it was written down, Unix milliseconds.
    pub recorded_at_ms: u64,
    /// Its batch; `None` while it is not sealed.
    pub batch: Option<BatchNumber>,
    /// Whether it names somebody here.
    pub named: bool,
}

/// Everything that the register has of one person.
#[derive(Clone)]
pub struct PersonFile {
    /// The person.
    pub person: FoundPerson,
    /// The others of the household.
    pub members: Vec<FoundPerson>,
    /// The changes, the latest first.
    pub history: Vec<PersonEvent>,
    /// Earlier ones that are not listed.
    pub history_unlisted: u64,
}

/// Why nobody was looked up.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// This tier has no register of its own.
    #[error("this node's tier keeps no register")]
    NotRecording,
    /// No words, or too many letters.
    #[error("a question of 1 to {} characters is needed", limits::PERSON_QUESTION_CHARS_MAX)]
    Question,
    /// Nobody in this register has this id.
    #[error("no person {person} in this register")]
    Unknown {
        /// The id.
        person: PersonId,
    },
    /// Not read, or the audit entry was not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PersonError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRecording => "not_recording",
            Self::Question => "person_question",
            Self::Unknown { .. } => "person_unknown",
            Self::Store(error) => error.code(),
        }
    }
}

impl PersonQuestion {
    fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::CitizenNumber(text) | Self::SubjectCode(text) => text.trim(),
        }
    }
}

impl Node {
    /// Persons that answer a question, also those who died or left (by name); at most `max`. The audit entry is
    /// durable before this returns.
    ///
    /// Errors: `at_rest_locked` without the key at rest, `person_question`, `not_recording`.
    pub async fn find_persons(
        self: &Arc<Self>,
        actor: &Actor,
        question: PersonQuestion,
        max: usize,
    ) -> Result<Vec<FoundPerson>, PersonError> {
        self.require_register()?;
        let letters = question.text().chars().count();
        if !(1..=limits::PERSON_QUESTION_CHARS_MAX).contains(&letters) {
            return Err(PersonError::Question);
        }
        let max = max.clamp(1, limits::PERSONS_FOUND_MAX);
        let found = self.blocking(move |node| node.answers_to(&question, max)).await?;
        self.note(actor, Deed::PersonalRead, format!("search, {} found", found.len())).await?;
        Ok(found)
    }

    /// Everything that the register has of a person, the household's other members among it. The audit entry is
    /// durable before this returns.
    ///
    /// Errors: `at_rest_locked` without the key at rest, `person_unknown`, `not_recording`.
    pub async fn person_file(
        self: &Arc<Self>,
        actor: &Actor,
        person: PersonId,
    ) -> Result<PersonFile, PersonError> {
        self.require_register()?;
        let file = self.blocking(move |node| node.read_file(person)).await?;
        let file = file.ok_or(PersonError::Unknown { person })?;
        let subject = match (&file.person.home, file.members.len()) {
            (Some((home, _)), others @ 1..) => {
                format!("person {person}, with {others} others of household {home}")
            }
            _ => format!("person {person}"),
        };
        self.note(actor, Deed::PersonalRead, subject).await?;
        Ok(file)
    }

    fn require_register(&self) -> Result<(), PersonError> {
        if !self.records() {
            return Err(PersonError::NotRecording);
        }
        Ok(self.store.require_key()?)
    }

    fn answers_to(&self, question: &PersonQuestion, max: usize) -> Result<Vec<FoundPerson>, StoreError> {
        let store = &self.store;
        let one = |id: Option<PersonId>| -> Result<Vec<(PersonId, PersonRow)>, StoreError> {
            let Some(id) = id else { return Ok(Vec::new()) };
            Ok(store.person(id)?.map(|row| (id, row)).into_iter().collect())
        };
        let rows = match question {
            PersonQuestion::Name(_) => store.persons_by_name(question.text(), max)?,
            PersonQuestion::CitizenNumber(_) => one(store.person_by_citizen_number(question.text())?)?,
            PersonQuestion::SubjectCode(_) => one(store.person_by_subject_code(question.text())?)?,
        };
        rows.into_iter().map(|(id, row)| self.at_home(id, row)).collect()
    }

    fn at_home(&self, id: PersonId, row: PersonRow) -> Result<FoundPerson, StoreError> {
        let home = match row.state {
            Some(state) => self.store.household(state.household)?.map(|home| (state.household, home)),
            None => None,
        };
        Ok(FoundPerson { id, row, home })
    }

    fn read_file(&self, id: PersonId) -> Result<Option<PersonFile>, StoreError> {
        let Some(row) = self.store.person(id)? else { return Ok(None) };
        let person = self.at_home(id, row)?;
        let mut members = Vec::new();
        if let Some((home, _)) = &person.home {
            for member in self.store.members(*home)?.into_iter().filter(|member| *member != id) {
                let row = self.store.person(member)?;
                members.extend(row.map(|row| FoundPerson { id: member, row, home: person.home.clone() }));
            }
        }
        let mut history = self.history_of(id, person.row.changed)?;
        let unlisted = history.len().saturating_sub(limits::PERSON_HISTORY_MAX);
        history.truncate(limits::PERSON_HISTORY_MAX);
        Ok(Some(PersonFile { person, members, history, history_unlisted: unlisted as u64 }))
    }

    /// The changes of a person, the latest first, back to the one that brought the person here.
    fn history_of(&self, id: PersonId, latest: Option<Sequence>) -> Result<Vec<PersonEvent>, StoreError> {
        let Some(latest) = latest else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let sealed = {
            let view = self.store.view();
            let head = view.chains.get(&self.unit()).map(|chain| chain.head).unwrap_or_default();
            let first = Sequence(head.next.0.max(1));
            for (place, waiting) in view.unsealed.iter().enumerate() {
                let sequence = first.plus(place as u64);
                let named = waiting.personal.is_some();
                found.extend(event_of(id, sequence, &waiting.core, named, None).map(|(event, _)| event));
            }
            head.number
        };
        found.reverse();
        for number in (1..=sealed.0).rev().map(BatchNumber) {
            let Some(stored) = self.store.batch(self.unit(), number)? else { continue };
            let header: Header = stored.batch.header.decode_trusted().map_err(|_| undecodable())?;
            if header.first > latest {
                continue;
            }
            let read = |frame: Option<&Vec<u8>>, what| {
                let count = header.changes as usize;
                frame.map(|frame| read_frame(frame, what, count)).transpose().map_err(|_| undecodable())
            };
            let cores = read(stored.batch.cores.as_ref(), "cores")?.ok_or_else(undecodable)?;
            let leaves = read(stored.batch.personal.as_ref(), "personal")?.unwrap_or_default();
            for (place, core) in cores.iter().enumerate().rev() {
                let leaf = leaves.get(place).map(PersonalLeaf::decode);
                let named = matches!(leaf, Some(Ok(PersonalLeaf::Present { .. })));
                let sequence = header.first.plus(place as u64);
                let core = Core::decode(core).map_err(|_| undecodable())?;
                let Some((event, arrived)) = event_of(id, sequence, &core, named, Some(number)) else {
                    continue;
                };
                found.push(event);
                if arrived {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

/// What a change means for a person, and whether it brought the person here; `None` where it does not name one.
fn event_of(
    id: PersonId,
    sequence: Sequence,
    core: &Core,
    named: bool,
    batch: Option<BatchNumber>,
) -> Option<(PersonEvent, bool)> {
    let change = core.persons.iter().find(|change| change.id == id)?;
    let arrived = change.before.is_none() && !matches!(core.event, Event::Voided { .. });
    let event = PersonEvent {
        sequence,
        kind: core.event.kind(),
        effective_on: core.effective_on,
        recorded_at_ms: core.recorded_at.millis(),
        batch,
        named,
    };
    Some((event, arrived))
}

fn undecodable() -> StoreError {
    StoreError::Index("a stored batch does not open".to_owned())
}
