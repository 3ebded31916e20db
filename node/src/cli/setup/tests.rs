//! The questions without a terminal: what is asked, and what the answers come to.

use super::{
    Arguments, answers,
    dialogue::{Dialogue, Question, Silent},
    enrolling, writing,
};
use crate::{
    cli::failure::Failure,
    transport::authority::{Authority, Validity},
};
use danso_tier_config::{Directory, Kind, NodeConfig, Policy, TierName, Unit, UnitId};
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};
use tempfile::TempDir;

/// A person whose answers are known beforehand.
#[derive(Default)]
struct Script {
    answers: VecDeque<&'static str>,
    asked: Vec<String>,
    said: String,
}

impl Script {
    fn of(answers: &[&'static str]) -> Self {
        Self { answers: answers.iter().copied().collect(), ..Self::default() }
    }
}

impl Dialogue for Script {
    fn say(&mut self, text: &str) {
        self.said.push_str(text);
        self.said.push('\n');
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<String, Failure> {
        self.asked.push(question.option.to_owned());
        let answer = self.answers.pop_front().ok_or_else(|| Failure::told("setup_incomplete", ""))?;
        Ok(if answer.is_empty() { question.proposal.unwrap_or_default() } else { answer }.to_owned())
    }

    fn answers_again(&self) -> bool {
        true
    }
}

fn unit(code: &str) -> UnitId {
    format!("{code}@2025-07-01").parse().unwrap()
}

fn row(code: &str, name: &str, tier: &str, kind: Kind, parent: UnitId) -> Unit {
    let tier: TierName = tier.parse().unwrap();
    Directory::simple_unit(unit(code), name, kind, &tier, Some(parent))
}

/// A country of three tiers and its list in a folder of its own.
fn country() -> (TempDir, PathBuf) {
    let central: TierName = "central".parse().unwrap();
    let top = Directory::country();
    let rows = vec![
        Directory::simple_unit(top, "Việt Nam", Kind::Central, &central, None),
        row("01", "Thành phố Hà Nội", "province", Kind::City, top),
        row("08", "Tỉnh Tuyên Quang", "province", Kind::Province, top),
        row("00004", "Phường Ba Đình", "commune", Kind::Ward, unit("01")),
        row("00008", "Phường Ngọc Hà", "commune", Kind::Ward, unit("01")),
        row("02212", "Xã Ngọc Hà", "commune", Kind::Commune, unit("08")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("stick").join("units.csv");
    fs::create_dir(list.parent().unwrap()).unwrap();
    fs::write(&list, Directory::from_rows(rows, Vec::new()).unwrap().to_csv()).unwrap();
    (folder, list)
}

fn code_of(failure: Failure) -> String {
    match failure {
        Failure::Told { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn given(list: &Path, unit: &str) -> Arguments {
    Arguments {
        unit: Some(unit.to_owned()),
        directory: Some(list.to_path_buf()),
        parent_address: Some("10.0.0.1".to_owned()),
        ..Arguments::default()
    }
}

#[test]
fn a_name_without_marks_a_number_of_the_list_and_the_proposals_make_a_file_that_reads_back() {
    let (folder, list) = country();
    let out = folder.path().join("node.toml");
    let arguments = Arguments { directory: Some(list), ..Arguments::default() };
    let mut person =
        Script::of(&["ngoc ha", "nowhere", "2", "not an address", "danso.example", "", "", "c", "c"]);
    let answers = answers::ask(&arguments, &out, &mut person).unwrap();
    assert!(
        person.said.contains("2  02212@2025-07-01 Xã Ngọc Hà, Tỉnh Tuyên Quang, Việt Nam"),
        "{}",
        person.said
    );
    assert!(person.said.contains("value-form"), "{}", person.said);
    assert!(writing::write(&answers, &out, false, &mut person).unwrap());
    let config = NodeConfig::load(&out).unwrap();
    assert_eq!(
        (config.unit, config.profile.as_str(), &*config.tier),
        (unit("02212"), "three-tier", "commune")
    );
    let parent = config.parent.unwrap();
    assert_eq!((parent.unit, parent.address.as_str()), (unit("08"), "danso.example:7411"));
    assert_eq!(config.listen, ([127, 0, 0, 1], 7411).into(), "nobody calls a commune");
    assert_eq!(config.policy_up, None);
    assert!(config.directory.is_file() && config.directory == folder.path().join("units.csv"));
    let asked = [
        "--unit",
        "--unit",
        "--unit",
        "--parent-address",
        "--parent-address",
        "--names-stay",
        "--data",
        "--yes",
        "--yes",
    ];
    assert_eq!(person.asked, asked);
}

#[test]
fn a_repeat_asks_for_nothing_new_and_changes_nothing() {
    let (folder, list) = country();
    let out = folder.path().join("node.toml");
    let arguments = Arguments { names_stay: true, ..given(&list, "00004") };
    let answers = answers::ask(&arguments, &out, &mut Silent).unwrap();
    assert!(writing::write(&answers, &out, false, &mut Silent).unwrap());
    let text = fs::read_to_string(&out).unwrap();
    assert_eq!(NodeConfig::load(&out).unwrap().policy_up, Some(Policy::Cores));
    // Limits set by hand are kept.
    fs::write(&out, format!("{text}\n[limits]\nheartbeat_ms = 7000\n")).unwrap();
    let again = answers::ask(&Arguments::default(), &out, &mut Silent).unwrap();
    assert_eq!(again.config, NodeConfig::load(&out).unwrap());
    assert_eq!(again.config.limits.heartbeat_ms, 7_000);
    // Comments and order are the operator's: a file that says the same stays as it is.
    let by_hand = format!("# by hand\n{text}\n[limits]\nheartbeat_ms = 7000\n");
    fs::write(&out, &by_hand).unwrap();
    assert!(writing::write(&again, &out, false, &mut Silent).unwrap());
    assert_eq!(fs::read_to_string(&out).unwrap(), by_hand);
    assert!(!folder.path().join("node.toml.old").exists());
}

#[test]
fn another_file_is_replaced_only_when_the_operator_says_so_and_is_kept() {
    let (folder, list) = country();
    let out = folder.path().join("node.toml");
    fs::write(&out, "by hand").unwrap();
    let answers = answers::ask(&given(&list, "ba dinh"), &out, &mut Silent).unwrap();
    let refused = writing::write(&answers, &out, false, &mut Silent).unwrap_err();
    assert_eq!(code_of(refused), "setup_exists");
    assert!(!writing::write(&answers, &out, false, &mut Script::of(&["k"])).unwrap());
    assert_eq!(fs::read_to_string(&out).unwrap(), "by hand");
    assert!(!folder.path().join("units.csv").exists(), "all or nothing");
    assert!(writing::write(&answers, &out, false, &mut Script::of(&["c", "c"])).unwrap());
    assert_eq!(fs::read_to_string(folder.path().join("node.toml.old")).unwrap(), "by hand");
    assert_eq!(NodeConfig::load(&out).unwrap().unit, unit("00004"));
}

#[test]
fn without_a_person_what_is_missing_is_named() {
    let (folder, list) = country();
    let out = folder.path().join("node.toml");
    let ask = |arguments: Arguments| code_of(answers::ask(&arguments, &out, &mut Silent).unwrap_err());
    assert_eq!(ask(Arguments::default()), "setup_incomplete");
    assert_eq!(ask(Arguments { parent_address: None, ..given(&list, "00004") }), "setup_incomplete");
    assert_eq!(ask(given(&list, "ngoc ha")), "setup_unit_ambiguous");
    assert_eq!(ask(given(&list, "00001")), "setup_unit_unknown");
    assert_eq!(ask(given(&list, "Ngọc Hà, Hải Phòng")), "setup_unit_unknown");
    assert_eq!(
        ask(Arguments { hierarchy: Some("four-tier".to_owned()), ..given(&list, "00004") }),
        "setup_place"
    );
    let wrong = Arguments { token: Some("danso-invite-1.x".to_owned()), ..given(&list, "00004") };
    assert_eq!(ask(wrong), "invitation_malformed");
    assert!(!out.exists());
}

#[test]
fn a_node_is_enrolled_by_a_certificate_of_its_own_unit_only() {
    let (folder, list) = country();
    let out = folder.path().join("node.toml");
    let config = answers::ask(&given(&list, "00004"), &out, &mut Silent).unwrap().config;
    let now = SystemTime::now();
    let root = Authority::create(&folder.path().join("root"), now).unwrap();
    for (named, enrolled) in [("00008", false), ("00004", true)] {
        let issued = root.issue_node(unit(named), &[], Validity::days(now, 1)).unwrap();
        issued.write(&config.keys, root.certificate_pem()).unwrap();
        assert_eq!(enrolling::enrol(&config, &out, None, &mut Silent).unwrap(), enrolled, "{named}");
    }
}

#[test]
fn a_unit_above_narrows_a_name_down() {
    let (folder, list) = country();
    let out = folder.path().join("node.toml");
    let answers = answers::ask(&given(&list, "Ngọc Hà, tuyên quang"), &out, &mut Silent).unwrap();
    assert_eq!(answers.config.unit, unit("02212"));
    let top = answers::ask(&given(&list, "VN"), &out, &mut Silent).unwrap().config;
    assert_eq!((top.parent, top.listen.port()), (None, 7411));
    assert!(
        writing::next_steps(
            &answers::ask(&given(&list, "VN"), &out, &mut Silent).unwrap().config,
            &out,
            false
        )
        .contains("danso authority init --config")
    );
}

#[test]
fn without_a_list_everything_can_be_said_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("node.toml");
    let mut person =
        Script::of(&["", "00004@2025-07-01", "four-tier", "xa", "commune", "001@2025-07-01", "::1", "k", ""]);
    let config = answers::ask(&Arguments::default(), &out, &mut person).unwrap().config;
    assert_eq!((config.unit, config.profile.as_str()), (unit("00004"), "four-tier"));
    assert_eq!(config.parent.unwrap().address, "[::1]:7411");
    assert_eq!(config.policy_up, Some(Policy::Cores));
    assert!(person.answers.is_empty());
}
