//! Names that would run or deceive: on the screen, in JSON, in the CSV of refused rows, in the node's log.

use crate::limited::{MIB, Office};
use serde_json::Value;

const HEADER: &str = "area,household,line,name,sex,birth_date,ethnicity,education,marital,residence";

/// Names that are taken as they are.
const ODD: [&str; 6] = [
    "Zz =cmd|' /C calc'!A0",
    "Zz <script>alert(1)</script>",
    "Zz O\"Hòa; \"\"",
    "Zz 👩🏽 🌸",
    "Zz '; DROP TABLE persons; --",
    "Zz %n%s${jndi:ldap://a}{{7*7}}",
];

/// Names that are refused; the report repeats them.
const REFUSED: [&str; 4] =
    ["=1+1\u{1b}[2J", "@SUM(A1)\u{202e}", "+\u{9b}2J", "-1\n2026-01-01T00:00:00Z  INFO danso: all is well"];

fn row(line: usize, name: &str) -> String {
    let quoted = name.replace('"', "\"\"");
    format!("1,27,{line},\"{quoted}\",nam,05/09/1975,1,1,1,1\n")
}

/// Nothing but what can be seen, blanks and line ends.
fn is_harmless(text: &str) -> bool {
    text.chars().all(|letter| letter == '\n' || !danso_node::operations::forms::is_invisible(letter))
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_shown_as_text_and_come_back_as_they_were() {
    let office = Office::open(256 * MIB).await;
    let rows: String = ODD.iter().chain(&REFUSED).enumerate().map(|(at, name)| row(at + 1, name)).collect();
    let imported = office.import(128 * MIB, &office.file("odd.csv", format!("{HEADER}\n{rows}")));
    assert_eq!((imported.number("recorded"), imported.number("refused")), (ODD.len() as u64, 4));
    assert_eq!(imported.codes(), ["invisible_letter"; 4]);
    assert!(is_harmless(&imported.stderr), "{:?}", imported.stderr);

    let report = std::fs::read_to_string(office.tree.path("odd.csv.faults.csv")).unwrap();
    assert!(is_harmless(report.trim_start_matches('\u{feff}')), "{report:?}");
    let cells = csv_cells(report.trim_start_matches('\u{feff}'));
    assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{cells:?}");
    assert!(cells.iter().any(|cell| cell == "'=1+1\\u{1b}[2J"), "{cells:?}");

    let found = office.danso(128 * MIB, &["person", "find", "Zz"]);
    let table = String::from_utf8(found.stdout).unwrap();
    assert!(ODD.iter().all(|name| table.contains(name)) && is_harmless(&table), "{table}");
    assert_eq!(table.lines().count(), 1 + ODD.len(), "one line for each person");

    let found = office.danso(128 * MIB, &["person", "find", "Zz", "--json"]);
    let text = String::from_utf8(found.stdout).unwrap();
    assert!(is_harmless(&text), "{text}");
    let persons: Value = serde_json::from_str(&text).unwrap();
    let mut names: Vec<&str> =
        persons.as_array().unwrap().iter().map(|person| person["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut expected = ODD;
    expected.sort_unstable();
    assert_eq!(names, expected);

    // One line for each event, and none of them says a name.
    let log = office.log();
    assert!(is_harmless(&log) && !log.contains("Zz") && !log.contains("all is well"), "{log}");
    assert!(log.lines().all(|line| line.starts_with("20")), "{log}");
}

/// The cells of a CSV text in which no cell breaks lines.
fn csv_cells(text: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}
