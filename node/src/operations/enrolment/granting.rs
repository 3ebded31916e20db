//! The parent's side of enrolment: what a new node is told, and the grant of its ledger key.

use super::{EnrolmentError, EnrolmentRecord, InvitationToken};
use crate::{
    operations::{Actor, node::Node},
    store::{AuditNote, OfficeRecord, Record, Staged, Topic},
};
use danso_core::chain::{
    BatchNumber, Deed, Digest, Fault, Grantor, KeyClaim, KeyGrant, KeyId, PublicKey, Signed,
};
use danso_tier_config::UnitId;
use std::sync::Arc;

/// What a new node must know to claim its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The unit that is enrolled.
    pub unit: UnitId,
    /// Levels of authorities that may stand below the unit's own; `None` where it needs none.
    pub path_length: Option<u8>,
    /// The key that a new one takes the place of, where the invitation allows it.
    pub replaces: Option<KeyId>,
    /// The last batch of the unit that is held here.
    pub after: BatchNumber,
    /// Its hash.
    pub hash: Digest,
}

/// What enrolment brings.
#[derive(Debug, Clone)]
pub struct Granted {
    /// Grants and registrations from the top down, the unit's own last.
    pub registrations: Vec<Signed>,
    /// The public key of the authority of the whole tree.
    pub authority: PublicKey,
    /// The directory in force, as signed.
    pub directory: Option<Signed>,
}

impl Node {
    /// Makes an invitation for a child's node, good for some hours. Durable on return; the token is shown
    /// this once.
    pub async fn invite(
        &self,
        unit: UnitId,
        hours: u32,
        replaces_key: bool,
        root: [u8; 32],
        actor: &Actor,
    ) -> Result<(InvitationToken, u64), EnrolmentError> {
        self.require_child(unit)?;
        let at_ms = self.now_ms();
        let token = InvitationToken::random(unit, root);
        let expires_at_ms = at_ms + u64::from(hours) * 3_600_000;
        let mut invitations = self.invitations.lock().await;
        invitations.check_room(at_ms)?;
        let (id, secret) = (token.id, token.secret_hash());
        let record = EnrolmentRecord::Invited { id, unit, secret, expires_at_ms, replaces_key, at_ms };
        let text = format!("invitation {id} for {unit}{}", if replaces_key { ", new key" } else { "" });
        self.store.write(vec![stored(&record), noted(actor, Deed::Invited, text, at_ms)]).await?;
        invitations.apply(&record);
        Ok((token, expires_at_ms))
    }

    fn require_child(&self, unit: UnitId) -> Result<(), EnrolmentError> {
        let directory = self.directory();
        if directory.at(self.today()).parent(unit) == Some(self.unit()) {
            Ok(())
        } else {
            Err(EnrolmentError::NotChild { unit, own: self.unit() })
        }
    }

    /// What the holder of an invitation is told before it claims its key.
    pub async fn terms(&self, token: &InvitationToken) -> Result<Terms, EnrolmentError> {
        let invitation = self.invitations.lock().await.check(token, None, self.now_ms())?;
        self.require_child(token.unit)?;
        let unit = token.unit;
        let current = self.ring_of(unit).current().map(|epoch| epoch.key.id());
        let head = self.store.view().chains.get(&unit).map(|chain| chain.head).unwrap_or_default();
        let replaces = current.filter(|_| invitation.replaces_key);
        Ok(Terms {
            unit,
            path_length: self.path_length_of(unit),
            replaces,
            after: head.number,
            hash: head.hash,
        })
    }

    /// Levels of authorities that may stand below a unit's own: a unit of the bottom tier has none.
    pub fn path_length_of(&self, unit: UnitId) -> Option<u8> {
        let directory = self.directory();
        let tier = &directory.unit(unit)?.tier;
        let rank = self.config.hierarchy.tiers().iter().position(|known| known.name == *tier)?;
        rank.checked_sub(1).and_then(|length| u8::try_from(length).ok())
    }

    /// Uses an invitation: grants the claimed key, unless the unit has that very key already. Durable on return.
    /// A repeat of the same request is answered again.
    pub async fn enrol(
        self: &Arc<Self>,
        token: &InvitationToken,
        claim: &Signed,
        request: Digest,
    ) -> Result<Granted, EnrolmentError> {
        let at_ms = self.now_ms();
        let mut invitations = self.invitations.lock().await;
        let invitation = invitations.check(token, Some(request), at_ms)?;
        self.require_child(token.unit)?;
        let granted = self.grant(token.unit, claim, invitation.replaces_key, at_ms).await?;
        let mut records = Vec::new();
        let text = format!("invitation {} used by {}", token.id, token.unit);
        if invitation.used_by.is_none() {
            let used = EnrolmentRecord::Used { id: token.id, request, at_ms };
            records.push(stored(&used));
            records.push(noted(&Actor::node(token.unit), Deed::Invited, text, at_ms));
        }
        if granted {
            let text = format!("ledger key of {} granted", token.unit);
            records.push(noted(&Actor::node(token.unit), Deed::KeyChanged, text, at_ms));
        }
        if !records.is_empty() {
            self.store.write(records).await?;
        }
        invitations.apply(&EnrolmentRecord::Used { id: token.id, request, at_ms });
        drop(invitations);
        Ok(self.granted(token.unit))
    }

    /// Grants a claim, durably; false where the unit has that key already. No batch of the unit is taken meanwhile,
    /// and those taken before are applied first: one that was checked under the former key and comes after the
    /// grant would lie beyond its cut-over.
    async fn grant(
        self: &Arc<Self>,
        unit: UnitId,
        claim: &Signed,
        may_replace: bool,
        at_ms: u64,
    ) -> Result<bool, EnrolmentError> {
        let _keys = self.registering.lock().await;
        let claim = claim.clone();
        self.blocking(move |node| {
            let turn = node.turn_of(unit);
            let _turn = turn.lock().expect("no acceptance panics");
            let write = |records| node.store.stage(records, node.store.generation()).blocking_durable();
            write(Vec::new())?;
            let Some(grant) = node.grant_of(unit, &claim, may_replace, at_ms)? else { return Ok(false) };
            write(node.new_keys(vec![grant.clone()])?)?;
            if node.ring_of(unit).holds(&grant) {
                Ok(true)
            } else {
                Err(EnrolmentError::Claim(Fault::KeyFork { unit }))
            }
        })
        .await
    }

    /// The grant of a claim; `None` where the unit has that key already.
    fn grant_of(
        &self,
        unit: UnitId,
        claim: &Signed,
        may_replace: bool,
        at_ms: u64,
    ) -> Result<Option<Signed>, EnrolmentError> {
        let claimed: KeyClaim = claim.decode_trusted().map_err(EnrolmentError::Claim)?;
        let key = PublicKey::from_bytes(&claimed.key).map_err(EnrolmentError::Claim)?;
        let claimed: KeyClaim = claim.verify(key).map_err(EnrolmentError::Claim)?;
        if claimed.unit != unit {
            return Err(EnrolmentError::Claim(Fault::Grantor { unit: claimed.unit }));
        }
        let ring = self.ring_of(unit);
        let head = self.store.view().chains.get(&unit).map(|chain| chain.head).unwrap_or_default();
        match ring.current() {
            // Also an earlier one: a unit that moved shows the first key of its chain.
            Some(_) if ring.epochs().iter().any(|epoch| epoch.key == key) => return Ok(None),
            Some(_) if !may_replace => return Err(EnrolmentError::KeyExists { unit }),
            Some(current) => {
                let fits = claimed.replaces == Some(current.key.id())
                    && (claimed.after, claimed.hash) == (head.number, head.hash);
                if !fits {
                    return Err(EnrolmentError::Claim(Fault::KeyFork { unit }));
                }
            }
            None if claimed.replaces.is_some() || claimed.after != BatchNumber(0) => {
                return Err(EnrolmentError::Claim(Fault::KeyFork { unit }));
            }
            None => {}
        }
        let grant =
            KeyGrant { claim: claim.clone(), grantor: Grantor::Unit(self.unit()), granted_at_ms: at_ms };
        Ok(Some(Signed::sign(&grant, &self.signing.key())))
    }

    fn granted(&self, unit: UnitId) -> Granted {
        let directory = self.directory();
        let mut above = directory.at(self.today()).ancestors(unit);
        above.reverse();
        let view = self.store.view();
        let known = above.into_iter().chain([unit]).filter_map(|unit| view.keys.get(&unit));
        let registrations =
            known.flat_map(|ring| ring.epochs().iter().map(|epoch| epoch.signed.clone())).collect();
        let directory = view.directory.as_ref().map(|held| held.signed.clone());
        Granted { registrations, authority: self.signing.authority, directory }
    }

    /// Invitations as they were before this start.
    pub(in crate::operations) fn fold_invitations(&self) -> Result<(), crate::store::StoreError> {
        let mut invitations = self.invitations.try_lock().expect("nobody else holds it at the start");
        for bytes in self.store.office(Topic::Enrolment)? {
            if let Some(record) = EnrolmentRecord::decode(&bytes) {
                invitations.apply(&record);
            }
        }
        Ok(())
    }
}

fn stored(record: &EnrolmentRecord) -> Staged {
    Record::Office(OfficeRecord { topic: Topic::Enrolment, bytes: record.encode() }).into()
}

fn noted(actor: &Actor, deed: Deed, text: String, at_ms: u64) -> Staged {
    Record::Note(AuditNote::text(&actor.words(), deed, text, at_ms)).into()
}
