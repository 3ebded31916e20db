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

    /// Lays an answer over what is known.
    fn take(&mut self, mut answer: ReplicationStatusAnswer) {
        if !answer.partial {
            self.board = answer;
            return;
        }
        let mut standings = std::mem::take(&mut self.board.standings);
        let changed: BTreeSet<&String> =
            answer.standings.iter().map(|unit| &unit.unit).chain(&answer.gone).collect();
        standings.retain(|unit| !changed.contains(&unit.unit));
        standings.extend(std::mem::take(&mut answer.standings));
        let worst = |unit: &UnitStanding| unit.findings.first().map(|found| standings::rank(&found.severity));
        standings.sort_by(|one, other| (worst(other), &one.unit).cmp(&(worst(one), &other.unit)));
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
            text += &format!("and {hidden} more units / và {hidden} đơn vị khác\n");
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
                text += &format!("{when}  {} {name}: {said}; behind {behind}\n", unit.unit);
            }
        }
        for unit in gone {
            self.said.remove(&unit);
            text += &format!("{when}  {} is no unit of this node any more\n", plain(&unit));
        }
        let parent = match (self.board.parent_connected, self.board.parent_error.as_str()) {
            (true, _) => "connected".to_owned(),
            (false, error) => format!("not connected: {}", plain(error)),
        };
        if !info.parent.is_empty()
            && std::mem::replace(&mut self.parent_said, parent.clone()) != parent
            && partial
        {
            text += &format!("{when}  parent {}: {parent}\n", info.parent);
        }
        text
    }
}

/// What a line says of a unit that is no mere passing of time.
fn said_of(unit: &UnitStanding) -> String {
    let mut said = format!("line {}, {} changes here", standings::line(unit), unit.changes_here);
    if unit.waiting.is_some() {
        said += &format!(", {} missing, waits at {}", unit.changes_behind, standings::waits_at(unit));
    }
    if !unit.findings.is_empty() {
        said += &format!(", {}", plain(&standings::codes(unit)));
    }
    said
}

fn terminal_lines() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    size.map_or(TERMINAL_LINES, |size| usize::from(size.ws_row).max(TERMINAL_LINES))
}
