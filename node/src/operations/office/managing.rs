//! Accounts and tokens of a subtree: lists, additions, changes.

use super::{
    super::{
        accounts::{
            AccountError, AccountLine, AccountName, Accounts, Caller, Holder, NewPassword, PassKind,
            PassLine, PasswordHash, Role, ShownToken, TokenId, TokenSecret,
        },
        actor::Actor,
        node::Node,
    },
    OfficeError, Order,
};
use danso_core::chain::Deed;
use danso_tier_config::{DAY_MS, UnitId};
use std::{net::IpAddr, sync::Arc};
use zeroize::Zeroizing;

/// Somebody who may manage accounts.
#[derive(Debug, Clone)]
pub struct Manager {
    /// As the audit log names them.
    pub actor: Actor,
    /// The topmost unit whose accounts they manage.
    pub scope: UnitId,
}

/// Somebody who ends a session or token.
#[derive(Debug, Clone)]
pub struct Revoker {
    /// As the audit log names them.
    pub actor: Actor,
    /// The account or program whose sessions and tokens are their own.
    pub own: Option<AccountName>,
    /// The topmost unit whose accounts they manage, if they manage any.
    pub scope: Option<UnitId>,
}

/// A change of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// Another role or unit, for sessions and tokens, too.
    Role {
        /// What it may do from now on.
        role: Role,
        /// The topmost unit for which it may do it.
        unit: UnitId,
    },
    /// Switched off: sessions end, tokens are refused.
    Disable,
    /// Switched on again.
    Enable,
    /// Gone with its sessions and tokens.
    Remove,
}

/// An API token that was made.
#[derive(Debug)]
pub struct MadeToken {
    /// Its id.
    pub id: TokenId,
    /// Its text, shown this once.
    pub shown: ShownToken,
    /// Its end, Unix milliseconds.
    pub expires_at_ms: u64,
}

impl Node {
    /// The accounts of a unit and of those below it, by name.
    pub fn accounts_below(&self, scope: UnitId) -> Vec<AccountLine> {
        let mut lines = self.office.accounts().list(self.now_ms());
        lines.retain(|line| self.within(line.unit, scope));
        lines
    }

    /// The sessions and tokens of a unit and of those below it, those made last first. At the node's own unit
    /// also those whose account is gone.
    pub fn passes_below(&self, scope: UnitId) -> Vec<PassLine> {
        let mut lines = self.office.accounts().passes(self.now_ms());
        lines.retain(|line| self.pass_within(line, scope));
        lines
    }

    /// The sessions and tokens of one account or program, those made last first.
    pub fn passes_of(&self, name: &AccountName) -> Vec<PassLine> {
        let mut lines = self.office.accounts().passes(self.now_ms());
        lines.retain(|line| line.name == *name);
        lines
    }

    /// A unit that may be given to an account: by id or code, within the manager's scope today.
    ///
    /// Errors: `unknown_unit`, `outside_subtree`.
    pub fn unit_to_give(&self, unit: &str, scope: UnitId) -> Result<UnitId, OfficeError> {
        let found = self.resolve_within(&self.directory(), &[unit.to_owned()], self.today(), scope)?;
        Ok(found.first().copied().unwrap_or(scope))
    }

    /// Adds an account at a unit within the manager's scope. Durable on return.
    ///
    /// Errors: `account_exists`, also where a program has the name; `accounts_full`, `password_weak`,
    /// `signin_busy`, `outside_subtree`.
    pub async fn add_account(
        self: &Arc<Self>,
        by: Manager,
        name: AccountName,
        role: Role,
        unit: UnitId,
        password: Zeroizing<String>,
    ) -> Result<(), OfficeError> {
        self.require_unit(unit, by.scope)?;
        let hash = self.hash(name.clone(), password).await?;
        self.office_order(move |_, accounts, now| {
            // The audit log tells programs and accounts by their name.
            if accounts.passes(now).iter().any(|pass| pass.name == name && pass.refused.is_none()) {
                return Err(AccountError::Exists { name }.into());
            }
            let record = accounts.add(&name, role, unit, hash, now)?;
            let subject = format!("account {name} added {role} {unit}");
            Ok(Order::new((&by.actor, now), Deed::AccountChanged, subject, record, ()))
        })
        .await
    }

    /// Changes an account within the manager's scope. Durable on return; it counts from the next call of any
    /// session or token on.
    pub async fn change_account(
        self: &Arc<Self>,
        by: Manager,
        name: AccountName,
        change: AccountChange,
    ) -> Result<(), OfficeError> {
        self.office_order(move |node, accounts, now| {
            node.require_account(accounts, &name, by.scope)?;
            let (record, what) = match change {
                AccountChange::Role { role, unit } => {
                    node.require_unit(unit, by.scope)?;
                    (accounts.set_role(&name, role, unit, now)?, format!("is {role} {unit}"))
                }
                AccountChange::Disable => (accounts.disable(&name, now)?, "disabled".to_owned()),
                AccountChange::Enable => (accounts.enable(&name, now)?, "enabled".to_owned()),
                AccountChange::Remove => (accounts.remove(&name, now)?, "removed".to_owned()),
            };
            let subject = format!("account {name} {what}");
            Ok(Order::new((&by.actor, now), Deed::AccountChanged, subject, record, ()))
        })
        .await
    }

    /// Gives an account within the manager's scope a new password; its sessions end. Durable on return.
    pub async fn set_password(
        self: &Arc<Self>,
        by: Manager,
        name: AccountName,
        password: Zeroizing<String>,
    ) -> Result<(), OfficeError> {
        self.require_account(&self.office.accounts(), &name, by.scope)?;
        let hash = self.hash(name.clone(), password).await?;
        self.office_order(move |node, accounts, now| {
            node.require_account(accounts, &name, by.scope)?;
            let record = accounts.set_password(&name, hash, now)?;
            let subject = format!("account {name} password set");
            Ok(Order::new((&by.actor, now), Deed::AccountChanged, subject, record, ()))
        })
        .await
    }

    /// Gives the caller's own account a new password, for the old one; its sessions end. Durable on return.
    ///
    /// Errors: what a sign-in has for the old password, `password_weak` for the new one.
    pub async fn set_own_password(
        self: &Arc<Self>,
        caller: Caller,
        from: IpAddr,
        old: Zeroizing<String>,
        password: Zeroizing<String>,
    ) -> Result<(), OfficeError> {
        let name = caller.name;
        self.verify(name.as_str().to_owned(), old, from).await?;
        let hash = self.hash(name.clone(), password).await?;
        self.office_order(move |_, accounts, now| {
            let record = accounts.set_password(&name, hash, now)?;
            let (actor, subject) = (Actor::account(name.as_str()), format!("account {name} password set"));
            Ok(Order::new((&actor, now), Deed::AccountChanged, subject, record, ()))
        })
        .await
    }

    /// Makes an API token for an account or program within the manager's scope. Durable on return.
    ///
    /// Errors: `token_days`, `token_label`, `tokens_full`, `account_disabled`, `outside_subtree`;
    /// `account_exists` for a program with the name of an account, or of a program of another unit or role.
    pub async fn make_token(
        self: &Arc<Self>,
        by: Manager,
        holder: Holder,
        label: String,
        days: u32,
    ) -> Result<MadeToken, OfficeError> {
        let secret = TokenSecret::random();
        self.office_order(move |node, accounts, now| {
            let name = holder.name().clone();
            match &holder {
                Holder::Account(name) => node.require_account(accounts, name, by.scope)?,
                Holder::Program { role, unit, .. } => {
                    node.require_unit(*unit, by.scope)?;
                    // Whoever has the name may end its tokens.
                    let strange = |pass: &PassLine| {
                        pass.name == name && pass.refused.is_none() && pass.rights != Some((*role, *unit))
                    };
                    if accounts.credentials(&name).is_some() || accounts.passes(now).iter().any(strange) {
                        return Err(AccountError::Exists { name }.into());
                    }
                }
            }
            let (record, shown) = accounts.make_token(holder, &label, days, &secret, now)?;
            let id = secret.id();
            let expires_at_ms = now.saturating_add(u64::from(days) * DAY_MS);
            let subject = format!("token {id} made for {name}");
            let made = MadeToken { id, shown, expires_at_ms };
            Ok(Order::new((&by.actor, now), Deed::TokenChanged, subject, record, made))
        })
        .await
    }

    /// Ends a session or token, an own one or one within the scope. Durable on return; its next call is refused.
    pub async fn revoke_token(self: &Arc<Self>, by: Revoker, id: TokenId) -> Result<(), OfficeError> {
        self.office_order(move |node, accounts, now| {
            let line = accounts.passes(now).into_iter().find(|line| line.id == id);
            let line = line.ok_or(AccountError::TokenUnknown)?;
            let what = match line.kind {
                PassKind::Session => format!("session {id}"),
                PassKind::Token => format!("token {id}"),
            };
            if by.own.as_ref() != Some(&line.name) {
                let scope = by.scope.ok_or(OfficeError::NotOwn)?;
                if !node.pass_within(&line, scope) {
                    return Err(OfficeError::OutsideSubtree { what, scope });
                }
            }
            let record = accounts.revoke(id, now)?;
            let subject = format!("{what} of {} revoked", line.name);
            Ok(Order::new((&by.actor, now), Deed::TokenChanged, subject, record, ()))
        })
        .await
    }

    /// Whether a unit is another or lies below it, today or on its last day.
    fn within(&self, unit: UnitId, scope: UnitId) -> bool {
        unit == scope || self.lies_below(unit, scope)
    }

    fn pass_within(&self, line: &PassLine, scope: UnitId) -> bool {
        line.rights.map_or(scope == self.unit(), |(_, unit)| self.within(unit, scope))
    }

    fn require_unit(&self, unit: UnitId, scope: UnitId) -> Result<(), OfficeError> {
        if self.within(unit, scope) {
            return Ok(());
        }
        Err(OfficeError::OutsideSubtree { what: format!("unit {unit}"), scope })
    }

    fn require_account(
        &self,
        accounts: &Accounts,
        name: &AccountName,
        scope: UnitId,
    ) -> Result<(), OfficeError> {
        let line = accounts.list(self.now_ms()).into_iter().find(|line| line.name == *name);
        let line = line.ok_or_else(|| AccountError::Unknown { name: name.clone() })?;
        if self.within(line.unit, scope) {
            return Ok(());
        }
        Err(OfficeError::OutsideSubtree { what: format!("account {name}"), scope })
    }

    /// The hash of a new password, made off the async threads.
    async fn hash(
        self: &Arc<Self>,
        name: AccountName,
        password: Zeroizing<String>,
    ) -> Result<PasswordHash, AccountError> {
        self.blocking(move |node| node.office.gate.hasher().hash(&NewPassword::new(&password, &name)?)).await
    }
}
