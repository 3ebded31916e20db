//! Records: repeated, cut, sealed.

use super::*;

/// A history with every kind of record, in which a name is given twice.
fn eventful() -> Desk {
    let mut desk = Desk::new();
    let lan = account("lan");
    let first = desk.sign_in("lan", NOW);
    desk.token(Holder::Account(lan.clone()), 30, NOW);
    let program = desk.token(program(), 30, NOW);
    let hash = desk.hash("bảy con vịt vàng");
    desk.take(desk.accounts.set_password(&lan, hash, NOW + 1).unwrap());
    assert_eq!(desk.code(&first, NOW), "token_revoked");
    desk.take(desk.accounts.remove(&lan, NOW + 2).unwrap());
    let hash = desk.hash(GOOD);
    desk.take(desk.accounts.add(&lan, Role::Collaborator, commune(), hash, NOW + 3).unwrap());
    desk.sign_in("lan", NOW + 4);
    let binh = desk.sign_in("binh", NOW + 4);
    desk.take(desk.accounts.sign_out(desk.accounts.check(&binh, NOW + 5).unwrap().id, NOW + 5).unwrap());
    desk.take(desk.accounts.disable(&account("binh"), NOW + 6).unwrap());
    desk.take(desk.accounts.enable(&account("binh"), NOW + 7).unwrap());
    desk.take(desk.accounts.set_role(&lan, Role::Auditor, commune(), NOW + 8).unwrap());
    desk.take(desk.accounts.revoke(desk.accounts.check(&program, NOW).unwrap().id, NOW + 9).unwrap());
    desk.gate = Gate::new(Cost::new(16, 1, 1).unwrap());
    let verified = desk.verify("lan", GOOD, address(1), NOW + 10).unwrap();
    let hash = verified.rehashed().unwrap().clone();
    desk.take(desk.accounts.rehash(&verified, hash, NOW + 10).unwrap());
    desk.sign_in("binh", NOW + 11);
    desk
}

/// All that a fold decides, without what is in memory only.
fn state(accounts: &Accounts) -> (Vec<AccountLine>, Vec<PassLine>, Vec<String>) {
    let passes = accounts.passes(NOW + 20).into_iter().map(|line| PassLine { used_at_ms: None, ..line });
    let lines = accounts.list(NOW + 20);
    let hashes = lines.iter().map(|line| accounts.credentials(&line.name).unwrap().password.to_string());
    (lines.clone(), passes.collect(), hashes.collect())
}

#[test]
fn records_repeated_one_by_one_or_all_together_change_nothing() {
    let desk = eventful();
    let expected = state(&desk.accounts);
    let mut accounts = Accounts::default();
    for record in &desk.history {
        let read = AccountRecord::decode(&record.encode()).unwrap();
        assert_eq!(&read, record);
        accounts.apply(&read);
        accounts.apply(&read);
    }
    assert_eq!(state(&accounts), expected);
    // A start that reads the ledger from any earlier place ends in the same state.
    for from in 0..desk.history.len() {
        desk.history[from..].iter().for_each(|record| accounts.apply(record));
        assert_eq!(state(&accounts), expected, "from record {from}");
    }
}

#[test]
fn a_record_cut_short_lengthened_or_of_a_newer_format_is_refused() {
    for record in eventful().history {
        let bytes = record.encode();
        for cut in 0..bytes.len() {
            let error = AccountRecord::decode(&bytes[..cut]).unwrap_err();
            assert_eq!(error.code(), "ledger_record_unreadable", "{record:?} cut at {cut}");
        }
        assert!(AccountRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
        let newer = [&[2], &bytes[1..]].concat();
        assert_eq!(AccountRecord::decode(&newer).unwrap_err(), AccountError::Record { format: 2 });
    }
}

#[test]
fn the_encoding_of_records_is_sealed() {
    let digits = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let hex = |record: AccountRecord| digits(&record.encode());
    let password = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let phc = digits(password.as_bytes());
    let (name, id) = (account("lan"), "0123456789abcdef".parse().unwrap());
    let password = password.parse().unwrap();
    let added = AccountRecord::Added {
        name: name.clone(),
        role: Role::Auditor,
        unit: commune(),
        password,
        at_ms: 300,
    };
    assert_eq!(hex(added), format!("0100036c616e04053030303034d6932d54{phc}ac02"));
    assert_eq!(hex(AccountRecord::Removed { name, at_ms: 1 }), "0105036c616e01");
    assert_eq!(hex(AccountRecord::Revoked { id, at_ms: 1 }), "010a0123456789abcdef01");
}

#[test]
fn debug_shows_no_password_hash_or_secret() {
    let desk = eventful();
    let text = format!("{:?} {:?} {:?}", desk.accounts, desk.history, desk.gate);
    assert!(text.contains("lan") && text.contains("PasswordHash { cost:"));
    for hash in desk.history.iter().filter_map(|record| match record {
        AccountRecord::Added { password, .. } | AccountRecord::PasswordSet { password, .. } => Some(password),
        _ => None,
    }) {
        assert!(!text.contains(hash.to_string().rsplit('$').next().unwrap()));
        assert!(!text.contains(&format!("{:?}", hash.output)));
    }
}
