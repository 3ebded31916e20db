//! Releases and directories on their way down.

use super::caught_up;
use danso_core::{
    chain::{Release, Signed},
    domain::{HouseholdId, Sex},
};
use danso_node::operations::Node;
use danso_proto::v1::IndicatorsRequest;
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};
use danso_tier_config::{Directory, Month, UnitId};
use std::collections::BTreeMap;

fn march() -> Month {
    "2026-03".parse().unwrap()
}

/// A running tree: 40 residents of 00001 since January, in March two births (a boy, a girl) and a death.
async fn with_march() -> (Tree, Recorder, HouseholdId) {
    let mut tree = Tree::four();
    tree.start_all().await;
    let mut recorder = Recorder::new(tree.node(unit("00001")));
    let home = recorder.household("2026-01-01").await;
    let mut last = None;
    for number in 0..40 {
        let someone = person("Nguyễn Văn Bình", Sex::ALL[number % 2], &format!("{}-05-05", 1950 + number));
        last = Some(recorder.register("2026-01-01", home, someone).await);
    }
    recorder.birth("2026-03-03", home, "Trẻ một", Sex::Male).await;
    recorder.birth("2026-03-30", home, "Trẻ hai", Sex::Female).await;
    recorder.death("2026-03-31", last.unwrap()).await;
    caught_up(&tree, central()).await;
    (tree, recorder, home)
}

/// Numerator and denominator of each indicator of a unit.
fn figures(release: &Release, unit: UnitId) -> BTreeMap<&str, (f64, f64)> {
    let rows = release.rows.iter().filter(|row| row.unit == unit);
    rows.map(|row| (row.indicator.as_str(), (row.numerator, row.denominator))).collect()
}

/// By hand: 40 before March, 40 + 2 - 1 = 41 after it; 40.5 persons × 31 of 365 days.
fn expect_march(release: &Release, unit: UnitId) {
    let years = 40.5 * 31.0 / 365.0;
    let expected = [
        ("population", (41.0, 1.0)),
        ("births", (2.0, 1.0)),
        ("deaths", (1.0, 1.0)),
        ("cbr", (2.0, years)),
        ("cdr", (1.0, years)),
        ("srb", (1.0, 1.0)),
        ("natural_increase", (1.0, years)),
    ];
    let found = figures(release, unit);
    assert_eq!(found.len(), expected.len());
    for (indicator, (numerator, denominator)) in expected {
        let (n, d) = found[indicator];
        assert!(
            (n - numerator).abs() < 1e-9 && (d - denominator).abs() < 1e-9,
            "{indicator} of {unit}: {n} / {d}"
        );
    }
}

fn signed_release(node: &Node, number: u64) -> Signed {
    node.store.release(number).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_reaches_a_commune_and_is_readable_there_without_a_line() {
    let (mut tree, _, _) = with_march().await;
    let (top, commune) = (tree.node(central()), unit("00001"));
    let release = top.publish_release(march()).await.unwrap();
    assert_eq!((release.number, release.revision, release.issuer), (1, 1, central()));
    for counted in [commune, unit("001"), unit("01"), central()] {
        expect_march(&release, counted);
    }
    assert_eq!(figures(&release, unit("002"))["population"], (0.0, 1.0));
    until("the release is at the commune", || tree.node(commune).release_number() == 1).await;
    let key = tree.ledger_key(central()).public();
    drop(top);
    for above in [central(), unit("01"), unit("001")] {
        tree.stop(above).await;
    }

    // Kept as signed, even after a restart of the commune alone.
    tree.stop(commune).await;
    let node = tree.start(commune).await;
    let kept: Release = signed_release(&node, 1).verify(key).unwrap();
    assert_eq!(kept, *release);
    let client = tree.client(commune).await;
    let units = vec!["00001".to_owned(), "VN".to_owned()];
    let answer = client.indicators(IndicatorsRequest { units, month: "2026-03".to_owned() }).await.unwrap();
    assert_eq!((answer.release_number, answer.revision, answer.issuer), (1, 1, central().to_string()));
    let rate =
        answer.rows.iter().find(|row| row.unit == "00001@2025-07-01" && row.indicator == "cbr").unwrap();
    assert!((rate.value - 2.0 / (40.5 * 31.0 / 365.0) * 1_000.0).abs() < 1e-9, "{}", rate.value);
    assert_eq!(answer.rows.len(), 14, "seven indicators of each unit asked for");
    let other = client.indicators(IndicatorsRequest { units: vec![], month: "2026-02".to_owned() }).await;
    assert_eq!(other.unwrap_err().code, "release_none");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_was_altered_or_signed_by_another_is_refused() {
    let (mut tree, _, _) = with_march().await;
    // A commune that was away when it was published.
    let late = unit("00040");
    tree.stop(late).await;
    tree.node(central()).publish_release(march()).await.unwrap();
    let good = signed_release(&tree.node(central()), 1);
    for above in [central(), unit("01"), unit("002")] {
        tree.stop(above).await;
    }
    let node = tree.start(late).await;
    for place in [4, good.bytes.len() / 2, good.bytes.len() - 1] {
        let mut altered = good.clone();
        altered.bytes[place] ^= 1;
        assert_eq!(node.take_release(altered).await.unwrap_err().code(), "release_signature");
    }
    let mut release: Release = good.decode_trusted().unwrap();
    let by_province = Signed::sign(&release, &tree.ledger_key(unit("01")));
    assert_eq!(node.take_release(by_province).await.unwrap_err().code(), "release_signature");
    release.issuer = unit("01");
    let other_issuer = Signed::sign(&release, &tree.ledger_key(central()));
    assert_eq!(node.take_release(other_issuer).await.unwrap_err().code(), "release_signature");
    release.issuer = central();
    release.number = 3;
    let too_early = Signed::sign(&release, &tree.ledger_key(central()));
    assert_eq!(node.take_release(too_early).await.unwrap_err().code(), "release_gap");
    assert_eq!(node.release_number(), 0);

    node.take_release(good.clone()).await.unwrap();
    node.take_release(good).await.unwrap();
    assert_eq!(node.release_number(), 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_data_makes_a_second_revision_and_leaves_the_first() {
    let (mut tree, recorder, home) = with_march().await;
    let top = tree.node(central());
    let first = top.publish_release(march()).await.unwrap();
    assert_eq!(top.publish_release(march()).await.unwrap_err().code(), "release_unchanged");
    let this_month = top.today().month();
    assert_eq!(top.publish_release(this_month).await.unwrap_err().code(), "release_month_open");
    let commune = tree.node(unit("00001"));
    assert_eq!(commune.publish_release(march()).await.unwrap_err().code(), "release_not_top");

    recorder.birth("2026-03-15", home, "Trẻ ghi muộn", Sex::Male).await;
    caught_up(&tree, central()).await;
    let second = top.publish_release(march()).await.unwrap();
    assert_eq!((second.number, second.revision), (2, 2));
    assert_eq!(figures(&second, central())["births"], (3.0, 1.0));
    until("both are at the commune", || commune.release_number() == 2).await;
    let key = tree.ledger_key(central()).public();
    let old: Release = signed_release(&commune, 1).verify(key).unwrap();
    assert_eq!(old, *first);
    assert_eq!(commune.latest_of(march()).unwrap().unwrap(), *second);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_directory_reaches_every_node() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let commune = unit("00001");
    until("the first directory is everywhere", || {
        tree.running.values().all(|running| running.node.directory_version() == 1)
    })
    .await;
    let mut rows = tree.directory.rows().to_vec();
    let renamed = rows.iter_mut().find(|row| row.id == commune).unwrap();
    renamed.name = "Phường Phúc Xá Mới".to_owned();
    let directory = Directory::from_rows(rows, Vec::new()).unwrap();
    let top = tree.node(central());
    top.publish_directory(&directory).await.unwrap();
    until("the second directory is everywhere", || {
        tree.running.values().all(|running| running.node.directory_version() == 2)
    })
    .await;
    top.publish_directory(&directory).await.unwrap();
    assert_eq!(top.directory_version(), 2, "the same directory makes no new version");
    for running in tree.running.values() {
        assert_eq!(running.node.directory().name(commune), Some("Phường Phúc Xá Mới"));
    }

    // It is kept: a commune that starts alone still knows it.
    drop(top);
    tree.stop(unit("001")).await;
    tree.stop(commune).await;
    let node = tree.start(commune).await;
    assert_eq!((node.directory_version(), node.directory().name(commune)), (2, Some("Phường Phúc Xá Mới")));
    tree.stop_all().await;
}
