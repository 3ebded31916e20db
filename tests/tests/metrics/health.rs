//! Ready, stopping, failed, in rescue mode: what is told by gRPC and by HTTP is the same.

use crate::{
    DANSO,
    ask::{get, try_get, value},
};
use danso_node::{
    host::{DiskWatch, Host, Step, Steps},
    operations::Health,
};
use danso_tests::{Process, Recorder, Tree, eventually, unit, until};
use danso_tier_config::UnitId;
use std::{
    fs::{self, File},
    io,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

const SERVICES: &[&str] = &[
    "",
    "danso.v1.Accounts",
    "danso.v1.Audit",
    "danso.v1.Authorities",
    "danso.v1.Chains",
    "danso.v1.Copies",
    "danso.v1.Downward",
    "danso.v1.Enrolment",
    "danso.v1.Intake",
    "danso.v1.Keys",
    "danso.v1.Operations",
    "danso.v1.Register",
    "danso.v1.Replication",
    "danso.v1.Statistics",
    "grpc.health.v1.Health",
];

fn commune() -> UnitId {
    unit("00001")
}

async fn channel(tree: &Tree) -> Channel {
    tree.channel_as(commune(), &tree.keys(commune())).await
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn check(channel: Channel, service: &str) -> ServingStatus {
    HealthClient::new(channel).check(about(service)).await.unwrap().into_inner().status()
}

async fn watch(channel: Channel, service: &str) -> Streaming<HealthCheckResponse> {
    HealthClient::new(channel).watch(about(service)).await.unwrap().into_inner()
}

async fn told(watching: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    watching.message().await.unwrap().map(|answer| answer.status())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_serves_says_so_of_every_service_and_watchers_see_it_stop() {
    let mut tree = Tree::three();
    let address = tree.open_web(commune());
    let node = tree.start(commune()).await;
    let channel = channel(&tree).await;
    for service in SERVICES {
        assert_eq!(check(channel.clone(), service).await, ServingStatus::Serving, "{service}");
    }
    let unknown = HealthClient::new(channel.clone()).check(about("danso.v1.Nothing")).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    let mut unknown = watch(channel.clone(), "danso.v1.Nothing").await;
    assert_eq!(told(&mut unknown).await, Some(ServingStatus::ServiceUnknown));
    let mut whole = watch(channel.clone(), "").await;
    assert_eq!(told(&mut whole).await, Some(ServingStatus::Serving));
    let ready = get(address, "/health/ready", &[]).await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "{\"ready\":true,\"state\":\"serving\"}\n"));

    // What a stop does first: whoever has a line sees it at once.
    node.note_stopping();
    assert_eq!(told(&mut whole).await, Some(ServingStatus::NotServing));
    assert_eq!(told(&mut whole).await, None, "a watch would hold the node");
    assert_eq!(check(channel, "").await, ServingStatus::NotServing);
    let ready = get(address, "/health/ready", &[]).await;
    assert_eq!((ready.status, ready.body.as_str()), (503, "{\"ready\":false,\"state\":\"stopping\"}\n"));
    let live = get(address, "/health/live", &[]).await;
    assert_eq!((live.status, live.body.as_str()), (200, "{\"live\":true,\"state\":\"stopping\"}\n"));
    assert_eq!(value(&node.exposition(), "danso_node_ready", None), Some(0.0));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_told_to_those_who_watch_and_is_not_held_by_them() {
    let mut tree = Tree::three();
    tree.start(commune()).await;
    let mut whole = watch(channel(&tree).await, "danso.v1.Replication").await;
    assert_eq!(told(&mut whole).await, Some(ServingStatus::Serving));
    // Returns once every call has ended.
    tree.stop(commune()).await;
    assert_eq!(told(&mut whole).await, Some(ServingStatus::NotServing));
    assert_eq!(told(&mut whole).await, None);
}

/// A disk whose syncs fail once it is told to.
#[derive(Default)]
struct Dying(AtomicBool);

impl Steps for Dying {
    fn before(&self, step: Step, _: &Path) -> io::Result<()> {
        let dead = self.0.load(Ordering::Acquire) && step == Step::SyncData;
        if dead { Err(io::Error::other("the disk is dying")) } else { Ok(()) }
    }

    fn writes(&self, _: &Path, _: &File, _: u64, bytes: usize) -> usize {
        bytes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_store_has_stopped_is_neither_ready_nor_alive() {
    let mut tree = Tree::three();
    let address = tree.open_web(commune());
    let dying = Arc::new(Dying::default());
    let host = Host { disk: DiskWatch::new(Arc::clone(&dying) as Arc<dyn Steps>), ..Host::default() };
    let node = tree.start_on(commune(), host).await;
    let channel = channel(&tree).await;
    let mut whole = watch(channel.clone(), "").await;
    assert_eq!(told(&mut whole).await, Some(ServingStatus::Serving));
    Recorder::new(Arc::clone(&node)).household("2026-01-01").await;
    assert_eq!(node.health(), Health::Serving);

    dying.0.store(true, Ordering::Release);
    let entry = danso_core::domain::entry::Entry::OpenHousehold {
        area: danso_core::domain::Area(1),
        kind: danso_core::domain::HouseholdKind::Family,
        facts: danso_core::domain::HouseholdFacts { number: "2".to_owned(), address: String::new() },
    };
    let (_, ticket) = node.record(None, "2026-01-01".parse().unwrap(), entry).unwrap();
    assert_eq!(ticket.unwrap().durable().await.unwrap_err().code(), "ledger_io");
    assert_eq!(told(&mut whole).await, Some(ServingStatus::NotServing));
    assert_eq!(check(channel, "danso.v1.Intake").await, ServingStatus::NotServing);
    for (path, expected) in [
        ("/health/ready", "{\"ready\":false,\"state\":\"failed\",\"code\":\"ledger_io\"}\n"),
        ("/health/live", "{\"live\":false,\"state\":\"failed\",\"code\":\"ledger_io\"}\n"),
    ] {
        let answer = get(address, path, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, expected));
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_rescue_mode_is_alive_and_not_ready_and_tells_nothing_else() {
    let mut tree = Tree::three();
    let address = tree.open_web(commune());
    tree.start(commune()).await;
    Recorder::new(tree.node(commune())).household("2026-01-01").await;
    tree.stop(commune()).await;
    let segment = tree.home(commune()).join("data/ledger/00000001.ledger");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[60] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let mut process = Process::start(DANSO, &tree.node_file(commune()));
    let ready = eventually("the rescue answers", || try_get(address, "/health/ready", &[])).await;
    let expected = "{\"ready\":false,\"state\":\"rescue\",\"code\":\"ledger_damaged\"}\n";
    assert_eq!((ready.status, ready.body.as_str()), (503, expected));
    let live = get(address, "/health/live", &[]).await;
    let expected = "{\"live\":true,\"state\":\"rescue\",\"code\":\"ledger_damaged\"}\n";
    assert_eq!((live.status, live.body.as_str()), (200, expected));
    assert_eq!(get(address, "/metrics", &[]).await.status, 404);
    let channel = channel(&tree).await;
    for service in SERVICES {
        assert_eq!(check(channel.clone(), service).await, ServingStatus::NotServing, "{service}");
    }
    let mut whole = watch(channel, "").await;
    assert_eq!(told(&mut whole).await, Some(ServingStatus::NotServing));
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    // The word that it stops is the last one, and the watch does not hold the process.
    while let Ok(Some(_)) = whole.message().await {}
    until("the process has ended", || !process.runs()).await;
}
