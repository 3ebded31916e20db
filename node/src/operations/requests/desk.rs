//! A node's requests: checked, written, then folded in; read back from the ledger at the first use.

use super::{
    error::RequestError,
    record::{RequestDeed, RequestRecord},
    state::{PersonRequest, Requests},
};
use crate::{
    operations::{actor::Actor, node::Node},
    store::{AuditNote, OfficeRecord, Record, Topic},
};
use danso_core::{
    chain::Deed,
    domain::{
        PersonId,
        requests::{RequestId, RequestKind},
    },
};
use danso_tier_config::{Date, UnitId};
use tokio::sync::{Mutex, MutexGuard};

/// The requests in memory, once they were read back.
#[derive(Debug, Default)]
pub struct RequestDesk(Mutex<Option<Requests>>);

/// A request as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// The request.
    pub request: PersonRequest,
    /// Of a request to delete: whether the order is given and carried out here.
    pub erased_here: bool,
    /// Of such a one: units above that hold names and have not confirmed yet.
    pub awaiting: Vec<UnitId>,
}

/// The requests, read back; the lock is held.
struct Opened<'a>(MutexGuard<'a, Option<Requests>>);

impl Opened<'_> {
    fn requests(&self) -> &Requests {
        self.0.as_ref().expect("they were read back before this was made")
    }
}

impl Node {
    async fn opened_requests(&self) -> Result<Opened<'_>, RequestError> {
        let mut held = self.requests.0.lock().await;
        if held.is_none() {
            // Somebody may have gone away between writing and folding in: what is on its way arrives first.
            self.store.write(Vec::new()).await?;
            let records: Option<Vec<RequestRecord>> = self
                .store
                .office(Topic::Requests)?
                .iter()
                .map(|bytes| RequestRecord::decode(bytes))
                .collect();
            *held = Some(Requests::replayed(&records.ok_or(RequestError::Unreadable)?));
        }
        Ok(Opened(held))
    }

    /// Checks, writes and folds in one event. On return it is durable, and so is the audit entry.
    async fn write_request(
        &self,
        mut opened: Opened<'_>,
        actor: &Actor,
        record: RequestRecord,
    ) -> Result<PersonRequest, RequestError> {
        if opened.requests().check(&record)? {
            let person = match &record.deed {
                RequestDeed::Opened { person, .. } => *person,
                _ => opened.requests().get(&record.id)?.person,
            };
            let subject = format!("request {} of person {person}: {}", record.id, record.deed.word());
            let note = AuditNote::text(&actor.words(), Deed::RequestChanged, subject, self.now_ms());
            let office = OfficeRecord { topic: Topic::Requests, bytes: record.encode() };
            // Who waits here may go away at any moment: until the end nothing is in memory, so that it is read back.
            let mut requests = opened.0.take().expect("they were read back before");
            self.store.write(vec![Record::Office(office).into(), Record::Note(note).into()]).await?;
            requests.apply(&record);
            *opened.0 = Some(requests);
        }
        opened.requests().get(&record.id).cloned()
    }

    /// Opens a request of a person of this register, received on a day. Durable on return; a repeat writes
    /// nothing.
    ///
    /// Errors: `person_unknown`, `request_exists`, `request_date`, `requests_full`.
    pub async fn open_request(
        &self,
        actor: &Actor,
        id: RequestId,
        person: PersonId,
        kind: RequestKind,
        received_on: Date,
    ) -> Result<RequestView, RequestError> {
        if self.store.person(person)?.is_none() {
            return Err(RequestError::Person { person });
        }
        let deed = RequestDeed::Opened { person, kind, received_on };
        self.change(actor, RequestRecord { id, on: self.today(), deed }).await
    }

    /// Acknowledges, extends, fulfils or refuses a request. Durable on return; a repeat writes nothing.
    ///
    /// Errors: the codes of [`RequestError`]; `request_not_erased` for a request to delete that is to be
    /// fulfilled by hand.
    pub async fn change_request(
        &self,
        actor: &Actor,
        id: RequestId,
        deed: RequestDeed,
    ) -> Result<RequestView, RequestError> {
        self.change(actor, RequestRecord { id, on: self.today(), deed }).await
    }

    async fn change(&self, actor: &Actor, record: RequestRecord) -> Result<RequestView, RequestError> {
        let opened = self.opened_requests().await?;
        if record.deed == RequestDeed::Fulfilled {
            let request = opened.requests().get(&record.id)?;
            if request.kind == RequestKind::Delete && request.closed.is_none() {
                return Err(RequestError::NotErased { id: record.id });
            }
        }
        let request = self.write_request(opened, actor, record).await?;
        Ok(self.shown(request))
    }

    /// One request.
    pub(in crate::operations) async fn request(&self, id: &RequestId) -> Result<PersonRequest, RequestError> {
        self.opened_requests().await?.requests().get(id).cloned()
    }

    /// All requests, the one that falls due first first; with `all` the closed ones, too.
    pub async fn list_requests(&self, all: bool) -> Result<Vec<RequestView>, RequestError> {
        self.settle_requests().await?;
        let opened = self.opened_requests().await?;
        let mut found: Vec<_> =
            opened.requests().all().filter(|request| all || request.closed.is_none()).cloned().collect();
        drop(opened);
        found.sort_by_key(|request| (request.closed.is_some(), request.due().fulfilment));
        Ok(found.into_iter().map(|request| self.shown(request)).collect())
    }

    fn shown(&self, request: PersonRequest) -> RequestView {
        let standing = (request.kind == RequestKind::Delete)
            .then(|| self.erasure_standing(request.id.as_str(), request.person))
            .flatten();
        let (erased_here, awaiting) =
            standing.map_or((false, Vec::new()), |standing| (standing.done_here, standing.awaiting));
        RequestView { request, erased_here, awaiting }
    }

    /// Fulfils the requests to delete whose erasure every tier that holds names has confirmed.
    pub(in crate::operations) async fn settle_requests(&self) -> Result<(), RequestError> {
        if self.store.view().orders.is_empty() {
            return Ok(());
        }
        let settled: Vec<RequestId> = {
            let opened = self.opened_requests().await?;
            let open = opened
                .requests()
                .all()
                .filter(|request| request.kind == RequestKind::Delete && request.closed.is_none());
            let settled = open.filter(|request| {
                self.erasure_standing(request.id.as_str(), request.person)
                    .is_some_and(|standing| standing.done_here && standing.awaiting.is_empty())
            });
            settled.map(|request| request.id.clone()).collect()
        };
        for id in settled {
            let opened = self.opened_requests().await?;
            let record = RequestRecord { id, on: self.today(), deed: RequestDeed::Fulfilled };
            match self.write_request(opened, &Actor::local(), record).await {
                // Refused by somebody meanwhile: that stands.
                Ok(_) | Err(RequestError::Closed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
