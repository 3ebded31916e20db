//! A node's file: read whole, every fault told at once, written so that it reads back the same.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use danso_tier_config::{
    Faults, Hierarchy, Limits, NodeConfig, Parent, Policy, Web, WebSecurity, limits::LIMIT_FIELDS,
};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

const COMMUNE: &str = r#"
unit = "00004@2025-07-01"
tier = "commune"
hierarchy = "three-tier"
data = "data"
directory = "units.csv"

[listen]
address = "127.0.0.1:0"
names = ["ba-dinh.local", "10.1.2.3"]

[parent]
unit = "01@2025-07-01"
address = "hanoi.local:7411"

[keys]
folder = "keys"

[policy]
up = "cores"

[limits]
batch_changes = 500
"#;

fn parse(text: &str) -> Result<NodeConfig, Faults> {
    NodeConfig::parse(text, "node.toml", Path::new("/srv/danso"))
}

/// (line, key, code) of every fault.
fn told(text: &str) -> Vec<(usize, String, &'static str)> {
    parse(text).unwrap_err().0.into_iter().map(|fault| (fault.line, fault.key, fault.code)).collect()
}

fn fault(line: usize, key: &str, code: &'static str) -> (usize, String, &'static str) {
    (line, key.to_owned(), code)
}

#[test]
fn a_full_file_is_read_with_paths_from_its_folder() {
    let config = parse(COMMUNE).unwrap();
    assert_eq!(config.unit.to_string(), "00004@2025-07-01");
    assert_eq!(config.tier, "commune");
    assert_eq!(config.hierarchy, Hierarchy::shipped("three-tier").unwrap());
    assert_eq!(config.data, PathBuf::from("/srv/danso/data"));
    assert_eq!(config.directory, PathBuf::from("/srv/danso/units.csv"));
    assert_eq!(config.keys, PathBuf::from("/srv/danso/keys"));
    assert_eq!(config.listen.port(), 0);
    assert_eq!(config.names, ["ba-dinh.local", "10.1.2.3"]);
    let parent = Parent { unit: "01@2025-07-01".parse().unwrap(), address: "hanoi.local:7411".to_owned() };
    assert_eq!(config.parent, Some(parent));
    assert_eq!((config.policy_up, config.up()), (Some(Policy::Cores), Some(Policy::Cores)));
    assert_eq!(config.limits, Limits { batch_changes: 500, ..Limits::default() });
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let windows = format!("\u{feff}{}", COMMUNE.replace('\n', "\r\n"));
    assert_eq!(parse(&windows), parse(COMMUNE));
    let broken = windows.replace("tier =", "teir =");
    assert!(told(&broken).contains(&fault(3, "teir", "key-unknown")), "{:?}", told(&broken));
}

#[test]
fn all_faults_are_told_at_once_with_line_and_key() {
    let text = r#"unit = "4@2025-02-30"
tier = "comune"
hierarchy = "three-tier"
data = 7
direktory = "units.csv"
[listen]
address = "localhost"
names = ["a b"]
[parent]
unit = "01@2025-07-01"
address = "hanoi.local"
[keys]
[policy]
up = "everything"
[limits]
batch_changes = 0
batch_chnges = 5
heartbeat_ms = "fast"
[web]
port = 1
"#;
    let expected = [
        fault(1, "directory", "key-missing"),
        fault(1, "unit", "value-form"),
        fault(2, "tier", "tier-unknown"),
        fault(4, "data", "value-type"),
        fault(5, "direktory", "key-unknown"),
        fault(7, "listen.address", "value-form"),
        fault(8, "listen.names", "value-form"),
        fault(11, "parent.address", "value-form"),
        fault(12, "keys.folder", "key-missing"),
        fault(14, "policy.up", "value-form"),
        fault(16, "limits.batch_changes", "value-range"),
        fault(17, "limits.batch_chnges", "key-unknown"),
        fault(18, "limits.heartbeat_ms", "value-type"),
        fault(19, "web.address", "key-missing"),
        fault(20, "web.port", "key-unknown"),
    ];
    let mut found = told(text);
    found.sort();
    assert_eq!(found, expected);
    let words = parse(text).unwrap_err().to_string();
    for hint in ["did you mean `commune`?", "did you mean `directory`?", "did you mean `batch_changes`?"] {
        assert!(words.contains(hint), "{words}");
    }
    assert!(words.contains("node.toml:16: limits.batch_changes: expected 1 to 10000"), "{words}");
}

#[test]
fn broken_syntax_names_its_line() {
    assert_eq!(told("unit = \"a\"\ntier = \n"), [fault(2, "", "toml-syntax")]);
}

#[test]
fn every_tier_but_the_top_needs_a_parent() {
    let (head, tail) = COMMUNE.split_once("[parent]").unwrap();
    let without = format!("{head}{}", &tail[tail.find("[keys]").unwrap()..]);
    assert_eq!(told(&without), [fault(1, "parent", "parent-missing")]);
    let central = without.replace("\"commune\"", "\"central\"").replace("[policy]\nup = \"cores\"\n", "");
    let config = parse(&central).unwrap();
    assert_eq!((config.parent.clone(), config.up()), (None, None));
    let with = COMMUNE.replace("\"commune\"", "\"central\"").replace("[policy]\nup = \"cores\"\n", "");
    assert_eq!(told(&with), [fault(12, "parent", "parent-needless")]);
}

#[test]
fn a_policy_may_only_be_stricter_than_the_profile() {
    let province = COMMUNE.replace("tier = \"commune\"", "tier = \"province\"");
    assert_eq!(parse(&province).unwrap().up(), Some(Policy::Cores));
    let counts = province.replace("\"cores\"", "\"counts\"");
    assert_eq!(parse(&counts).unwrap().up(), Some(Policy::Counts));
    let names = province.replace("\"cores\"", "\"names\"");
    assert_eq!(told(&names), [fault(20, "policy.up", "policy-laxer")]);
    let silent = province.replace("up = \"cores\"", "");
    assert_eq!(parse(&silent).unwrap().up(), Some(Policy::Cores));
}

#[test]
fn a_hierarchy_may_be_a_profile_file_and_its_faults_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let own = COMMUNE.replace("\"three-tier\"", "\"own.toml\"").replace("[policy]\nup = \"cores\"\n", "");
    let read = || NodeConfig::parse(&own, "node.toml", folder.path());
    assert_eq!(read().unwrap_err().0[0].code, "hierarchy-unknown");
    let profile = "name = \"own\"\n[[tier]]\nname = \"commune\"\nrecords = true\nup = \"counts\"\n\
                   [[tier]]\nname = \"city\"\n";
    std::fs::write(folder.path().join("own.toml"), profile).unwrap();
    assert_eq!(read().unwrap().up(), Some(Policy::Counts));
    std::fs::write(folder.path().join("own.toml"), profile.replace("counts", "coutns")).unwrap();
    let faults = read().unwrap_err();
    assert!(faults.0[0].file.ends_with("own.toml"), "{faults}");
    assert_eq!((faults.0[0].line, faults.0[0].code), (5, "value-form"));
}

/// What `[web]` with these lines is read as.
fn web(lines: &str) -> Result<Web, Vec<(usize, String, &'static str)>> {
    let text = format!("{COMMUNE}[web]\n{lines}");
    parse(&text).map(|config| config.web.unwrap()).map_err(|_| told(&text))
}

#[test]
fn pages_are_off_until_they_have_an_address() {
    assert_eq!(parse(COMMUNE).unwrap().web, None);
    assert_eq!(web(""), Err(vec![fault(24, "web.address", "key-missing")]));
    assert_eq!(web("address = \"here\""), Err(vec![fault(25, "web.address", "value-form")]));
}

#[test]
fn pages_travel_encrypted_unless_on_this_computer_or_said_otherwise() {
    let file = |name: &str| PathBuf::from("/srv/danso").join(name);
    let files = WebSecurity::Files { certificate: file("web.crt"), key: file("web.key") };
    let both = "certificate = \"web.crt\"\nkey = \"web.key\"";
    for (lines, security, exposed) in [
        ("address = \"127.0.0.1:7480\"".to_owned(), WebSecurity::Plain, false),
        ("address = \"[::1]:7480\"".to_owned(), WebSecurity::Plain, false),
        ("address = \"0.0.0.0:7480\"".to_owned(), WebSecurity::NodeCertificate, false),
        ("address = \"0.0.0.0:7480\"\ninsecure_http = true".to_owned(), WebSecurity::Plain, true),
        (
            "address = \"10.0.0.1:7480\"\ninsecure_http = false".to_owned(),
            WebSecurity::NodeCertificate,
            false,
        ),
        (format!("address = \"127.0.0.1:7480\"\n{both}"), files.clone(), false),
        (format!("address = \"0.0.0.0:7480\"\n{both}"), files, false),
    ] {
        let web = web(&lines).unwrap();
        assert_eq!((&web.security, web.is_exposed()), (&security, exposed), "{lines}");
        let mut config = parse(COMMUNE).unwrap();
        config.web = Some(web);
        let text = config.to_toml(Path::new("/srv/danso"));
        assert_eq!(parse(&text).unwrap(), config, "{text}");
    }
}

#[test]
fn faults_of_the_pages_are_told_with_line_and_key() {
    let half = "address = \"127.0.0.1:7480\"\ncertificate = \"web.crt\"";
    assert_eq!(web(half), Err(vec![fault(24, "web.key", "key-missing")]));
    let both = "address = \"0.0.0.0:7480\"\ninsecure_http = true\ncertificate = \"c\"\nkey = \"k\"";
    assert_eq!(web(both), Err(vec![fault(26, "web.insecure_http", "web-insecure")]));
    let same = COMMUNE.replace("127.0.0.1:0", "127.0.0.1:7411") + "[web]\naddress = \"127.0.0.1:7411\"";
    assert_eq!(told(&same), [fault(25, "web.address", "web-address")]);
}

#[test]
fn a_missing_file_is_one_fault() {
    let folder = tempfile::tempdir().unwrap();
    let faults = NodeConfig::load(&folder.path().join("node.toml")).unwrap_err();
    assert_eq!((faults.0.len(), faults.0[0].code), (1, "file-unreadable"));
    std::fs::write(folder.path().join("node.toml"), COMMUNE).unwrap();
    let config = NodeConfig::load(&folder.path().join("node.toml")).unwrap();
    assert_eq!(config.data, folder.path().join("data"));
}

#[test]
fn every_limit_is_in_the_table_with_its_default_within_bounds() {
    let standard = Limits::default();
    // Fails to compile when a field is added, so that the table is not forgotten.
    let Limits {
        batch_changes: _,
        batch_age_ms: _,
        window_batches: _,
        heartbeat_ms: _,
        backoff_first_ms: _,
        backoff_max_ms: _,
        late_after_ms: _,
        pull_interval_ms: _,
        release_after_days: _,
        cache_bytes: _,
        disk_low_bytes: _,
    } = standard.clone();
    for field in &LIMIT_FIELDS {
        let value = (field.get)(&standard);
        assert!((field.min..=field.max).contains(&value), "{}", field.name);
        let mut changed = standard.clone();
        (field.set)(&mut changed, field.max);
        assert_eq!((field.get)(&changed), field.max, "{}", field.name);
        assert_eq!(LIMIT_FIELDS.iter().filter(|other| other.name == field.name).count(), 1);
    }
}

#[test]
fn two_files_differ_in_the_settings_that_are_named() {
    let ours = parse(COMMUNE).unwrap();
    assert_eq!(ours.differences(&ours), Vec::<String>::new());
    let mut theirs = ours.clone();
    theirs.limits.batch_changes += 1;
    assert_eq!(ours.differences(&theirs), Vec::<String>::new(), "limits are told apart");
    theirs.data = "/elsewhere".into();
    theirs.listen = "127.0.0.1:9".parse().unwrap();
    theirs.parent.as_mut().unwrap().address = "10.9.8.7:1".to_owned();
    theirs.names = vec!["a = b".to_owned()];
    theirs.at_rest = Some("key".into());
    let named = ["data", "keys.at_rest", "listen.address", "listen.names", "parent.address"];
    assert_eq!(ours.differences(&theirs), named);
    assert_eq!(theirs.differences(&ours), named);
}

#[test]
fn names_are_kept_for_so_many_months_only_where_nothing_is_recorded() {
    let text = format!("{COMMUNE}\n[retention]\npersonal_months = 12\n");
    assert_eq!(told(&text), [fault(26, "retention.personal_months", "retention-records")]);
    let province = text.replace("tier = \"commune\"", "tier = \"province\"");
    let config = parse(&province).unwrap();
    assert_eq!(config.personal_months, Some(12));
    let written = config.to_toml(Path::new("/srv/danso"));
    assert_eq!(NodeConfig::parse(&written, "node.toml", Path::new("/srv/danso")).unwrap(), config);
    assert_eq!(
        config.differences(&parse(&province.replace("= 12", "= 13")).unwrap()),
        ["retention.personal_months"]
    );
    for wrong in ["= 0", "= -3", "= 1201"] {
        let faults = told(&province.replace("= 12", wrong));
        assert_eq!(faults, [fault(26, "retention.personal_months", "value-range")], "{wrong}");
    }
}

#[test]
fn delays_must_not_shrink() {
    let text = COMMUNE.replace("batch_changes = 500", "backoff_first_ms = 5000\nbackoff_max_ms = 4000");
    assert_eq!(told(&text), [fault(23, "limits.backoff_first_ms", "value-range")]);
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(
        limits in LIMIT_FIELDS.map(|field| field.min..=field.max),
        folder in "[a-zA-Z0-9 \"'\\\\à-ỹ#]{1,16}",
        up in prop_oneof![Just(None), Just(Some(Policy::Counts)), Just(Some(Policy::Names))],
        outside in any::<bool>(),
    ) {
        let mut config = parse(COMMUNE).unwrap();
        for (field, value) in LIMIT_FIELDS.iter().zip(limits) {
            (field.set)(&mut config.limits, value);
        }
        config.limits.backoff_first_ms = config.limits.backoff_first_ms.min(config.limits.backoff_max_ms);
        let base = Path::new(if outside { "/elsewhere" } else { "/srv/danso" });
        prop_assume!(!folder.trim().is_empty());
        config.data = Path::new("/srv/danso").join(&folder);
        config.policy_up = up;
        let text = config.to_toml(base);
        prop_assert_eq!(NodeConfig::parse(&text, "node.toml", base).unwrap(), config, "{}", text);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,80}", at in 0..COMMUNE.len()) {
        let _ = parse(&text);
        if COMMUNE.is_char_boundary(at) {
            let _ = parse(&format!("{}{text}{}", &COMMUNE[..at], &COMMUNE[at..]));
            let _ = parse(&COMMUNE[..at]);
        }
    }
}
