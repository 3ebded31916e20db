//! Asks a node by HTTP, and reads the text that Prometheus reads.

use danso_node::operations::meters::DECLARED;
use danso_tests::skipped;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Write as _,
    net::SocketAddr,
    process::{Command, Stdio},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a node answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    pub body: String,
}

/// Gets a page; `None` where nobody listens.
pub async fn try_get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let host = address.to_string();
    let named = headers.iter().any(|(name, _)| *name == "Host");
    let first = [("Host", host.as_str()), ("Connection", "close")];
    let lines = first[usize::from(named)..].iter().chain(headers);
    let mut request = format!("GET {path} HTTP/1.1\r\n");
    for (name, value) in lines {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all((request + "\r\n").as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}

/// Gets a page of a node that listens.
pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    try_get(address, path, headers).await.expect("the node answers")
}

/// One line of the text: name, labels, value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All lines of a text but the comments.
pub fn samples(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect("a series and a value");
    let (name, labels) = series
        .split_once('{')
        .map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').expect("labels have an end")));
    let labels = labels.split("\",").filter(|pair| !pair.is_empty()).map(|pair| {
        let (label, value) = pair.split_once("=\"").expect("a label and its value");
        (label.to_owned(), value.trim_end_matches('"').to_owned())
    });
    Sample { name: name.to_owned(), labels: labels.collect(), value: value.parse().unwrap() }
}

/// The value of the one series of a name that has this label, whatever its other labels.
pub fn value(text: &str, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
    let fits = |sample: &&Sample| {
        let has = |(label, value): (&str, &str)| sample.labels.get(label).is_some_and(|held| held == value);
        sample.name == name && label.is_none_or(has)
    };
    let all = samples(text);
    let mut found = all.iter().filter(fits);
    let value = found.next().map(|sample| sample.value);
    assert_eq!(found.next(), None, "one series of {name}");
    value
}

/// The declared metric that a name in a text or an expression stands for.
pub fn declared(name: &str) -> Option<&'static str> {
    let stems =
        [Some(name), name.strip_suffix("_bucket"), name.strip_suffix("_sum"), name.strip_suffix("_count")];
    let known: BTreeSet<&'static str> = DECLARED.iter().map(|meter| meter.name).collect();
    stems.into_iter().flatten().find_map(|stem| known.get(stem).copied())
}

/// Runs promtool, which the Debian package `prometheus` brings; `None`, and says so, where it is not installed.
pub fn promtool(arguments: &[&str], input: &str) -> Option<Result<String, String>> {
    let child = Command::new("promtool")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skipped(&format!("promtool {arguments:?}"), "not installed (Debian: prometheus)");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    Some(if output.status.success() { Ok(said) } else { Err(said) })
}

/// Checks a node's text as Prometheus and promtool see it: known to them, declared here, and nobody's.
pub fn check(text: &str) {
    let checked = promtool(&["check", "metrics"], text);
    assert!(
        checked.as_ref().is_none_or(|said| said.as_ref().is_ok_and(String::is_empty)),
        "{checked:?}\n{text}"
    );
    for Sample { name, labels, .. } in samples(text) {
        let of = declared(&name).unwrap_or_else(|| panic!("{name} is not declared"));
        let meter = DECLARED.iter().find(|meter| meter.name == of).unwrap();
        for (label, value) in labels {
            assert!(label == "le" || meter.labels.contains(&label.as_str()), "{name} has the label {label}");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-@./+".contains(&byte);
            assert!(value.bytes().all(plain), "{name} says {label}={value}");
        }
    }
}
