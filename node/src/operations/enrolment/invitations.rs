//! Invitations in memory, folded from their records.

use super::{EnrolmentError, EnrolmentRecord, InvitationId, InvitationToken};
use danso_core::chain::Digest;
use danso_tier_config::{UnitId, limits};
use std::collections::BTreeMap;

/// One invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// For whom.
    pub unit: UnitId,
    /// Until when it is good, Unix milliseconds.
    pub expires_at_ms: u64,
    /// Whether a new ledger key may take the place of the one in force.
    pub replaces_key: bool,
    /// The request that used it.
    pub used_by: Option<Digest>,
    secret: Digest,
    withdrawn: bool,
}

/// All invitations that still matter.
#[derive(Debug, Default)]
pub struct Invitations(BTreeMap<InvitationId, Invitation>);

impl Invitations {
    /// Takes an event in. A repeat changes nothing.
    pub fn apply(&mut self, record: &EnrolmentRecord) {
        match record {
            EnrolmentRecord::Invited { id, unit, secret, expires_at_ms, replaces_key, .. } => {
                let (unit, expires_at_ms, replaces_key) = (*unit, *expires_at_ms, *replaces_key);
                let (used_by, secret, withdrawn) = (None, *secret, false);
                let made = Invitation { unit, expires_at_ms, replaces_key, used_by, secret, withdrawn };
                self.0.entry(*id).or_insert(made);
            }
            EnrolmentRecord::Used { id, request, .. } => {
                if let Some(invitation) = self.0.get_mut(id) {
                    invitation.used_by.get_or_insert(*request);
                }
            }
            EnrolmentRecord::Withdrawn { id, .. } => {
                if let Some(invitation) = self.0.get_mut(id) {
                    invitation.withdrawn = true;
                }
            }
        }
    }

    /// Invitations that can still be used.
    pub fn open(&self, now_ms: u64) -> Vec<(InvitationId, Invitation)> {
        let open = |invitation: &Invitation| {
            invitation.used_by.is_none() && !invitation.withdrawn && now_ms < invitation.expires_at_ms
        };
        self.0.iter().filter(|(_, known)| open(known)).map(|(id, known)| (*id, known.clone())).collect()
    }

    /// The invitation of a token, for a request. One that was used is good for the very request that used it.
    pub fn check(
        &self,
        token: &InvitationToken,
        request: Option<Digest>,
        now_ms: u64,
    ) -> Result<Invitation, EnrolmentError> {
        let known = self.0.get(&token.id).filter(|known| known.unit == token.unit);
        let known =
            known.filter(|known| known.secret == token.secret_hash()).ok_or(EnrolmentError::Unknown)?;
        if known.withdrawn
            || known.used_by.is_some_and(|used_by| request.is_some_and(|asked| asked != used_by))
        {
            return Err(EnrolmentError::Used);
        }
        if now_ms >= known.expires_at_ms {
            return Err(EnrolmentError::Expired);
        }
        Ok(known.clone())
    }

    /// Refuses one more when too many are open.
    pub fn check_room(&self, now_ms: u64) -> Result<(), EnrolmentError> {
        let max = limits::INVITATIONS_OPEN_MAX;
        if self.open(now_ms).len() < max { Ok(()) } else { Err(EnrolmentError::Full { max }) }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn invited(token: &InvitationToken) -> EnrolmentRecord {
        let (id, unit, secret) = (token.id, token.unit, token.secret_hash());
        EnrolmentRecord::Invited { id, unit, secret, expires_at_ms: 1_000, replaces_key: false, at_ms: 0 }
    }

    #[test]
    fn an_invitation_is_good_once_and_for_its_time() {
        let unit: UnitId = "00004@2025-07-01".parse().unwrap();
        let token = InvitationToken::random(unit, [1; 32]);
        let stranger = InvitationToken::random(unit, [1; 32]);
        let mut invitations = Invitations::default();
        let code = |outcome: Result<Invitation, EnrolmentError>| outcome.map_err(|error| error.code()).err();
        let (first, second) = (Digest::of(&[b"1"]), Digest::of(&[b"2"]));
        assert_eq!(code(invitations.check(&token, None, 1)), Some("invitation_unknown"));
        invitations.apply(&invited(&token));
        assert_eq!(code(invitations.check(&stranger, None, 1)), Some("invitation_unknown"));
        let guess = InvitationToken { id: token.id, ..stranger };
        assert_eq!(code(invitations.check(&guess, None, 1)), Some("invitation_unknown"));
        assert_eq!(code(invitations.check(&token, Some(first), 999)), None);
        assert_eq!(code(invitations.check(&token, Some(first), 1_000)), Some("invitation_expired"));
        invitations.apply(&EnrolmentRecord::Used { id: token.id, request: first, at_ms: 5 });
        assert_eq!(code(invitations.check(&token, Some(first), 6)), None, "a lost answer is given again");
        assert_eq!(code(invitations.check(&token, Some(second), 6)), Some("invitation_used"));
        assert!(invitations.open(6).is_empty());
        invitations.apply(&EnrolmentRecord::Withdrawn { id: token.id, at_ms: 7 });
        assert_eq!(code(invitations.check(&token, Some(first), 8)), Some("invitation_used"));
    }

    #[test]
    fn records_are_read_back() {
        let token = InvitationToken::random("00004@2025-07-01".parse().unwrap(), [1; 32]);
        let record = invited(&token);
        assert_eq!(EnrolmentRecord::decode(&record.encode()), Some(record));
        assert_eq!(EnrolmentRecord::decode(&[9]), None);
    }
}
