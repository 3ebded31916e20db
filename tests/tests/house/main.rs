//! The house rules, checked on the sources themselves.
//!
//! | file | holds |
//! |---|---|
//! | `main.rs` | folders, lengths, openings, places, waiting |
//! | `layers.rs` | imports, outside crates, the pure core |
//! | `codes.rs` | a page for every error code |
//! | `source.rs` | sources as text |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod codes;
mod layers;
mod source;

use source::{code_of, files, names_word, report, root, shown, sources};
use std::{collections::BTreeSet, fs};

/// Longest file, in lines. The style asks for 150, calls 300 long, and wants a reason for 500.
const LINES_MAX: usize = 500;

#[test]
fn the_top_holds_these_folders_only() {
    let entries = fs::read_dir(root()).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names: BTreeSet<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["deploy", "node", "proto", "tests", "tier-config"]);
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for path in files(&root()) {
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
        if !["rs", "proto", "sh", "py", "md", "js", "css", "html"].contains(&ending.as_str()) {
            continue;
        }
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > LINES_MAX {
            faults.push(format!("{}: {lines} lines", shown(&path)));
        }
    }
    report(&faults);
}

#[test]
fn files_and_folders_open_with_what_they_are() {
    let mut faults = Vec::new();
    for folder in ["proto", "tier-config", "node", "tests"] {
        for (path, text) in sources(folder) {
            if !text.starts_with("//! ") {
                faults.push(format!("{}: opens without a sentence", shown(&path)));
            }
            // A folder's map names every file in it.
            let opening: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            let is_map = path.ends_with("mod.rs") || path.ends_with("lib.rs");
            if !is_map || path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            let beside = files(path.parent().unwrap());
            let here = beside.iter().filter(|file| file.parent() == path.parent() && **file != path);
            let rust = here.filter(|file| file.extension().is_some_and(|ending| ending == "rs"));
            for file in rust.filter(|file| !file.ends_with("tests.rs") && !file.ends_with("main.rs")) {
                let name = file.file_name().unwrap().to_string_lossy();
                if !opening.contains(&format!("`{name}`")) {
                    faults.push(format!("{}: the map does not name {name}", shown(&path)));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    // Put together here, so that this file does not name them either.
    let places =
        [concat!("/", "work/"), concat!("/", "tmp/"), concat!("/", "root/"), concat!("/", "var/tmp")];
    let mut faults = Vec::new();
    for path in files(&root()) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if places.iter().any(|place| line.contains(place)) {
                faults.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
            }
        }
    }
    report(&faults);
}

#[test]
fn system_tests_wait_for_conditions_only() {
    let mut faults = Vec::new();
    for folder in ["tests/src", "tests/tests"] {
        for (path, text) in sources(folder) {
            // The schedules of the simulation sleep in simulated time, which passes at once.
            let simulated = path.components().any(|part| part.as_os_str() == "schedule");
            if !simulated && !path.ends_with("tests/src/wait.rs") && names_word(&code_of(&text), "sleep") {
                faults.push(format!("{}: sleeps", shown(&path)));
            }
        }
    }
    report(&faults);
}
