//! Pages kept up to date, and when that ends.

use crate::{http::heard, scene::Scene};
use danso_tier_config::limits::WEB_STREAMS_PER_ACCOUNT_MAX;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_a_commune_reaches_an_open_page_of_the_province() {
    let mut scene = Scene::new().await;
    let visit = scene.signed_in("officer").await;
    let (answer, mut stream) = visit.open("/events/unit?unit=00001").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    assert!(heard(&mut stream, "unit-state").await);
    scene.people(5).await;
    assert!(heard(&mut stream, "14</dd>").await, "the seven people and six more changes never came");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_session_and_says_so() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("officer").await;
    let (_, mut stream) = visit.open("/events/overview").await;
    assert!(heard(&mut stream, "tile-").await);
    visit.post("/sign-out", &[]).await;
    assert!(heard(&mut stream, "event: end").await);
    assert!(!heard(&mut stream, "tile-").await, "it goes on after its end");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_for_each_account_and_end_with_the_node() {
    let mut scene = Scene::new().await;
    let visit = scene.signed_in("officer").await;
    let mut open = Vec::new();
    for _ in 0..WEB_STREAMS_PER_ACCOUNT_MAX {
        let (_, mut stream) = visit.open("/events/alerts").await;
        assert!(heard(&mut stream, "alerts-list").await);
        open.push(stream);
    }
    let (_, mut refused) = visit.open("/events/alerts").await;
    assert!(heard(&mut refused, "event: full").await, "the script is not told why");
    let other = scene.signed_in("auditor").await;
    let (_, mut others) = other.open("/events/alerts").await;
    assert!(heard(&mut others, "alerts-list").await, "another account is bounded by it, too");
    // A page that is closed gives its place back.
    open.pop();
    let again = danso_tests::eventually("a place is free again", || async {
        let (_, mut stream) = visit.open("/events/alerts").await;
        heard(&mut stream, "alerts-list").await.then_some(stream)
    });
    open.push(again.await);
    scene.tree.stop(scene.province).await;
    for mut stream in open {
        assert!(!heard(&mut stream, "no such line").await);
    }
    scene.tree.stop_all().await;
}
