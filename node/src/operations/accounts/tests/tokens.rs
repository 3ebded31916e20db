//! Sessions and tokens: whom they stand for, what ends them, how many there may be.

use super::*;

#[test]
fn a_session_stands_for_its_account_until_its_end() {
    let mut desk = Desk::new();
    let shown = desk.sign_in("lan", NOW);
    let caller = desk.accounts.check(&shown, NOW + SESSION_MS - 1).unwrap();
    assert_eq!((caller.name.as_str(), caller.role, caller.unit), ("lan", Role::Officer, commune()));
    assert_eq!(caller.kind, PassKind::Session);
    assert!(caller.may(Right::ReadPersons) && !caller.may(Right::Operate));
    let error = desk.accounts.check(&shown, NOW + SESSION_MS).unwrap_err();
    assert_eq!(error, AccountError::TokenExpired { expired_at_ms: NOW + SESSION_MS });
    assert_eq!(desk.accounts.check_again(&caller, NOW + SESSION_MS).unwrap_err(), error);
}

#[test]
fn only_the_whole_secret_is_taken() {
    let mut desk = Desk::new();
    let (lan, binh) = (desk.sign_in("lan", NOW), desk.sign_in("binh", NOW));
    let secret = lan.rsplit_once('_').unwrap().1;
    let other_digit = if lan.ends_with('0') { "1" } else { "0" };
    let altered = format!("{}{other_digit}", &lan[..lan.len() - 1]);
    let swapped = format!("{}_{secret}", binh.rsplit_once('_').unwrap().0);
    desk.take(desk.accounts.sign_out(desk.accounts.check(&lan, NOW).unwrap().id, NOW).unwrap());
    // Who does not know the secret is not told that the session is over.
    for bad in [altered.as_str(), swapped.as_str(), secret, "danso__", ""] {
        assert_eq!(desk.code(bad, NOW), "token_unknown", "{bad}");
    }
    assert_eq!(desk.code(&lan, NOW), "token_revoked");
    assert_eq!(desk.code(&binh, NOW), "good");
}

#[test]
fn a_new_password_ends_sessions_and_keeps_tokens() {
    let mut desk = Desk::new();
    let (session, token) = (desk.sign_in("lan", NOW), desk.token(Holder::Account(account("lan")), 30, NOW));
    let verified = desk.verify("lan", GOOD, address(1), NOW).unwrap();
    let (other, hash) = (desk.sign_in("binh", NOW), desk.hash("bảy con vịt vàng"));
    // The clock was set back an hour meanwhile.
    let set = desk.accounts.set_password(&account("lan"), hash, NOW - 3_600_000).unwrap();
    desk.take(set);
    assert_eq!(desk.code(&session, NOW), "token_revoked");
    assert_eq!((desk.code(&token, NOW), desk.code(&other, NOW)), ("good", "good"));
    // A sign-in verified against the old password opens nothing any more.
    let secret = desk.secret();
    let late = desk.accounts.open_session(&verified, &secret, NOW).unwrap_err();
    assert_eq!(late, AccountError::SigninRefused);
    assert_eq!(desk.verify("lan", GOOD, address(1), NOW).unwrap_err(), AccountError::SigninRefused);
    desk.verify("lan", "bảy con vịt vàng", address(1), NOW).unwrap();
}

#[test]
fn a_change_of_role_disabling_and_removal_act_at_once() {
    let mut desk = Desk::new();
    let lan = account("lan");
    let (session, token) = (desk.sign_in("lan", NOW), desk.token(Holder::Account(lan.clone()), 30, NOW));
    let caller = desk.accounts.check(&session, NOW).unwrap();
    let province: UnitId = "01@2025-07-01".parse().unwrap();
    desk.take(desk.accounts.set_role(&lan, Role::Analyst, province, NOW).unwrap());
    for shown in [&session, &token] {
        let caller = desk.accounts.check(shown, NOW).unwrap();
        assert_eq!((caller.role, caller.unit), (Role::Analyst, province));
    }
    assert_eq!(desk.accounts.check_again(&caller, NOW).unwrap().role, Role::Analyst);
    desk.take(desk.accounts.disable(&lan, NOW).unwrap());
    assert_eq!((desk.code(&session, NOW), desk.code(&token, NOW)), ("token_revoked", "account_disabled"));
    desk.take(desk.accounts.enable(&lan, NOW).unwrap());
    assert_eq!((desk.code(&session, NOW), desk.code(&token, NOW)), ("token_revoked", "good"));
    desk.take(desk.accounts.remove(&lan, NOW).unwrap());
    assert_eq!((desk.code(&session, NOW), desk.code(&token, NOW)), ("token_unknown", "token_revoked"));
    assert_eq!(desk.accounts.check_again(&caller, NOW).unwrap_err(), AccountError::TokenRevoked);
    // Another person of the same name gets nothing of it.
    let hash = desk.hash(GOOD);
    desk.take(desk.accounts.add(&lan, Role::Officer, commune(), hash, NOW + 1).unwrap());
    assert_eq!((desk.code(&session, NOW), desk.code(&token, NOW)), ("token_unknown", "token_revoked"));
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let mut desk = Desk::new();
    let (nobody, hash, secret) = (account("nobody"), desk.hash(GOOD), desk.secret());
    let token = desk.token(program(), 1, NOW);
    let token = desk.accounts.check(&token, NOW).unwrap().id;
    let accounts = &desk.accounts;
    let exists = accounts.add(&account("lan"), Role::Analyst, commune(), hash.clone(), NOW).unwrap_err();
    assert_eq!(exists, AccountError::Exists { name: account("lan") });
    let unknown = AccountError::Unknown { name: nobody.clone() };
    assert_eq!(accounts.set_password(&nobody, hash, NOW).unwrap_err(), unknown);
    assert_eq!(accounts.set_role(&nobody, Role::Analyst, commune(), NOW).unwrap_err(), unknown);
    for order in [Accounts::disable, Accounts::enable, Accounts::remove] {
        assert_eq!(order(accounts, &nobody, NOW).unwrap_err(), unknown);
    }
    let make = |holder: Holder, label: &str, days: u32| {
        accounts.make_token(holder, label, days, &secret, NOW).map(drop)
    };
    assert_eq!(make(Holder::Account(nobody), "x", 1), Err(unknown));
    for days in [0, TOKEN_DAYS_MAX + 1] {
        assert_eq!(make(program(), "x", days), Err(AccountError::TokenDays { days }));
    }
    for label in ["", "  ", "a\nb", &"é".repeat(TOKEN_LABEL_CHARS_MAX + 1)] {
        let chars = label.chars().count();
        assert_eq!(make(program(), label, 1), Err(AccountError::TokenLabel { chars }));
    }
    assert_eq!(make(program(), &"é".repeat(TOKEN_LABEL_CHARS_MAX), TOKEN_DAYS_MAX), Ok(()));
    assert_eq!(accounts.sign_out(token, NOW).unwrap_err(), AccountError::TokenUnknown);
    let stranger = "0123456789abcdef".parse().unwrap();
    assert_eq!(accounts.revoke(stranger, NOW).unwrap_err(), AccountError::TokenUnknown);
}

#[test]
fn a_token_is_listed_used_and_revoked() {
    let mut desk = Desk::new();
    let shown = desk.token(program(), 10, NOW);
    let session = desk.sign_in("lan", NOW + 5);
    let caller = desk.accounts.check(&shown, NOW + 77).unwrap();
    assert_eq!((caller.name.as_str(), caller.role, caller.kind), ("bao-cao", Role::Analyst, PassKind::Token));
    desk.take(desk.accounts.revoke(caller.id, NOW + 99).unwrap());
    assert_eq!(desk.code(&shown, NOW + 99), "token_revoked");
    let lines = desk.accounts.passes(NOW + 100);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (lines[0].kind, lines[0].used_at_ms, lines[0].refused.as_ref()),
        (PassKind::Session, None, None)
    );
    let expected = PassLine {
        id: caller.id,
        kind: PassKind::Token,
        name: account("bao-cao"),
        rights: Some((Role::Analyst, commune())),
        label: "báo cáo".to_owned(),
        made_at_ms: NOW,
        expires_at_ms: NOW + 10 * DAY_MS,
        used_at_ms: Some(NOW + 77),
        refused: Some(AccountError::TokenRevoked),
    };
    assert_eq!(lines[1], expected);
    let sessions = |desk: &Desk, now| desk.accounts.list(now).iter().map(|l| l.sessions).collect::<Vec<_>>();
    assert_eq!(sessions(&desk, NOW + 100), [0, 1]);
    assert_eq!(sessions(&desk, NOW + 5 + SESSION_MS), [0, 0]);
    assert_eq!(desk.code(&session, NOW + 100), "good");
}

#[test]
fn a_token_made_by_a_clock_that_ran_ahead_is_not_good_for_years() {
    let mut desk = Desk::new();
    let ahead = NOW + 3_650 * DAY_MS;
    let (session, token) = (desk.sign_in("lan", ahead), desk.token(program(), TOKEN_DAYS_MAX, ahead));
    for shown in [&session, &token] {
        assert_eq!(desk.code(shown, ahead - CLOCK_BACK_MS_MAX), "good");
        assert_eq!(desk.code(shown, ahead - CLOCK_BACK_MS_MAX - 1), "token_expired");
        assert_eq!(desk.code(shown, NOW), "token_expired");
    }
}

#[test]
fn the_oldest_session_ends_for_one_too_many_and_an_ended_one_first() {
    let mut desk = Desk::new();
    let shown: Vec<String> =
        (0..SESSIONS_PER_ACCOUNT_MAX as u64).map(|n| desk.sign_in("lan", NOW + n)).collect();
    let third = desk.accounts.check(&shown[2], NOW).unwrap().id;
    desk.take(desk.accounts.sign_out(third, NOW).unwrap());
    desk.sign_in("lan", NOW + 100);
    assert_eq!((desk.code(&shown[0], NOW), desk.code(&shown[2], NOW)), ("good", "token_unknown"));
    desk.sign_in("lan", NOW + 101);
    assert_eq!((desk.code(&shown[0], NOW), desk.code(&shown[1], NOW)), ("token_unknown", "good"));
    assert_eq!(desk.accounts.passes(NOW).len(), SESSIONS_PER_ACCOUNT_MAX);
}

#[test]
fn tokens_are_bounded_and_only_those_that_are_over_make_room() {
    let mut desk = Desk::new();
    let make = |accounts: &Accounts, n: usize, now: u64| {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&n.to_be_bytes());
        accounts.make_token(program(), "x", 1, &TokenSecret::new(random), now).map(|(record, _)| record)
    };
    for n in 0..TOKENS_MAX {
        desk.take(make(&desk.accounts, n, NOW).unwrap());
    }
    assert_eq!(make(&desk.accounts, TOKENS_MAX, NOW).unwrap_err(), AccountError::TokensFull);
    let first = desk.accounts.passes(NOW)[0].id;
    desk.take(desk.accounts.revoke(first, NOW).unwrap());
    desk.take(make(&desk.accounts, TOKENS_MAX, NOW).unwrap());
    let lines = desk.accounts.passes(NOW);
    assert_eq!(lines.len(), TOKENS_MAX);
    assert!(lines.iter().all(|line| line.id != first && line.refused.is_none()));
    desk.take(make(&desk.accounts, TOKENS_MAX + 1, NOW + DAY_MS).unwrap());
    assert_eq!(desk.accounts.passes(NOW).len(), TOKENS_MAX);
}
