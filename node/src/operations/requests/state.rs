//! The requests held in memory: the fold of their records, and what may follow on what.

use super::{
    error::RequestError,
    record::{RequestDeed, RequestRecord},
};
use danso_core::domain::{
    PersonId,
    requests::{DueDates, RequestId, RequestKind, due_dates},
};
use danso_tier_config::{Date, limits};
use std::collections::{BTreeMap, BTreeSet};

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// What was asked for was done.
    Fulfilled(Date),
    /// It was refused, with the reason.
    Refused(Date, String),
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Taken.
    Open,
    /// Its receipt is confirmed.
    Acknowledged,
    /// Its term is extended.
    Extended,
    /// Done.
    Fulfilled,
    /// Refused.
    Refused,
}

impl RequestState {
    /// The stable English word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Extended => "extended",
            Self::Fulfilled => "fulfilled",
            Self::Refused => "refused",
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRequest {
    /// The office's reference.
    pub id: RequestId,
    /// Whose data.
    pub person: PersonId,
    /// What is asked for.
    pub kind: RequestKind,
    /// When it was received.
    pub received_on: Date,
    /// When its receipt was confirmed.
    pub acknowledged_on: Option<Date>,
    /// When and why its term was extended.
    pub extension: Option<(Date, String)>,
    /// How it ended.
    pub closed: Option<Closed>,
}

impl PersonRequest {
    /// Where it stands.
    pub fn state(&self) -> RequestState {
        match (&self.closed, &self.extension, self.acknowledged_on) {
            (Some(Closed::Fulfilled(_)), ..) => RequestState::Fulfilled,
            (Some(Closed::Refused(..)), ..) => RequestState::Refused,
            (None, Some(_), _) => RequestState::Extended,
            (None, None, Some(_)) => RequestState::Acknowledged,
            (None, None, None) => RequestState::Open,
        }
    }

    /// Its due dates. No public holidays are known.
    pub fn due(&self) -> DueDates {
        due_dates(self.kind, self.received_on, self.extension.is_some(), &BTreeSet::new())
    }

    /// Whether the answer and the fulfilment are late on a day.
    pub fn overdue(&self, today: Date) -> (bool, bool) {
        let due = self.due();
        let running = self.closed.is_none();
        (running && self.acknowledged_on.is_none() && today > due.answer, running && today > due.fulfilment)
    }
}

/// All requests of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests(BTreeMap<RequestId, PersonRequest>);

impl Requests {
    /// The fold of a history.
    pub fn replayed<'a>(records: impl IntoIterator<Item = &'a RequestRecord>) -> Self {
        let mut requests = Self::default();
        records.into_iter().for_each(|record| requests.apply(record));
        requests
    }

    /// Every request, by id.
    pub fn all(&self) -> impl Iterator<Item = &PersonRequest> {
        self.0.values()
    }

    /// A request.
    ///
    /// Errors: [`RequestError::Unknown`].
    pub fn get(&self, id: &RequestId) -> Result<&PersonRequest, RequestError> {
        self.0.get(id).ok_or_else(|| RequestError::Unknown { id: id.clone() })
    }

    /// Checks what is to happen to a request on a day. False where it has happened already, so that nothing is
    /// to be written.
    ///
    /// Errors: every [`RequestError`] but those of the register and the store.
    pub fn check(&self, record: &RequestRecord) -> Result<bool, RequestError> {
        let id = || record.id.clone();
        if let RequestDeed::Opened { person, kind, received_on } = &record.deed {
            return match self.0.get(&record.id) {
                Some(held)
                    if (held.person, held.kind, held.received_on) == (*person, *kind, *received_on) =>
                {
                    Ok(false)
                }
                Some(_) => Err(RequestError::Exists { id: id() }),
                None if *received_on > record.on => {
                    Err(RequestError::ReceivedLater { received_on: *received_on, today: record.on })
                }
                None if self.0.len() >= limits::REQUESTS_MAX => {
                    Err(RequestError::Full { max: limits::REQUESTS_MAX })
                }
                None => Ok(true),
            };
        }
        let held = self.get(&record.id)?;
        match (&record.deed, &held.closed) {
            (RequestDeed::Fulfilled, Some(Closed::Fulfilled(_)))
            | (RequestDeed::Refused { .. }, Some(Closed::Refused(..))) => Ok(false),
            (_, Some(_)) => Err(RequestError::Closed { id: id() }),
            (RequestDeed::Extended { reason }, None) => {
                check_reason(reason)?;
                let due = held.due().fulfilment;
                if held.extension.is_some() {
                    Err(RequestError::Extended { id: id() })
                } else if record.on > due {
                    Err(RequestError::Overdue { id: id(), due })
                } else {
                    Ok(true)
                }
            }
            (RequestDeed::Refused { reason }, None) => check_reason(reason).map(|()| true),
            (RequestDeed::Acknowledged, None) => Ok(held.acknowledged_on.is_none()),
            (RequestDeed::Fulfilled | RequestDeed::Opened { .. }, None) => Ok(true),
        }
    }

    /// Folds a durable record in.
    pub fn apply(&mut self, record: &RequestRecord) {
        if let RequestDeed::Opened { person, kind, received_on } = &record.deed {
            let opened = PersonRequest {
                id: record.id.clone(),
                person: *person,
                kind: *kind,
                received_on: *received_on,
                acknowledged_on: None,
                extension: None,
                closed: None,
            };
            self.0.entry(record.id.clone()).or_insert(opened);
            return;
        }
        let Some(held) = self.0.get_mut(&record.id) else { return };
        match &record.deed {
            RequestDeed::Opened { .. } => {}
            RequestDeed::Acknowledged => {
                held.acknowledged_on.get_or_insert(record.on);
            }
            RequestDeed::Extended { reason } => {
                held.extension.get_or_insert_with(|| (record.on, reason.clone()));
            }
            RequestDeed::Fulfilled => {
                held.closed.get_or_insert(Closed::Fulfilled(record.on));
            }
            RequestDeed::Refused { reason } => {
                held.closed.get_or_insert_with(|| Closed::Refused(record.on, reason.clone()));
            }
        }
    }
}

fn check_reason(reason: &str) -> Result<(), RequestError> {
    let length = reason.trim().chars().count();
    if (1..=limits::REQUEST_REASON_CHARS_MAX).contains(&length) { Ok(()) } else { Err(RequestError::Reason) }
}
