//! Every stable error code has a page for the operator who meets it.

use crate::source::{report, root, sources};
use std::collections::BTreeSet;

/// The text of a source without comments and without the tests at its end, on one line.
fn program_of(text: &str) -> String {
    let program = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = program.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ").replace("( ", "(")
}

/// The part of `text` up to the brace that closes the one before it.
fn block(text: &str) -> &str {
    let mut depth = 1;
    let end = text.char_indices().find(|(_, letter)| {
        depth += i32::from(*letter == '{') - i32::from(*letter == '}');
        depth == 0
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// The literal that `text` begins with, if it looks like a code.
fn literal(text: &str) -> Option<String> {
    let code = text.strip_prefix('"')?.split('"').next()?;
    let plain =
        code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    (plain && code.starts_with(|first: char| first.is_ascii_lowercase())).then(|| code.to_owned())
}

/// The literals that follow a mark directly.
fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = String> + 'a {
    text.match_indices(mark).filter_map(move |(at, _)| literal(&text[at + mark.len()..]))
}

/// Codes that no pattern finds: chosen by an `if`, or in a tuple.
const BY_HAND: &[&str] = &["disk_full", "folder_unusable", "parent_ahead", "parent_diverges"];
/// Names with a hyphen in the configuration that are no codes.
const NO_CODES: &[&str] = &["four-tier", "three-tier"];

/// Every stable code of errors in the program.
fn stable_codes() -> BTreeSet<String> {
    let mut codes: BTreeSet<String> = BY_HAND.iter().map(ToString::to_string).collect();
    for folder in ["node/core/src", "node/src", "tier-config/src"] {
        for (path, text) in sources(folder) {
            if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            let program = program_of(&text);
            for head in ["self) -> &'static str {", "self) -> String {"] {
                for (at, _) in program.match_indices(head) {
                    if ["fn code(", "fn code(&"].iter().any(|name| program[..at].ends_with(name)) {
                        let body = block(&program[at + head.len()..]);
                        codes.extend(
                            body.match_indices("=> \"").filter_map(|(at, _)| literal(&body[at + 3..])),
                        );
                    }
                }
            }
            for table in ["reasons! {", "causes! {"] {
                for (at, _) in program.match_indices(table) {
                    codes.extend(after(block(&program[at + table.len()..]), " = "));
                }
            }
            for call in ["bad(", "told(", "ClientError::new(", "code: ", "Err(fault("] {
                codes.extend(after(&program, call));
            }
            for (at, _) in program.match_indices("status(Code::") {
                codes.extend(program[at..].split_once(", ").and_then(|(_, rest)| literal(rest)));
            }
            if folder == "tier-config/src" {
                let hyphened =
                    after(&program, "").filter(|code| code.contains('-') && !code.starts_with('-'));
                codes.extend(hyphened.filter(|code| !NO_CODES.contains(&code.as_str())));
            }
        }
    }
    codes
}

#[test]
fn every_error_code_has_a_page() {
    let codes = stable_codes();
    for sure in ["batch_fork", "ledger_damaged", "mother_age", "unknown_unit", "value-form", "not_allowed"] {
        assert!(codes.contains(sure), "the search for codes does not find {sure}");
    }
    assert!(codes.len() > 150, "only {} codes found", codes.len());
    let pages = root().join("deploy/runbooks");
    let missing: Vec<String> =
        codes.into_iter().filter(|code| !pages.join(format!("{code}.md")).is_file()).collect();
    report(&missing);
}
