//! The log of a node as JSON lines: the same events and fields, whatever happens, and nobody's name.

use crate::DANSO;
use danso_node::transport::client::ImportFile;
use danso_proto::v1::ImportForm;
use danso_tests::{Process, Tree, entries::register_csv, eventually, unit, until};
use danso_tier_config::UnitId;
use serde_json::Value;
use std::{fs, process::Command};

const JSON: (&str, &str) = ("DANSO_LOG_FORMAT", "json");

fn text(tree: &Tree, at: UnitId) -> String {
    fs::read_to_string(tree.home(at).join("log.txt")).unwrap_or_default()
}

fn lines(tree: &Tree, at: UnitId) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text(tree, at).lines().map(line).collect()
}

fn message<'a>(lines: &'a [Value], message: &str) -> Option<&'a Value> {
    lines.iter().find(|line| line["message"] == message)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_node_is_json_with_time_level_place_and_fields_and_names_nobody() {
    let tree = Tree::three();
    let at = unit("00001");
    let variables = [JSON, ("DANSO_LOG", "danso_node=debug,info")];
    let mut process = Process::start_with(DANSO, &tree.node_file(at), &variables);
    until("it has no parent, and says so", || text(&tree, at).contains("no link to the parent")).await;
    let client = tree.client(at).await;
    let content = register_csv(1, 3, 2).into_bytes().into();
    let file = ImportFile { form: ImportForm::Register, as_of: None, content };
    client.import(file, &mut |_| ()).await.unwrap();
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    assert!(process.wait().success());
    let lines = lines(&tree, at);
    for line in &lines {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {line}");
        }
        // A field of an event with one of these names would take its place.
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].map(Value::from).contains(&line["level"]), "{line}");
        assert!(!line.to_string().contains("Nguyễn"), "{line}");
    }
    let serving = message(&lines, "serving").unwrap();
    assert_eq!((&serving["unit"], &serving["level"]), (&at.to_string().into(), &"INFO".into()));
    let link = message(&lines, "no link to the parent").unwrap();
    assert_eq!((&link["code"], &link["level"]), (&"net_refused".into(), &"WARN".into()));
    assert!(link["delay_ms"].is_u64(), "{link}");
    assert!(message(&lines, "stopped").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_start_says_why_in_the_same_form() {
    let tree = Tree::three();
    let at = unit("00001");
    let file = tree.node_file(at);
    fs::write(tree.keys(at).join("ledger.key"), "no key\n").unwrap();
    let mut process = Process::start_with(DANSO, &file, &[JSON]);
    assert_eq!(process.wait().code(), Some(1));
    let last = lines(&tree, at).pop().unwrap();
    assert_eq!((&last["code"], &last["level"]), (&"ledger_key_content".into(), &"ERROR".into()));
    assert!(last["error"].as_str().is_some_and(|text| !text.is_empty()), "{last}");

    // A file that cannot be used: each of its faults.
    let at = unit("00004");
    let broken = fs::read_to_string(tree.node_file(at)).unwrap() + "\nunknown = 1\n";
    fs::write(tree.home(at).join("node.toml"), broken).unwrap();
    let mut process = Process::start_with(DANSO, &tree.home(at).join("node.toml"), &[JSON]);
    assert_eq!(process.wait().code(), Some(1));
    let lines = lines(&tree, at);
    assert!(lines.iter().any(|line| line["code"] == "key-unknown"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_the_log_is_chosen_by_flag_or_variable_and_a_wrong_one_is_refused() {
    let tree = Tree::three();
    let at = unit("00001");
    let file = tree.node_file(at);
    let danso = |variable: &str, arguments: &[&str]| {
        let mut command = Command::new(DANSO);
        command.args(["run", "--config"]).arg(&file).args(arguments).env(JSON.0, variable).output().unwrap()
    };
    for (variable, arguments) in [("xml", &[] as &[&str]), ("json", &["--log-format", "xml"])] {
        let output = danso(variable, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("invalid value 'xml'") && said.contains("plain, json"), "{said}");
    }
    // The flag goes before the variable.
    fs::remove_file(tree.keys(at).join("node.key")).unwrap();
    let said = |variable: &str, flag: &str| {
        String::from_utf8(danso(variable, &["--log-format", flag]).stderr).unwrap()
    };
    assert!(said("plain", "json").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let plain = said("json", "plain");
    assert!(plain.contains("error[keys_file_missing]: ") && !plain.contains("{\""), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_that_are_not_understood_are_told_and_passed_over() {
    let tree = Tree::three();
    let at = unit("00001");
    let variables = [JSON, ("DANSO_LOG", "danso=loud=very")];
    let process = Process::start_with(DANSO, &tree.node_file(at), &variables);
    let told = eventually("it serves", || async {
        text(&tree, at).contains("\"serving\"").then(|| lines(&tree, at))
    })
    .await;
    let warned = told.iter().any(|line| {
        line["level"] == "WARN"
            && line["message"].as_str().unwrap().starts_with("DANSO_LOG is not understood")
    });
    assert!(warned, "{told:?}");
    drop(process);
}
