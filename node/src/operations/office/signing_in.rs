//! Sign-ins and sign-outs, and whom a shown session or token stands for.

use super::{
    super::{
        accounts::{AccountError, AccountName, Caller, Role, ShownToken, TokenSecret, Verified},
        actor::Actor,
        meters,
        node::Node,
    },
    OfficeError, Order,
};
use crate::store::AuditNote;
use danso_core::chain::Deed;
use danso_tier_config::{UnitId, limits::SESSION_MS};
use std::{net::IpAddr, sync::Arc};
use zeroize::Zeroizing;

/// A session that was opened.
#[derive(Debug)]
pub struct SignedIn {
    /// Its text, for its holder alone.
    pub session: ShownToken,
    /// Its end, Unix milliseconds.
    pub expires_at_ms: u64,
    /// What the account may do.
    pub role: Role,
    /// The topmost unit for which it may do it.
    pub unit: UnitId,
}

impl Node {
    /// Signs in from an address. The session is durable on return.
    ///
    /// Errors: `signin_refused`, `signin_delayed`, `signin_busy`, `account_disabled`; all counted.
    pub async fn sign_in(
        self: &Arc<Self>,
        name: String,
        password: Zeroizing<String>,
        from: IpAddr,
    ) -> Result<SignedIn, OfficeError> {
        let signed_in = match self.verify(name.clone(), password, from).await {
            Ok(verified) => self.open_session(verified, from).await,
            Err(error) => Err(error.into()),
        };
        let outcome = signed_in.as_ref().map_or_else(OfficeError::code, |_| "signed_in");
        self.meters.count(meters::SIGN_INS, outcome);
        if let Err(OfficeError::Account(AccountError::SigninRefused | AccountError::Disabled)) = &signed_in {
            self.note_refused_sign_in(&name, from).await;
        }
        signed_in
    }

    /// Verifies a password off the async threads, under the limits of the gate.
    pub(super) async fn verify(
        self: &Arc<Self>,
        name: String,
        password: Zeroizing<String>,
        from: IpAddr,
    ) -> Result<Verified, AccountError> {
        self.blocking(move |node| {
            let credentials = |name: &AccountName| node.office.accounts().credentials(name);
            node.office.gate.verify(&name, &password, from, node.now_ms(), credentials)
        })
        .await
    }

    async fn open_session(
        self: &Arc<Self>,
        verified: Verified,
        from: IpAddr,
    ) -> Result<SignedIn, OfficeError> {
        let secret = TokenSecret::random();
        let (session, expires_at_ms) = self
            .office_order(move |_, accounts, now| {
                let (opened, shown) = accounts.open_session(&verified, &secret, now)?;
                let dearer = verified.rehashed().cloned();
                let rehashed = dearer.and_then(|dearer| accounts.rehash(&verified, dearer, now));
                let actor = Actor::account(verified.name().as_str());
                let note = AuditNote::text(&actor.words(), Deed::SignedIn, format!("from {from}"), now);
                let records = rehashed.into_iter().chain([opened]).collect();
                Ok(Order { records, note, answer: (shown, now.saturating_add(SESSION_MS)) })
            })
            .await?;
        let caller = self.holder_of(session.expose())?;
        Ok(SignedIn { session, expires_at_ms, role: caller.role, unit: caller.unit })
    }

    /// Whom a shown session or token stands for at this moment.
    ///
    /// Errors: `token_unknown`, `token_expired`, `token_revoked`, `account_disabled`.
    pub fn holder_of(&self, shown: &str) -> Result<Caller, AccountError> {
        self.office.accounts().check(shown, self.now_ms())
    }

    /// Ends a session by its holder; durable on return. An API token is `token_unknown` here: it is revoked.
    pub async fn sign_out(self: &Arc<Self>, caller: Caller) -> Result<(), OfficeError> {
        self.office_order(move |_, accounts, now| {
            let record = accounts.sign_out(caller.id, now)?;
            let actor = Actor::account(caller.name.as_str());
            Ok(Order::new((&actor, now), Deed::SignedOut, format!("session {}", caller.id), record, ()))
        })
        .await
    }
}
