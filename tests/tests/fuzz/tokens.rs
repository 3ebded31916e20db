//! Texts and records that let somebody in: invitations, tokens of accounts, and what is kept of them.

use crate::{corpus::bases, edits::Script};
use danso_node::operations::{
    accounts::{AccountRecord, Accounts},
    enrolment::{EnrolmentRecord, InvitationToken},
};

/// Whether bytes are an invitation, or a record of enrolment or of accounts.
fn check(bytes: &[u8]) -> bool {
    let enrolment = EnrolmentRecord::decode(bytes);
    if let Some(record) = &enrolment {
        assert_eq!(EnrolmentRecord::decode(&record.encode()).as_ref(), Some(record));
    }
    let account = AccountRecord::decode(bytes).ok();
    if let Some(record) = &account {
        assert_eq!(AccountRecord::decode(&record.encode()).unwrap(), *record);
        // Whatever was kept can be taken in.
        Accounts::default().apply(record);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return enrolment.is_some() || account.is_some() };
    // Nobody gets in where there is no account.
    assert!(Accounts::default().check(text, 1).is_err());
    let invitation = text.parse::<InvitationToken>().ok();
    if let Some(token) = &invitation {
        assert_eq!(token.expose().parse::<InvitationToken>().unwrap(), *token);
        assert!(token.expose().eq_ignore_ascii_case(text.trim()));
    }
    invitation.is_some() || enrolment.is_some() || account.is_some()
}

#[test]
fn token() {
    let unit = "00004@2025-07-01".parse().unwrap();
    let made = InvitationToken::random(unit, [7; 32]);
    let (id, secret) = (made.id, made.secret_hash());
    let invited =
        EnrolmentRecord::Invited { id, unit, secret, expires_at_ms: 2, replaces_key: true, at_ms: 1 };
    let bases = bases("token", vec![made.expose().into_bytes(), invited.encode()], check);
    fuzz!(Script, |script| {
        check(&script.bytes(&bases));
    });
}
