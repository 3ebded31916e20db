//! Sign-ins: wrong passwords, delays, unknown names, dearer hashes.

use super::*;

#[test]
fn a_thousand_wrong_passwords_are_slowed_and_others_sign_in() {
    let desk = Desk::new();
    let (mut refused, mut delayed) = (0, 0);
    for n in 0..1_000 {
        match desk.verify("lan", &format!("wrong password {n}"), address(7), NOW + 100 * n) {
            Err(AccountError::SigninRefused) => refused += 1,
            Err(AccountError::SigninDelayed { .. }) => delayed += 1,
            other => panic!("{other:?}"),
        }
        if n % 100 == 50 {
            desk.verify("binh", GOOD, address(8), NOW + 100 * n).unwrap();
        }
    }
    // Five at once, then after 1, 2, 4, 8, 16 and 32 s of the 100 s.
    assert_eq!((refused, delayed), (11, 989));
    let end = NOW + 100_000;
    let retry_after_ms = NOW + 63_400 + 64_000 - end;
    // The right password does not help within the delay, wherever it comes from.
    for from in [7, 9] {
        let error = desk.verify("lan", GOOD, address(from), end).unwrap_err();
        assert_eq!(error, AccountError::SigninDelayed { retry_after_ms });
    }
    assert_eq!(desk.gate.delayed(end), (1, 1));
    desk.verify("lan", GOOD, address(9), end + retry_after_ms).unwrap();
    assert_eq!(desk.gate.delayed(end + retry_after_ms), (0, 0));
}

#[test]
fn a_thousand_addresses_get_no_more_tries_at_one_account() {
    let desk = Desk::new();
    let codes =
        (0..1_000).map(|n| desk.verify("lan", "not the password", address(n), NOW).unwrap_err().code());
    let looked_at = codes.filter(|code| *code == "signin_refused").count();
    assert_eq!(looked_at as u32, SIGNIN_ACCOUNT_FAILURES_FREE);
}

#[test]
fn unknown_name_and_wrong_password_are_answered_alike() {
    let desk = Desk::new();
    let answers = |name: &str, net: u32| -> Vec<AccountError> {
        (0..40)
            .map(|n| desk.verify(name, "nope", address(net + n), NOW + 500 * u64::from(n)).unwrap_err())
            .collect()
    };
    let known = answers("lan", 1_000);
    assert_eq!(known, answers("nobody", 2_000));
    assert!(known.contains(&AccountError::SigninRefused) && known[5].code() == "signin_delayed");
    // Neither is a text that is no name, or a password longer than any, told apart.
    assert_eq!(desk.verify("Not A Name", GOOD, address(1), NOW).unwrap_err(), AccountError::SigninRefused);
    let long = "x".repeat(10_000);
    assert_eq!(desk.verify("binh", &long, address(2), NOW).unwrap_err(), AccountError::SigninRefused);
}

#[test]
fn an_unknown_name_takes_as_long_as_a_known_one() {
    let mut desk = Desk::new();
    desk.gate = Gate::new(Cost::STANDARD);
    let hash = desk.hash(GOOD);
    desk.take(desk.accounts.set_password(&account("lan"), hash, NOW).unwrap());
    let time = |name: &str, net: u32| {
        let began = |n: u32| {
            let start = Instant::now();
            assert_eq!(
                desk.verify(name, "nope", address(net + n), NOW).unwrap_err().code(),
                "signin_refused"
            );
            start.elapsed()
        };
        (0..4).map(began).min().unwrap()
    };
    let (known, unknown) = (time("lan", 100), time("nobody", 200));
    // Without the work for nobody it would be some thousand times less.
    assert!(unknown * 5 > known, "{unknown:?} of an unknown name, {known:?} of a known one");
}

#[test]
fn only_the_right_password_learns_that_an_account_is_disabled() {
    let mut desk = Desk::new();
    desk.take(desk.accounts.disable(&account("lan"), NOW).unwrap());
    assert_eq!(desk.verify("lan", "nope", address(1), NOW).unwrap_err(), AccountError::SigninRefused);
    assert_eq!(desk.verify("lan", GOOD, address(1), NOW).unwrap_err(), AccountError::Disabled);
    desk.take(desk.accounts.enable(&account("lan"), NOW).unwrap());
    desk.verify("lan", GOOD, address(1), NOW).unwrap();
}

#[test]
fn a_cheap_hash_is_replaced_at_sign_in_without_ending_anything() {
    let mut desk = Desk::new();
    let session = desk.sign_in("lan", NOW);
    desk.gate = Gate::new(Cost::new(16, 1, 1).unwrap());
    let one = desk.verify("lan", GOOD, address(1), NOW).unwrap();
    let other = desk.verify("lan", GOOD, address(1), NOW).unwrap();
    let dearer = one.rehashed().unwrap().clone();
    desk.take(desk.accounts.rehash(&one, dearer.clone(), NOW).unwrap());
    assert_eq!(desk.accounts.credentials(one.name()).unwrap().password, dearer);
    assert_eq!(desk.code(&session, NOW), "good");
    // A sign-in verified just before still opens its session.
    let secret = desk.secret();
    assert!(desk.accounts.open_session(&other, &secret, NOW).is_ok());
    assert!(desk.verify("lan", GOOD, address(1), NOW).unwrap().rehashed().is_none());
    // A password that was set meanwhile is not undone: neither by the order nor by its record.
    let late = desk.accounts.rehash(&other, dearer.clone(), NOW).unwrap();
    let new = desk.hash("bảy con vịt vàng");
    desk.take(desk.accounts.set_password(&account("lan"), new.clone(), NOW).unwrap());
    assert_eq!(desk.accounts.rehash(&other, dearer, NOW), None);
    desk.take(late);
    assert_eq!(desk.accounts.credentials(&account("lan")).unwrap().password, new);
}
