//! A node that cannot open its store stays up, says why and what mends it, and serves nothing else.

use crate::{
    DANSO,
    mending::{danso, flip, segment},
    scene::{data, stopped},
};
use danso_node::transport::client::{ClientError, NodeClient};
use danso_proto::v1::{CountRequest, HeadsRequest, NodeInfoAnswer};
use danso_tests::{Process, Tree, eventually, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::{
    fs,
    process::{Command, ExitStatus},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// What keeps a store shut, how it is done, and what the node says.
type Case = (&'static str, fn(&Tree, UnitId), &'static str);

/// Damage and the like: the node stays up.
const RESCUED: &[Case] = &[
    ("ledger_damaged", |tree, at| flip(&segment(tree, at)), "danso rebuild --from-parent --config "),
    (
        "ledger_missing_segment",
        |tree, at| fs::remove_file(segment(tree, at)).unwrap(),
        "danso rebuild --from-parent ",
    ),
    (
        "folder_newer_format",
        |tree, at| write_format(tree, at, &format!("danso 9 {at}\n")),
        "danso run --config ",
    ),
    ("at_rest_damaged", |tree, at| flip(&data(tree, at).join("AT-REST")), "danso rebuild --from-parent "),
    (
        "at_rest_missing",
        |tree, at| fs::remove_file(data(tree, at).join("AT-REST")).unwrap(),
        "danso rebuild ",
    ),
    ("at_rest_wrong_key", |tree, at| other_key(tree, at, "at-rest.key"), "danso run --config "),
];

/// Something done to a unit's stopped node.
type Damage = fn(&Tree, UnitId);

/// No damage: the process ends at once.
const ENDED: &[(&str, Damage)] = &[
    ("folder_other_unit", |tree, at| write_format(tree, at, &format!("danso 2 {}\n", central()))),
    ("folder_not_danso", |tree, at| write_format(tree, at, "a diary\n")),
    ("ledger_key_content", |tree, at| fs::write(tree.keys(at).join("ledger.key"), "no key\n").unwrap()),
];

fn write_format(tree: &Tree, at: UnitId, text: &str) {
    fs::write(data(tree, at).join("FORMAT"), text).unwrap();
}

/// Puts the key of another node in the place of a key.
fn other_key(tree: &Tree, at: UnitId, name: &str) {
    let other = tree.keys(central()).join(name);
    fs::copy(other, tree.keys(at).join(name)).unwrap();
}

fn log(tree: &Tree, at: UnitId) -> String {
    fs::read_to_string(tree.home(at).join("log.txt")).unwrap_or_default()
}

async fn client(tree: &Tree, at: UnitId, keys: UnitId) -> Option<NodeClient> {
    NodeClient::connect(&tree.address(at).to_string(), at, &tree.keys(keys)).await.ok()
}

async fn rescued(tree: &Tree, at: UnitId) -> NodeInfoAnswer {
    eventually("the node tells its advice", || async {
        let info = client(tree, at, at).await?.node_info().await.ok()?;
        info.rescue.is_some().then_some(info)
    })
    .await
}

async fn health(tree: &Tree, at: UnitId) -> ServingStatus {
    let mut health = HealthClient::new(tree.channel_as(at, &tree.keys(at)).await);
    health.check(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner().status()
}

/// Ends a process by SIGTERM and gives how it ended.
fn terminate(process: &mut Process) -> ExitStatus {
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    process.wait()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_open_its_store_says_why_and_serves_nothing_else() {
    let tree = stopped().await;
    let (at, parent) = (unit("00001"), unit("001"));
    flip(&segment(&tree, at));
    let mut process = Process::start(DANSO, &tree.node_file(at));
    let info = rescued(&tree, at).await;
    let rescue = info.rescue.unwrap();
    assert_eq!((info.unit, info.parent), (at.to_string(), parent.to_string()));
    assert_eq!((rescue.code.as_str(), info.last_sequence), ("ledger_damaged", 0));
    assert!(rescue.cause.contains("segment 00000001 is damaged at byte "), "{}", rescue.cause);
    assert!(rescue.vietnamese.starts_with("Sổ cái trên đĩa bị hỏng."), "{}", rescue.vietnamese);
    let file = tree.home(at).join("node.toml").display().to_string();
    assert_eq!(rescue.command, format!("danso rebuild --from-parent --config {file}"));
    assert_eq!(health(&tree, at).await, ServingStatus::NotServing);

    // Everything else is refused with the code, whoever asks, and tells no place.
    let own = client(&tree, at, at).await.unwrap();
    let above = client(&tree, at, parent).await.unwrap();
    let refused: Vec<ClientError> = vec![
        own.heads(HeadsRequest::default()).await.unwrap_err(),
        own.count(CountRequest::default()).await.unwrap_err(),
        own.replication_status().await.unwrap_err(),
        own.publish_release(danso_proto::v1::PublishReleaseRequest::default()).await.unwrap_err(),
        above.node_info().await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.code, "ledger_damaged", "{error}");
        assert!(
            error.message.contains("cannot open its store") && !error.message.contains("segment"),
            "{error}"
        );
    }

    // The command shows the advice and fails; the log has it once.
    let (code, text) = danso(&tree, at, &["status"]);
    assert_eq!(code, 1, "{text}");
    for part in
        [&rescue.command, &rescue.vietnamese, "error[ledger_damaged]: segment ", "runbooks/rescue_mode.md"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let (code, text) = danso(&tree, at, &["status", "--json"]);
    assert!(code == 1 && text.contains("\"code\": \"ledger_damaged\""), "{text}");
    assert_eq!(log(&tree, at).matches("rescue mode: ").count(), 1, "{}", log(&tree, at));

    // It holds nothing: the folder can be looked at while it stays up.
    let (code, text) = danso(&tree, at, &["verify"]);
    assert!(code == 1 && text.contains("error[ledger_damaged]"), "{text}");
    assert_eq!(terminate(&mut process).code(), Some(1));
    assert!(log(&tree, at).contains("error[ledger_damaged]"), "{}", log(&tree, at));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_the_advice_mends_a_node_while_it_is_in_rescue_mode() {
    let mut tree = stopped().await;
    let (at, parent) = (unit("00001"), unit("001"));
    flip(&segment(&tree, at));
    let mut process = Process::start(DANSO, &tree.node_file(at));
    let command = rescued(&tree, at).await.rescue.unwrap().command;
    tree.start(parent).await;
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let mended = tokio::task::block_in_place(|| Command::new(DANSO).args(words).output()).unwrap();
    assert!(mended.status.success(), "{}", String::from_utf8_lossy(&mended.stderr));
    terminate(&mut process);
    let node = tree.start(at).await;
    let recorded = node.store.view().recording.sequence;
    until("the mended node is linked", || node.link.read().unwrap().connected).await;
    assert_eq!(tree.changes(parent, at), recorded);
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_has_its_advice_and_what_is_no_damage_ends_the_process() {
    let tree = stopped().await;
    let at = unit("00001");
    let (data, kept) = (data(&tree, at), tree.path("kept"));
    danso_tests::folder::copy(&data, &kept.join("data"));
    danso_tests::folder::copy(&tree.keys(at), &kept.join("keys"));
    let put_back = || {
        danso_tests::folder::put_back(&kept.join("data"), &data);
        danso_tests::folder::put_back(&kept.join("keys"), &tree.keys(at));
    };
    for (code, hurt, command) in RESCUED {
        hurt(&tree, at);
        let mut process = Process::start(DANSO, &tree.node_file(at));
        let rescue = rescued(&tree, at).await.rescue.unwrap();
        assert_eq!(rescue.code, *code);
        assert!(rescue.command.starts_with(command), "{code}: {}", rescue.command);
        assert!(!rescue.vietnamese.is_empty() && !rescue.english.is_empty());
        assert_eq!(terminate(&mut process).code(), Some(1), "{code}");
        put_back();
    }
    for (code, hurt) in ENDED {
        hurt(&tree, at);
        let (exit, text) = danso(&tree, at, &["run"]);
        assert!(exit == 1 && text.contains(&format!("error[{code}]")), "{code}: {text}");
        assert!(!text.contains("rescue mode"), "{text}");
        put_back();
    }
    // Who does not want it gets the exit code at once.
    flip(&segment(&tree, at));
    let (exit, text) = danso(&tree, at, &["run", "--no-rescue"]);
    assert!(exit == 1 && text.contains("error[ledger_damaged]") && !text.contains("rescue mode"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_top_is_sent_to_a_backup_and_not_to_a_parent() {
    let tree = stopped().await;
    flip(&segment(&tree, central()));
    let mut process = Process::start(DANSO, &tree.node_file(central()));
    let rescue = rescued(&tree, central()).await.rescue.unwrap();
    assert!(rescue.command.starts_with("danso backup restore --from DIR --config "), "{}", rescue.command);
    terminate(&mut process);
}
