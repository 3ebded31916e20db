//! Who may speak for whom.

use crate::scene::Scene;
use danso_core::chain::BatchNumber;
use danso_node::wire::{link::head_message, status::code_of};
use danso_tests::{
    forge::{ChildLink, Forger, hello, registration},
    unit,
};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_outside_the_child_is_not_spoken_for() {
    let mut scene = Scene::province().await;
    // The key of the neighbour district's commune is registered, and its batch is good.
    let (mut neighbour, welcome) =
        ChildLink::open(&scene.tree, unit("002"), scene.parent, &[unit("00037")]).await;
    assert_eq!(welcome.unit, scene.parent.to_string());
    let mut foreign = Forger::new(&scene.tree, unit("00037"));
    let batch = foreign.next(1);
    let refusal = scene.refused(&batch, "not_allowed").await;
    assert_eq!(refusal.origin, foreign.origin.to_string());
    // Nor for the parent's own unit, nor for one above.
    for origin in [scene.parent, danso_tests::tree::central()] {
        let batch = Forger::new(&scene.tree, origin).next(1);
        scene.refused(&batch, "not_allowed").await;
    }
    scene.goes_on().await;
    scene.evidence(0).await;
    neighbour.send_batch(&batch).await;
    neighbour.receipt().await;
    assert_eq!(scene.tree.head(scene.parent, foreign.origin), 1);
    drop(neighbour);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_no_directory_knows_is_not_spoken_for() {
    let mut scene = Scene::province().await;
    let mut unknown = Forger::new(&scene.tree, unit("00001"));
    unknown.origin = unit("99999");
    let batch = unknown.next(1);
    scene.refused(&batch, "not_allowed").await;
    // The same code, valid since another day, is another unit.
    unknown.origin = "00001@1999-01-01".parse().unwrap();
    unknown.head = danso_core::chain::Head::default();
    let batch = unknown.next(1);
    scene.refused(&batch, "not_allowed").await;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_does_not_open_the_link_of_another_unit() {
    let mut scene = Scene::province().await;
    let other = hello(&scene.tree, scene.child, &scene.origins());
    let mut link = ChildLink::greet(&scene.tree, unit("002"), scene.parent, other).await.unwrap();
    let status = link.end().await;
    assert_eq!((status.code(), code_of(&status).as_str()), (Code::PermissionDenied, "not_allowed"));
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_child_opens_a_link() {
    let mut scene = Scene::province().await;
    // A grandchild, the parent of the parent, and the parent itself.
    for holder in [unit("00001"), danso_tests::tree::central(), scene.parent] {
        let hello = hello(&scene.tree, holder, &[]);
        let refused = ChildLink::greet(&scene.tree, holder, scene.parent, hello).await.err().unwrap();
        assert_eq!((refused.code(), code_of(&refused).as_str()), (Code::PermissionDenied, "not_allowed"));
    }
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_the_authority_did_not_sign_is_refused() {
    let mut scene = Scene::province().await;
    let known = scene.node.key_of(unit("00001"));
    let mut forged = registration(&scene.tree, unit("00001"));
    let mut signature = forged.signature.to_vec();
    signature[0] ^= 1;
    forged.signature = signature.into();
    let mut greeting = hello(&scene.tree, scene.child, &[]);
    greeting.registrations = vec![forged];
    let mut link = ChildLink::greet(&scene.tree, scene.child, scene.parent, greeting).await.unwrap();
    let status = link.end().await;
    assert_eq!(
        (status.code(), code_of(&status).as_str()),
        (Code::PermissionDenied, "registration_signature")
    );
    assert_eq!(scene.node.key_of(unit("00001")), known);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_unit_outside_the_child_is_passed_over() {
    let scene = Scene::province().await;
    let mut greeting = hello(&scene.tree, scene.child, &[]);
    greeting.registrations = vec![registration(&scene.tree, unit("00037"))];
    let mut link = ChildLink::greet(&scene.tree, scene.child, scene.parent, greeting).await.unwrap();
    assert_eq!(link.welcome().await.unit, scene.parent.to_string());
    assert!(scene.node.key_of(unit("00037")).is_none());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_learns_nothing_of_units_outside_the_child() {
    let mut scene = Scene::province().await;
    let batch = scene.one.next(1);
    scene.accepted(&batch).await;
    let mut curious = hello(&scene.tree, unit("002"), &[]);
    curious.heads = vec![head_message(scene.one.origin, &danso_core::chain::Head::default(), BatchNumber(0))];
    let mut link = ChildLink::greet(&scene.tree, unit("002"), scene.parent, curious).await.unwrap();
    assert_eq!(link.welcome().await.heads, []);
    drop(link);
    scene.goes_on().await;
    scene.end().await;
}
