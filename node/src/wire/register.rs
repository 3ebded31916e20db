//! Persons, requests and erasure to and from their messages, and their errors as statuses.

use super::status::{of_record, of_store, status};
use crate::{
    operations::{
        Erased, ErasureError, FoundPerson, PersonError, PersonFile, PersonQuestion,
        requests::{Closed, RequestDeed, RequestError, RequestView},
    },
    store::StoreError,
};
use danso_core::domain::{
    PersonId,
    requests::{RequestId, RequestKind, RequestWordError},
};
use danso_proto::v1::{self, change_request_request::Change, find_persons_request::Question};
use danso_tier_config::{Date, UnitId};
use tonic::{Code, Status};

fn bad(code: &str, message: impl Into<String>) -> Status {
    status(Code::InvalidArgument, code, message)
}

/// A person's id out of its text.
pub fn person(text: &str) -> Result<PersonId, Status> {
    text.parse()
        .map_err(|_| bad("person_id", "a person's id is UNIT/SERIAL, for example 00001@2025-07-01/12"))
}

fn word(error: RequestWordError) -> Status {
    bad(error.code(), error.to_string())
}

/// A reference id out of its text.
pub fn request_id(text: &str) -> Result<RequestId, Status> {
    text.parse().map_err(word)
}

/// A kind of request out of its word.
pub fn request_kind(text: &str) -> Result<RequestKind, Status> {
    text.parse().map_err(word)
}

/// The day on which a request was received; today where none is named.
pub fn received_on(text: &str, today: Date) -> Result<Date, Status> {
    if text.is_empty() {
        return Ok(today);
    }
    text.parse().map_err(|_| bad("request_date", "the day of receipt must be YYYY-MM-DD"))
}

/// What is to happen to a request.
pub fn deed(change: Option<Change>) -> Result<RequestDeed, Status> {
    match change {
        Some(Change::Acknowledge(_)) => Ok(RequestDeed::Acknowledged),
        Some(Change::Extend(extend)) => Ok(RequestDeed::Extended { reason: extend.reason }),
        Some(Change::Fulfil(_)) => Ok(RequestDeed::Fulfilled),
        Some(Change::Refuse(refuse)) => Ok(RequestDeed::Refused { reason: refuse.reason }),
        None => Err(bad("query_not_understood", "say what is to happen to the request")),
    }
}

/// The question of a search.
pub fn question(question: Option<Question>) -> Result<PersonQuestion, Status> {
    match question {
        Some(Question::Name(name)) => Ok(PersonQuestion::Name(name)),
        Some(Question::CitizenNumber(number)) => Ok(PersonQuestion::CitizenNumber(number)),
        Some(Question::SubjectCode(code)) => Ok(PersonQuestion::SubjectCode(code)),
        None => Err(bad("person_question", "name a person by name, citizen number or subject code")),
    }
}

/// A person found, on one line.
pub fn line(found: &FoundPerson) -> v1::PersonLine {
    let facts = &found.row.facts;
    let home = found.home.as_ref();
    v1::PersonLine {
        id: found.id.to_string(),
        name: facts.name.clone(),
        birth_date: text(facts.birth_date),
        resident: found.row.state.is_some(),
        household: home.map(|(id, _)| id.to_string()).unwrap_or_default(),
        household_number: home.map(|(_, row)| row.facts.number.clone()).unwrap_or_default(),
        relation: facts.relation.clone(),
    }
}

/// Everything about a person.
pub fn file(file: &PersonFile) -> v1::GetPersonAnswer {
    let facts = &file.person.row.facts;
    let home = file.person.home.as_ref().map(|(_, row)| row);
    let mut answer = v1::GetPersonAnswer {
        line: Some(line(&file.person)),
        subject_code: facts.subject_code.clone(),
        citizen_number: facts.citizen_number.clone(),
        phone: facts.phone.clone(),
        address: home.map(|home| home.facts.address.clone()).unwrap_or_default(),
        area: home.and_then(|home| home.state).map_or(0, |state| u32::from(state.area.0)),
        members: file.members.iter().map(line).collect(),
        history_unlisted: file.history_unlisted,
        ..v1::GetPersonAnswer::default()
    };
    answer.history = file
        .history
        .iter()
        .map(|event| v1::PersonEvent {
            sequence: event.sequence.0,
            kind: event.kind.to_owned(),
            effective_on: event.effective_on.to_string(),
            recorded_at_ms: event.recorded_at_ms,
            batch: event.batch.map_or(0, |number| number.0),
            named: event.named,
        })
        .collect();
    if let Some(state) = file.person.row.state {
        state.sex.word().clone_into(&mut answer.sex);
        answer.birth_month = state.birth.to_string();
        answer.ethnicity = u32::from(state.ethnicity.code());
        state.education.word().clone_into(&mut answer.education);
        state.marital.word().clone_into(&mut answer.marital);
        state.residence.word().clone_into(&mut answer.residence);
        answer.method = state.method.map(|method| method.word().to_owned()).unwrap_or_default();
    }
    answer
}

/// A request with its due dates, as it stands on a day.
pub fn request(shown: &RequestView, today: Date) -> v1::PersonRequest {
    let request = &shown.request;
    let (due, overdue) = (request.due(), request.overdue(today));
    let (closed_on, refusal) = match &request.closed {
        None => (None, None),
        Some(Closed::Fulfilled(on)) => (Some(*on), None),
        Some(Closed::Refused(on, reason)) => (Some(*on), Some(reason.clone())),
    };
    let extension = request.extension.clone();
    v1::PersonRequest {
        id: request.id.to_string(),
        person: request.person.to_string(),
        kind: request.kind.to_string(),
        received_on: request.received_on.to_string(),
        state: request.state().word().to_owned(),
        answer_due: due.answer.to_string(),
        fulfilment_due: due.fulfilment.to_string(),
        acknowledged_on: text(request.acknowledged_on),
        extended_on: text(extension.as_ref().map(|(on, _)| *on)),
        extension_reason: extension.map(|(_, reason)| reason).unwrap_or_default(),
        closed_on: text(closed_on),
        refusal_reason: refusal.unwrap_or_default(),
        answer_overdue: overdue.0,
        fulfilment_overdue: overdue.1,
        awaiting: units(&shown.awaiting),
        erased_here: shown.erased_here,
    }
}

/// What an erasure came to.
pub fn erased(erased: &Erased) -> v1::EraseAnswer {
    v1::EraseAnswer {
        orders: erased.orders.iter().map(ToString::to_string).collect(),
        leaves: erased.leaves,
        restated: erased.restated,
        awaiting: units(&erased.awaiting),
    }
}

fn units(units: &[UnitId]) -> Vec<String> {
    units.iter().map(ToString::to_string).collect()
}

fn text(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

/// As [`of_store`], with a word for a node that has no key at rest.
fn of_register_store(error: &StoreError) -> Status {
    match error {
        StoreError::Locked => status(Code::FailedPrecondition, "at_rest_locked", error.to_string()),
        other => of_store(other),
    }
}

/// The status of a look-up that gave nothing.
pub fn of_person(error: &PersonError) -> Status {
    match error {
        PersonError::NotRecording => status(Code::FailedPrecondition, error.code(), error.to_string()),
        PersonError::Question => bad(error.code(), error.to_string()),
        PersonError::Unknown { .. } => status(Code::NotFound, error.code(), error.to_string()),
        PersonError::Store(error) => of_register_store(error),
    }
}

/// The status of a request that was not taken or changed.
pub fn of_request(error: &RequestError) -> Status {
    let grpc = match error {
        RequestError::Unknown { .. } | RequestError::Person { .. } => Code::NotFound,
        RequestError::Exists { .. } => Code::AlreadyExists,
        RequestError::ReceivedLater { .. } | RequestError::Reason => Code::InvalidArgument,
        RequestError::Full { .. } => Code::ResourceExhausted,
        RequestError::Unreadable => Code::Internal,
        RequestError::Store(error) => return of_register_store(error),
        RequestError::Closed { .. }
        | RequestError::Extended { .. }
        | RequestError::Overdue { .. }
        | RequestError::NotErased { .. } => Code::FailedPrecondition,
    };
    status(grpc, error.code(), error.to_string())
}

/// The status of an erasure that was not ordered.
pub fn of_erasure(error: &ErasureError) -> Status {
    match error {
        ErasureError::Request(error) => of_request(error),
        ErasureError::Restate(error) => of_record(error),
        ErasureError::Store(error) => of_register_store(error),
        ErasureError::Person { .. } => status(Code::NotFound, error.code(), error.to_string()),
        ErasureError::Unsealed { .. } => status(Code::Aborted, error.code(), error.to_string()),
        _ => status(Code::FailedPrecondition, error.code(), error.to_string()),
    }
}
