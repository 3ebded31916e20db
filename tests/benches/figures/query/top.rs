//! Central in a process of its own, with as many months of a nation in its memory as it is told.

use super::{NATION_MONTHS, cells, first};
use danso_core::{
    chain::{BatchNumber, Digest, Head},
    domain::RecordedAt,
};
use danso_node::{operations::Node, runtime, store::ChainRow};
use danso_tests::{Dice, country::Country, tree::central};
use danso_tier_config::{Date, NodeConfig, UnitId};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The first argument of a process that is central.
const TOP: &str = "central-server";

/// Serves until the other end of its input is closed, if the arguments say so.
pub fn serve(arguments: &[String]) -> bool {
    let [top, file] = arguments else { return false };
    if top == TOP {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let config = NodeConfig::load(Path::new(file)).unwrap();
        let running = runtime.block_on(runtime::start(config, &mut |_, _| ())).unwrap();
        let mut communes = Communes::of(&running.node);
        for line in std::io::stdin().lines() {
            communes.fill(&running.node, line.unwrap().parse().unwrap());
            println!("{}", running.node.store.view().tallies.len());
            std::io::stdout().flush().unwrap();
        }
    }
    top == TOP
}

/// The communes of a nation as far as they are filled.
struct Communes {
    units: Vec<(UnitId, Dice)>,
    /// How many of them are of the first province.
    first: usize,
    months: Option<i32>,
}

impl Communes {
    fn of(node: &Node) -> Self {
        let directory = node.directory();
        let at = directory.at(node.today());
        let first = at.children(at.units_of_tier("province")[0]).len();
        let units = (0..).zip(at.units_of_tier("commune")).map(|(seed, unit)| (unit, Dice::of(seed)));
        Self { units: units.collect(), first, months: None }
    }

    /// Goes on to so many months; beyond those of the nation only in the first province.
    fn fill(&mut self, node: &Node, months: i32) {
        let count = if months > NATION_MONTHS { self.first } else { self.units.len() };
        let done = self.months.replace(months);
        for (unit, dice) in &mut self.units[..count] {
            node.store.fill(|view| {
                if done.is_none() {
                    view.tallies.apply(*unit, &cells::register(first(), dice));
                }
                for month in done.unwrap_or(0) + 1..=months {
                    view.tallies.apply(*unit, &cells::events(first().plus(month), dice));
                }
                view.chains.insert(*unit, chain(months));
            });
        }
    }
}

/// A chain with a batch a month, all of which arrived.
fn chain(months: i32) -> ChainRow {
    let since_1970: Date = "1970-01-01".parse().unwrap();
    let days = first().plus(months + 1).last_day().days() - since_1970.days();
    let written_ms = u64::from(days) * 86_400_000;
    let head = Head {
        number: BatchNumber(months as u64),
        hash: Digest::of(&[&written_ms.to_be_bytes()]),
        recorded_to: RecordedAt::from_millis(written_ms),
        ..Head::default()
    };
    ChainRow { head, received_at_ms: written_ms, ..ChainRow::default() }
}

/// The running process; ends with the value.
pub struct Top {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Top {
    /// Starts it.
    pub fn start(nation: &Country) -> Self {
        let file = nation.tree.node_file(central());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(TOP)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, orders, answers: BufReader::new(answers) }
    }

    /// Has so many months in its memory on return; gives the tallies there.
    pub fn fill(&mut self, months: i32) -> u64 {
        writeln!(self.orders, "{months}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap()
    }

    /// Its memory.
    pub fn resident_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
    }
}

impl Drop for Top {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
