//! What the lists of a country are made of: the official lists as published, and profiles of hierarchies.

use crate::{
    corpus::{bases, kept},
    edits::{Changed, Script},
    files::check_faults,
};
use danso_tier_config::{Directory, Hierarchy, directory::official};

const NAMES: [&str; 4] = ["before.csv", "districts.csv", "after.csv", "table.csv"];

/// Whether four lists make a directory. One that they make is written and read again to the same.
fn check_lists(lists: &[Vec<u8>]) -> bool {
    let texts: Option<Vec<&str>> = lists.iter().map(|bytes| std::str::from_utf8(bytes).ok()).collect();
    let Some(texts) = texts else { return false };
    let files: Vec<(&str, &str)> = NAMES.into_iter().zip(texts).collect();
    match official::import(&files) {
        Ok((directory, report)) => {
            assert!(report.findings.iter().all(|finding| !finding.to_string().is_empty()));
            let written = directory.to_csv();
            assert_eq!(Directory::read_csv(&written, "units.csv").as_ref(), Ok(&directory), "{written}");
            true
        }
        Err(faults) => {
            assert!(!faults.0.is_empty() && faults.0.iter().all(|fault| !fault.code.is_empty()));
            false
        }
    }
}

#[test]
fn official_lists() {
    let whole: Vec<Vec<u8>> = kept("official").into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(whole.len(), NAMES.len());
    assert!(check_lists(&whole));
    fuzz!(Changed, |input: &Changed| {
        let (place, bytes) = input.of(&whole);
        let mut lists = whole.clone();
        lists[place] = bytes;
        check_lists(&lists);
    });
}

fn check_hierarchy(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match Hierarchy::parse(text, "tiers.toml") {
        Ok(hierarchy) => {
            assert_eq!(Hierarchy::parse(text, "tiers.toml").as_ref(), Ok(&hierarchy));
            true
        }
        Err(faults) => {
            check_faults(&faults, "tiers.toml");
            false
        }
    }
}

#[test]
fn hierarchy() {
    let bases = bases("hierarchy", Vec::new(), check_hierarchy);
    fuzz!(Script, |script| {
        check_hierarchy(&script.bytes(&bases));
    });
}
