//! A tree that begins with nothing: root, invitations, enrolment, renewal, revocation, lost keys.

use super::grown;
use danso_core::{chain::Revoked, domain::Sex};
use danso_node::operations::{Actor, now_ms};
use danso_tests::{Grown, Recorder, entries::person, tree::central, unit, until};
use danso_tier_config::UnitId;

/// Enrols and starts a province, a district and a commune, one below the other.
async fn enrolled(tree: &mut Grown) {
    for child in [unit("01"), unit("001"), unit("00001")] {
        tree.enrol(child).await.unwrap();
        tree.start(child).await;
    }
}

/// The same, with a first change of the commune that central has.
async fn recorded(tree: &mut Grown, commune: UnitId) -> Recorder {
    enrolled(tree).await;
    let mut recorder = Recorder::new(tree.node(commune));
    recorder.household("2026-01-01").await;
    until("central has the change", || tree.changes(central(), commune) == 1).await;
    recorder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_grows_from_its_root_by_invitations_alone() {
    let mut tree = grown().await;
    enrolled(&mut tree).await;
    let mut recorder = Recorder::new(tree.node(unit("00001")));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-02", home, person("Nguyễn An", Sex::Male, "1990-01-01")).await;
    until("central has the change", || tree.changes(central(), unit("00001")) == 2).await;
    // Every key above is known below, and the other way round.
    assert!(tree.node(unit("00001")).key_of(central()).is_some());
    assert!(tree.node(central()).key_of(unit("00001")).is_some());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_works_once_for_its_unit_and_its_time() {
    let mut tree = grown().await;
    let province = unit("01");
    let token = tree.invite(province, false).await;
    tree.enrol_with(province, &token).unwrap();
    // The same folder asks the same again: the answer may have been lost.
    tree.enrol_with(province, &token).unwrap();
    // Another folder is another request.
    std::fs::remove_dir_all(tree.keys(province)).unwrap();
    let used = tree.enrol_with(province, &token).unwrap_err();
    assert_eq!(used.code, "invitation_used");
    // A second key for the unit needs a word that the first is lost.
    let again = tree.invite(province, false).await;
    let second = tree.enrol_with(province, &again).unwrap_err();
    assert_eq!(second.code, "enrolment_key_exists");
    // Units that are no children are not invited.
    let error =
        tree.node(central()).invite(unit("001"), 1, false, [0; 32], &Actor::local()).await.unwrap_err();
    assert_eq!(error.code(), "enrolment_not_child");
    let over = tree.node(central()).invite(province, 0, false, tree.root(), &Actor::local()).await.unwrap().0;
    let refused = tree.enrol_with(province, &over.expose()).unwrap_err();
    assert_eq!(refused.code, "invitation_expired");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_trusts_no_other_tree_than_that_of_its_invitation() {
    let tree = grown().await;
    let other = grown().await;
    let province = unit("01");
    let theirs = other.invite(province, false).await;
    let refused = tree.enrol_with(province, &theirs).unwrap_err();
    assert!(refused.code.starts_with("tls_"), "{refused:?}");
    let mut forged = tree.invite(province, false).await;
    forged.replace_range(forged.len() - 2.., "00");
    let refused = tree.enrol_with(province, &forged).unwrap_err();
    assert!(refused.code.starts_with("tls_"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_replaced_by_the_parents_word_and_old_batches_still_verify() {
    let mut tree = grown().await;
    let commune = unit("00001");
    recorded(&mut tree, commune).await;
    let old = tree.node(central()).key_of(commune).unwrap();
    tree.stop(commune).await;
    std::fs::remove_dir_all(tree.home(commune)).unwrap();
    tree.enrol_as(commune, true).await.unwrap();
    tree.rebuild_from_parent(commune);
    tree.start(commune).await;
    Recorder::new(tree.node(commune)).household("2026-02-01").await;
    until("central has both changes", || tree.changes(central(), commune) == 2).await;
    let new = tree.node(central()).key_of(commune).unwrap();
    assert_ne!(old, new);
    assert_eq!(tree.node(central()).ring_of(commune).epochs().len(), 2);
    tree.stop(central()).await;
    tree.verify(central());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_node_is_cut_at_every_tier_and_comes_back_with_an_invitation() {
    let mut tree = grown().await;
    let (district, commune) = (unit("001"), unit("00001"));
    let mut recorder = recorded(&mut tree, commune).await;

    let issued = now_ms();
    // Central revokes; the list goes down; the district cuts the open link.
    let what = Revoked::Node { unit: commune, issued_until_ms: now_ms(), after: None };
    tree.node(central()).revoke(what, "stolen", &Actor::local()).await.unwrap();
    until("the district knows", || !tree.node(district).revocations().is_empty()).await;
    // A certificate of before is not renewed either, one of later would be.
    let turn = |issued_at_ms| {
        let node = tree.node(district);
        async move { node.turn_to_renew(commune, issued_at_ms, None).await.is_some() }
    };
    assert!(!turn(issued).await && turn(now_ms() + 1).await);
    until("the link is cut", || !tree.node(commune).link.read().unwrap().connected).await;
    // From the district, or from the list itself if that came first over the dying link.
    until("the commune reads why", || {
        let why = tree.node(commune).link.read().unwrap().error.clone();
        ["tls_own_revoked", "keys_revoked"].iter().any(|code| why.starts_with(code))
    })
    .await;
    recorder.household("2026-01-02").await;
    assert_eq!(tree.changes(district, commune), 1);

    // New certificates, same ledger key: what waited arrives.
    tree.enrol(commune).await.unwrap();
    until("what waited arrives", || tree.changes(central(), commune) == 2).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_beyond_the_cut_over_of_a_revoked_key_are_refused() {
    let mut tree = grown().await;
    let (district, commune) = (unit("001"), unit("00001"));
    let mut recorder = recorded(&mut tree, commune).await;
    let after = Some(danso_core::chain::BatchNumber(tree.head(central(), commune)));
    // The certificate stays good; the key does not.
    let what = Revoked::Node { unit: commune, issued_until_ms: now_ms(), after };
    tree.node(district).revoke(what, "key stolen", &Actor::local()).await.unwrap();
    tree.enrol(commune).await.unwrap();
    recorder.household("2026-01-02").await;
    until("the district refuses", || {
        tree.node(commune).link.read().unwrap().held.get(&commune).is_some_and(|code| code == "key_revoked")
    })
    .await;
    assert_eq!(tree.changes(district, commune), 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_past_half_of_its_life_renews_itself_over_the_link() {
    let mut tree = grown().await;
    let province = unit("01");
    tree.enrol(province).await.unwrap();
    // As if it had been issued long ago: short, and past its half.
    let before = tree.shorten_certificate(province);
    tree.start(province).await;
    until("the certificate is a new one", || {
        std::fs::read(tree.keys(province).join("node.crt")).unwrap() != before
    })
    .await;
    until("the link stands", || tree.node(province).link.read().unwrap().connected).await;
    tree.stop_all().await;
}
