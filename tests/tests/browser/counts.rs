//! Counts on their page: those of the node, each with how complete it is.

use crate::scene::{PERSON, Scene};
use danso_core::domain::{Reach, Sex, entry::Entry};
use danso_tests::{Recorder, entries::person, unit, until};

#[tokio::test(flavor = "multi_thread")]
async fn counts_on_the_page_are_those_of_the_node() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("analyst").await;
    let answer = visit.get("/counts?unit=00001&month=2026-02").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for text in [
        "Dân số</dt><dd class=\"big\">7<",
        "Nam</dt><dd class=\"big\">3<",
        "Nữ</dt><dd class=\"big\">4<",
        "1 / 1 (100,0%)",
    ] {
        assert!(answer.body.contains(text), "{text} in\n{}", answer.body);
    }
    let before = visit.get("/counts?unit=00001&month=2025-12").await;
    assert!(before.body.contains("Dân số</dt><dd class=\"big\">0<"), "{}", before.body);
    let whole = visit.get("/counts?month=2026-02").await;
    assert!(whole.body.contains("Phúc Xá") && whole.body.contains("Trúc Bạch"), "{}", whole.body);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_goes_on_says_so_and_one_to_come_is_not_counted() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("analyst").await;
    let this_month = scene.tree.node(scene.province).today().month();
    let (ended, open) = ("Chưa hết tháng", "đến nay");
    let now = visit.get(&format!("/counts?month={this_month}")).await;
    assert!(now.body.contains(ended) && now.body.contains(open), "{}", now.body);
    let last = visit.get(&format!("/counts?month={}", this_month.plus(-1))).await;
    assert!(last.status == 200 && !last.body.contains(ended) && !last.body.contains(open), "{}", last.body);
    let next = visit.get(&format!("/counts?month={}", this_month.plus(1))).await;
    assert_eq!(next.status, 400);
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stands_in_the_form_beside_the_reason() {
    let mut scene = Scene::new().await;
    let mut visit = scene.signed_in("analyst").await;
    let typed = visit.get("/counts?unit=00001&month=2%2F2026").await;
    assert!(typed.status == 200 && typed.body.contains("value=\"2026-02\""), "{}", typed.body);
    for (at, status, shown) in [
        ("/counts?unit=00001&month=thang%20hai", 400, ["value=\"00001\"", "value=\"thang hai\""]),
        ("/counts?unit=99999&month=2026-02", 404, ["value=\"99999\"", "value=\"2026-02\""]),
    ] {
        let answer = visit.get(at).await;
        assert_eq!(answer.status, status);
        for shown in shown {
            assert!(answer.body.contains(shown), "{shown} in\n{}", answer.body);
        }
    }
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_within_a_province_are_none_of_its_own() {
    let mut scene = Scene::new().await;
    let mut recorder = Recorder::new(scene.tree.node(scene.commune));
    let home = recorder.household("2026-02-01").await;
    for (place, reach) in Reach::ALL.iter().enumerate() {
        let newcomer = person(PERSON, Sex::Male, &format!("198{place}-03-03"));
        recorder
            .record(
                "2026-02-02",
                Entry::Arrival { household: home, person: newcomer, reach: *reach, from: None },
            )
            .await;
    }
    let all = scene.tree.node(scene.commune).store.view().recording.sequence;
    until("the moves are at the province", || scene.tree.changes(scene.province, scene.commune) >= all).await;
    let mut visit = scene.signed_in("analyst").await;
    let arrivals = |count: usize| format!("Chuyển đến</dt><dd class=\"big\">{count}<");
    let commune = visit.get("/counts?unit=00001&month=2026-02").await.body;
    assert!(commune.contains(&arrivals(Reach::ALL.len())), "{commune}");
    let province = visit.get("/counts?month=2026-02").await.body;
    assert!(province.contains(&arrivals(2)), "from other provinces and from abroad in\n{province}");
    scene.tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_never_reported_is_no_zero() {
    let mut scene = Scene::without(&[unit("00004")]).await;
    let mut visit = scene.signed_in("analyst").await;
    let page = visit.get("/counts?month=2026-02").await.body;
    let cells = |name: &str| {
        let row = page.split("<tr>").find(|row| row.contains(&format!(">{name}</a>"))).unwrap();
        row.split("<td class=\"number\">")
            .skip(1)
            .map(|cell| cell.split('<').next().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(cells("Phường Phúc Xá"), ["7", "có"]);
    assert_eq!(cells("Phường Trúc Bạch"), ["–", "chưa từng"]);
    scene.tree.stop_all().await;
}
