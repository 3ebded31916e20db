//! `danso-nation DENOMINATOR FOLDER [SEED [PROVINCES]]`: the nation at a scale, as a program that can be killed and started again.

#![allow(clippy::unwrap_used, reason = "a bench ends at the first error")]

use danso_tests::nation::{Plan, run};
use std::{env, path::Path};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [scale, folder, rest @ ..] = arguments.as_slice() else {
        panic!("danso-nation DENOMINATOR FOLDER [SEED [PROVINCES]]");
    };
    let number = |at: usize, other| rest.get(at).map_or(other, |number| number.parse::<u64>().unwrap());
    let danso = env::current_exe().unwrap().with_file_name("danso-under-test");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let plan = Plan::new(scale.parse().unwrap(), number(0, 1), number(1, u64::MAX) as usize);
    runtime.block_on(run(plan, Path::new(folder), danso.to_str().unwrap()));
}
