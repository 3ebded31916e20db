//! The whole way by command; passwords and tokens are in no file of the node and in no line of a log.

use super::*;
use danso_tests::{Process, eventually, tree::all_bytes};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

/// Runs the command with lines on stdin.
fn danso(words: &[&str], input: &str) -> Output {
    let mut command = Command::new(DANSO);
    command.args(words).env_remove("DANSO_TOKEN").env("DANSO_LOG", "trace");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that is refused before it asks for a line reads none.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_sign_in_and_out_and_leave_no_secret_behind() {
    let tree = Tree::three();
    let (at, file) = (central(), tree.node_file(central()));
    let _process = Process::start_with(DANSO, &file, &[("DANSO_LOG", "trace")]);
    let keys = tree.keys(at);
    let (address, unit) = (tree.address(at).to_string(), at.to_string());
    eventually("central serves", async || NodeClient::connect(&address, at, &keys).await.ok()).await;
    let (session, token, authority) = (tree.path("session"), tree.path("token"), keys.join("ca.crt"));
    let place = ["--address", &address, "--unit", &unit, "--ca", text(&authority)];
    let mut told = Vec::new();
    let mut run = |words: &[&str], input: &str, ends: &str| {
        let output = danso(words, input);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let outcome = if output.status.success() { "ok" } else { stderr.as_str() };
        assert!(outcome.contains(ends), "{words:?}: {stderr}");
        told.extend(output.stderr);
        told.extend(&output.stdout);
        String::from_utf8(output.stdout).unwrap()
    };
    let config = ["--config", text(&file)];
    let typed = format!("{PASSWORD}\n");
    let add = |name: &'static str| {
        [&["user", "add", name, "--role", "officer", "--unit", "VN", "--password-stdin"][..], &config]
            .concat()
    };
    run(&add("lan.nt"), &typed, "ok");
    run(&add("binh"), "matkhau123\n", "password_weak");
    run(
        &[&["user", "add", "binh", "--role", "officer", "--unit", "VN"][..], &config].concat(),
        &typed,
        "--password-stdin",
    );
    let sign_in =
        [&["user", "signin", "--name", "lan.nt", "--out", text(&session), "--password-stdin"][..], &place];
    run(&sign_in.concat(), "a wrong password\n", "signin_refused");
    assert!(!session.exists());
    run(&sign_in.concat(), &typed, "ok");
    assert_eq!(fs::metadata(&session).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = fs::read_to_string(&session).unwrap().trim().to_owned();

    let with_session = [&place[..], &["--token-file", text(&session)]].concat();
    run(&[&["status"][..], &with_session].concat(), "", "ok");
    let tokens = run(&[&["token", "list"][..], &with_session].concat(), "", "ok");
    assert!(tokens.contains("session") && tokens.contains("lan.nt"), "{tokens}");
    let make = ["token", "add", "--account", "lan.nt", "--label", "báo cáo", "--out", text(&token)];
    run(&[&make[..], &config].concat(), "", "ok");
    let api = fs::read_to_string(&token).unwrap().trim().to_owned();
    let with_token = [&place[..], &["--token-file", text(&token)]].concat();
    run(&[&["query", "count", "--measure", "population"][..], &with_token].concat(), "", "ok");
    let meters = run(&[&["status", "--meters"][..], &config].concat(), "", "ok");
    assert!(meters.contains("danso_sign_ins_total"), "{meters}");
    let id = api.split('_').nth(1).unwrap();
    run(&[&["token", "revoke", id][..], &config].concat(), "", "ok");
    run(&[&["query", "count", "--measure", "population"][..], &with_token].concat(), "", "token_revoked");
    let new = "bảy con vịt vàng";
    let password = [&["user", "password", "lan.nt", "--password-stdin"][..], &with_session].concat();
    run(&password, &format!("{PASSWORD}\n{new}\n"), "ok");
    run(&sign_in.concat(), &format!("{new}\n"), "ok");
    let second = fs::read_to_string(&session).unwrap().trim().to_owned();
    run(&[&["user", "signout"][..], &with_session].concat(), "", "ok");
    assert!(!session.exists(), "the file of an ended session is removed");
    run(&[&["user", "disable", "lan.nt"][..], &config].concat(), "", "ok");
    let accounts = run(&[&["user", "list"][..], &config].concat(), "", "ok");
    assert!(accounts.contains("lan.nt") && accounts.contains("disabled"), "{accounts}");

    let folder = all_bytes(&tree.home(at).join("data"));
    let log = fs::read(file.with_file_name("log.txt")).unwrap();
    assert!(holds(&folder, "lan.nt"), "the search finds what is there");
    assert!(log.len() > 10_000, "the log tells everything");
    for secret in [PASSWORD, new, "matkhau123", "a wrong password", &shown, &second, &api] {
        // Of a token the secret half: its id may be told.
        let secret = secret.rsplit('_').next().unwrap();
        assert!(!holds(&folder, secret), "a secret is in the data folder");
        assert!(!holds(&log, secret), "a secret is in the node's log");
        assert!(!holds(&told, secret), "a secret is in what a command told");
    }
}
