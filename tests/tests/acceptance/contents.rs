//! Frames and headers: edited, truncated, oversized, claims of deltas that do not follow.

use crate::scene::Scene;
use danso_core::{
    chain::{Batch, Head, read_frame, strip, write_frame},
    domain::{Core, Event, RecordedAt},
    rollup::claim,
};
use danso_tests::forge::Forger;
use danso_tier_config::{Policy, limits};

/// The next batch as it travels with names; the forger does not go on.
fn draft(forger: &Forger, births: u64) -> Batch {
    strip(forger.seal(&forger.births(births)), Policy::Names)
}

fn leaves(frame: Option<&Vec<u8>>) -> Vec<Vec<u8>> {
    read_frame(frame.unwrap(), "frame", limits::BATCH_CHANGES_MAX as usize).unwrap().to_vec()
}

fn frame(leaves: &[Vec<u8>]) -> Vec<u8> {
    write_frame(leaves.iter().map(Vec::as_slice))
}

#[tokio::test(flavor = "multi_thread")]
async fn false_deltas_are_refused_and_kept_as_evidence() {
    let mut scene = Scene::province().await;
    let births = scene.one.births(2);
    let cores: Vec<Core> = births.iter().map(|birth| Core::decode(&birth.core).unwrap()).collect();
    let half = claim(&cores[..1]);
    let twice = claim(cores.iter().chain(&cores));
    for (index, claimed) in [half, twice, Vec::new()].iter().enumerate() {
        let batch = strip(scene.one.seal_claiming(&births, claimed), Policy::Names);
        scene.refused(&batch, "batch_false_deltas").await;
        scene.evidence(index + 1).await;
    }
    assert_eq!(scene.hold(scene.one.origin), None);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_core_or_name_is_refused_and_its_header_is_kept_as_evidence_once() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 3);
    let mut cores = leaves(good.cores.as_ref());
    let mut core = Core::decode(&cores[1]).unwrap();
    core.event = Event::Born {
        order: 2,
        mother_birth: "1995-05".parse().unwrap(),
        place: danso_core::domain::BirthPlace::Home,
    };
    cores[1] = core.encode();
    let edited_core = Batch { cores: Some(frame(&cores)), ..good.clone() };
    cores = leaves(good.cores.as_ref());
    cores.swap(0, 2);
    let moved_core = Batch { cores: Some(frame(&cores)), ..good.clone() };
    let mut names = leaves(good.personal.as_ref());
    *names[0].last_mut().unwrap() ^= 1;
    let edited_name = Batch { personal: Some(frame(&names)), ..good.clone() };
    for batch in [edited_core, moved_core, edited_name] {
        scene.refused(&batch, "batch_root").await;
        scene.evidence(1).await;
    }
    scene.accepted(&good).await;
    scene.one.follow(&good);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_frames_are_refused() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 3);
    let cut = |bytes: &Option<Vec<u8>>, by: usize| {
        let bytes = bytes.clone().unwrap();
        Some(bytes[..bytes.len() - by].to_vec())
    };
    for by in [1, 10] {
        let names = Batch { personal: cut(&good.personal, by), ..good.clone() };
        scene.refused(&names, "batch_malformed").await;
        let cores = Batch { cores: cut(&good.cores, by), ..good.clone() };
        scene.refused(&cores, "batch_malformed").await;
    }
    let noise = Batch { cores: Some(vec![7; 64]), ..good.clone() };
    scene.refused(&noise, "batch_malformed").await;
    // Whole in zstd, but a change is missing.
    let fewer = Batch { cores: Some(frame(&leaves(good.cores.as_ref())[..2])), ..good.clone() };
    scene.refused(&fewer, "batch_leaves").await;
    let empty = Batch { personal: Some(Vec::new()), ..good.clone() };
    scene.refused(&empty, "batch_malformed").await;
    scene.evidence(0).await;
    scene.accepted(&good).await;
    scene.one.follow(&good);
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_missing_or_too_many_are_refused() {
    let mut scene = Scene::province().await;
    let full = scene.one.seal(&scene.one.births(1));
    scene.refused(&full, "batch_frames").await;
    let bare = Batch { cores: None, deltas: None, ..full.clone() };
    scene.refused(&bare, "batch_frames").await;
    scene.evidence(0).await;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_above_the_limit_is_refused() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 1);
    let long = || Some(vec![7; limits::FRAME_BYTES_MAX + 1]);
    for batch in [
        Batch { personal: long(), ..good.clone() },
        Batch { cores: long(), ..good.clone() },
        Batch { cores: None, deltas: long(), ..good.clone() },
    ] {
        scene.refused(&batch, "batch_too_large").await;
    }
    scene.evidence(0).await;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_refused_in_every_frame() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 1);
    let zeros = vec![0; 300 << 20];
    let bomb = write_frame([zeros.as_slice()]);
    drop(zeros);
    assert!(bomb.len() < limits::FRAME_BYTES_MAX);
    for batch in [
        Batch { personal: Some(bomb.clone()), ..good.clone() },
        Batch { cores: Some(bomb.clone()), ..good.clone() },
        Batch { cores: None, deltas: Some(bomb.clone()), ..good.clone() },
    ] {
        scene.refused(&batch, "batch_too_large").await;
    }
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_no_or_too_many_changes_is_refused() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 1);
    for changes in [0, limits::BATCH_CHANGES_MAX + 1, u32::MAX] {
        let batch = scene.one.edit_header(&good, |header| header.changes = changes);
        scene.refused(&batch, "batch_too_large").await;
    }
    let more = scene.one.edit_header(&good, |header| header.changes = 2);
    scene.refused(&more, "batch_leaves").await;
    scene.goes_on().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_no_header_is_refused() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 1);
    let with = |bytes: Vec<u8>| {
        let mut batch = good.clone();
        batch.header.bytes = bytes;
        batch
    };
    let magic = &good.header.bytes[..4];
    let long = [magic, &vec![0; limits::HEADER_BYTES_MAX]].concat();
    for (bytes, code) in [
        (long, "batch_too_large"),
        (b"DSB2 of a later program".to_vec(), "batch_malformed"),
        (Vec::new(), "batch_newer_format"),
        (magic.to_vec(), "batch_malformed"),
    ] {
        // Nobody is named, so nobody is blamed or held.
        assert_eq!(scene.refused(&with(bytes), code).await.origin, "");
    }
    scene.evidence(0).await;
    scene.goes_on().await;
    scene.end().await;
}

/// A message of exactly the limit, most of it in a field that has no business being long.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_signature_is_refused_and_the_parent_goes_on() {
    let mut scene = Scene::province().await;
    let mut batch = draft(&scene.one, 1);
    // 18 bytes of protobuf tags and lengths stand around header and signature.
    (batch.personal, batch.cores) = (None, None);
    batch.header.signature = vec![7; limits::MESSAGE_BYTES_MAX - 18 - batch.header.bytes.len()];
    scene.refused(&batch, "batch_signature").await;
    scene.goes_on().await;
    assert!(scene.node.store.failure().borrow().is_none());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_against_one_origin_is_bounded() {
    let mut scene = Scene::province().await;
    let good = draft(&scene.one, 1);
    for number in 0..limits::EVIDENCE_PER_ORIGIN_MAX as u64 + 5 {
        let later = RecordedAt::from_millis(number);
        let mut forged = scene.one.edit_header(&good, |header| header.recorded_to = later);
        forged.header.signature[0] ^= 1;
        for _ in 0..2 {
            scene.refused(&forged, "batch_signature").await;
        }
    }
    scene.goes_on().await;
    scene.evidence(limits::EVIDENCE_PER_ORIGIN_MAX).await;
    assert_ne!(scene.one.head, Head::default());
    scene.end().await;
}
