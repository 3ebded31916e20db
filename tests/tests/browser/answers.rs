//! Headers, limits, health, failures, assets; and that names are nowhere.

use crate::{
    http::{Answer, exchange},
    scene::{PERSON, Scene},
};
use danso_tests::{Process, eventually};
use tokio::net::TcpStream;

fn is_guarded(answer: &Answer) -> bool {
    let policy = answer.header("content-security-policy");
    policy.starts_with("default-src 'none'")
        && policy.contains("frame-ancestors 'none'")
        && !policy.contains("unsafe")
        && answer.header("x-content-type-options") == "nosniff"
        && answer.header("x-frame-options") == "DENY"
        && answer.header("referrer-policy") == "same-origin"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded_and_kept_nowhere() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    for at in [
        "/",
        "/units",
        "/units/00001",
        "/counts",
        "/alerts",
        "/cases",
        "/accounts",
        "/account",
        "/runbooks",
        "/none",
        "/health/live",
    ] {
        let answer = visit.get(at).await;
        assert!(is_guarded(&answer), "{at}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{at}");
        for inline in ["<style", "style=\"", "onclick=", "javascript:"] {
            assert!(!answer.body.contains(inline), "{at} holds {inline}");
        }
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn style_and_script_come_from_the_node_and_are_kept_for_good() {
    let mut scene = Scene::new().await;
    let mut visit = scene.visit();
    let page = visit.get("/sign-in").await.body;
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs a line:\n{page}");
    let paths: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in paths {
        let asset = visit.get(path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("cache-control").contains("immutable"), "{path}");
        assert!(is_guarded(&asset) && !asset.body.is_empty(), "{path}");
    }
    assert_eq!(visit.get("/assets/style.css").await.status, 404);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_without_a_sign_in() {
    let mut scene = Scene::new().await;
    let mut visit = scene.visit();
    let (live, ready) = (visit.get("/health/live").await, visit.get("/health/ready").await);
    assert_eq!((live.status, live.body.trim()), (200, "{\"live\":true,\"state\":\"serving\"}"));
    assert_eq!((ready.status, ready.body.trim()), (200, "{\"ready\":true,\"state\":\"serving\"}"));
    scene.tree.stop_all().await;
    assert!(TcpStream::connect(scene.address).await.is_err(), "pages outlive their node");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_pages_with_code_and_sentence_in_both_languages() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    for (at, status, code) in [
        ("/nowhere", 404, "web_no_page"),
        ("/units/99999", 404, "unknown_unit"),
        ("/counts?month=2026-13", 400, "query_not_understood"),
        ("/counts?unit=00001&month=x", 400, "query_not_understood"),
        ("/runbooks/none", 404, "web_no_page"),
        ("/accounts/add", 405, "web_method"),
    ] {
        let answer = visit.get(at).await;
        assert_eq!(answer.status, status, "{at}");
        assert!(answer.body.contains(&format!("<code>{code}</code>")), "{at}: {}", answer.body);
        assert!(answer.body.contains("lang=\"vi\"") && answer.body.contains("lang=\"en\""), "{at}");
        assert_eq!(visit.get(&format!("/runbooks/{code}")).await.status, 200, "{code} has no page here");
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_heads_are_bounded_and_forms_must_be_whole() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("operator").await;
    let long = "x".repeat(20_000);
    let answer = visit.post("/accounts/add", &[("name", &long)]).await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("web_too_large"), "{}", answer.body);
    let half = visit.post("/accounts/add", &[("name", "an")]).await;
    assert_eq!(half.status, 400);
    assert!(half.body.contains("web_form"), "{}", half.body);
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(40_000));
    let refused = exchange(TcpStream::connect(scene.address).await.unwrap(), &head).await;
    assert!([431, 0].contains(&refused.status), "{refused:?}");
    assert_eq!(visit.get("/").await.status, 200, "a good visitor is served on");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_names_a_person() {
    let mut scene = Scene::new().await;
    for address in [scene.address, scene.commune_address] {
        let mut visit = scene.signed_in("operator").await;
        visit.address = address;
        if address == scene.commune_address {
            visit.cookies.clear();
        }
        for at in
            ["/", "/units", "/units/00001", "/counts", "/counts?unit=00001", "/alerts", "/cases", "/accounts"]
        {
            let answer = visit.get(at).await;
            assert!(!answer.body.contains(PERSON) && !answer.body.contains("Bí Mật"), "{at}");
        }
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_found_without_marks_and_sorted_by_the_column_chosen() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("auditor").await;
    let place = |body: &str, name: &str| body.find(&format!(">{name}<")).unwrap_or(usize::MAX);
    let (xa, bach) = ("Phường Phúc Xá", "Phường Trúc Bạch");
    let found = visit.get("/units?name=truc%20bach").await.body;
    assert!(place(&found, bach) < usize::MAX && place(&found, xa) == usize::MAX, "{found}");
    let by_code = visit.get("/units?name=00001").await.body;
    assert!(place(&by_code, xa) < usize::MAX && place(&by_code, bach) == usize::MAX);
    let up = visit.get("/units?sort=name&order=up&tier=commune").await.body;
    let down = visit.get("/units?sort=name&order=down&tier=commune").await.body;
    assert!(place(&up, xa) < place(&up, bach) && place(&down, bach) < place(&down, xa));
    assert!(up.contains("aria-sort=\"ascending\"") && down.contains("aria-sort=\"descending\""));
    assert_eq!(visit.get("/units?sort=nonsense&order=sideways&page=999999&state=x").await.status, 200);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_rescue_mode_is_alive_and_not_ready() {
    let mut scene = Scene::new().await;
    scene.tree.stop_all().await;
    let (file, home) = (scene.tree.node_file(scene.province), scene.tree.home(scene.province));
    std::fs::write(home.join("data/FORMAT"), format!("danso 9 {}\n", scene.province)).unwrap();
    let _process = Process::start(env!("CARGO_BIN_EXE_danso-under-test"), &file);
    let ready = eventually("the node answers", || async {
        TcpStream::connect(scene.address).await.ok()?;
        Some(scene.visit().get("/health/ready").await)
    })
    .await;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains("folder_newer_format"), "{ready:?}");
    assert_eq!(scene.visit().get("/health/live").await.status, 200);
    assert_eq!(scene.visit().get("/").await.status, 404, "pages without a store");
}
