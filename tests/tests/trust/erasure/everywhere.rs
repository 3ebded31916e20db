//! An erased person is named in no file of any tier; everything else stays as it was.

use super::scene::*;
use danso_core::chain::{Deed, ErasureDone};
use danso_tests::{
    Tree,
    folder::copy,
    tree::{all_bytes, central},
    until,
};
use danso_tier_config::UnitId;
#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_named_in_no_file_of_any_tier_and_everything_else_stays() {
    let mut tree = plain_tree().await;
    let node = tree.node(commune());
    let recorded = record(&node).await;
    let counted = tree.node(commune()).store.view().recording.sequence;
    until("all is at central", || tree.changes(central(), commune()) == counted).await;
    let old: Vec<Vec<Vec<u8>>> = way_up()
        .map(|tier| frames(&tree.node(tier)).into_iter().filter(|frame| names_secret(frame)).collect())
        .to_vec();
    assert!(old[0].len() == old[2].len() && !old[0].is_empty() && old[3].is_empty());
    // Names stand in the files before, the frames at the tiers above: the search below can fail.
    assert!(contains(&bytes_of(&tree, commune()), NAME.as_bytes()));
    for (tier, old) in way_up().into_iter().zip(&old).take(3) {
        assert!(contains(&bytes_of(&tree, tier), &old[0]), "{tier}");
    }
    // A search before fills the names in memory.
    assert_eq!(node.store.persons_by_name("tuyet mat", 10).unwrap().len(), 1);
    let tallies = node.tallies_digest();

    let erased = erase(&node, recorded.person).await;
    assert_eq!((erased.leaves, erased.restated), (2, 1));
    // Gone from the running node's files on return.
    let backup = tree.path("backup-after");
    copy(&tree.home(commune()).join("data"), &backup);
    assert_forgotten(&all_bytes(&backup), &old[0], commune());
    others_are_named(&node, &recorded);
    confirmed_by_all(&node).await;
    let sealed = node.store.view().recording.sequence;
    until("the restatement is at central", || tree.changes(central(), commune()) == sealed).await;
    until("central confirms, too", || {
        let view = node.store.view();
        view.orders.values().all(|held| held.done.len() == 4)
    })
    .await;
    {
        let view = node.store.view();
        let held = view.orders.values().next().unwrap();
        let erased_at = |tier: UnitId| held.done[&tier].decode_trusted::<ErasureDone>().unwrap().erased;
        assert_eq!(way_up().map(erased_at), [2, 2, 2, 0]);
    }
    for tier in way_up() {
        let at = tree.node(tier);
        assert_eq!(at.tallies_digest(), tallies, "counts at {tier}");
        assert_eq!(at.quarantine(commune()).unwrap(), []);
        assert!(!frames(&at).iter().any(|frame| names_secret(frame)), "{tier}");
        let ordered = entries(&at, Deed::ErasureOrdered);
        let done = entries(&at, Deed::ErasureDone);
        assert_eq!((ordered.len(), done.len()), (1, 1), "audit of {tier}");
        let subject = format!("person {}, request {}", recorded.person, reference());
        assert!(ordered[0].subject.starts_with(&subject) && done[0].subject.starts_with(&subject));
    }
    assert_eq!(entries(&node, Deed::ErasureConfirmed).len(), 3);
    let neighbours = |frame: &Vec<u8>| contains(&plain(frame), NEIGHBOUR.as_bytes());
    assert!(frames(&tree.node(province())).iter().any(neighbours), "neighbours in the batch stay named");

    tree.stop_all().await;
    for (tier, old) in way_up().into_iter().zip(&old) {
        assert_forgotten(&bytes_of(&tree, tier), old, tier);
        assert_eq!(verified(&tree, tier), tallies);
    }
    // Built anew from the ledger alone.
    for tier in way_up() {
        std::fs::remove_dir_all(tree.home(tier).join("data/index")).unwrap();
        let again = start(&mut tree, tier).await;
        assert_eq!(again.tallies_digest(), tallies, "{tier}");
    }
    others_are_named(&tree.node(commune()), &recorded);
    tree.stop_all().await;
    assert_forgotten(&bytes_of(&tree, commune()), &old[0], commune());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_take_a_request_erase_and_then_find_nobody() {
    let mut tree = Tree::three();
    let node = tree.start(commune()).await;
    let recorded = record(&node).await;
    let file = tree.node_file(commune());
    let danso = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_danso-under-test"));
        let said = command.args(arguments).arg("--config").arg(&file).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(said.status.success(), said.stderr.is_empty(), "{}", text(&said.stderr));
        if said.status.success() { Ok(text(&said.stdout)) } else { Err(text(&said.stderr)) }
    };
    let id = recorded.person.to_string();
    assert!(danso(&["person", "find", "tuyet", "mat"]).unwrap().contains(NAME));
    assert!(danso(&["person", "find", "--citizen-number", CITIZEN]).unwrap().contains(&id));
    let shown = danso(&["person", "show", &id]).unwrap();
    assert!(
        shown.contains(PHONE) && shown.contains(NEIGHBOUR) && shown.contains("household_split"),
        "{shown}"
    );
    let early = danso(&["erase", &id, "--request", "9"]).unwrap_err();
    assert!(early.contains("error[request_unknown]"), "{early}");
    let opened = danso(&["request", "open", "--request", "9", "--person", &id, "--kind", "delete"]).unwrap();
    assert!(opened.contains("delete") && opened.contains("open"), "{opened}");
    danso(&["request", "acknowledge", "9"]).unwrap();
    danso(&["request", "extend", "9", "--reason", "hồ sơ giấy"]).unwrap();
    let by_hand = danso(&["request", "close", "9", "--fulfilled"]).unwrap_err();
    assert!(by_hand.contains("error[request_not_erased]"), "{by_hand}");
    let erased = danso(&["erase", &id, "--request", "9"]).unwrap();
    let expected = "2 leaves are erased here; 1 changes state again what others are called\n\
        not confirmed yet by 01@2025-07-01; see danso request list\n";
    assert_eq!(erased, expected);
    let listed = danso(&["request", "list"]).unwrap();
    assert!(listed.contains("extended") && listed.contains("not confirmed by 01@2025-07-01"), "{listed}");
    assert!(!danso(&["person", "find", "tuyet", "mat"]).unwrap().contains(&id));
    assert!(!danso(&["person", "show", &id]).unwrap().contains(PHONE));
    tree.stop_all().await;
}
