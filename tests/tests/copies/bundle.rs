//! Trees without a line, and with one beside the sticks.

use super::{danso, line, node_file, text};
use danso_core::{chain::BatchNumber, domain::Sex};
use danso_tests::{Grown, Recorder, Tree, entries::person, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{fs, path::PathBuf};

/// Writes a bundle for the parent.
pub fn export(tree: &Tree, from: UnitId, name: &str) -> PathBuf {
    export_with(tree, from, name, &[]).unwrap().0
}

/// The same with more words; gives what was said, too.
pub fn export_with(
    tree: &Tree,
    from: UnitId,
    name: &str,
    more: &[&str],
) -> Result<(PathBuf, String), danso_tests::Said> {
    let (config, out) = (node_file(tree, from), tree.path(name));
    let said = danso(&[&["bundle", "export", "--config", &config, "--out", &text(&out)], more].concat())?;
    Ok((out, said))
}

/// Takes a bundle.
pub fn import(tree: &Tree, at: UnitId, bundle: &std::path::Path) -> Result<String, danso_tests::Said> {
    danso(&["bundle", "import", &text(bundle), "--config", &node_file(tree, at)])
}

/// Where the receipts for a bundle are.
pub fn receipt(bundle: &std::path::Path) -> PathBuf {
    bundle.with_added_extension("receipt")
}

fn acknowledged(tree: &Tree, at: UnitId, origin: UnitId) -> u64 {
    tree.node(at).store.view().chains.get(&origin).map_or(0, |chain| chain.acknowledged.0)
}

/// Lets one node after the other run alone.
async fn alone(tree: &mut Tree, unit: UnitId) {
    tree.stop_all().await;
    tree.start(unit).await;
}

/// Records some births and gives how many changes there are.
async fn record(tree: &Tree, commune: UnitId) -> u64 {
    let mut recorder = Recorder::new(tree.node(commune));
    let home = recorder.household("2026-01-01").await;
    recorder.register("2026-01-01", home, person("Lê Thị Mai", Sex::Female, "1995-05-05")).await;
    for day in ["2026-03-01", "2026-03-02", "2026-03-03"] {
        recorder.birth(day, home, "Lê Văn Bé", Sex::Male).await;
    }
    let node = tree.node(commune);
    until("all of it is sealed", || node.store.view().unsealed.is_empty()).await;
    node.store.view().recording.sequence
}

/// A district and a commune that are linked, with a chain up to here that the district has signed for.
async fn signed_for() -> (Tree, UnitId, UnitId, u64) {
    let mut tree = Tree::four();
    let (district, commune) = (unit("001"), unit("00001"));
    tree.start(district).await;
    tree.start(commune).await;
    record(&tree, commune).await;
    let head = tree.head(commune, commune);
    until("the district has signed", || acknowledged(&tree, commune, commune) == head).await;
    (tree, district, commune, head)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_never_had_a_line_is_counted_and_gets_its_receipts() {
    let mut tree = Grown::four(super::DANSO).await;
    let (province, district, commune) = (unit("01"), unit("001"), unit("00001"));
    for child in [province, district] {
        tree.enrol(child).await.unwrap();
        tree.start(child).await;
    }
    // The invitation is all that was ever heard of the district.
    tree.enrol(commune).await.unwrap();
    alone(&mut tree, commune).await;
    let changes = record(&tree, commune).await;
    let head = tree.head(commune, commune);
    let bundle = export(&tree, commune, "up.bundle");
    let counted = tree.node(commune).tallies_digest();
    assert_eq!(acknowledged(&tree, commune, commune), 0);

    alone(&mut tree, district).await;
    let said = import(&tree, district, &bundle).unwrap();
    assert!(said.contains(&format!("batches 1-{head}, {head} new, acknowledged up to {head}")), "{said}");
    assert_eq!(tree.changes(district, commune), changes);
    assert_eq!(tree.node(district).tallies_digest(), counted);
    // The same once more: nothing changes, and the receipts are the same.
    let position = tree.node(district).store.view().chains[&commune].clone();
    let said = import(&tree, district, &bundle).unwrap();
    assert!(said.contains("0 new"), "{said}");
    assert_eq!(tree.node(district).store.view().chains[&commune], position);

    alone(&mut tree, commune).await;
    let said = import(&tree, commune, &receipt(&bundle)).unwrap();
    assert!(said.contains(&format!("acknowledged up to {head}")), "{said}");
    assert_eq!(acknowledged(&tree, commune, commune), head);
    // What was signed for is not carried again.
    let (_, said) = export_with(&tree, commune, "empty.bundle", &[]).unwrap();
    assert!(!said.contains("chain "), "{said}");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sticks_carry_a_change_through_four_tiers_and_every_receipt_back() {
    let mut tree = Tree::four();
    let way = [unit("00001"), unit("001"), unit("01"), central()];
    let commune = way[0];
    // Once with lines, so that keys are known; names of no one yet.
    tree.start_all().await;
    until("the tree is linked", || {
        way[..3].iter().all(|unit| tree.node(*unit).link.read().unwrap().connected)
    })
    .await;
    until("central knows the commune", || tree.node(central()).key_of(commune).is_some()).await;
    alone(&mut tree, commune).await;
    let changes = record(&tree, commune).await;
    let head = tree.head(commune, commune);
    let mut bundles = Vec::new();
    for (place, pair) in way.windows(2).enumerate() {
        alone(&mut tree, pair[0]).await;
        let bundle = export(&tree, pair[0], &format!("up-{place}.bundle"));
        alone(&mut tree, pair[1]).await;
        import(&tree, pair[1], &bundle).unwrap();
        assert_eq!(tree.changes(pair[1], commune), changes, "at {}", pair[1]);
        bundles.push(bundle);
    }
    // Names stop at the province, as they do on a line.
    let personal = |tree: &Tree, at| {
        tree.node(at).store.batch(commune, BatchNumber(1)).unwrap().unwrap().batch.personal.is_some()
    };
    assert!(!personal(&tree, central()));
    for (bundle, unit) in bundles.iter().zip(way).rev() {
        alone(&mut tree, unit).await;
        import(&tree, unit, &receipt(bundle)).unwrap();
        assert_eq!(acknowledged(&tree, unit, commune), head, "at {unit}");
        assert!(personal(&tree, unit));
    }
    // The commune's receipts were written before the tiers above had anything; a later file brings their words, too.
    alone(&mut tree, unit("001")).await;
    let child = commune.to_string();
    let (down, _) = export_with(&tree, unit("001"), "down.bundle", &["--child", &child]).unwrap();
    alone(&mut tree, commune).await;
    import(&tree, commune, &down).unwrap();
    let confirmed = tree.node(commune).confirmations(commune, tree.node(commune).now_ms());
    assert_eq!(confirmed[0].number.0, head);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_and_stick_deliver_the_same_in_any_order_and_it_counts_once() {
    let mut tree = Tree::four();
    let (district, commune) = (unit("001"), unit("00001"));
    tree.start(district).await;
    tree.start(commune).await;
    until("they know each other", || tree.node(commune).link.read().unwrap().connected).await;
    // The stick first, then the line.
    alone(&mut tree, commune).await;
    record(&tree, commune).await;
    let first = export(&tree, commune, "first.bundle");
    alone(&mut tree, district).await;
    import(&tree, district, &first).unwrap();
    tree.start(commune).await;
    let head = tree.head(commune, commune);
    until("the line knows it", || acknowledged(&tree, commune, commune) == head).await;
    // The line first, then the stick, while the line stands.
    tree.stop(district).await;
    Recorder::new(tree.node(commune)).household("2026-04-01").await;
    until("it is sealed", || tree.node(commune).store.view().unsealed.is_empty()).await;
    let second = export(&tree, commune, "second.bundle");
    tree.start(district).await;
    let head = tree.head(commune, commune);
    until("the line was first", || acknowledged(&tree, commune, commune) == head).await;
    for bundle in [&second, &first, &second] {
        let said = import(&tree, district, bundle).unwrap();
        assert!(said.contains(" 0 new"), "{said}");
        import(&tree, commune, &receipt(bundle)).unwrap();
    }
    assert_eq!(tree.node(district).tallies_digest(), tree.node(commune).tallies_digest());
    assert_eq!(acknowledged(&tree, commune, commune), head);
    assert!(tree.node(commune).link.read().unwrap().held.is_empty());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_lost_batches_says_which_and_gets_all_of_them() {
    let (mut tree, district, commune, head) = signed_for().await;
    alone(&mut tree, commune).await;
    Recorder::new(tree.node(commune)).household("2026-04-01").await;
    until("it is sealed", || tree.node(commune).store.view().unsealed.is_empty()).await;
    // The district's disk dies and nothing of it is left.
    fs::rename(tree.home(district).join("data"), tree.path("dead")).unwrap();
    let bundle = export(&tree, commune, "up.bundle");
    alone(&mut tree, district).await;
    let said = import(&tree, district, &bundle).unwrap_err();
    assert_eq!(said.code, "batch_gap");
    assert!(said.text.contains("bundle export --all") || said.text.contains("expected"), "{}", said.text);
    alone(&mut tree, commune).await;
    let (bundle, _) = export_with(&tree, commune, "all.bundle", &["--all"]).unwrap();
    alone(&mut tree, district).await;
    import(&tree, district, &bundle).unwrap();
    assert_eq!(tree.head(district, commune), head + 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_restored_from_a_backup_goes_on_by_a_stick_made_after_that() {
    use super::backup::{create, new_key, restore};
    let (mut tree, district, commune, _) = signed_for().await;
    let key = new_key(&tree, "backup.key");
    create(&tree, commune, &key, &[]);
    alone(&mut tree, district).await;
    let child = commune.to_string();
    let (old, _) = export_with(&tree, district, "old.bundle", &["--child", &child]).unwrap();
    tree.stop_all().await;
    fs::rename(tree.home(commune).join("data"), tree.path("dead")).unwrap();
    restore(&tree, commune, &key, &[]).unwrap();
    // A file from before the restore says nothing of what came after the backup.
    alone(&mut tree, commune).await;
    import(&tree, commune, &old).unwrap();
    assert!(tree.node(commune).store.own_chain_held());
    alone(&mut tree, district).await;
    let (new, said) = export_with(&tree, district, "new.bundle", &["--child", &child]).unwrap();
    assert!(line(&said, "bundle").contains(&child), "{said}");
    alone(&mut tree, commune).await;
    assert!(tree.node(commune).store.own_chain_held());
    import(&tree, commune, &new).unwrap();
    assert!(!tree.node(commune).store.own_chain_held());
    Recorder::new(tree.node(commune)).household("2026-04-01").await;
    tree.stop_all().await;
}
