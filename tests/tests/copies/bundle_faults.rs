//! Bundles that are damaged, forged, old, for somebody else.

use super::{
    bundle::{export, export_with, import, receipt},
    code, flip,
};
use danso_core::chain::{BundleOpening, LedgerKey, Revoked, Signed, Way};
use danso_node::{
    operations::{Actor, now_ms},
    store::envelope::{Purpose, ReceiverKey, Sealer, Unsealer},
    transport::tls::Role,
};
use danso_proto::v1::{ChildMessage, ExportBundleRequest, Hello, SignedStatement, child_message::Message};
use danso_tests::{Recorder, Tree, unit, until};
use danso_tier_config::{UnitId, limits};
use prost::Message as _;
use std::{fs, path::Path};

/// A district that runs alone, and a bundle of a commune for it.
async fn carried() -> (Tree, std::path::PathBuf) {
    let mut tree = Tree::four();
    let (district, commune) = (unit("001"), unit("00001"));
    tree.start(district).await;
    tree.start(commune).await;
    until("they know each other", || tree.node(commune).link.read().unwrap().connected).await;
    tree.stop(district).await;
    let mut recorder = Recorder::new(tree.node(commune));
    for _ in 0..5 {
        recorder.household("2026-01-01").await;
    }
    until("all is sealed", || tree.node(commune).store.view().unsealed.is_empty()).await;
    let bundle = export(&tree, commune, "up.bundle");
    drop(recorder);
    tree.stop(commune).await;
    tree.start(district).await;
    (tree, bundle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_cut_bundle_is_told_and_a_whole_one_goes_in_after_it() {
    let (mut tree, bundle) = carried().await;
    let (district, commune) = (unit("001"), unit("00001"));
    let whole = fs::read(&bundle).unwrap();
    for at in [70, 90, 200, whole.len() - 1] {
        flip(&bundle, at);
        let said = code(import(&tree, district, &bundle));
        assert!(["bundle_damaged", "bundle_other_receiver"].contains(&said.as_str()), "byte {at}: {said}");
        flip(&bundle, at);
    }
    for end in [0, 50, 79, whole.len() - 1] {
        fs::write(&bundle, &whole[..end]).unwrap();
        assert_eq!(code(import(&tree, district, &bundle)), "bundle_cut", "cut at {end}");
    }
    fs::write(&bundle, [whole.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(code(import(&tree, district, &bundle)), "bundle_damaged");
    fs::write(
        &bundle,
        b"a letter to the editor, longer than the head of a file that is sealed, by some more words",
    )
    .unwrap();
    assert_eq!(code(import(&tree, district, &bundle)), "bundle_not_bundle");
    let mut newer = whole.clone();
    newer[13] = 2;
    fs::write(&bundle, newer).unwrap();
    assert_eq!(code(import(&tree, district, &bundle)), "bundle_newer_format");
    assert!(!receipt(&bundle).exists());
    fs::write(&bundle, &whole).unwrap();
    import(&tree, district, &bundle).unwrap();
    assert_eq!(tree.changes(district, commune), 5);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_for_somebody_else_opens_for_nobody() {
    let (mut tree, bundle) = carried().await;
    let (district, commune) = (unit("001"), unit("00001"));
    // The commune next door, the other district, and the sender itself.
    for other in [unit("00004"), unit("002"), commune] {
        tree.start(other).await;
        assert_eq!(code(import(&tree, other, &bundle)), "bundle_other_receiver", "{other}");
    }
    import(&tree, district, &bundle).unwrap();
    assert_eq!(code(import(&tree, unit("00004"), &receipt(&bundle))), "bundle_other_receiver");
    // Nor is one made for a unit that is no child, or whose key is not known.
    let made = |child: &str| export_with(&tree, district, "down.bundle", &["--child", child]);
    assert_eq!(code(made("00037@2025-07-01").map(|(_, said)| said)), "bundle_sender");
    tree.stop_all().await;
    let alone = unit("00040");
    tree.start(alone).await;
    assert_eq!(code(export_with(&tree, alone, "x.bundle", &[]).map(|(_, said)| said)), "bundle_no_key");
    tree.start(danso_tests::tree::central()).await;
    let top = export_with(&tree, danso_tests::tree::central(), "x.bundle", &[]);
    assert_eq!(code(top.map(|(_, said)| said)), "bundle_no_parent");
    tree.stop_all().await;
}

/// Messages with their kinds, sealed to a node.
fn sealed(to: &LedgerKey, opening: impl FnOnce([u8; 32]) -> Signed, messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(Purpose::Bundle, to.public().agreement(), &mut out);
    let signed = opening(sealer.drawn());
    let opening = SignedStatement { statement: signed.bytes.into(), signature: signed.signature.into() }
        .encode_to_vec();
    for (kind, bytes) in std::iter::once(&(1, opening)).chain(messages) {
        sealer.write(&[*kind], &mut out);
        sealer.write(&(bytes.len() as u32).to_le_bytes(), &mut out);
        sealer.write(bytes, &mut out);
    }
    sealer.finish(&mut out);
    out
}

fn hello(sender: UnitId) -> Vec<u8> {
    let hello = Hello {
        protocol_version: limits::PROTOCOL_VERSION,
        protocol_version_min: limits::PROTOCOL_VERSION_MIN,
        unit: sender.to_string(),
        ..Hello::default()
    };
    ChildMessage { message: Some(Message::Hello(hello)) }.encode_to_vec()
}

/// A bundle that says it is from `sender`, signed with some key.
fn forged(tree: &Tree, sender: UnitId, key: &LedgerKey, messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let receiver = unit("001");
    let opening = |seal| {
        let made_at_ms = now_ms();
        Signed::sign(&BundleOpening { sender, receiver, way: Way::Up, seal, made_at_ms }, key)
    };
    sealed(&tree.ledger_key(receiver), opening, messages)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_seals_is_refused_before_anything_of_it_is_taken() {
    let (mut tree, bundle) = carried().await;
    let (district, commune) = (unit("001"), unit("00001"));
    let file = tree.path("forged.bundle");
    let greeting = |sender| vec![(2, hello(sender))];
    let try_in = |tree: &Tree, bytes: Vec<u8>| {
        fs::write(&file, bytes).unwrap();
        code(import(tree, district, &file))
    };
    let own = tree.ledger_key(commune);
    // Of another district, under its own good key; of the child, under a stranger's key.
    let foreign = unit("00037");
    let said = try_in(&tree, forged(&tree, foreign, &tree.ledger_key(foreign), &greeting(foreign)));
    assert_eq!(said, "bundle_sender");
    let stranger = LedgerKey::from_seed(&[9; 32]);
    assert_eq!(try_in(&tree, forged(&tree, commune, &stranger, &greeting(commune))), "bundle_signature");
    // The child's own opening of another file, put before what somebody else sealed.
    let opening = opening_of(&bundle, &tree.ledger_key(district));
    let moved = sealed(&tree.ledger_key(district), |_| opening, &greeting(commune));
    assert_eq!(try_in(&tree, moved), "bundle_signature");
    // Under the right key, but no bundle: without a hello, the other way, of an unknown kind, endless, too long.
    for messages in [
        vec![],
        vec![(3, hello(commune))],
        vec![(9, Vec::new())],
        vec![(2, hello(commune)), (7, Vec::new())],
        vec![(2, hello(commune)), (2, hello(commune))],
        vec![(2, [0x0a, 0x00].repeat(200_000))],
        vec![(2, hello(commune)), (2, vec![0; limits::BUNDLE_MESSAGE_BYTES_MAX + 1])],
    ] {
        let kinds: Vec<u8> = messages.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(try_in(&tree, forged(&tree, commune, &own, &messages)), "bundle_damaged", "{kinds:?}");
    }
    assert_eq!(tree.changes(district, commune), 0);
    import(&tree, district, &bundle).unwrap();
    tree.stop_all().await;
}

/// The signed opening of a bundle.
fn opening_of(bundle: &Path, key: &LedgerKey) -> Signed {
    let receiver = ReceiverKey::from_bytes(key.agreement());
    let mut plain = Vec::new();
    let mut unsealer = Unsealer::new(Purpose::Bundle, &receiver);
    unsealer.push(&fs::read(bundle).unwrap(), &mut plain).unwrap();
    let length = u32::from_le_bytes(plain[1..5].try_into().unwrap()) as usize;
    let statement = SignedStatement::decode(&plain[5..5 + length]).unwrap();
    Signed { bytes: statement.statement.into(), signature: statement.signature.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_files_take_nothing_back() {
    let (mut tree, bundle) = carried().await;
    let (district, commune) = (unit("001"), unit("00001"));
    import(&tree, district, &bundle).unwrap();
    let old = receipt(&bundle);
    tree.stop_all().await;
    tree.start(commune).await;
    import(&tree, commune, &old).unwrap();
    Recorder::new(tree.node(commune)).household("2026-02-01").await;
    until("it is sealed", || tree.node(commune).store.view().unsealed.is_empty()).await;
    let newer = export(&tree, commune, "newer.bundle");
    tree.stop_all().await;
    tree.start(district).await;
    import(&tree, district, &newer).unwrap();
    import(&tree, district, &bundle).unwrap();
    assert_eq!(tree.changes(district, commune), 6);
    tree.stop_all().await;
    tree.start(commune).await;
    let acknowledged = |tree: &Tree| tree.node(commune).store.view().chains[&commune].acknowledged.0;
    import(&tree, commune, &receipt(&newer)).unwrap();
    let now = acknowledged(&tree);
    import(&tree, commune, &old).unwrap();
    assert_eq!(acknowledged(&tree), now);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_node_is_heard_by_stick_no_more_than_by_line() {
    let (mut tree, bundle) = carried().await;
    let (district, commune) = (unit("001"), unit("00001"));
    let what = Revoked::Node { unit: commune, issued_until_ms: now_ms(), after: None };
    tree.node(district).revoke(what, "stolen", &Actor::local()).await.unwrap();
    assert_eq!(code(import(&tree, district, &bundle)), "bundle_revoked");
    assert_eq!(tree.changes(district, commune), 0);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_are_for_those_who_run_the_node() {
    let (mut tree, _) = carried().await;
    let district = unit("001");
    let officer = tree.person_keys(Role::Officer, district);
    let client = tree.client_as(district, &officer).await;
    let refused = client.export_bundle(ExportBundleRequest::default()).await.err().unwrap();
    assert_eq!(refused.code, "not_allowed");
    let refused = client.import_bundle(tokio_stream::empty()).await.err().unwrap();
    assert_eq!(refused.code, "not_allowed");
    tree.stop_all().await;
}
