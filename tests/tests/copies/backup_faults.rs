//! Backups that are damaged, cut short, of somebody else, under another key.

use super::{
    backup::{backed_up, commune_running, create, folder, lose, new_key, restore, verify},
    code, danso, files, flip, node_file, text,
};
use danso_core::chain::hex;
use danso_node::store::at_rest::AtRestKey;
use danso_tests::{Tree, skipped, tree::central, unit};
use danso_tier_config::UnitId;
use std::{fs, process::Command};

/// A commune that lost its data folder and has one backup.
async fn lost() -> (Tree, UnitId, String) {
    let (mut tree, commune, _, key) = backed_up().await;
    lose(&mut tree, commune).await;
    (tree, commune, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_or_a_lost_byte_anywhere_is_found_without_any_key_and_nothing_is_restored() {
    let (tree, commune, key) = lost().await;
    let from = text(&folder(&tree));
    for path in files(&folder(&tree).join("pieces")) {
        let whole = fs::read(&path).unwrap();
        for at in [0, 20, 60, whole.len() / 2, whole.len() - 1] {
            flip(&path, at);
            assert_eq!(code(danso(&["backup", "verify", "--from", &from])), "backup_piece_damaged");
            flip(&path, at);
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(code(danso(&["backup", "verify", "--from", &from])), "backup_piece_damaged");
        assert_eq!(code(restore(&tree, commune, &key, &[])), "backup_piece_damaged");
        fs::remove_file(&path).unwrap();
        assert_eq!(code(danso(&["backup", "verify", "--from", &from])), "backup_piece_missing");
        assert_eq!(code(restore(&tree, commune, &key, &[])), "backup_piece_missing");
        fs::write(&path, whole).unwrap();
    }
    let list = folder(&tree).join("manifests/000001.manifest");
    let whole = fs::read(&list).unwrap();
    for at in 0..whole.len() {
        flip(&list, at);
        if at % 50 == 0 {
            let said = code(danso(&["backup", "verify", "--from", &from]));
            assert_eq!(said, "backup_manifest", "byte {at}");
        }
        flip(&list, at);
    }
    fs::write(&list, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(code(restore(&tree, commune, &key, &[])), "backup_manifest");
    assert!(!tree.home(commune).join("data").exists());
    fs::write(&list, whole).unwrap();
    restore(&tree, commune, &key, &[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_piece_is_copied_anew_by_the_next_backup() {
    let (mut tree, commune, mut recorder, key) = backed_up().await;
    let pieces = files(&folder(&tree).join("pieces"));
    let of_ledger = pieces.iter().find(|path| text(path).contains("00000001-0")).unwrap();
    flip(of_ledger, 1_000);
    recorder.household("2026-01-03").await;
    create(&tree, commune, &key, &["--keep", "1"]);
    verify(&tree, commune, &key).unwrap();
    lose(&mut tree, commune).await;
    restore(&tree, commune, &key, &[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_damaged_is_not_copied_over_what_is_good() {
    let (mut tree, commune, mut recorder, key) = backed_up().await;
    recorder.household("2026-01-03").await;
    // A bit of the disk turns while the node runs.
    flip(&tree.home(commune).join("data/ledger/00000001.ledger"), 700);
    let (config, to) = (node_file(&tree, commune), text(&folder(&tree)));
    let said = code(danso(&["backup", "create", "--config", &config, "--to", &to]));
    assert_eq!(said, "ledger_damaged");
    let found = verify(&tree, commune, &key).unwrap();
    assert_eq!(found.matches(": whole").count(), 1);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_another_unit_and_a_folder_in_the_way_are_refused_by_their_names() {
    let (tree, commune, key) = lost().await;
    let other = new_key(&tree, "other.key");
    assert_eq!(code(restore(&tree, commune, &other, &[])), "backup_wrong_key");
    assert_eq!(code(verify(&tree, commune, &other)), "backup_wrong_key");
    assert_eq!(code(restore(&tree, commune, &format!("{key}.pub"), &[])), "backup_no_secret");
    assert_eq!(code(restore(&tree, commune, &key, &["--number", "7"])), "backup_none");
    assert_eq!(code(restore(&tree, commune, &key, &["--with-keys"])), "backup_keys_exist");
    assert_eq!(code(restore(&tree, unit("00004"), &key, &[])), "backup_other_unit");
    // Where the directory above holds something else.
    let (config, elsewhere) = (node_file(&tree, commune), text(tree.folder.path()));
    let into_other = ["backup", "create", "--config", &config, "--key", &key, "--to", &elsewhere];
    assert_eq!(code(danso(&into_other)), "backup_not_backup");
    assert_eq!(code(danso(&["backup", "verify", "--from", &elsewhere])), "backup_not_backup");
    let data = tree.home(commune).join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("FORMAT"), "something").unwrap();
    assert_eq!(code(restore(&tree, commune, &key, &[])), "backup_target");
    assert_eq!(fs::read_to_string(data.join("FORMAT")).unwrap(), "something");
    fs::remove_dir_all(&data).unwrap();
    // The computer burnt with its keys, and the backup has none.
    fs::rename(tree.keys(commune), tree.path("burnt")).unwrap();
    assert_eq!(code(restore(&tree, commune, &key, &["--with-keys"])), "backup_no_keys");
    fs::rename(tree.path("burnt"), tree.keys(commune)).unwrap();
    restore(&tree, commune, &key, &[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_signed_by_somebody_else_does_not_count_for_the_node() {
    let (tree, commune, key) = lost().await;
    // Another unit's keys in the place of this one's: whoever has the stick alone cannot make a backup of the unit.
    let list = folder(&tree).join("manifests/000001.manifest");
    let bytes = fs::read(&list).unwrap();
    let stranger = danso_core::chain::LedgerKey::from_seed(&[9; 32]);
    let (manifest, _) = danso_node::store::backup::decode_manifest(&bytes).unwrap();
    let signed = danso_core::chain::Signed::sign(&manifest, &stranger);
    let forged = [&signed.signature, &stranger.public().to_bytes()[..], &signed.bytes].concat();
    fs::write(&list, forged).unwrap();
    assert_eq!(code(restore(&tree, commune, &key, &[])), "backup_signature");
    assert_eq!(code(verify(&tree, commune, &key)), "backup_signature");
    // Without the node's file nobody can tell, and that is said.
    danso(&["backup", "verify", "--from", &text(&folder(&tree))]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_at_rest_all_but_names_is_restored_and_it_says_so() {
    let (mut tree, commune, key) = lost().await;
    let (at_rest, away) = (tree.keys(commune).join("at-rest.key"), tree.path("at-rest.key"));
    let name = hex(&AtRestKey::read(&at_rest).unwrap().name().bytes());
    fs::rename(&at_rest, &away).unwrap();
    AtRestKey::generate(&at_rest).unwrap();
    assert_eq!(code(restore(&tree, commune, &key, &[])), "at_rest_wrong_key");
    fs::remove_file(&at_rest).unwrap();
    restore(&tree, commune, &key, &[]).unwrap();
    let found = verify(&tree, commune, &key).unwrap();
    assert!(!found.contains(&name), "the list names the key, the check need not");
    tree.start(commune).await;
    let info = tree.client(commune).await.node_info().await.unwrap();
    assert_eq!(info.at_rest, "locked");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_for_those_who_run_the_node_and_one_is_taken_at_a_time() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let mut recorder = commune_running(&mut tree, commune).await;
    recorder.household("2026-01-03").await;
    let officer = tree.person_keys(danso_node::transport::tls::Role::Officer, commune);
    let client = tree.client_as(commune, &officer).await;
    let refused = client.backup(1, [1; 32], &[]).await.err().unwrap();
    assert_eq!(refused.code, "not_allowed");
    let client = tree.client(commune).await;
    let taking = client.backup(1, [1; 32], &[]).await.unwrap();
    let second = client.backup(1, [1; 32], &[]).await.err().unwrap();
    assert_eq!(second.code, "backup_running");
    drop(taking);
    danso_tests::eventually("the first one's turn ends with it", || async {
        client.backup(1, [1; 32], &[]).await.ok()
    })
    .await;
    // The top of the tree, which has nobody to catch up from, is restored like the others and records at once.
    let top = central();
    tree.start(top).await;
    let key = new_key(&tree, "backup.key");
    create(&tree, top, &key, &[]);
    lose(&mut tree, top).await;
    restore(&tree, top, &key, &[]).unwrap();
    let node = tree.start(top).await;
    assert!(!node.store.own_chain_held());
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stick_leaves_the_backups_before_as_they_were_and_goes_on_when_there_is_room() {
    let mut tree = Tree::four();
    let commune = unit("00001");
    let mut recorder = commune_running(&mut tree, commune).await;
    let stick = folder(&tree);
    fs::create_dir(&stick).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&stick).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        skipped("a small disk", "this system lets no test mount one");
        return tree.stop_all().await;
    }
    let key = new_key(&tree, "backup.key");
    create(&tree, commune, &key, &[]);
    // A stranger's file takes the room, all but a little.
    let filler = stick.join("pieces/filler");
    let mut bytes = 1 << 20;
    while fs::write(&filler, vec![1; bytes]).is_err() {
        bytes -= 4_096;
    }
    for _ in 0..20 {
        recorder.household("2026-01-03").await;
    }
    let (config, to) = (node_file(&tree, commune), text(&stick));
    let said = code(danso(&["backup", "create", "--whole", "--config", &config, "--to", &to]));
    assert_eq!(said, "backup_no_space");
    assert_eq!(verify(&tree, commune, &key).unwrap().matches(": whole").count(), 1);
    fs::remove_file(&filler).unwrap();
    create(&tree, commune, &key, &[]);
    assert_eq!(verify(&tree, commune, &key).unwrap().matches(": whole").count(), 2);
    tree.stop_all().await;
    Command::new("umount").arg("-l").arg(&stick).status().unwrap();
}
