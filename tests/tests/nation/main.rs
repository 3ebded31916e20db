//! The nation at a small scale: made, signed, loaded through its provinces, counted exactly at central.
//!
//! The program asserts itself that central counts what was made, by province and sex, before and after a month, and
//! that a new start, also after a kill, leaves heads and tallies as they were.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use danso_node::{runtime::store_options, store::verify};
use danso_tests::{
    nation::{Made, Place, Plan},
    until,
    wait::moment,
};
use danso_tier_config::Directory;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const SEED: u64 = 1;
/// The nation is divided by this: 33 communes, each in a province of its own.
const SCALE: u64 = 100;
/// Time in which the load goes on before it is killed; wherever that is, it must go on.
const WHILE: Duration = Duration::from_millis(100);

fn load(folder: &Path) -> Child {
    let arguments = [SCALE.to_string(), folder.display().to_string(), SEED.to_string()];
    Command::new(env!("CARGO_BIN_EXE_danso-nation"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Kills the program, and central with it.
fn kill(loading: &mut Child, folder: &Path) {
    loading.kill().unwrap();
    loading.wait().unwrap();
    let central = fs::read_to_string(folder.join("VN/pid.txt")).unwrap();
    assert!(Command::new("kill").args(["-KILL", &central]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundredth_of_the_nation_that_is_killed_goes_on_and_counts_everybody_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut first = load(folder);
    until("a province is linked and the next one filled", || {
        assert!(first.try_wait().unwrap().is_none(), "the load ended");
        folder.join("01/linked.txt").exists() && folder.join("02/made.txt").exists()
    })
    .await;
    moment(WHILE).await;
    kill(&mut first, folder);
    let linked = fs::metadata(folder.join("01/linked.txt")).unwrap().modified().unwrap();
    assert!(load(folder).wait().unwrap().success(), "the load does not go on");
    assert_eq!(fs::metadata(folder.join("01/linked.txt")).unwrap().modified().unwrap(), linked);
    let place = Place::open(Plan::new(SCALE, SEED, usize::MAX), folder);
    let made: Vec<Made> = place.plan.provinces.iter().map(|province| place.made(province)).collect();
    let made = Made::sum(&made);
    assert_eq!(made.before.persons(), 101_110_000 / SCALE as i64);
    let central = store_options(&place.config(Directory::country())).unwrap();
    let report = verify(&central, &mut |_, _| ()).unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
    assert!(report.batches >= made.batches);
}
