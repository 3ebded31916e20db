//! `danso status` by the program itself: the table, one unit's subtree, and the stream of `--watch`.

use crate::{four, stands};
use danso_tests::{Recorder, Tree, unit, until};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

/// The program under test.
const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

fn danso(arguments: &[&str]) -> (i32, String, String) {
    let run = || Command::new(DANSO).args(arguments).output().unwrap();
    let Output { status, stdout, stderr } = tokio::task::block_in_place(run);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A command that goes on, and what it has written so far.
struct Going {
    child: Child,
    said: PathBuf,
}

impl Going {
    fn start(tree: &Tree, name: &str, arguments: &[&str]) -> Self {
        let said = tree.path(name);
        let child = Command::new(DANSO)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&said).unwrap())
            .stderr(fs::File::create(said.with_extension("err")).unwrap())
            .spawn()
            .unwrap();
        Self { child, said }
    }

    fn out(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    fn err(&self) -> String {
        fs::read_to_string(self.said.with_extension("err")).unwrap()
    }

    /// Whole lines as JSON.
    fn answers(&self) -> Vec<Value> {
        let file = BufReader::new(fs::File::open(&self.said).unwrap());
        let lines = file.split(b'\n').map(Result::unwrap);
        lines.filter_map(|line| serde_json::from_slice(&line).ok()).collect()
    }

    /// Ctrl-C, and the exit code.
    fn interrupt(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        tokio::task::block_in_place(|| self.child.wait()).unwrap().code()
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_shows_the_worst_first_and_what_to_run() {
    let (commune, province) = (unit("00001"), unit("01"));
    let mut tree = four();
    for at in [province, unit("001"), commune] {
        tree.start(at).await;
    }
    Recorder::new(tree.node(commune)).household("2026-01-01").await;
    let node = tree.node(province);
    stands(&node, commune, "the commune is known", |found| {
        found.changes_here == 1 && found.connected == Some(true) && !found.software.is_empty()
    })
    .await;
    tree.stop(commune).await;
    stands(&node, commune, "the commune is gone", |found| found.connected == Some(false)).await;
    let file = tree.node_file(province).display().to_string();

    let (code, text, _) = danso(&["status", "--config", &file]);
    assert_eq!(code, 0, "{text}");
    for part in ["disk       ", "key until  ", " 29 days left\n", "unit              name", "findings\n"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let table: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("unit "))
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(table.len(), 1 + 7, "{text}");
    // The province has no line to central, which is the worst; then what is merely gone or was never there.
    assert!(table[1].starts_with("01@2025-07-01 ") && table[1].contains("net_refused"), "{text}");
    let row = table.iter().find(|line| line.starts_with("00001@2025-07-01")).unwrap();
    assert!(row.contains("00001 x 001") && row.contains("no_contact"), "{row}");
    for part in [
        "\nwarning: net_refused, 1 unit; see deploy/runbooks/net_refused.md\n",
        "Phường Phúc Xá mất liên lạc ",
        "    at 00001@2025-07-01 run: danso status --config node.toml\n",
        "unit_never_linked, 4 units; see deploy/runbooks/unit_never_linked.md\n",
        "run: danso invite 00004@2025-07-01 --config node.toml\n",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    let (code, text, _) = danso(&["status", "--config", &file, "--below", "002"]);
    assert!(code == 0 && text.contains("\n00037@2025-07-01") && !text.contains("\n00001@"), "{text}");
    let (code, text, _) = danso(&["status", "--config", &file, "--below", "00001", "--json"]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, answer["standings"].as_array().unwrap().len()), (0, 1));
    assert_eq!(answer["standings"][0]["waiting"]["to"], "001@2025-07-01");
    let findings = answer["standings"][0]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|found| found["runbook"] == "deploy/runbooks/no_contact.md"), "{text}");
    assert_eq!(answer["node"]["certificate_days"], 29);

    let (code, _, error) = danso(&["status", "--config", &file, "--below", "99999"]);
    assert!(code == 1 && error.contains("error[unknown_unit]"), "{error}");
    let (code, _, error) = danso(&["status", "--config", &file, "--watch", "--meters"]);
    assert!(code == 2 && error.contains("--meters"), "{error}");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_one_object_a_line_until_the_interrupt() {
    let (commune, province) = (unit("00001"), unit("01"));
    let mut tree = four();
    for at in [province, unit("001"), commune] {
        tree.start(at).await;
    }
    let file = tree.node_file(province).display().to_string();
    let mut going = Going::start(&tree, "watch.jsonl", &["status", "--watch", "--json", "--config", &file]);
    until("the first answer is there", || !going.answers().is_empty()).await;
    let first = going.answers().remove(0);
    assert_eq!((&first["partial"], first["standings"].as_array().unwrap().len()), (&Value::Bool(false), 7));
    Recorder::new(tree.node(commune)).household("2026-01-01").await;
    let is_news = |answer: &Value| {
        let rows = answer["standings"].as_array().unwrap();
        answer["partial"] == true
            && rows.iter().any(|row| row["unit"] == commune.to_string() && row["changes_here"] == 1)
    };
    until("the change is told", || going.answers().iter().any(is_news)).await;

    // The node is lost and comes back: a word on the other stream, and everything once more.
    tree.stop(province).await;
    until("the loss is told", || going.err().contains("lost the node, asking again")).await;
    tree.start(province).await;
    let whole = |answers: &[Value]| answers.iter().filter(|answer| answer["partial"] == false).count();
    until("everything is told again", || whole(&going.answers()) == 2).await;
    assert_eq!(going.interrupt(), Some(0));
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_everything_once_and_then_a_line_a_change() {
    let (commune, province) = (unit("00001"), unit("01"));
    let mut tree = four();
    for at in [province, unit("001"), commune] {
        tree.start(at).await;
    }
    stands(&tree.node(province), commune, "the commune is known", |found| found.connected == Some(true))
        .await;
    let file = tree.node_file(province).display().to_string();
    let mut going = Going::start(&tree, "watch.txt", &["status", "--watch", "--config", &file]);
    until("the table is there", || going.out().contains("unit_never_linked")).await;
    let before = going.out();
    assert!(!before.contains('\u{1b}'), "no terminal, no drawing");
    tree.stop(commune).await;
    let line = |text: &str| {
        let lines = text[before.len()..].lines().find(|line| line.contains(&commune.to_string()));
        lines.map(str::to_owned)
    };
    until("a line tells of it", || line(&going.out()).is_some_and(|line| line.contains("no_contact"))).await;
    let line = line(&going.out()).unwrap();
    assert!(
        line.contains("Phường Phúc Xá: line -, 0 changes here, 0 missing, waits at 00001 x 001"),
        "{line}"
    );
    assert_eq!(going.interrupt(), Some(0));
    // A node that never answered is a failure at once, as without --watch.
    tree.stop(province).await;
    let (code, _, error) = danso(&["status", "--watch", "--config", &file]);
    assert!(code == 1 && error.contains("error[net_refused]"), "{error}");
    tree.stop_all().await;
}
