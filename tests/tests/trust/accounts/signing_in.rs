//! Sign-ins, wrong passwords, sessions and tokens that end, a restart.

use super::*;
use danso_node::{
    operations::{
        AccountChange, Actor, Manager,
        accounts::{AccountRecord, Accounts, Holder as Whose, Role, TokenSecret},
        meters::{CALLS_DENIED, SIGN_INS},
        now_ms,
    },
    store::{OfficeRecord, Record, Topic},
};
use danso_proto::v1::SetPasswordRequest;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket},
};

const DAY_MS: u64 = 86_400_000;

/// A tree whose central node runs, and its own client.
async fn central_alone() -> (Tree, NodeClient) {
    let mut tree = Tree::three();
    tree.start(central()).await;
    let own = tree.client(central()).await;
    (tree, own)
}

fn new_password(name: &str, password: &str, old: &str) -> SetPasswordRequest {
    SetPasswordRequest { name: name.to_owned(), password: password.to_owned(), old_password: old.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_without_a_certificate_and_signs_out() {
    let (mut tree, own) = central_alone().await;
    let node = tree.node(central());
    add(&own, "lan.nt", "analyst", "VN").await.unwrap();
    let guest = by(&tree, central(), None).await;
    assert_eq!(counted(&guest, &[]).await, Err("not_authenticated".to_owned()));
    assert_eq!(code(guest.node_info().await), "not_authenticated");
    assert_eq!(code(guest.who_am_i().await), "not_authenticated");
    assert_eq!(code(guest.sign_in("lan.nt", "not the password").await), "signin_refused");
    assert_eq!(code(guest.sign_in("nobody", PASSWORD).await), "signin_refused");
    let answer = guest.sign_in("lan.nt", PASSWORD).await.unwrap();
    assert_eq!((answer.role.as_str(), answer.unit.as_str()), ("analyst", "VN@1945-09-02"));
    assert!(answer.expires_at_ms > now_ms());
    let person = guest.with_token(&answer.session).unwrap();
    assert_eq!(counted(&person, &[]).await, Ok(0));
    let who = person.who_am_i().await.unwrap();
    assert_eq!((who.caller.as_str(), who.name.as_str()), ("account lan.nt", "lan.nt"));
    person.sign_out().await.unwrap();
    assert_eq!(counted(&person, &[]).await, Err("token_revoked".to_owned()));
    assert_eq!(counted(&guest, &[]).await, Err("not_authenticated".to_owned()));
    assert_eq!(code(own.sign_out().await), "token_unknown", "a certificate is no session");

    assert_eq!(node.meters.value(CALLS_DENIED, "not_authenticated"), 4);
    assert_eq!(node.meters.value(CALLS_DENIED, "token_revoked"), 1);
    assert_eq!(node.meters.value(SIGN_INS, "signin_refused"), 2);
    assert_eq!(node.meters.value(SIGN_INS, "signed_in"), 1);
    let told = own.meters().await.unwrap().meters;
    let told = told.iter().find(|row| row.name == "danso_sign_ins_total" && row.value == "signed_in");
    assert_eq!(told.map(|row| (row.label.as_str(), row.count)), Some(("outcome", 1)));
    let log = audit(&node);
    let of =
        |deed: &str| log.iter().filter(|row| row.1 == deed).map(|row| row.0.as_str()).collect::<Vec<_>>();
    assert_eq!(of("account_changed"), ["node VN@1945-09-02"]);
    assert_eq!(of("signin_refused"), ["account lan.nt", "guest"], "a name that nobody has is not written");
    assert_eq!((of("signed_in"), of("signed_out")), (vec!["account lan.nt"], vec!["account lan.nt"]));
    tree.stop_all().await;
}

/// A way to the node that begins at another address of the loopback net.
async fn way_from(source: Ipv4Addr, node: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((source, 0).into()).unwrap();
            let mut far = socket.connect(node).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_wrong_passwords_from_one_address_keep_nobody_else_out() {
    let (mut tree, own) = central_alone().await;
    let node = tree.node(central());
    for name in ["lan.nt", "binh"] {
        add(&own, name, "analyst", "VN").await.unwrap();
    }
    let from = async |last: u8| {
        let way = way_from(Ipv4Addr::new(127, 99, 0, last), tree.address(central())).await;
        let authority = tree.keys(central()).join("ca.crt");
        NodeClient::connect_with_token(&way.to_string(), central(), &authority, None).await.unwrap()
    };
    let (attacker, binh, elsewhere) = (from(1).await, from(2).await, from(3).await);
    let done = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&done);
    let attack = tokio::spawn(async move {
        let mut codes = Vec::new();
        for number in 0..1_000 {
            let name = if number % 2 == 0 { "lan.nt".to_owned() } else { format!("nobody-{number}") };
            codes.push(code(attacker.sign_in(&name, &format!("wrong password {number}")).await));
        }
        ended.store(true, Ordering::Relaxed);
        codes
    });
    let mut sessions = 0;
    while !done.load(Ordering::Relaxed) || sessions == 0 {
        let session = binh.sign_in("binh", PASSWORD).await.unwrap().session;
        assert_eq!(counted(&binh.with_token(&session).unwrap(), &[]).await, Ok(0));
        sessions += 1;
    }
    let codes = attack.await.unwrap();
    let of = |code: &str| codes.iter().filter(|told| *told == code).count() as u64;
    let (refused, delayed) = (of("signin_refused"), of("signin_delayed"));
    assert_eq!(refused + delayed, 1_000);
    assert!((5..20).contains(&refused), "{refused} wrong passwords were looked at");
    assert_eq!(node.meters.value(SIGN_INS, "signin_refused"), refused);
    assert_eq!(node.meters.value(SIGN_INS, "signin_delayed"), delayed);
    assert_eq!(node.meters.value(SIGN_INS, "signed_in"), sessions);
    let noted = audit(&node).iter().filter(|row| row.1 == "signin_refused").count() as u64;
    assert_eq!(noted, refused);
    // An address that failed with nothing is free; the right password of another account opens there.
    assert_eq!(code(elsewhere.sign_in("binh", PASSWORD).await), "ok");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_and_tokens_are_refused_at_their_next_call_with_the_reason() {
    let (mut tree, own) = central_alone().await;
    add(&own, "lan.nt", "officer", "VN").await.unwrap();
    let made = own.make_token(token_of("lan.nt")).await.unwrap();
    let (token, session) =
        (by(&tree, central(), Some(&made.token)).await, signed_in(&tree, central(), "lan.nt").await);
    let seen = async || (counted(&token, &[]).await, counted(&session, &[]).await);
    let no = |code: &str| Err(code.to_owned());
    assert_eq!(seen().await, (Ok(0), Ok(0)));
    own.change_account(change("lan.nt", Change::Disabled(true))).await.unwrap();
    assert_eq!(seen().await, (no("account_disabled"), no("token_revoked")));
    assert_eq!(code(by(&tree, central(), None).await.sign_in("lan.nt", PASSWORD).await), "account_disabled");
    own.change_account(change("lan.nt", Change::Disabled(false))).await.unwrap();
    assert_eq!(seen().await, (Ok(0), no("token_revoked")));
    // While its connection is open.
    own.revoke_token(&made.id).await.unwrap();
    assert_eq!(counted(&token, &[]).await, no("token_revoked"));
    let second = own.make_token(token_of("lan.nt")).await.unwrap();
    let (token, session) =
        (by(&tree, central(), Some(&second.token)).await, signed_in(&tree, central(), "lan.nt").await);
    own.change_account(change("lan.nt", Change::Removed(true))).await.unwrap();
    assert_eq!(
        (counted(&token, &[]).await, counted(&session, &[]).await),
        (no("token_revoked"), no("token_unknown"))
    );
    assert_eq!(code(by(&tree, central(), None).await.sign_in("lan.nt", PASSWORD).await), "signin_refused");
    let listed = own.list_tokens().await.unwrap().tokens;
    let reasons: Vec<_> = listed.iter().map(|line| (line.id.as_str(), line.refused_code.as_str())).collect();
    assert!(reasons.contains(&(second.id.as_str(), "token_revoked")), "{reasons:?}");
    for bad in ["", "danso_", "danso_0123456789abcdef_00", "Basic bGFuOmxhbg=="] {
        let client = by(&tree, central(), Some(bad)).await;
        assert_eq!(counted(&client, &[]).await, no("token_unknown"), "{bad:?}");
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_sessions_and_the_own_one_needs_the_old() {
    let (mut tree, own) = central_alone().await;
    let another = "bảy con vịt vàng";
    for (name, role) in [("lan.nt", "analyst"), ("binh", "operator")] {
        add(&own, name, role, "VN").await.unwrap();
    }
    let lan = signed_in(&tree, central(), "lan.nt").await;
    assert_eq!(
        code(lan.set_password(new_password("lan.nt", another, "a wrong one")).await),
        "signin_refused"
    );
    assert_eq!(code(lan.set_password(new_password("lan.nt", "ngắn", PASSWORD)).await), "password_weak");
    assert_eq!(code(lan.set_password(new_password("binh", another, PASSWORD)).await), "not_allowed");
    assert_eq!(counted(&lan, &[]).await, Ok(0));
    lan.set_password(new_password("lan.nt", another, PASSWORD)).await.unwrap();
    assert_eq!(counted(&lan, &[]).await, Err("token_revoked".to_owned()));
    let guest = by(&tree, central(), None).await;
    assert_eq!(code(guest.sign_in("lan.nt", PASSWORD).await), "signin_refused");
    assert_eq!(code(guest.sign_in("lan.nt", another).await), "ok");
    // Whoever manages the account needs no old password, and for the own one needs it all the same.
    let binh = signed_in(&tree, central(), "binh").await;
    assert_eq!(code(binh.set_password(new_password("binh", another, "")).await), "signin_refused");
    binh.set_password(new_password("lan.nt", "chín con trâu trắng", "")).await.unwrap();
    assert_eq!(code(guest.sign_in("lan.nt", "chín con trâu trắng").await), "ok");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_giver_has_gone_is_carried_out() {
    let (mut tree, own) = central_alone().await;
    let node = tree.node(central());
    add(&own, "lan.nt", "officer", "VN").await.unwrap();
    let session = signed_in(&tree, central(), "lan.nt").await;
    let by = Manager { actor: Actor::local(), scope: central() };
    let order = node.change_account(by, "lan.nt".parse().unwrap(), AccountChange::Disable);
    tokio::select! {
        biased;
        _ = order => panic!("an order is not durable at once"),
        () = std::future::ready(()) => {}
    }
    until("the account is disabled", || node.accounts_below(central())[0].disabled).await;
    assert_eq!(counted(&session, &[]).await, Err("token_revoked".to_owned()));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_accounts_sessions_and_tokens_and_an_old_token_is_expired() {
    let (mut tree, own) = central_alone().await;
    add(&own, "lan.nt", "officer", "VN").await.unwrap();
    add(&own, "gone", "officer", "VN").await.unwrap();
    let made = own.make_token(program("bao-cao", "analyst", "01")).await.unwrap();
    let revoked = own.make_token(program("cu", "analyst", "01")).await.unwrap();
    own.revoke_token(&revoked.id).await.unwrap();
    own.change_account(change("gone", Change::Removed(true))).await.unwrap();
    let session = by(&tree, central(), None).await.sign_in("lan.nt", PASSWORD).await.unwrap().session;
    // As a node wrote it three days ago.
    let unit = central();
    let old = Whose::Program { name: "old".parse().unwrap(), role: Role::Analyst, unit };
    let (record, shown): (AccountRecord, _) = Accounts::default()
        .make_token(old, "báo cáo", 2, &TokenSecret::random(), now_ms() - 3 * DAY_MS)
        .unwrap();
    let record = OfficeRecord { topic: Topic::Accounts, bytes: record.encode() };
    tree.node(central()).store.write(vec![Record::Office(record).into()]).await.unwrap();
    tree.stop(central()).await;

    tree.start(central()).await;
    let own = tree.client(central()).await;
    let accounts = own.list_accounts().await.unwrap().accounts;
    let names: Vec<_> = accounts.iter().map(|line| (line.name.as_str(), line.sessions)).collect();
    assert_eq!(names, [("lan.nt", 1)]);
    for (token, expected) in [
        (session.as_str(), Ok(0)),
        (&made.token, Ok(0)),
        (&revoked.token, Err("token_revoked".to_owned())),
        (shown.expose(), Err("token_expired".to_owned())),
    ] {
        let client = by(&tree, central(), Some(token)).await;
        assert_eq!(counted(&client, &[]).await, expected);
    }
    assert_eq!(code(by(&tree, central(), None).await.sign_in("lan.nt", PASSWORD).await), "ok");
    tree.stop_all().await;
}
