//! The tree of commands as a whole, and what failures print.

use super::{
    arguments::{Arguments, Command},
    failure::Failure,
    *,
};
use clap::CommandFactory;
use danso_tier_config::{Fault, Faults};

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = std::iter::once("danso").chain(line.split_whitespace());
    Arguments::try_parse_from(words).map(|arguments| arguments.command)
}

#[test]
fn clap_accepts_the_tree_of_commands() {
    Arguments::command().debug_assert();
}

#[test]
fn every_command_is_understood() {
    for line in [
        "setup",
        "setup --unit ba-dinh --directory units.csv --parent-address 10.0.0.1 --data d --out node.toml --yes",
        "setup --unit 01@2025-07-01 --parent-unit VN@1945-09-02 --tier province --hierarchy three-tier --token t",
        "setup --listen 0.0.0.0:7411 --names-stay --overwrite",
        "completions bash",
        "man --out pages",
        "config check node.toml",
        "directory import a.csv b.csv --out units.csv --report odd.txt",
        "directory check units.csv",
        "keys init --folder ca",
        "keys node --authority ca --unit 00004@2025-07-01 --out keys --name 10.0.0.1 --name node.example",
        "keys person --authority ca --role analyst --unit VN@1945-09-02 --out keys",
        "user signin --name lan.nt --address 10.0.0.1:7411 --unit 01@2025-07-01 --ca ca.crt --out session",
        "user signout --address 10.0.0.1:7411 --unit 01@2025-07-01 --ca ca.crt --token-file session",
        "user add lan.nt --role officer --unit 00004 --config node.toml",
        "user add lan.nt --role analyst --unit 01 --address a:1 --node VN@1945-09-02 --keys k --password-stdin",
        "user role lan.nt operator --unit 001 --config node.toml",
        "user password lan.nt --address a:1 --node 01@2025-07-01 --ca ca.crt --token-file session",
        "user disable lan.nt --config node.toml",
        "token add --account lan.nt --label report --config node.toml --out token",
        "token add --program report --role analyst --unit 01 --label monthly --days 30 --config node.toml",
        "token list --config node.toml",
        "token revoke 0123456789abcdef --config node.toml",
        "certificate --role analyst --for 01@2025-07-01 --out keys --days 90 --config node.toml",
        "status --config node.toml --meters",
        "run --config node.toml",
        "verify --config node.toml",
        "rebuild --config node.toml",
        "query count --config node.toml --measure deaths --group-by sex,age_group --format csv",
        "query units --address 10.0.0.1:7411 --unit 01@2025-07-01 --keys analyst --tier commune",
        "query heads --config node.toml --below 01 --format json",
        "query indicators --config node.toml --units 01,00004 --month 2026-03",
        "import register a0.csv --config node.toml --as-of 2026-01-01",
        "import events p0.csv --config node.toml --faults refused.csv",
        "import template events --out p0.csv",
        "simulate-register --unit 00004 --persons 5000 --months 12 --seed 1 --start 2026-01 --out data",
        "status --config node.toml --json",
        "release publish --config node.toml --month 2026-03",
        "demo --tiers three --keep --folder try --persons 500 --months 3 --seed 7 --port 7400",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
}

#[test]
fn wrong_usage_is_refused_by_clap() {
    for line in [
        "keys node --authority ca --unit 00004 --out keys",
        "keys person --authority ca --role mayor --unit VN@1945-09-02 --out keys",
        "query count",
        "user add lan.nt --role mayor --unit 00004 --config node.toml",
        "user add lan.nt --role officer --unit 00004 --config node.toml --password secret",
        "token add --program report --label monthly --config node.toml",
        "certificate --role analyst --for 01@2025-07-01 --out keys --days 0 --config node.toml",
        "certificate --role analyst --for 01@2025-07-01 --out keys --days 91 --config node.toml",
        "token add --account lan.nt --program report --label monthly --config node.toml",
        "query count --address 10.0.0.1:7411",
        "query count --config node.toml --unit 01@2025-07-01",
        "import events p0.csv --config node.toml --as-of 2026-01-01",
        "simulate-register --unit 00004 --persons 0 --months 12 --seed 1 --out data",
        "release publish --config node.toml --month 2026-3",
        "directory import --out units.csv",
    ] {
        let error = parse(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn only_a_running_node_logs_what_it_does() {
    let level = |line| Invocation(parse(line).unwrap()).log_level();
    assert_eq!(level("run --config node.toml"), "info");
    assert_eq!(level("status --config node.toml"), "warn");
}

#[test]
fn a_failure_prints_code_sentence_and_page() {
    let expected = [
        "error[net_refused]: connection refused".to_owned(),
        "see deploy/runbooks/net_refused.md".to_owned(),
    ];
    assert_eq!(Failure::told("net_refused", "connection refused").lines(), expected);
}

#[test]
fn all_faults_of_a_file_are_printed_and_each_page_once() {
    let fault = |line| Fault {
        file: "node.toml".to_owned(),
        line,
        key: "tier".to_owned(),
        message: "no such tier".to_owned(),
        code: "tier-unknown",
    };
    let lines = Failure::Faults(Faults(vec![fault(2), fault(5)])).lines();
    assert_eq!(
        lines[0],
        "error: node.toml:2: tier: no such tier [tier-unknown] / không có cấp này trong hệ thống"
    );
    assert_eq!(lines[2..], ["see deploy/runbooks/tier-unknown.md".to_owned()]);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let left = Failure::Output(std::io::ErrorKind::BrokenPipe.into());
    assert_eq!(left.report(), ExitCode::SUCCESS);
    let full = Failure::Output(std::io::ErrorKind::StorageFull.into());
    assert_eq!(full.report(), ExitCode::FAILURE);
    assert_eq!(Failure::Usage("x".to_owned()).report(), ExitCode::from(2));
}
