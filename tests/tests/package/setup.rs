//! `danso setup` as an operator meets it: at a terminal, and in a script.

use crate::DANSO;
use danso_node::operations::Actor;
use danso_tests::{Grown, Tree, tree::central, unit};
use danso_tier_config::NodeConfig;
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs `danso setup` at a terminal of its own (`script` of bsdutils) and types the answers.
fn at_terminal(folder: &Path, arguments: &str, answers: &[&str]) -> Output {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--echo", "never", "--command"])
        .arg(format!("'{DANSO}' setup {arguments}"))
        .arg("/dev/null")
        .current_dir(folder)
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let typed: String = answers.iter().flat_map(|answer| [*answer, "\n"]).collect();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs `danso setup` in a script: its standard input is no terminal. The umask is that of a careful administrator.
fn in_script(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("sh")
        .args(["-c", "umask 077 && exec \"$0\" setup \"$@\"", DANSO])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A new folder with the list of units of a tree.
fn office(tree: &Tree) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(tree.path("directory.csv"), folder.path().join("units.csv")).unwrap();
    folder
}

/// `danso config check` accepts the file and says this.
fn accepted(folder: &Path) -> String {
    let checked =
        Command::new(DANSO).args(["config", "check"]).arg(folder.join("node.toml")).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    text(&checked.stdout)
}

#[test]
fn at_a_terminal_the_questions_lead_to_a_file_that_is_accepted() {
    let tree = Tree::four();
    let folder = office(&tree);
    // The name fits two units, the second of the list is meant; all else but the address is as proposed.
    let answers = ["phuc", "2", "10.1.2.3", "", "", "", ""];
    let said = at_terminal(folder.path(), "--out node.toml", &answers);
    let shown = text(&said.stdout);
    assert_eq!(said.status.code(), Some(0), "{shown}");
    assert!(shown.contains("Which unit") && shown.contains("đơn vị nào"), "{shown}");
    let checked = accepted(folder.path());
    assert!(checked.contains("this is Phường Phúc Tân") && checked.contains("10.1.2.3:7411"), "{checked}");
}

#[test]
fn in_a_script_options_are_enough_and_a_repeat_changes_nothing() {
    let tree = Tree::four();
    let folder = office(&tree);
    let options = ["--unit", "Truc Bach", "--parent-address", "10.1.2.3", "--out", "node.toml"];
    let said = in_script(folder.path(), &options);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    let (steps, file) = (text(&said.stdout), folder.path().join("node.toml"));
    for command in
        ["danso config check ", "danso enrol --config ", "danso run --config ", "danso status --config "]
    {
        assert!(steps.lines().any(|line| line.starts_with(command)), "{command} in\n{steps}");
    }
    assert!(accepted(folder.path()).contains("this is Phường Trúc Bạch"));
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644, "the node's user reads it");
    for options in [&options[..], &["--out", "node.toml"], &["--out", "node.toml", "--yes"]] {
        let again = in_script(folder.path(), options);
        assert_eq!(
            (again.status.code(), text(&again.stdout)),
            (Some(0), steps.clone()),
            "{}",
            text(&again.stderr)
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), first);
    }
    let other = in_script(folder.path(), &["--unit", "phuc xa", "--out", "node.toml"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).starts_with("error[setup_exists]: "), "{}", text(&other.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
}

#[test]
fn in_a_script_what_is_missing_is_an_error_with_a_code() {
    let tree = Tree::four();
    let folder = office(&tree);
    let cases: [(&[&str], &str); 4] = [
        (&[], "setup_incomplete"),
        (&["--unit", "phuc"], "setup_unit_ambiguous"),
        (&["--unit", "paris"], "setup_unit_unknown"),
        (&["--unit", "phuc xa"], "setup_incomplete"),
    ];
    for (options, code) in cases {
        let said = in_script(folder.path(), &[options, &["--out", "node.toml"]].concat());
        let shown = text(&said.stderr);
        assert_eq!(said.status.code(), Some(1), "{shown}");
        assert!(shown.starts_with(&format!("error[{code}]: ")), "{options:?}: {shown}");
    }
    assert!(!folder.path().join("node.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_invitation_setup_enrols_and_the_node_is_ready_to_run() {
    let mut tree = Grown::four(DANSO).await;
    let token = tree.invite(unit("01"), false).await;
    let folder = tempfile::tempdir().unwrap();
    // No list at hand: it comes with the enrolment. The unit is the one of the invitation.
    let address = tree.address(central()).to_string();
    let options = ["--hierarchy", "four-tier", "--tier", "province", "--parent-unit", "VN@1945-09-02"];
    let options =
        [&options[..], &["--parent-address", &address, "--token", &token, "--out", "node.toml"]].concat();
    let said = tokio::task::block_in_place(|| in_script(folder.path(), &options));
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    assert!(!text(&said.stdout).contains("danso enrol"), "{}", text(&said.stdout));
    let checked = accepted(folder.path());
    assert!(
        checked.contains("certificate good until") && checked.contains("this is Thành phố Hà Nội"),
        "{checked}"
    );
    // The invitation is taken again from the folder that used it; without one nothing is asked of the parent.
    let without: Vec<&str> =
        options.iter().copied().filter(|option| *option != "--token" && *option != token).collect();
    for options in [&options, &without] {
        let again = tokio::task::block_in_place(|| in_script(folder.path(), options));
        assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    }

    let other = tempfile::tempdir().unwrap();
    let used = tokio::task::block_in_place(|| in_script(other.path(), &options));
    let shown = text(&used.stderr);
    assert!(shown.contains("error[invitation_used]: ") && shown.contains("error[setup_enrol]: "), "{shown}");
    assert!(NodeConfig::load(&other.path().join("node.toml")).is_ok(), "what was written stays");
    assert!(tree.node(central()).invite(unit("01"), 1, false, tree.root(), &Actor::local()).await.is_ok());
    tree.stop_all().await;
}
