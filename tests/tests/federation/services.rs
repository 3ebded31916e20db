//! The services as a client sees them, and who may use them.

use super::caught_up;
use danso_core::{chain::Digest, domain::Sex};
use danso_node::transport::{
    client::{ClientError, ImportFile, NodeClient},
    tls::{Keys, Role, connect_pinned},
};
use danso_proto::v1::{
    CountRequest, Dimension, Filter, HeadsRequest, ImportForm, IndicatorsRequest, ListUnitsRequest, Measure,
    PublishReleaseRequest, statistics_client::StatisticsClient,
};
use danso_tests::{
    Recorder, Tree,
    entries::{person, register_csv},
    tree::central,
    unit,
};
use danso_tier_config::UnitId;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

fn population(units: &[&str], by: &[Dimension], filters: &[(Dimension, &[&str])]) -> CountRequest {
    let filter = |(dimension, values): &(Dimension, &[&str])| Filter {
        dimension: i32::from(*dimension),
        values: values.iter().map(ToString::to_string).collect(),
    };
    CountRequest {
        measure: Measure::Population.into(),
        units: units.iter().map(ToString::to_string).collect(),
        month_from: "2026-03".to_owned(),
        group_by: by.iter().map(|dimension| i32::from(*dimension)).collect(),
        filters: filters.iter().map(filter).collect(),
        ..CountRequest::default()
    }
}

async fn rows(client: &NodeClient, request: CountRequest) -> Vec<(String, i64)> {
    let answer = client.count(request).await.unwrap();
    answer.rows.into_iter().map(|row| (row.keys.join(" "), row.count)).collect()
}

fn row(keys: &str, count: i64) -> (String, i64) {
    (keys.to_owned(), count)
}

fn register_file(first: u64) -> ImportFile {
    let as_of = Some("2026-01-01".parse().unwrap());
    ImportFile { form: ImportForm::Register, as_of, content: register_csv(first, 1, 2).into_bytes().into() }
}

async fn import(client: &NodeClient, first: u64) -> Result<u64, ClientError> {
    client.import(register_file(first), &mut |_| ()).await.map(|summary| summary.recorded)
}

/// Four nodes from one commune up to central, where four persons of known age live in two communes.
async fn counted_tree() -> Tree {
    let mut tree = Tree::four();
    tree.start_all().await;
    for (code, people) in [
        ("00001", vec![(Sex::Female, "1995-05-05"), (Sex::Male, "1945-01-31"), (Sex::Male, "2022-03-31")]),
        ("00037", vec![(Sex::Female, "1996-03-31")]),
    ] {
        let mut recorder = Recorder::new(tree.node(unit(code)));
        let home = recorder.household("2026-01-01").await;
        for (sex, born) in people {
            recorder.register("2026-01-01", home, person("Nguyễn Văn Bình", sex, born)).await;
        }
    }
    caught_up(&tree, central()).await;
    tree
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_counts_at_central() {
    let mut tree = counted_tree().await;
    let analyst = tree.person_keys(Role::Analyst, central());
    let client = tree.client_as(central(), &analyst).await;
    assert_eq!(rows(&client, population(&[], &[], &[])).await, [row("", 4)]);
    let by = [Dimension::AgeGroup, Dimension::Sex];
    let expected = [row("0-4 male", 1), row("30-34 female", 2), row("80+ male", 1)];
    assert_eq!(rows(&client, population(&[], &by, &[])).await, expected);
    let women = [(Dimension::Sex, ["female"].as_slice()), (Dimension::Age, ["15-49"].as_slice())];
    assert_eq!(rows(&client, population(&[], &[], &women)).await, [row("", 2)]);
    assert_eq!(rows(&client, population(&["002"], &[], &women)).await, [row("", 1)]);
    let communes = CountRequest { by_tier: "commune".to_owned(), ..population(&["001"], &[], &[]) };
    let expected = [row("00001@2025-07-01", 3), row("00004@2025-07-01", 0)];
    assert_eq!(rows(&client, communes).await, expected);

    let answer = client.count(population(&[], &by, &[])).await.unwrap();
    assert_eq!(answer.columns, ["age_group", "sex"]);
    let provenance = answer.provenance.unwrap();
    assert_eq!(provenance.coverage.unwrap().units_expected, 4);
    assert_eq!(provenance.boundary_date, tree.node(central()).today().to_string());
    let node = tree.node(central());
    let heads = node.store.view().heads_digest([unit("00001"), unit("00037")]);
    assert_eq!(Digest::from_slice(&provenance.heads_digest), Some(heads));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_heads_and_node_are_listed() {
    let mut tree = counted_tree().await;
    let client = tree.client_as(unit("01"), &tree.person_keys(Role::Analyst, unit("01"))).await;
    let below = |tier: &str, below: &str| {
        let (tier, below) = (tier.to_owned(), below.to_owned());
        ListUnitsRequest { tier, below, ..ListUnitsRequest::default() }
    };
    let communes = client.list_units(below("commune", "002")).await.unwrap();
    let names: Vec<_> = communes.units.iter().map(|unit| (unit.code.as_str(), unit.name.as_str())).collect();
    assert_eq!(names, [("00037", "Phường Phúc Tân"), ("00040", "Phường Đồng Xuân")]);
    assert_eq!(communes.units[0].parent, "002@2025-07-01");
    assert_eq!(client.list_units(below("", "")).await.unwrap().units.len(), 7);
    assert_eq!(client.list_units(below("huyen", "")).await.unwrap_err().code, "unknown_tier");

    let answer = client.heads(HeadsRequest::default()).await.unwrap();
    let node = tree.node(unit("01"));
    let expected: Vec<(String, u64, Vec<u8>)> = node
        .store
        .view()
        .chains
        .iter()
        .map(|(origin, chain)| (origin.to_string(), chain.head.number.0, chain.head.hash.0.to_vec()))
        .collect();
    let found: Vec<_> =
        answer.heads.iter().map(|head| (head.origin.clone(), head.number, head.hash.to_vec())).collect();
    assert_eq!(found, expected);
    assert_eq!(answer.heads.iter().map(|head| head.changes).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(answer.tallies_digest.to_vec(), node.tallies_digest().0.to_vec());
    let district = client.heads(HeadsRequest { below: "002".to_owned() }).await.unwrap();
    assert_eq!(district.heads.len(), 1);
    assert_ne!(district.digest, answer.digest);

    let info = client.node_info().await.unwrap();
    assert_eq!((info.unit.as_str(), info.tier.as_str()), ("01@2025-07-01", "province"));
    assert_eq!(info.name, "Thành phố Hà Nội");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_answer() {
    let mut tree = Tree::three();
    tree.start(central()).await;
    let channel = tree.channel_as(central(), &tree.keys(unit("01"))).await;
    let mut health = HealthClient::new(channel.clone());
    for service in ["", "danso.v1.Statistics", "danso.v1.Replication"] {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = health.check(HealthCheckRequest { service: "danso.v1.Nothing".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);

    let host = String::new();
    let list =
        ServerReflectionRequest { host, message_request: Some(MessageRequest::ListServices(String::new())) };
    let mut reflection = ServerReflectionClient::new(channel);
    let mut answers =
        reflection.server_reflection_info(tokio_stream::iter([list])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(listed)) = answer else {
        panic!("expected the list of services, found {answer:?}");
    };
    let names: Vec<&str> = listed.service.iter().map(|service| service.name.as_str()).collect();
    for service in ["Statistics", "Replication", "Downward", "Intake", "Operations"] {
        assert!(names.contains(&format!("danso.v1.{service}").as_str()), "{service} is not among {names:?}");
    }
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_an_answer_carries_its_code() {
    let mut tree = Tree::three();
    tree.start(central()).await;
    tree.start(unit("01")).await;
    let mut client = StatisticsClient::new(tree.channel_as(unit("01"), &tree.keys(unit("01"))).await);
    let backwards = CountRequest {
        month_from: "2026-04".into(),
        month_to: "2026-03".into(),
        ..population(&[], &[], &[])
    };
    let by_reach = population(&[], &[Dimension::Reach], &[]);
    for (request, grpc, code) in [
        (population(&["99999"], &[], &[]), Code::NotFound, "unknown_unit"),
        (population(&["VN"], &[], &[]), Code::PermissionDenied, "outside_subtree"),
        (
            CountRequest { measure: 0, ..population(&[], &[], &[]) },
            Code::InvalidArgument,
            "query_not_understood",
        ),
        (
            CountRequest { measure: 77, ..population(&[], &[], &[]) },
            Code::InvalidArgument,
            "query_not_understood",
        ),
        (by_reach, Code::InvalidArgument, "dimension_not_of_measure"),
        (backwards, Code::InvalidArgument, "months_reversed"),
        (population(&[], &[], &[(Dimension::Sex, &["both"])]), Code::InvalidArgument, "filter_value"),
    ] {
        let status = client.count(request).await.unwrap_err();
        let carried = status.metadata().get("danso-code").map(|carried| carried.to_str().unwrap());
        assert_eq!((status.code(), carried), (grpc, Some(code)));
    }
    let indicators = client.indicators(IndicatorsRequest::default()).await.unwrap_err();
    assert_eq!(indicators.metadata().get("danso-code").unwrap(), "release_none");
    tree.stop_all().await;
}

async fn code_of_count(tree: &Tree, at: UnitId, keys: &std::path::Path) -> Result<i64, String> {
    let client =
        NodeClient::connect(&tree.address(at).to_string(), at, keys).await.map_err(|error| error.code)?;
    let answer = client.count(population(&[], &[], &[])).await.map_err(|error| error.code)?;
    Ok(answer.rows[0].count)
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_decide_who_may_read_and_who_may_write() {
    let mut tree = Tree::four();
    tree.start_all().await;
    let commune = unit("00001");
    let analyst = tree.person_keys(Role::Analyst, unit("001"));
    let operator = tree.person_keys(Role::Operator, commune);
    let other_operator = tree.person_keys(Role::Operator, unit("00004"));

    // An analyst reads at the unit of the certificate and below it, nowhere else, and writes nothing.
    assert_eq!(code_of_count(&tree, unit("001"), &analyst).await, Ok(0));
    assert_eq!(code_of_count(&tree, commune, &analyst).await, Ok(0));
    for elsewhere in [unit("002"), unit("00037")] {
        assert_eq!(code_of_count(&tree, elsewhere, &analyst).await, Err("not_allowed".to_owned()));
    }
    // Above it the own district is seen, and no other.
    let above = tree.client_as(unit("01"), &analyst).await;
    assert_eq!(rows(&above, population(&[], &[], &[])).await, [row("", 0)]);
    assert_eq!(above.count(population(&["002"], &[], &[])).await.unwrap_err().code, "outside_subtree");
    let reader = tree.client_as(commune, &analyst).await;
    assert_eq!(import(&reader, 1).await.unwrap_err().code, "not_allowed");

    // Only those who run a commune record there.
    let neighbour = tree.client_as(commune, &other_operator).await;
    assert_eq!(import(&neighbour, 1).await.unwrap_err().code, "not_allowed");
    assert_eq!(tree.node(commune).store.view().recording.sequence, 0);
    let own = tree.client_as(commune, &operator).await;
    assert_eq!(import(&own, 1).await, Ok(2));
    assert_eq!(import(&own, 1).await, Ok(0), "a repeat records nothing");
    let district = tree.client(unit("001")).await;
    assert_eq!(import(&district, 1).await.unwrap_err().code, "not_recording");

    // Releases are made by central's operators only.
    let month = || PublishReleaseRequest { month: "2026-03".to_owned() };
    let reader = tree.client_as(central(), &tree.person_keys(Role::Analyst, central())).await;
    assert_eq!(reader.publish_release(month()).await.unwrap_err().code, "not_allowed");
    assert_eq!(own.publish_release(month()).await.unwrap_err().code, "release_not_top");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused() {
    let mut tree = Tree::three();
    tree.start(central()).await;
    let stranger = tree.stranger_keys(unit("01"));
    assert_eq!(code_of_count(&tree, central(), &stranger).await, Err("tls_own_foreign".to_owned()));
    assert_eq!(code_of_count(&tree, central(), &tree.keys(unit("01"))).await, Ok(0));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_without_certificate_is_connected_and_not_authenticated() {
    let mut tree = Tree::three();
    tree.start(central()).await;
    let keys = Keys::read(&tree.keys(central()), std::time::SystemTime::now()).unwrap();
    let address = tree.address(central()).to_string();
    let (channel, _) = connect_pinned(&address, central(), keys.root_fingerprint()).await.unwrap();
    let mut client = StatisticsClient::new(channel.clone());
    let status = client.count(population(&[], &[], &[])).await.unwrap_err();
    let health = HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving, "health is open to everybody");
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.metadata().get("danso-code").unwrap(), "not_authenticated");
    tree.stop_all().await;
}
