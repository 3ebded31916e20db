//! Alert rules, scrape configuration and dashboard: good by promtool, and about declared metrics only.

use crate::ask::{declared, promtool};
use danso_node::operations::meters::DECLARED;
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

fn deploy(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap()
}

/// The values of a key of a file in YAML whose values stand on one line.
fn values(text: &str, key: &str) -> Vec<String> {
    let mark = format!("{key}: ");
    let value = |line: &str| line.trim_start_matches([' ', '-']).strip_prefix(&mark).map(str::to_owned);
    let unquoted = |value: String| value.trim_matches('\'').replace("''", "'");
    text.lines().filter_map(value).map(unquoted).collect()
}

/// The words of an expression that look like metrics of danso, and the labels asked of them in braces.
fn named(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("danso_") {
        if expression[..at].ends_with(is_part) {
            continue;
        }
        let rest = &expression[at..];
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let matchers =
            rest[end..].strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        let labels =
            matchers.split("\",").filter_map(|pair| Some(pair.split(['=', '!']).next()?.trim().to_owned()));
        found.push((rest[..end].to_owned(), labels.filter(|label| !label.is_empty()).collect()));
    }
    found
}

/// What is named in an expression and not declared.
fn undeclared(expression: &str) -> Vec<String> {
    let fault = |(name, labels): (String, Vec<String>)| {
        let Some(of) = declared(&name) else { return Some(name) };
        let meter = DECLARED.iter().find(|meter| meter.name == of).unwrap();
        // What Prometheus adds.
        let known = |label: &String| {
            ["job", "instance", "le"].contains(&label.as_str()) || meter.labels.contains(&label.as_str())
        };
        labels.into_iter().find(|label| !known(label)).map(|label| format!("{name}{{{label}}}"))
    };
    named(expression).into_iter().filter_map(fault).collect()
}

#[test]
fn what_is_not_declared_is_found() {
    let expression = "rate(danso_nothing_total{code=\"x\"}[5m]) + danso_unit_held{unit=~\"a,b\",code=\"x\"} > danso_ledger_sync_seconds_bucket";
    assert_eq!(undeclared(expression), ["danso_nothing_total", "danso_unit_held{code}"]);
    assert_eq!(named(expression).len(), 3);
}

#[test]
fn rules_and_scrape_configuration_are_good_by_promtool() {
    for arguments in [
        &["check", "rules", "danso.rules.yml"] as &[&str],
        &["test", "rules", "danso.rules.test.yml"],
        // What takes days, looked at every half hour.
        &["test", "rules", "danso.rules.slow.test.yml"],
        // The files that it names, token and certificate, are the reader's own.
        &["check", "config", "--syntax-only", "prometheus.yml"],
    ] {
        if let Some(checked) = promtool(arguments, "") {
            checked.unwrap_or_else(|said| panic!("promtool {arguments:?}: {said}"));
        }
    }
}

#[test]
fn every_alert_names_declared_metrics_has_words_in_both_languages_a_page_and_two_tests() {
    let rules = read("prometheus/danso.rules.yml");
    let tests = read("prometheus/danso.rules.test.yml") + &read("prometheus/danso.rules.slow.test.yml");
    let names = values(&rules, "alert");
    let unique: BTreeSet<&String> = names.iter().collect();
    assert!(names.len() >= 20 && unique.len() == names.len(), "{names:?}");
    let expressions = values(&rules, "expr");
    assert_eq!(expressions.len(), names.len());
    let faults: Vec<String> = expressions.iter().flat_map(|expression| undeclared(expression)).collect();
    assert_eq!(faults, Vec::<String>::new());
    for key in ["summary", "description"] {
        let words = values(&rules, key);
        assert_eq!(words.len(), names.len());
        assert!(words.iter().all(|words| words.matches(" / ").count() == 1), "{key}: Vietnamese / English");
    }
    let severities = values(&rules, "severity");
    assert!(severities.iter().all(|severity| ["critical", "warning", "info"].contains(&severity.as_str())));
    let pages = values(&rules, "runbook");
    assert_eq!((severities.len(), pages.len()), (names.len(), names.len()));
    let missing: BTreeSet<&String> =
        pages.iter().filter(|page| !deploy(page.strip_prefix("deploy/").unwrap()).is_file()).collect();
    assert_eq!(missing, BTreeSet::new());
    let cases = values(&tests, "name");
    for name in &names {
        for case in ["fires", "is quiet"] {
            assert!(cases.contains(&format!("{name} {case}")), "no test in which {name} {case}");
        }
    }
}

/// Every text under one of these keys, anywhere in a document.
fn texts<'a>(document: &'a Value, keys: &[&str], found: &mut Vec<&'a str>) {
    match document {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.extend(value.as_str().filter(|_| keys.contains(&key.as_str())));
                texts(value, keys, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, keys, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_declared_metrics_by_expressions_that_prometheus_reads() {
    let dashboard: Value = serde_json::from_str(&read("grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut expressions = Vec::new();
    texts(&dashboard, &["expr", "definition"], &mut expressions);
    assert!(expressions.len() >= 40, "{}", expressions.len());
    let faults: Vec<String> = expressions.iter().flat_map(|expression| undeclared(expression)).collect();
    assert_eq!(faults, Vec::<String>::new());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        assert_eq!(title.matches(" / ").count(), 1, "{title}: Vietnamese / English");
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{title}");
    }
    // As rules, they are read by Prometheus's own parser.
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    let mut asked = Vec::new();
    texts(&dashboard, &["expr"], &mut asked);
    for (number, expression) in asked.iter().enumerate() {
        let expression = expression.replace("$instance", ".*").replace('\'', "''");
        writeln!(rules, "  - record: panel_{number}\n    expr: '{expression}'").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dashboard.rules.yml");
    fs::write(&path, rules).unwrap();
    if let Some(checked) = promtool(&["check", "rules", path.to_str().unwrap()], "") {
        checked.unwrap_or_else(|said| panic!("{said}"));
    }
}

#[test]
fn every_declared_metric_is_explained_to_those_who_read_it() {
    let page = read("prometheus/README.md");
    let missing: Vec<&str> =
        DECLARED.iter().map(|meter| meter.name).filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
