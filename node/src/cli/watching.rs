//! `danso status --watch`: everything once, then what changes, until Ctrl-C.
//!
//! In a terminal the screen is drawn anew. Elsewhere a line is added for each unit that changed, or with `--json` an
//! object a line. A node that is lost is asked again.

use super::{
    failure::{Failure, Outcome},
    moment::{age, local},
    output,
    sheet::{json_line, plain},
    standings, status,
    target::TargetArguments,
    wait,
};
use crate::transport::client::{ClientError, NodeClient};
use danso_proto::v1::{NodeInfoAnswer, ReplicationStatusAnswer, UnitStanding};
use danso_tier_config::limits;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, IsTerminal},
    time::Duration,
};

/// Lines of a terminal that does not say how many it has.
const TERMINAL_LINES: usize = 24;
/// Moves the cursor to the first place and clears the screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Watches until Ctrl-C. The first connection must succeed.
pub(super) fn run(target: &TargetArguments, below: &str, json: bool) -> Result<Outcome, Failure> {
    wait(async {
        tokio::select! {
            ended = watch(target, below, json) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })?;
    Ok(Outcome::Done)
}

async fn watch(target: &TargetArguments, below: &str, json: bool) -> Result<(), Failure> {
    let mut screen = Screen::new(json);
    let mut client = target.connect().await?;
    let (first_ms, longest_ms) = limits::WATCH_AGAIN_MS;
    let mut delay_ms = first_ms;
    loop {
        let followed = follow(&client, below, &mut screen).await;
        let why = match followed {
            Ok(()) => "the node ended the stream".to_owned(),
            // The first answer must come; and what a later one is refused for does not mend itself.
            Err(Ended::Lost(error)) if !screen.has_shown() || is_denied(&error) => return Err(error.into()),
            Err(Ended::Lost(error)) => format!("{}: {error}", error.code),
            Err(Ended::Here(failure)) => return Err(failure),
        };
        output::note(format!("lost the node, asking again / mất nút, đang thử lại ({})", plain(&why)));
        loop {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            delay_ms = (2 * delay_ms).min(longest_ms);
            if let Ok(found) = target.connect().await {
                client = found;
                break;
            }
        }
        delay_ms = first_ms;
    }
}

/// Why an answer was the last one.
enum Ended {
    /// The node said no, or is gone.
    Lost(ClientError),
    /// It cannot be shown, or must not go on.
    Here(Failure),
}

impl From<ClientError> for Ended {
    fn from(error: ClientError) -> Self {
        Self::Lost(error)
    }
}

fn is_denied(error: &ClientError) -> bool {
    let codes = ["not_allowed", "not_authenticated", "unknown_unit", "outside_subtree", "account_disabled"];
    error.code.starts_with("token_") || codes.contains(&error.code.as_str())
}

async fn follow(client: &NodeClient, below: &str, screen: &mut Screen) -> Result<(), Ended> {
    let mut info = client.node_info().await?;
    status::in_rescue(&info, screen.json).map_err(Ended::Here)?;
    let mut answers = client.watch_replication(below).await?;
    while let Some(answer) = answers.next().await? {
        if answer.partial && screen.redraws() {
            info = client.node_info().await?;
        }
        screen.show(&info, answer).map_err(Ended::Here)?;
    }
    Ok(())
}

/// What is shown, and where.
struct Screen {
    json: bool,
    terminal: bool,
    /// Everything that is known by now.
    board: ReplicationStatusAnswer,
    /// What was said of each unit in the last line about it.
    said: BTreeMap<String, String>,
    parent_said: String,
}

impl Screen {
    fn new(json: bool) -> Self {
        Self {
            json,
            terminal: !json && io::stdout().is_terminal(),
            board: ReplicationStatusAnswer::default(),
            said: BTreeMap::new(),
            parent_said: String::new(),
        }
    }

    fn has_shown(&self) -> bool {
        self.board.now_ms > 0
    }

    fn redraws(&self) -> bool {
        self.terminal
    }

    fn show(&mut self, info: &NodeInfoAnswer, answer: ReplicationStatusAnswer) -> Result<(), Failure> {
        let text = if self.json {
            json_line(&status::as_json(info, &answer))
        } else if self.terminal {
            self.take(answer);
            let lines = terminal_lines();
            format!("{CLEAR}{}", self.drawn(info, lines))
        } else {
            self.appended(info, answer)
        };
        output::data(&text)
    }

    /// What is known, for an answer that comes at `now_ms` and leaves out what has not changed: a unit whose line is
    /// open is as fresh as it was.
    fn aged(&mut self, now_ms: u64) -> Vec<UnitStanding> {
        let passed = now_ms.saturating_sub(self.board.now_ms);
        let mut standings = std::mem::take(&mut self.board.standings);
        for unit in standings.iter_mut().filter(|unit| unit.connected == Some(true) && unit.waiting.is_none())
        {
            for moment in [&mut unit.watermark_ms, &mut unit.last_contact_ms] {
                *moment += if *moment > 0 { passed } else { 0 };
            }
        }
        standings
    }

    /// Lays an answer over what is known.
    fn take(&mut self, mut answer: ReplicationStatusAnswer) {
        if !answer.partial {
            self.board = answer;
            return;
        }
        let mut standings = self.aged(answer.now_ms);
        let changed: BTreeSet<&String> =
            answer.standings.iter().map(|unit| &unit.unit).chain(&answer.gone).collect();
        standings.retain(|unit| !changed.contains(&unit.unit));
        standings.extend(std::mem::take(&mut answer.standings));
        let above: BTreeMap<String, String> =
            standings.iter().map(|unit| (unit.unit.clone(), unit.parent.clone())).collect();
        let depth =
            |unit: &UnitStanding| std::iter::successors(above.get(&unit.unit), |id| above.get(*id)).count();
        // As the node orders them: the worst first, and of these the upper ones.
        standings.sort_by_cached_key(|unit| {
            let worst = unit.findings.first().map(|found| standings::rank(&found.severity));
            (std::cmp::Reverse(worst), depth(unit), unit.unit.clone())
        });
        let (units, confirmations) =
            (std::mem::take(&mut self.board.units), std::mem::take(&mut self.board.confirmations));
        self.board = ReplicationStatusAnswer { standings, units, confirmations, ..answer };
    }

    /// As much as fits on so many lines: the node, and the units with the worst first.
    fn drawn(&self, info: &NodeInfoAnswer, lines: usize) -> String {
        let mut text = status::of_node(info, &self.board);
        let table = standings::table(&self.board).table();
        let room = lines.saturating_sub(text.lines().count() + 4).max(2);
        text += "\n";
        for line in table.lines().take(room) {
            text.extend([line, "\n"]);
        }
        let hidden = table.lines().count().saturating_sub(room);
        if hidden > 0 {
            writeln!(text, "and {hidden} more units / và {hidden} đơn vị khác")
                .expect("writing to memory cannot fail");
        }
        text + "Ctrl-C ends; what to do: danso status without --watch"
    }

    /// What is added to a file or a pipe: at first everything, then a line a unit.
    fn appended(&mut self, info: &NodeInfoAnswer, answer: ReplicationStatusAnswer) -> String {
        let first = !self.has_shown();
        let (partial, now_ms) = (answer.partial, answer.now_ms);
        let units: Vec<UnitStanding> = answer.standings.clone();
        let gone = answer.gone.clone();
        self.take(answer);
        let mut text = if first { status::as_text(info, &self.board) } else { String::new() };
        let when = local(now_ms);
        for unit in &units {
            let said = said_of(unit);
            let before = self.said.insert(unit.unit.clone(), said.clone());
            if !first && before.as_ref() != Some(&said) {
                let (name, behind) = (plain(&unit.name), age(now_ms, unit.watermark_ms));
                writeln!(text, "{when}  {} {name}: {said}; behind {behind}", unit.unit)
                    .expect("writing to memory cannot fail");
            }
        }
        for unit in gone {
            self.said.remove(&unit);
            writeln!(text, "{when}  {} is no unit of this node any more", plain(&unit))
                .expect("writing to memory cannot fail");
        }
        let parent = match (self.board.parent_connected, self.board.parent_error.as_str()) {
            (true, _) => "connected".to_owned(),
            (false, error) => format!("not connected: {}", plain(error)),
        };
        if !info.parent.is_empty()
            && std::mem::replace(&mut self.parent_said, parent.clone()) != parent
            && partial
        {
            writeln!(text, "{when}  parent {}: {parent}", info.parent)
                .expect("writing to memory cannot fail");
        }
        text
    }
}

/// What a line says of a unit that is no mere passing of time.
fn said_of(unit: &UnitStanding) -> String {
    let mut said = format!("line {}, {} changes here", standings::line(unit), unit.changes_here);
    if unit.waiting.is_some() {
        said.extend([
            ", ",
            &unit.changes_behind.to_string(),
            " missing, waits at ",
            &standings::waits_at(unit),
        ]);
    }
    if !unit.findings.is_empty() {
        said.extend([", ", &plain(&standings::codes(unit))]);
    }
    said
}

fn terminal_lines() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    size.map_or(TERMINAL_LINES, |size| usize::from(size.ws_row).max(TERMINAL_LINES))
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::{UnitFinding, UnitWaiting};

    fn unit(code: &str, parent: &str, connected: bool) -> UnitStanding {
        let no_contact = UnitFinding {
            code: "no_contact".to_owned(),
            severity: "warning".to_owned(),
            ..Default::default()
        };
        let waiting =
            UnitWaiting { from: code.to_owned(), to: parent.to_owned(), cut: true, ..Default::default() };
        UnitStanding {
            unit: code.to_owned(),
            parent: parent.to_owned(),
            connected: Some(connected),
            watermark_ms: 90_000,
            last_contact_ms: 95_000,
            waiting: (!connected).then_some(waiting),
            findings: if connected { Vec::new() } else { vec![no_contact] },
            ..UnitStanding::default()
        }
    }

    fn answer(standings: Vec<UnitStanding>, now_ms: u64, partial: bool) -> ReplicationStatusAnswer {
        ReplicationStatusAnswer { standings, now_ms, partial, ..Default::default() }
    }

    fn screen() -> Screen {
        let mut screen = Screen::new(false);
        let units = vec![unit("01", "VN", true), unit("002", "01", true), unit("00001", "002", true)];
        screen.take(answer(units, 100_000, false));
        screen
    }

    fn rows(screen: &Screen) -> Vec<(&str, u64)> {
        screen.board.standings.iter().map(|unit| (unit.unit.as_str(), unit.watermark_ms)).collect()
    }

    #[test]
    fn what_is_left_out_stays_as_fresh_as_it_was_and_the_worst_goes_first() {
        let mut screen = screen();
        screen.take(answer(vec![unit("00001", "002", false)], 130_000, true));
        assert_eq!(rows(&screen), [("00001", 90_000), ("01", 120_000), ("002", 120_000)]);
        // What is cut grows old.
        screen.take(answer(Vec::new(), 150_000, true));
        assert_eq!(rows(&screen), [("00001", 90_000), ("01", 140_000), ("002", 140_000)]);
        let gone =
            ReplicationStatusAnswer { gone: vec!["00001".to_owned()], ..answer(Vec::new(), 150_000, true) };
        screen.take(gone);
        assert_eq!(rows(&screen), [("01", 140_000), ("002", 140_000)]);
    }

    #[test]
    fn a_screen_shows_what_fits_and_counts_the_rest() {
        let screen = screen();
        let info = NodeInfoAnswer::default();
        let all = screen.drawn(&info, 100);
        assert!(all.contains("\n00001 ") && !all.contains("more units"), "{all}");
        let some = screen.drawn(&info, 3);
        assert!(some.contains("\n01 ") && !some.contains("\n00001 "), "{some}");
        assert!(some.contains("and 2 more units / và 2 đơn vị khác\n"), "{some}");
    }

    #[test]
    fn a_line_is_added_only_where_more_than_time_has_passed() {
        let mut screen = Screen::new(false);
        let info = NodeInfoAnswer::default();
        let first = screen.appended(&info, answer(vec![unit("01", "VN", true)], 100_000, false));
        assert!(first.starts_with("node "), "{first}");
        let same = screen.appended(&info, answer(vec![unit("01", "VN", true)], 160_000, true));
        assert_eq!(same, "");
        let cut = screen.appended(&info, answer(vec![unit("01", "VN", false)], 170_000, true));
        let expected = "01 : line -, 0 changes here, 0 missing, waits at 01 x VN, no_contact; behind 1 min\n";
        assert!(cut.ends_with(expected), "{cut}");
    }
}
