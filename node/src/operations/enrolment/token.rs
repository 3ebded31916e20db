//! The text of an invitation: the unit, which invitation, its secret, and the root by which the parent is known.

use super::{EnrolmentError, InvitationId};
use danso_core::chain::{Digest, hex};
use danso_tier_config::UnitId;
use std::{fmt, str::FromStr};

/// What the text begins with; the number is its format.
const BEGINNING: &str = "danso-invite-1";
/// Bytes of the secret.
const SECRET_BYTES: usize = 20;

/// An invitation as it is handed over. Whoever has the text can enrol the unit, so it is shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken {
    /// The unit that may be enrolled.
    pub unit: UnitId,
    /// Which invitation.
    pub id: InvitationId,
    /// SHA-256 of the tree's root certificate.
    pub root: [u8; 32],
    pub(super) secret: [u8; SECRET_BYTES],
}

impl InvitationToken {
    /// A new invitation for a unit in the tree of a root.
    pub fn random(unit: UnitId, root: [u8; 32]) -> Self {
        let (mut id, mut secret) = ([0; 8], [0; SECRET_BYTES]);
        getrandom::fill(&mut id).expect("the system gives random bytes");
        getrandom::fill(&mut secret).expect("the system gives random bytes");
        Self { unit, id: InvitationId(id), root, secret }
    }

    /// What is kept of the secret.
    pub fn secret_hash(&self) -> Digest {
        Digest::of(&[b"danso invitation", &self.secret])
    }

    /// The text to hand over.
    pub fn expose(&self) -> String {
        format!("{BEGINNING}.{}.{}.{}.{}", self.unit, self.id, hex(&self.secret), hex(&self.root))
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvitationToken({} {})", self.unit, self.id)
    }
}

impl FromStr for InvitationToken {
    type Err = EnrolmentError;
    fn from_str(text: &str) -> Result<Self, EnrolmentError> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [BEGINNING, unit, id, secret, root] = parts[..] else { return Err(EnrolmentError::Token) };
        let read = || {
            Some(Self {
                unit: unit.parse().ok()?,
                id: InvitationId(unhex(id)?),
                root: unhex(root)?,
                secret: unhex(secret)?,
            })
        };
        read().ok_or(EnrolmentError::Token)
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_text_is_read_back_and_nothing_else() {
        let token = InvitationToken::random("00004@2025-07-01".parse().unwrap(), [7; 32]);
        let text = token.expose();
        assert_eq!(text.parse::<InvitationToken>().unwrap(), token);
        assert_eq!(format!(" {text}\r\n").parse::<InvitationToken>().unwrap(), token);
        assert!(!format!("{token:?}").contains(&hex(&token.secret)));
        for wrong in ["", "danso-invite-1", &text[1..], &text[..text.len() - 1], &format!("{text}.00")] {
            assert_eq!(wrong.parse::<InvitationToken>().unwrap_err().code(), "invitation_malformed");
        }
    }
}
