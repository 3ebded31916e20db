//! A month of samples, one an hour: kept over a start, bounded, and no difference to a check of the folder.

use crate::stands;
use danso_node::{
    operations::{lag::LagSample, now_ms},
    runtime::store_options,
    store::verify,
};
use danso_tests::{Recorder, Tree, tree::central, unit};
use danso_tier_config::limits::{LAG_HISTORY_DAYS, LAG_SAMPLE_MS};

#[tokio::test(flavor = "multi_thread")]
async fn one_sample_an_hour_is_kept_over_a_start_and_no_check_minds_it() {
    let (commune, province) = (unit("00001"), unit("01"));
    let mut tree = Tree::three();
    tree.start_all().await;
    Recorder::new(tree.node(commune)).household("2026-01-01").await;
    let node = tree.node(province);
    stands(&node, commune, "the commune is linked", |found| {
        found.connected == Some(true) && found.changes_here == 1 && found.watermark_ms > 0
    })
    .await;
    assert_eq!(node.lag_history(commune).unwrap(), []);
    node.sample_lag().await.unwrap();
    node.sample_lag().await.unwrap();
    let kept = node.lag_history(commune).unwrap();
    // The second one may fall into the next hour.
    assert!((1..=2).contains(&kept.len()), "{kept:?}");
    let last = kept.last().unwrap();
    assert_eq!((last.connected, last.changes_behind, last.quarantined), (true, 0, 0));
    assert!(last.behind_ms.is_some());
    // A unit that was never heard of has a sample, too: nothing is known of it.
    tree.stop(province).await;
    let report = verify(&store_options(&tree.config(province)).unwrap(), &mut |_, _| ()).unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
    let node = tree.start(province).await;
    assert_eq!(node.lag_history(commune).unwrap(), kept);
    assert_eq!(node.lag_history(central()).unwrap(), []);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_of_more_than_a_month_ago_are_forgotten() {
    let (commune, province) = (unit("00001"), unit("01"));
    let mut tree = Tree::three();
    let node = tree.start(province).await;
    let now = now_ms() / LAG_SAMPLE_MS * LAG_SAMPLE_MS;
    let hours = 24 * (LAG_HISTORY_DAYS + 10);
    for hour in (0..hours).rev() {
        let at_ms = now - hour * LAG_SAMPLE_MS;
        let sample =
            LagSample { at_ms, behind_ms: Some(hour), changes_behind: 0, quarantined: 0, connected: true };
        node.store.keep_samples(vec![(commune, sample)]).await.unwrap();
    }
    let stored = node.store.lag_samples(commune).unwrap();
    assert!(stored.len() <= 24 * LAG_HISTORY_DAYS as usize, "{}", stored.len());
    let kept = node.lag_history(commune).unwrap();
    assert!(kept.len() > 24 * (LAG_HISTORY_DAYS as usize - 1), "{}", kept.len());
    assert!(kept.windows(2).all(|two| two[0].at_ms + LAG_SAMPLE_MS == two[1].at_ms));
    assert_eq!(kept.last().unwrap().behind_ms, Some(0));
    // A clock that goes back an hour leaves no second sample of it.
    let again = LagSample { behind_ms: Some(77), ..kept[kept.len() - 1] };
    node.store.keep_samples(vec![(commune, again)]).await.unwrap();
    let after = node.lag_history(commune).unwrap();
    assert_eq!((after.len(), after.last().unwrap().behind_ms), (kept.len(), Some(77)));
    tree.stop_all().await;
}
