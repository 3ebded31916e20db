//! The accounts service: sign-ins, who is calling, accounts and tokens of the caller's subtree.

use super::super::{
    access::{self, Known},
    tls::Peer,
};
use crate::{
    operations::{
        AccountChange, Actor, Manager, Node, OfficeError, Revoker,
        accounts::{
            AccountError, AccountLine, AccountName, Holder, PassKind, PassLine, Right, Role, TokenId,
        },
    },
    wire::status::{of_account, of_office, status},
};
use danso_proto::v1::{
    self, AccountRow, AddAccountAnswer, AddAccountRequest, ChangeAccountAnswer, ChangeAccountRequest,
    ListAccountsAnswer, ListAccountsRequest, ListTokensAnswer, ListTokensRequest, MakeTokenAnswer,
    MakeTokenRequest, RevokeTokenAnswer, RevokeTokenRequest, SetPasswordAnswer, SetPasswordRequest,
    SignInAnswer, SignInRequest, SignOutAnswer, SignOutRequest, TokenRow, WhoAmIAnswer, WhoAmIRequest,
    accounts_server::Accounts, change_account_request::Change, make_token_request::Holder as HolderMessage,
};
use std::{mem::take, net::IpAddr, sync::Arc};
use tonic::{Code, Request, Response, Status};
use zeroize::Zeroizing;

/// The accounts service of a node.
pub(in crate::transport) struct AccountsService {
    pub node: Arc<Node>,
}

/// What a refused order is answered; a denied one is counted.
fn refused(node: &Node, by: &Actor, error: &OfficeError) -> Status {
    access::refused(node, Some(by), &format!("{:?}", Right::ManageAccounts), of_office(error))
}

fn parsed<T: std::str::FromStr<Err = AccountError>>(text: &str) -> Result<T, Status> {
    text.parse().map_err(|error| of_account(&error))
}

fn incomplete(what: &str) -> Status {
    status(Code::InvalidArgument, "message_malformed", format!("the request names no {what}"))
}

fn address<T>(request: &Request<T>) -> Result<IpAddr, Status> {
    let missing = || status(Code::Internal, "not_authenticated", "the connection has no address");
    request.extensions().get::<Peer>().map(|peer| peer.address.ip()).ok_or_else(missing)
}

impl AccountsService {
    fn manager<T>(&self, request: &Request<T>) -> Result<Manager, Status> {
        let caller = access::may(&self.node, request, Right::ManageAccounts)?;
        Ok(Manager { actor: caller.actor, scope: caller.scope })
    }
}

#[tonic::async_trait]
impl Accounts for AccountsService {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInAnswer>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let from = address(&request)?;
        let mut request = request.into_inner();
        let password = Zeroizing::new(take(&mut request.password));
        let signed_in = self.node.sign_in(request.name, password, from).await;
        let signed_in = signed_in.map_err(|error| of_office(&error))?;
        if let Some(peer) = peer {
            peer.vouch();
        }
        Ok(Response::new(SignInAnswer {
            session: signed_in.session.expose().to_owned(),
            expires_at_ms: signed_in.expires_at_ms,
            role: signed_in.role.to_string(),
            unit: signed_in.unit.to_string(),
        }))
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutAnswer>, Status> {
        let known = access::known(&self.node, &request)?;
        let pass = known.pass.ok_or_else(|| of_account(&AccountError::TokenUnknown))?;
        self.node.sign_out(pass).await.map_err(|error| of_office(&error))?;
        Ok(Response::new(SignOutAnswer {}))
    }

    async fn who_am_i(&self, request: Request<WhoAmIRequest>) -> Result<Response<WhoAmIAnswer>, Status> {
        let Known { actor, role, unit, pass } = access::known(&self.node, &request)?;
        Ok(Response::new(WhoAmIAnswer {
            caller: actor.to_string(),
            name: pass.as_ref().map(|pass| pass.name.to_string()).unwrap_or_default(),
            role: role.map(|role| role.to_string()).unwrap_or_default(),
            unit: unit.to_string(),
            token: pass.map(|pass| pass.id.to_string()).unwrap_or_default(),
        }))
    }

    async fn list_accounts(
        &self,
        request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsAnswer>, Status> {
        let by = self.manager(&request)?;
        let accounts = self.node.accounts_below(by.scope).iter().map(account_row).collect();
        Ok(Response::new(ListAccountsAnswer { accounts }))
    }

    async fn add_account(
        &self,
        request: Request<AddAccountRequest>,
    ) -> Result<Response<AddAccountAnswer>, Status> {
        let by = self.manager(&request)?;
        let mut request = request.into_inner();
        let password = Zeroizing::new(take(&mut request.password));
        let (name, role): (AccountName, Role) = (parsed(&request.name)?, parsed(&request.role)?);
        let actor = by.actor.clone();
        let answer = |error: OfficeError| refused(&self.node, &actor, &error);
        let unit = self.node.unit_to_give(&request.unit, by.scope).map_err(answer)?;
        self.node.add_account(by, name, role, unit, password).await.map_err(answer)?;
        Ok(Response::new(AddAccountAnswer {}))
    }

    async fn change_account(
        &self,
        request: Request<ChangeAccountRequest>,
    ) -> Result<Response<ChangeAccountAnswer>, Status> {
        let by = self.manager(&request)?;
        let request = request.into_inner();
        let name: AccountName = parsed(&request.name)?;
        let actor = by.actor.clone();
        let answer = |error: OfficeError| refused(&self.node, &actor, &error);
        let change = match request.change {
            Some(Change::Role(given)) => {
                let unit = self.node.unit_to_give(&given.unit, by.scope).map_err(answer)?;
                AccountChange::Role { role: parsed(&given.role)?, unit }
            }
            Some(Change::Disabled(true)) => AccountChange::Disable,
            Some(Change::Disabled(false)) => AccountChange::Enable,
            Some(Change::Removed(true)) => AccountChange::Remove,
            Some(Change::Removed(false)) | None => return Err(incomplete("change")),
        };
        self.node.change_account(by, name, change).await.map_err(answer)?;
        Ok(Response::new(ChangeAccountAnswer {}))
    }

    async fn set_password(
        &self,
        request: Request<SetPasswordRequest>,
    ) -> Result<Response<SetPasswordAnswer>, Status> {
        let known = access::known(&self.node, &request)?;
        let from = address(&request)?;
        let mut request = request.into_inner();
        let password = Zeroizing::new(take(&mut request.password));
        let old = Zeroizing::new(take(&mut request.old_password));
        let name: AccountName = parsed(&request.name)?;
        let actor = known.actor.clone();
        let set = if let Some(own) = known.pass.clone().filter(|pass| pass.name == name) {
            self.node.set_own_password(own, from, old, password).await
        } else {
            let caller = known.require(&self.node, Right::ManageAccounts)?;
            let by = Manager { actor: caller.actor, scope: caller.scope };
            self.node.set_password(by, name, password).await
        };
        set.map_err(|error| refused(&self.node, &actor, &error))?;
        Ok(Response::new(SetPasswordAnswer {}))
    }

    async fn list_tokens(
        &self,
        request: Request<ListTokensRequest>,
    ) -> Result<Response<ListTokensAnswer>, Status> {
        let known = access::known(&self.node, &request)?;
        let lines = match (known.scope(&self.node, Right::ManageAccounts), &known.pass) {
            (Ok(scope), _) => self.node.passes_below(scope),
            (Err(_), Some(own)) => self.node.passes_of(&own.name),
            (Err(_), None) => self.node.passes_below(known.require(&self.node, Right::ManageAccounts)?.scope),
        };
        Ok(Response::new(ListTokensAnswer { tokens: lines.into_iter().map(token_row).collect() }))
    }

    async fn make_token(
        &self,
        request: Request<MakeTokenRequest>,
    ) -> Result<Response<MakeTokenAnswer>, Status> {
        let by = self.manager(&request)?;
        let request = request.into_inner();
        let actor = by.actor.clone();
        let answer = |error: OfficeError| refused(&self.node, &actor, &error);
        let holder = match request.holder.ok_or_else(|| incomplete("holder"))? {
            HolderMessage::Account(name) => Holder::Account(parsed(&name)?),
            HolderMessage::Program(v1::Program { name, role, unit }) => {
                let unit = self.node.unit_to_give(&unit, by.scope).map_err(answer)?;
                Holder::Program { name: parsed(&name)?, role: parsed(&role)?, unit }
            }
        };
        let made = self.node.make_token(by, holder, request.label, request.days).await.map_err(answer)?;
        Ok(Response::new(MakeTokenAnswer {
            id: made.id.to_string(),
            token: made.shown.expose().to_owned(),
            expires_at_ms: made.expires_at_ms,
        }))
    }

    async fn revoke_token(
        &self,
        request: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenAnswer>, Status> {
        let known = access::known(&self.node, &request)?;
        // Here the unknown one is what is asked about, not the caller.
        let no_such = || {
            let unknown = AccountError::TokenUnknown;
            status(Code::NotFound, unknown.code(), unknown.to_string())
        };
        let id: TokenId = request.into_inner().id.parse().map_err(|_| no_such())?;
        let scope = known.scope(&self.node, Right::ManageAccounts).ok();
        let by = Revoker { actor: known.actor.clone(), own: known.pass.map(|pass| pass.name), scope };
        self.node.revoke_token(by, id).await.map_err(|error| match error {
            OfficeError::Account(AccountError::TokenUnknown) => no_such(),
            error => refused(&self.node, &known.actor, &error),
        })?;
        Ok(Response::new(RevokeTokenAnswer {}))
    }
}

fn account_row(line: &AccountLine) -> AccountRow {
    AccountRow {
        name: line.name.to_string(),
        role: line.role.to_string(),
        unit: line.unit.to_string(),
        disabled: line.disabled,
        added_at_ms: line.added_at_ms,
        password_set_at_ms: line.password_set_at_ms,
        sessions: line.sessions as u64,
    }
}

fn token_row(line: PassLine) -> TokenRow {
    let (role, unit) =
        line.rights.map(|(role, unit)| (role.to_string(), unit.to_string())).unwrap_or_default();
    TokenRow {
        id: line.id.to_string(),
        kind: match line.kind {
            PassKind::Session => "session",
            PassKind::Token => "token",
        }
        .to_owned(),
        name: line.name.to_string(),
        role,
        unit,
        label: line.label,
        made_at_ms: line.made_at_ms,
        expires_at_ms: line.expires_at_ms,
        used_at_ms: line.used_at_ms.unwrap_or(0),
        refused_code: line.refused.map(|error| error.code().to_owned()).unwrap_or_default(),
    }
}
