//! Signals that end a node: the first drains, the second leaves at once, and neither loses what was acknowledged.

use crate::{DANSO, arrived, book, client, household, import, record, verified};
use danso_node::wire::status::status;
use danso_proto::v1::{ImportChunk, ImportForm, ImportProgress, intake_client::IntakeClient};
use danso_tests::{Process, Tree, eventually, liar::Liar, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::fs;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

/// Households of a book whose import is under way when the signal comes.
const HOUSEHOLDS: u64 = 300;
/// Links that end while a child speaks.
const ENDS: usize = 100;

/// A call that ends when the node is told to stop, after a last word.
async fn watch(tree: &Tree, at: UnitId) -> Streaming<HealthCheckResponse> {
    client_channel(tree, at).await.watch(HealthCheckRequest::default()).await.unwrap().into_inner()
}

/// A call that never ends by itself: a file of which the rest does not come.
async fn half_a_file(tree: &Tree, at: UnitId) -> (mpsc::Sender<ImportChunk>, Streaming<ImportProgress>) {
    let (chunks, sent) = mpsc::channel(1);
    let (data, total_bytes) = (vec![b'x'].into(), 1_000);
    let first =
        ImportChunk { form: ImportForm::Register.into(), total_bytes, data, ..ImportChunk::default() };
    chunks.send(first).await.unwrap();
    let mut intake = IntakeClient::new(tree.channel_as(at, &tree.keys(at)).await);
    (chunks, intake.import(ReceiverStream::new(sent)).await.unwrap().into_inner())
}

async fn client_channel(tree: &Tree, at: UnitId) -> HealthClient<tonic::transport::Channel> {
    HealthClient::new(tree.channel_as(at, &tree.keys(at)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_lets_open_calls_end_and_the_parent_have_everything() {
    let mut tree = Tree::three();
    let (parent, at) = (unit("01"), unit("00001"));
    tree.start(central()).await;
    tree.start(parent).await;
    let mut process = Process::start(DANSO, &tree.node_file(at));
    import(&tree, at, 1, 5).await.unwrap();
    let second = client(&tree, at).await;

    // While rows of a file go in.
    let mut signalled = false;
    let summary = client(&tree, at)
        .await
        .import(book(1_000, HOUSEHOLDS), &mut |_| {
            if !std::mem::replace(&mut signalled, true) {
                process.signal("TERM");
            }
        })
        .await
        .expect("the open call ends in good order");
    assert!(signalled, "the file was too short to be interrupted");
    assert_eq!((summary.recorded, summary.refused), (4 * HOUSEHOLDS, 0));
    // A call that comes now is not taken, on a new connection or on one that is open.
    process.logged("stopping:").await;
    assert!(second.import(book(5_000, 1), &mut |_| ()).await.is_err());

    assert_eq!(process.wait().code(), Some(0));
    let log = process.log();
    assert!(log.contains("stopped") && !log.contains("cut off") && !log.contains("leaving at once"), "{log}");
    // The parent had all of it before the node ended: there is nobody left who could send it.
    let recorded = tree.changes(parent, at);
    verified(&tree, at);
    let node = tree.start(at).await;
    assert_eq!(node.store.view().recording.persons, 20 + 4 * HOUSEHOLDS);
    assert_eq!(recorded, node.store.view().recording.sequence);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_last_is_above_when_a_node_has_stopped() {
    let mut tree = Tree::three();
    let (parent, at) = (unit("01"), unit("00001"));
    tree.start(parent).await;
    for first in [100, 200, 300] {
        let node = tree.start(at).await;
        until("the node is linked", || node.link.read().unwrap().connected).await;
        for number in first..first + 10 {
            record(&node, household(number)).await.unwrap();
        }
        let recorded = node.store.view().recording.sequence;
        assert!(tree.running.remove(&at).unwrap().stop().await);
        assert_eq!(tree.changes(parent, at), recorded);
    }
    // With nobody above there is nothing to wait for.
    tree.stop(parent).await;
    let node = tree.start(at).await;
    record(&node, household(400)).await.unwrap();
    drop(node);
    assert!(tree.running.remove(&at).unwrap().stop().await);
    let node = tree.start(at).await;
    tree.start(parent).await;
    let recorded = node.store.view().recording.sequence;
    arrived(&tree, parent, at, recorded).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_leaves_at_once_and_the_first_one_tells_who_watches() {
    let tree = Tree::three();
    let at = unit("00001");
    let mut process = Process::start(DANSO, &tree.node_file(at));
    import(&tree, at, 1, 20).await.unwrap();
    let mut watched = watch(&tree, at).await;
    let first = watched.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    let open = half_a_file(&tree, at).await;
    process.signal("TERM");
    let second = watched.message().await.unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing);
    assert!(process.runs(), "it waits for the open call");
    process.signal("INT");
    assert_eq!(process.wait().code(), Some(0));
    let log = process.log();
    assert!(log.contains("a second signal: leaving at once") && !log.contains("the grace is over"), "{log}");
    drop((watched, open));
    verified(&tree, at);
    let process = Process::start(DANSO, &tree.node_file(at));
    assert_eq!(client(&tree, at).await.node_info().await.unwrap().persons, 80);
    drop(process);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_cut_off_after_the_grace() {
    let tree = Tree::three();
    let at = unit("00001");
    let mut process = Process::start(DANSO, &tree.node_file(at));
    import(&tree, at, 1, 5).await.unwrap();
    let open = half_a_file(&tree, at).await;
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    let log = process.log();
    assert!(log.contains("the grace is over: what was open is cut off") && log.contains("stopped"), "{log}");
    drop(open);
    verified(&tree, at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_rescue_mode_ends_by_the_same_signals() {
    let tree = Tree::three();
    let at = unit("00001");
    let mut process = Process::start(DANSO, &tree.node_file(at));
    client(&tree, at).await.node_info().await.unwrap();
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    fs::write(tree.home(at).join("data/FORMAT"), format!("danso 9 {at}\n")).unwrap();
    // Both processes would write into it.
    fs::remove_file(tree.home(at).join("log.txt")).unwrap();

    let mut process = Process::start(DANSO, &tree.node_file(at));
    process.logged("rescue mode: the store cannot be opened").await;
    // A reload is no reason to end.
    process.signal("HUP");
    process.logged("rescue mode takes no new settings").await;
    let mut watched = watch(&tree, at).await;
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(1));
    let log = process.log();
    assert!(log.contains("a second signal leaves at once") && !log.contains("cut off"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn children_are_told_that_their_parent_stops() {
    let mut tree = Tree::three();
    let (parent, at) = (unit("01"), unit("00001"));
    tree.start(parent).await;
    let process = Process::start(DANSO, &tree.node_file(at));
    process.logged("linked to the parent").await;
    until("the parent serves the link", || tree.node(parent).linked_children().contains_key(&at)).await;
    assert!(tree.running.remove(&parent).unwrap().stop().await);
    let log = process.logged("node_stopping").await;
    assert!(log.contains("máy cấp trên đang dừng"), "{log}");
    // It comes back by itself.
    let links = log.matches("linked to the parent").count();
    tree.start(parent).await;
    until("it is linked again", || process.log().matches("linked to the parent").count() > links).await;
    drop(process);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_hears_why_its_link_ended_also_while_it_speaks() {
    let mut tree = Tree::three();
    let mut parent = Liar::serve(&tree, unit("01")).await;
    let node = tree.start(unit("00001")).await;
    let said = || node.link.read().unwrap().error.clone();
    // Each time the child has just begun to speak; that nobody listens reaches it before the reason, or after.
    for round in 0..ENDS {
        let (before, line) = (said(), parent.line().await);
        line.welcome(parent.welcome(&tree, &[central()], Vec::new())).await;
        line.fail(status(Code::Aborted, &format!("reason_{round}"), "there is a reason")).await;
        drop(line);
        // A link that stands has no error.
        let told = |now: &String| !now.is_empty() && *now != before;
        let now = eventually("the child says why", || async { Some(said()).filter(told) }).await;
        assert!(now.starts_with(&format!("reason_{round}: ")), "{now}");
    }
    tree.stop_all().await;
}
