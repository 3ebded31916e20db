//! Who may see what: every route, every role, every scope.

use crate::{http::Answer, scene::Scene};
use danso_node::{
    operations::accounts::{Right, Role},
    web::{DOORS, Door},
};
use danso_tests::unit;

/// An address of a route.
fn address(path: &str) -> String {
    path.replace("/assets/{name}", "/assets/none.css")
        .replace("{code}", "disk_full")
        .replace("{page}", "overview")
        .replace("{unit}", "00001")
}

fn is_not_allowed(answer: &Answer) -> bool {
    answer.status == 403 && answer.body.contains("not_allowed")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_every_door_but_the_open_ones_stays_shut() {
    let mut scene = Scene::new().await;
    for (method, path, door) in DOORS {
        let mut visit = scene.visit();
        let at = address(path);
        let answer = match *method {
            "POST" => visit.post(&at, &[]).await,
            _ => visit.get(&at).await,
        };
        match door {
            Door::Open => assert!(![303, 401, 403].contains(&answer.status), "{method} {at}: {answer:?}"),
            _ if at.starts_with("/events/") => {
                assert_eq!((answer.status, answer.body.contains("event: end")), (200, true), "{at}");
                assert!(!answer.body.contains("tile-"), "{at}: {answer:?}");
            }
            _ => {
                assert_eq!(answer.status, 303, "{method} {at}: {answer:?}");
                assert!(answer.header("location").starts_with("/sign-in?to="), "{at}: {answer:?}");
            }
        }
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_none_opens_nothing() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    for value in visit.cookies.values_mut() {
        value.replace_range(30..31, if &value[30..31] == "0" { "1" } else { "0" });
    }
    let answer = visit.get("/units").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in?to=/units"));
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_comes_through_its_own_doors_only() {
    let mut scene = Scene::new().await;
    for role in Role::ALL {
        let mut visit = scene.signed_in(role.as_str()).await;
        for (method, path, door) in DOORS {
            let Door::Right(right) = door else { continue };
            if path.starts_with("/events/") && role.may(*right) {
                continue;
            }
            let at = address(path);
            let answer = match *method {
                "POST" => visit.post(&at, &[]).await,
                _ => visit.get(&at).await,
            };
            // A form without its fields comes no further than the form.
            let expected = if *method == "POST" { 400 } else { 200 };
            if role.may(*right) {
                assert_eq!(answer.status, expected, "{role} {method} {at}: {answer:?}");
            } else {
                assert!(is_not_allowed(&answer), "{role} {method} {at}: {answer:?}");
            }
        }
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_leads_each_role_to_what_it_may_see() {
    let mut scene = Scene::new().await;
    for (role, leads_to) in [
        ("collaborator", "/account?only=yes"),
        ("analyst", "/counts"),
        ("officer", ""),
        ("operator", ""),
        ("auditor", ""),
    ] {
        let answer = scene.signed_in(role).await.get("/").await;
        assert_eq!(answer.header("location"), leads_to, "{role}");
        assert_eq!(answer.status, if leads_to.is_empty() { 200 } else { 303 }, "{role}");
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_beyond_the_own_unit() {
    let mut scene = Scene::new().await;
    scene.account("an", Role::Officer, unit("00004")).await;
    let mut visit = scene.signed_in("an").await;
    let units = visit.get("/units").await;
    assert!(units.body.contains("Trúc Bạch") && !units.body.contains("Phúc Xá"), "{}", units.body);
    for at in ["/units/00001", "/counts?unit=00001", "/counts?unit=01", "/events/unit?unit=00001"] {
        let answer = visit.get(at).await;
        assert_eq!(answer.status, 403, "{at}");
        assert!(answer.body.contains("outside_subtree"), "{at}: {}", answer.body);
    }
    assert_eq!(visit.get("/counts").await.status, 200);
    // What concerns the node as a whole is for those who see all of it.
    assert!(!visit.get("/").await.body.contains("tile-disk"));
    assert!(scene.signed_in("officer").await.get("/").await.body.contains("tile-disk"));
    assert!(!Role::Officer.may(Right::ManageAccounts));
    scene.tree.stop_all().await;
}
