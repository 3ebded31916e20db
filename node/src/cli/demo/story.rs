//! What happens in the demo, in order: start, registers, months of events with a cut line, release, comparison.

use super::{
    books::{self, Book, Period, Recorded},
    compare::{self, Comparison},
    layout::Layout,
    look::Look,
    processes::Processes,
    proxy::Line,
    screen::{Screen, thousands},
    stage::{Stage, seconds},
};
use crate::{cli::failure::Failure, operations::now_ms, transport::client::NodeClient};
use danso_proto::v1::{IndicatorRow, IndicatorsRequest, PublishReleaseRequest};
use danso_tier_config::Date;
use std::time::{Duration, Instant};

/// Shortest time that a month is shown to somebody who looks on.
const SHOWN: Duration = Duration::from_millis(1_200);

/// Plays the story and gives what the comparison found. With `keep` the line is made direct at the end.
pub(super) async fn play(
    layout: &Layout,
    period: &Period,
    books: &[Book],
    processes: &mut Processes,
    keep: bool,
) -> Result<Comparison, Failure> {
    let since = Instant::now();
    let (cut, parent) = layout.cut();
    let line = Line::open(layout.sites[parent].address).await?;
    layout.write_node_file(&layout.sites[cut], Some(line.address()))?;
    *processes = Processes::start(&layout.sites)?;
    let now = Date::in_vietnam(now_ms()).month();
    let mut stage = Stage {
        layout,
        period,
        books,
        processes,
        line,
        screen: Screen::new(),
        readers: Vec::new(),
        recorders: Vec::new(),
        now,
    };
    stage.connect().await?;
    stage.until("all nodes are linked", "starting", Look::is_linked).await?;
    stage.screen.say(&format!("started   all nodes serve and are linked after {}", seconds(since)))?;
    stage.registers().await?;
    let recorded = stage.events().await?;
    stage.release().await?;
    let look = stage.look().await?;
    stage.screen.finish(layout, &look)?;
    let comparison = compare::compare(layout, &stage.readers, books, period).await?;
    let communes = layout.communes().len();
    stage.screen.say(&comparison.shown())?;
    stage.screen.say(&format!(
        "{} events recorded in {communes} communes at {:.0} a second; the whole demo took {}",
        thousands(recorded.rows),
        recorded.rate(),
        seconds(since)
    ))?;
    if keep {
        stage.make_line_direct().await?;
    }
    Ok(comparison)
}

impl Stage<'_> {
    async fn registers(&mut self) -> Result<(), Failure> {
        let headline = "loading a register into each commune";
        let files = self.books.iter().map(|book| books::register_file(book, self.period)).collect();
        let (since, recorded) = (Instant::now(), self.send(headline, files).await?);
        let look = self.until("central holds the registers", headline, |look| look.is_settled(None)).await?;
        let told = format!(
            "registers {} persons recorded at {:.0} a second, at central after {}",
            thousands(recorded.rows),
            recorded.rate(),
            seconds(since)
        );
        self.screen.say(&told)?;
        self.screen.show(self.layout, "registers are loaded", &look)
    }

    async fn events(&mut self) -> Result<Recorded, Failure> {
        let mut all = Recorded::default();
        let mut was_cut = false;
        for (step, month) in self.period.all().enumerate() {
            let (since, is_cut) = (Instant::now(), self.period.is_cut(step));
            if is_cut && !was_cut {
                self.cut().await?;
            } else if was_cut && !is_cut {
                self.restore().await?;
            }
            was_cut = is_cut;
            let headline = format!("recording the events of {month}");
            let files = self.books.iter().map(|book| books::sheet_file(book, step)).collect();
            let recorded = self.send(&headline, files).await?;
            all.add(recorded);
            let look = self.settled(&headline, is_cut, since).await?;
            let apart = if is_cut { ", one commune without a line" } else { "" };
            let told = format!("{month}   {} events recorded{apart}", thousands(recorded.rows));
            self.screen.say(&told)?;
            self.screen.show(self.layout, &format!("after {month}"), &look)?;
        }
        if was_cut {
            self.restore().await?;
        }
        Ok(all)
    }

    /// Waits until all that can arrive has arrived, and long enough to be seen.
    async fn settled(&mut self, headline: &str, is_cut: bool, since: Instant) -> Result<Look, Failure> {
        let (cut, _) = self.layout.cut();
        let apart = is_cut.then_some(cut);
        let shown = if self.screen.is_live() { SHOWN } else { Duration::ZERO };
        let holds = |look: &Look| {
            let covered = look.counts.reported + u32::from(is_cut) == look.counts.expected;
            look.is_settled(apart) && covered && since.elapsed() >= shown
        };
        self.until("central holds what the linked communes recorded", headline, holds).await
    }

    async fn cut(&mut self) -> Result<(), Failure> {
        self.line.cut();
        let (cut, parent) = self.layout.cut();
        let name = |at: usize| &self.layout.sites[at].unit.name;
        let told = format!("cut       the line from {} to {}", name(cut), name(parent));
        self.screen.say(&told)?;
        self.until("the commune sees that its line is cut", "the line is cut", |look| !look.is_linked())
            .await?;
        Ok(())
    }

    async fn restore(&mut self) -> Result<(), Failure> {
        let (cut, _) = self.layout.cut();
        let waiting = self.look().await?.nodes[cut].behind();
        let since = Instant::now();
        self.line.restore();
        let caught_up = |look: &Look| {
            look.is_linked() && look.is_settled(None) && look.counts.reported == look.counts.expected
        };
        let headline = "the line is back, catching up";
        let look = self.until("the commune has caught up", headline, caught_up).await?;
        let told = format!(
            "restored  {} sent {} changes that had waited; at central after {}",
            self.layout.sites[cut].unit.name,
            thousands(waiting),
            seconds(since)
        );
        self.screen.say(&told)?;
        self.screen.show(self.layout, "the line is back", &look)
    }

    /// Publishes the last month at central and reads it at the commune that had been cut off.
    async fn release(&mut self) -> Result<(), Failure> {
        let (central, month) = (&self.layout.sites[0], self.period.last().to_string());
        let address = central.address.to_string();
        let operator = NodeClient::connect(&address, central.id(), &self.layout.operator()).await?;
        match operator.publish_release(PublishReleaseRequest { month: month.clone() }).await {
            // Central closes months by itself, too.
            Err(error) if error.code != "release_unchanged" => return Err(error.into()),
            _ => {}
        }
        let number = operator.node_info().await?.release_number;
        let everywhere = |look: &Look| look.nodes.iter().all(|node| node.release >= number);
        let headline = format!("release {number} of {month} goes down");
        let look = self.until("every node has the release", &headline, everywhere).await?;
        let (cut, _) = self.layout.cut();
        let units = [central.id(), self.layout.sites[cut].id()].map(|unit| unit.to_string());
        let request = IndicatorsRequest { units: units.to_vec(), month: month.clone() };
        let answer = self.readers[cut].indicators(request).await?;
        let name = &self.layout.sites[cut].unit.name;
        self.screen.say(&format!("release   {number} of {month}, as {name} holds it:"))?;
        for (unit, name) in units.iter().zip([&central.unit.name, name]) {
            let rows = answer.rows.iter().filter(|row| row.unit == *unit);
            self.screen.say(&format!("          {name}: {}", indicators(rows)))?;
        }
        self.screen.show(self.layout, "every node has the release", &look)
    }

    /// Gives the commune a line without this process in between, and starts it again.
    async fn make_line_direct(&mut self) -> Result<(), Failure> {
        let (cut, parent) = self.layout.cut();
        let (site, above) = (&self.layout.sites[cut], self.layout.sites[parent].address);
        self.layout.write_node_file(site, Some(above))?;
        self.processes.restart(cut, site)?;
        self.readers[cut] = self.reader(cut).await?;
        let linked = |look: &Look| look.is_linked() && look.is_settled(None);
        self.until("the commune is linked directly", "linking directly", linked).await?;
        let told = "was killed and started again, now linked to its parent directly";
        self.screen.say(&format!("{} {told}", site.unit.name))
    }
}

/// The rates of one unit on one line.
fn indicators<'a>(rows: impl Iterator<Item = &'a IndicatorRow>) -> String {
    let mut parts = Vec::new();
    let mut coverage = String::new();
    for row in rows {
        let (name, unit) = match row.indicator.as_str() {
            "cbr" => ("CBR", "‰"),
            "cdr" => ("CDR", "‰"),
            "srb" => ("SRB", "boys per 100 girls"),
            _ => continue,
        };
        let value = if row.defined { format!("{:.1} {unit}", row.value) } else { "not defined".to_owned() };
        parts.push(format!("{name} {value}"));
        let of = row.coverage.unwrap_or_default();
        coverage = format!(" ({} of {} communes)", of.units_reported, of.units_expected);
    }
    format!("{}{coverage}", parts.join(", "))
}
