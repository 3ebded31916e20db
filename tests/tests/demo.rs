//! `danso demo` from start to comparison, as a person without a terminal sees it.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_danso-under-test"));
    command.args(["demo", "--persons", "150", "--months", "2"]).args(arguments);
    command.output().unwrap()
}

/// What it wrote to stdout, with everything shown if it failed.
fn told(output: &Output) -> String {
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[test]
fn four_tiers_agree_cell_by_cell_after_a_line_was_cut_and_restored() {
    let told = told(&demo(&["--tiers", "four"]));
    assert!(told.contains(" cells compared, 0 differences\n"), "{told}");
    assert!(told.contains("\nQuận Hoàn Kiếm = the sum of its communes "), "{told}");
    assert!(told.contains("coverage        3 of 4 communes, late: Phường Đồng Xuân\n"), "{told}");
    assert!(told.contains("restored  Phường Đồng Xuân sent "), "{told}");
    assert!(told.contains("release   1 of "), "{told}");
    let control = |letter: char| letter.is_control() && letter != '\n';
    assert!(!told.contains(control), "{told:?}");
}

#[test]
fn three_tiers_agree_cell_by_cell_after_a_line_was_cut_and_restored() {
    let told = told(&demo(&["--tiers", "three"]));
    assert!(told.contains(" cells compared, 0 differences\n"), "{told}");
    assert!(told.contains("coverage        3 of 4 communes, late: Phường Cửa Nam\n"), "{told}");
    assert!(!told.contains("Quận"), "{told}");
}
