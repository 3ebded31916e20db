//! What each role may, and that nobody sees or manages anything beyond the own subtree.

use super::*;
use danso_node::{
    operations::meters::CALLS_DENIED,
    transport::{client::ImportFile, tls::Role},
};
use danso_proto::v1::{HeadsRequest, ImportForm, ListUnitsRequest, PublishReleaseRequest, RoleChange};
use danso_tests::entries::register_csv;
use danso_tier_config::{Directory, Unit};

async fn outcomes(client: &NodeClient, first: u64) -> [(&'static str, String); 9] {
    let content = register_csv(first, 1, 1).into_bytes().into();
    let file = ImportFile { form: ImportForm::Register, as_of: None, content };
    let month = PublishReleaseRequest { month: "2026-03".to_owned() };
    [
        ("info", code(client.node_info().await)),
        ("count", code(client.count(population(&[])).await)),
        ("units", code(client.list_units(ListUnitsRequest::default()).await)),
        ("heads", code(client.heads(HeadsRequest::default()).await)),
        ("status", code(client.replication_status().await)),
        ("meters", code(client.meters().await)),
        ("import", code(client.import(file, &mut |_| ()).await)),
        ("accounts", code(client.list_accounts().await)),
        ("release", code(client.publish_release(month).await)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_exactly_what_it_may() {
    let mut tree = Tree::three();
    let commune = unit("00001");
    tree.start(commune).await;
    let own = tree.client(commune).await;
    // Whoever operates closes no month on a commune: only the top does, and that is another refusal.
    let table = [
        ("collaborator", ["ok", "no", "no", "no", "no", "no", "no", "no", "no"]),
        ("officer", ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "no", "no"]),
        ("operator", ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "release_not_top"]),
        ("analyst", ["ok", "ok", "ok", "ok", "no", "no", "no", "no", "no"]),
        ("auditor", ["ok", "ok", "ok", "ok", "ok", "ok", "no", "no", "no"]),
    ];
    let mut first = 0;
    for (role, expected) in table {
        add(&own, role, role, "00001").await.unwrap();
        let token = own.make_token(program(&format!("p-{role}"), role, "00001")).await.unwrap().token;
        for client in [signed_in(&tree, commune, role).await, by(&tree, commune, Some(&token)).await] {
            first += 1;
            for ((call, outcome), expected) in outcomes(&client, first).await.into_iter().zip(expected) {
                let expected = if expected == "no" { "not_allowed" } else { expected };
                assert_eq!(outcome, expected, "{role}: {call}");
            }
        }
    }
    // 8 + 2 + 0 + 5 + 3 denials of each table line, each seen twice.
    let node = tree.node(commune);
    assert_eq!(node.meters.value(CALLS_DENIED, "not_allowed"), 2 * (8 + 2 + 5 + 3));
    until("denials are noted", || noted(&node, "account collaborator", "denied", "not_allowed") == 8).await;
    assert_eq!(noted(&node, "account p-analyst", "denied", "ReadStatus not_allowed"), 2);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_sees_its_own_subtree_and_nothing_of_a_sibling() {
    let mut tree = two_provinces().await;
    let own = tree.client(central()).await;
    add(&own, "analyst-01", "analyst", "01").await.unwrap();
    add(&own, "officer-02", "officer", "02@2025-07-01").await.unwrap();
    let analyst = signed_in(&tree, central(), "analyst-01").await;
    assert_eq!(counted(&own, &[]).await, Ok(4));
    for units in [&[][..], &["01"], &["00001"], &["01", "00001@2025-07-01"]] {
        assert_eq!(counted(&analyst, units).await, Ok(3), "{units:?}");
    }
    let outside = Err("outside_subtree".to_owned());
    for units in [&["02"][..], &["VN"], &["00040"], &["01", "02"]] {
        assert_eq!(counted(&analyst, units).await, outside, "{units:?}");
    }
    let by_province = CountRequest { by_tier: "province".to_owned(), ..population(&[]) };
    let rows = analyst.count(by_province).await.unwrap().rows;
    assert_eq!(
        rows.iter().map(|row| (row.keys[0].as_str(), row.count)).collect::<Vec<_>>(),
        [("01@2025-07-01", 3)]
    );

    let below = |below: &str| ListUnitsRequest { below: below.to_owned(), ..ListUnitsRequest::default() };
    let units = analyst.list_units(below("")).await.unwrap().units;
    assert_eq!(units.iter().map(|unit| unit.code.as_str()).collect::<Vec<_>>(), ["00001", "01"]);
    assert_eq!(code(analyst.list_units(below("02")).await), "outside_subtree");
    let heads = analyst.heads(HeadsRequest::default()).await.unwrap().heads;
    assert_eq!(heads.iter().map(|head| head.origin.as_str()).collect::<Vec<_>>(), ["00001@2025-07-01"]);
    assert_eq!(code(analyst.heads(HeadsRequest { below: "00040".to_owned() }).await), "outside_subtree");

    let officer = signed_in(&tree, central(), "officer-02").await;
    let status = officer.replication_status().await.unwrap().units;
    assert_eq!(status.iter().map(|unit| unit.unit.as_str()).collect::<Vec<_>>(), ["00040@2025-07-01"]);
    assert_eq!(own.replication_status().await.unwrap().units.len(), 2);
    assert_eq!(code(officer.meters().await), "not_allowed", "central's meters are not of province 02");

    let node = tree.node(central());
    assert_eq!(node.meters.value(CALLS_DENIED, "outside_subtree"), 6);
    until("denials are noted", || noted(&node, "account analyst-01", "denied", "outside_subtree") == 6).await;
    // Elsewhere in the tree the account is nobody.
    let session = by(&tree, central(), None).await.sign_in("analyst-01", PASSWORD).await.unwrap().session;
    let elsewhere = by(&tree, unit("01"), Some(&session)).await;
    assert_eq!(counted(&elsewhere, &[]).await, Err("token_unknown".to_owned()));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_bound_to_its_subtree_and_a_token_goes_before_it() {
    let mut tree = two_provinces().await;
    let (node, at) = (tree.node(central()), central());
    let keys = tree.person_keys(Role::Analyst, unit("02"));
    let certified = tree.client_as(at, &keys).await;
    assert_eq!(counted(&certified, &[]).await, Ok(1));
    assert_eq!(counted(&certified, &["01"]).await, Err("outside_subtree".to_owned()));
    let own = tree.client(at).await;
    let token = own.make_token(program("bao-cao", "analyst", "01")).await.unwrap().token;
    let both = certified.with_token(&token).unwrap();
    assert_eq!(both.who_am_i().await.unwrap().caller, "account bao-cao");
    assert_eq!(counted(&both, &[]).await, Ok(3));
    assert_eq!(counted(&both, &["02"]).await, Err("outside_subtree".to_owned()));
    let (start, last) = token.split_at(token.len() - 1);
    let wrong = certified.with_token(&format!("{start}{}", if last == "0" { '1' } else { '0' })).unwrap();
    let unknown = Err("token_unknown".to_owned());
    assert_eq!(counted(&wrong, &[]).await, unknown, "a bad token is not made good by a certificate");
    // The node of a province reads its own counts above, and not its sibling's.
    let province = tree.client_as(at, &tree.keys(unit("01"))).await;
    assert_eq!(counted(&province, &[]).await, Ok(3));
    assert_eq!(counted(&province, &["02"]).await, Err("outside_subtree".to_owned()));
    let caller = certified.who_am_i().await.unwrap().caller;
    assert!(caller.starts_with("certificate analyst 02@2025-07-01 40"), "{caller}");
    until("denials are noted", || noted(&node, &caller, "denied", "outside_subtree") == 1).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_manages_the_accounts_of_the_own_subtree_only() {
    let mut tree = Tree::two_provinces();
    tree.start(central()).await;
    let own = tree.client(central()).await;
    for (name, role, unit) in [
        ("top", "operator", "VN"),
        ("op-01", "operator", "01"),
        ("an-02", "analyst", "02"),
        ("an-01", "analyst", "00001"),
    ] {
        add(&own, name, role, unit).await.unwrap();
    }
    let strange = own.make_token(program("bao-cao-02", "analyst", "02")).await.unwrap();
    let operator = signed_in(&tree, central(), "op-01").await;
    let accounts = operator.list_accounts().await.unwrap().accounts;
    assert_eq!(accounts.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["an-01", "op-01"]);
    let tokens = operator.list_tokens().await.unwrap().tokens;
    assert_eq!(tokens.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["op-01"]);
    let role = |unit: &str| Change::Role(RoleChange { role: "analyst".to_owned(), unit: unit.to_owned() });
    for outcome in [
        add(&operator, "new", "analyst", "02").await,
        add(&operator, "new", "analyst", "VN").await,
        operator.change_account(change("an-02", Change::Disabled(true))).await,
        operator.change_account(change("top", Change::Removed(true))).await,
        operator.change_account(change("an-01", role("02"))).await,
        operator.make_token(program("p", "analyst", "02")).await.map(drop),
        operator.make_token(token_of("an-02")).await.map(drop),
        operator.revoke_token(&strange.id).await,
    ] {
        assert_eq!(code(outcome), "outside_subtree");
    }
    assert_eq!(tree.node(central()).meters.value(CALLS_DENIED, "outside_subtree"), 8);
    assert_eq!(code(operator.make_token(program("bao-cao-02", "analyst", "01")).await), "account_exists");
    for (role, unit) in [("analyst", "01"), ("officer", "02")] {
        assert_eq!(code(own.make_token(program("bao-cao-02", role, unit)).await), "account_exists");
    }
    assert_eq!(code(own.make_token(program("bao-cao-02", "analyst", "02")).await), "ok");
    assert_eq!(code(operator.make_token(program("an-01", "analyst", "01")).await), "account_exists");
    assert_eq!(code(add(&own, "bao-cao-02", "analyst", "02").await), "account_exists");
    assert_eq!(code(add(&operator, "new", "analyst", "99999").await), "unknown_unit");
    assert_eq!(
        code(operator.change_account(change("nobody", Change::Disabled(true))).await),
        "account_unknown"
    );

    // Within it the operator does all of it, and it acts on an open session at its next call.
    add(&operator, "new", "officer", "00001").await.unwrap();
    let officer = signed_in(&tree, central(), "new").await;
    assert_eq!(code(officer.replication_status().await), "ok");
    operator.change_account(change("new", role("01"))).await.unwrap();
    assert_eq!(code(officer.replication_status().await), "not_allowed");
    assert_eq!(code(officer.list_accounts().await), "not_allowed");
    let own_tokens = officer.list_tokens().await.unwrap().tokens;
    assert_eq!(own_tokens.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>(), ["session"]);
    assert_eq!(code(officer.revoke_token(&strange.id).await), "not_allowed");
    assert_eq!(code(officer.revoke_token("0123456789abcdef").await), "token_unknown");
    let node = tree.node(central());
    assert_eq!(noted(&node, "account op-01", "account_changed", "account new is analyst 01@2025-07-01"), 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boundaries_of_another_day_open_no_unit_that_has_left() {
    let mut tree = Tree::two_provinces();
    let commune = tree.directory.unit(unit("00040")).unwrap().clone();
    let others = tree.directory.rows().iter().filter(|row| row.id != commune.id).cloned();
    let until = Unit { valid_to: Some("2025-12-31".parse().unwrap()), ..commune.clone() };
    let since = Unit { valid_from: "2026-01-01".parse().unwrap(), parent: Some(unit("01")), ..commune };
    tree.directory = Directory::from_rows(others.chain([until, since]).collect(), Vec::new()).unwrap();
    std::fs::write(tree.path("directory.csv"), tree.directory.to_csv()).unwrap();
    tree.start(central()).await;
    let own = tree.client(central()).await;
    add(&own, "analyst-02", "analyst", "02").await.unwrap();
    let analyst = signed_in(&tree, central(), "analyst-02").await;
    let then = |units: &[&str]| CountRequest { boundary_date: "2025-10-01".to_owned(), ..population(units) };
    assert_eq!(counted(&analyst, &[]).await, Ok(0));
    assert_eq!(counted(&analyst, &["00040"]).await, Err("outside_subtree".to_owned()));
    for units in [&["00040"][..], &["02"], &[]] {
        assert_eq!(code(analyst.count(then(units)).await), "outside_subtree", "{units:?}");
        assert_eq!(code(own.count(then(units)).await), "ok", "{units:?}");
    }
    tree.stop_all().await;
}
