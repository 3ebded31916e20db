//! The service for persons, requests about their data and erasure, and its calls.

use super::{
    access::{self, Caller},
    client::{Channel, ClientError, NodeClient},
};
use crate::{
    operations::{Node, accounts::Right},
    wire::{register, status::status},
};
use danso_proto::v1::{
    ChangeRequestRequest, EraseAnswer, EraseRequest, FindPersonsAnswer, FindPersonsRequest, GetPersonAnswer,
    GetPersonRequest, ListRequestsAnswer, ListRequestsRequest, OpenRequestRequest, PersonRequest,
    register_client::RegisterClient, register_server::Register,
};
use danso_tier_config::limits;
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The register service of a node.
pub(super) struct RegisterService {
    pub node: Arc<Node>,
}

impl RegisterService {
    /// Whoever may do this with the register: it is the whole node's, so one bound to a part of it may not.
    fn caller<T>(&self, request: &Request<T>, right: Right) -> Result<Caller, Status> {
        let caller = access::may(&self.node, request, right)?;
        self.whole(caller)
    }

    fn whole(&self, caller: Caller) -> Result<Caller, Status> {
        let own = self.node.unit();
        if caller.scope == own {
            return Ok(caller);
        }
        let message = format!("who is bound to {} does not see the register of {own}", caller.scope);
        let answer = status(Code::PermissionDenied, "not_allowed", message);
        Err(access::refused(&self.node, Some(&caller.actor), "Register", answer))
    }
}

#[tonic::async_trait]
impl Register for RegisterService {
    async fn find_persons(
        &self,
        request: Request<FindPersonsRequest>,
    ) -> Result<Response<FindPersonsAnswer>, Status> {
        let actor = self.caller(&request, Right::ReadPersons)?.actor;
        let FindPersonsRequest { max, question } = request.into_inner();
        let max = if max == 0 { limits::PERSONS_FOUND_MAX } else { max as usize };
        let found = self.node.find_persons(&actor, register::question(question)?, max).await;
        let found = found.map_err(|error| register::of_person(&error))?;
        Ok(Response::new(FindPersonsAnswer { persons: found.iter().map(register::line).collect() }))
    }

    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonAnswer>, Status> {
        let actor = self.caller(&request, Right::ReadPersons)?.actor;
        let person = register::person(&request.into_inner().id)?;
        let file = self.node.person_file(&actor, person).await;
        let file = file.map_err(|error| register::of_person(&error))?;
        Ok(Response::new(register::file(&file)))
    }

    async fn erase(&self, request: Request<EraseRequest>) -> Result<Response<EraseAnswer>, Status> {
        let actor = self.caller(&request, Right::Erase)?.actor;
        let EraseRequest { person, request } = request.into_inner();
        let (person, id) = (register::person(&person)?, register::request_id(&request)?);
        let node = Arc::clone(&self.node);
        // In a task of its own: a caller who leaves does not stop it half-way.
        let erased = tokio::spawn(async move { node.erase(&actor, person, &id).await }).await;
        let erased =
            erased.expect("an erasure does not panic").map_err(|error| register::of_erasure(&error))?;
        Ok(Response::new(register::erased(&erased)))
    }

    async fn open_request(
        &self,
        request: Request<OpenRequestRequest>,
    ) -> Result<Response<PersonRequest>, Status> {
        let actor = self.caller(&request, Right::Erase)?.actor;
        let OpenRequestRequest { id, person, kind, received_on } = request.into_inner();
        let today = self.node.today();
        let (id, person) = (register::request_id(&id)?, register::person(&person)?);
        let (kind, received_on) =
            (register::request_kind(&kind)?, register::received_on(&received_on, today)?);
        let opened = self.node.open_request(&actor, id, person, kind, received_on).await;
        let opened = opened.map_err(|error| register::of_request(&error))?;
        Ok(Response::new(register::request(&opened, today)))
    }

    async fn list_requests(
        &self,
        request: Request<ListRequestsRequest>,
    ) -> Result<Response<ListRequestsAnswer>, Status> {
        let known = access::known(&self.node, &request)?;
        let officer = known.scope(&self.node, Right::Erase).is_ok();
        let right = if officer { Right::Erase } else { Right::ReadAudit };
        self.whole(known.require(&self.node, right)?)?;
        let requests = self.node.list_requests(request.into_inner().all).await;
        let requests = requests.map_err(|error| register::of_request(&error))?;
        let today = self.node.today();
        let requests = requests.iter().map(|shown| register::request(shown, today)).collect();
        Ok(Response::new(ListRequestsAnswer { requests }))
    }

    async fn change_request(
        &self,
        request: Request<ChangeRequestRequest>,
    ) -> Result<Response<PersonRequest>, Status> {
        let actor = self.caller(&request, Right::Erase)?.actor;
        let ChangeRequestRequest { id, change } = request.into_inner();
        let (id, deed) = (register::request_id(&id)?, register::deed(change)?);
        let changed = self.node.change_request(&actor, id, deed).await;
        let changed = changed.map_err(|error| register::of_request(&error))?;
        Ok(Response::new(register::request(&changed, self.node.today())))
    }
}

impl NodeClient {
    fn register(&self) -> RegisterClient<Channel> {
        RegisterClient::new(self.channel.clone()).max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
    }

    /// Looks for persons by name or number.
    pub async fn find_persons(&self, request: FindPersonsRequest) -> Result<FindPersonsAnswer, ClientError> {
        Ok(self.register().find_persons(request).await?.into_inner())
    }

    /// Everything that the register has of a person.
    pub async fn get_person(&self, id: &str) -> Result<GetPersonAnswer, ClientError> {
        Ok(self.register().get_person(GetPersonRequest { id: id.to_owned() }).await?.into_inner())
    }

    /// Erases what names a person, as an open request to delete asks.
    pub async fn erase(&self, person: &str, request: &str) -> Result<EraseAnswer, ClientError> {
        let request = EraseRequest { person: person.to_owned(), request: request.to_owned() };
        Ok(self.register().erase(request).await?.into_inner())
    }

    /// Opens a request of a person.
    pub async fn open_request(&self, request: OpenRequestRequest) -> Result<PersonRequest, ClientError> {
        Ok(self.register().open_request(request).await?.into_inner())
    }

    /// Requests, with `all` the closed ones, too.
    pub async fn list_requests(&self, all: bool) -> Result<ListRequestsAnswer, ClientError> {
        Ok(self.register().list_requests(ListRequestsRequest { all }).await?.into_inner())
    }

    /// Acknowledges, extends, fulfils or refuses a request.
    pub async fn change_request(&self, request: ChangeRequestRequest) -> Result<PersonRequest, ClientError> {
        Ok(self.register().change_request(request).await?.into_inner())
    }
}
