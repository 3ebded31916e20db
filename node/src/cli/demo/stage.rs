//! What the story is played on: the nodes, the clients that ask them, and waiting for conditions.

use super::{
    books::{self, Book, Period, Recorded},
    layout::Layout,
    look::{self, Look},
    processes::Processes,
    proxy::Line,
    screen::{Screen, thousands},
};
use crate::{
    cli::failure::Failure,
    transport::client::{ImportFile, NodeClient},
};
use danso_tier_config::Month;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Between two looks at the nodes.
const LOOK: Duration = Duration::from_millis(200);
/// Longest time in which nothing moves before a wait is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that the story works on.
pub(super) struct Stage<'a> {
    /// Where everything is.
    pub layout: &'a Layout,
    /// Which months are played.
    pub period: &'a Period,
    /// What the communes record.
    pub books: &'a [Book],
    /// The nodes.
    pub processes: &'a mut Processes,
    /// The line that is cut.
    pub line: Line,
    /// What the person sees.
    pub screen: Screen,
    /// A reader's view of every node, in the order of the layout.
    pub readers: Vec<NodeClient>,
    /// The communes' own view, in their order.
    pub recorders: Vec<NodeClient>,
    /// The month that has not ended.
    pub now: Month,
}

impl Stage<'_> {
    /// Waits until every node answers.
    pub async fn connect(&mut self) -> Result<(), Failure> {
        for at in 0..self.layout.sites.len() {
            let client = self.reader(at).await?;
            self.readers.push(client);
        }
        for at in self.layout.communes() {
            let site = &self.layout.sites[at];
            let address = site.address.to_string();
            self.recorders.push(NodeClient::connect(&address, site.id(), &site.keys()).await?);
        }
        Ok(())
    }

    /// A reader's client of the node at a place, as soon as it answers.
    pub async fn reader(&mut self, at: usize) -> Result<NodeClient, Failure> {
        let (site, since) = (&self.layout.sites[at], Instant::now());
        loop {
            let address = site.address.to_string();
            let last = match NodeClient::connect(&address, site.id(), &self.layout.auditor()).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            self.processes.check()?;
            if since.elapsed() > PATIENCE {
                return Err(last.into());
            }
            tokio::time::sleep(LOOK / 4).await;
        }
    }

    /// Where every node stands.
    pub async fn look(&mut self) -> Result<Look, Failure> {
        self.processes.check()?;
        look::look(self.layout, &self.readers, self.period.start, self.now).await
    }

    /// Looks until something holds; `what` is for the failure if nothing moves any more.
    pub async fn until(
        &mut self,
        what: &str,
        headline: &str,
        holds: impl Fn(&Look) -> bool,
    ) -> Result<Look, Failure> {
        let (mut moved, mut since) = (0, Instant::now());
        loop {
            let look = self.look().await?;
            self.screen.draw(self.layout, headline, &look);
            if holds(&look) {
                return Ok(look);
            }
            if look.moved() > moved {
                (moved, since) = (look.moved(), Instant::now());
            }
            if since.elapsed() > PATIENCE {
                let sentence = format!("waited in vain until {what}; nothing moved for {}", seconds(since));
                return Err(Failure::told("demo_waited", sentence));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends a file to every commune; on a terminal the table follows.
    pub async fn send(&mut self, headline: &str, files: Vec<ImportFile>) -> Result<Recorded, Failure> {
        let rows_done = Arc::new(AtomicU64::new(0));
        let files = self.recorders.iter().cloned().zip(files).collect();
        let mut sent = tokio::spawn(books::send_all(files, Arc::clone(&rows_done)));
        loop {
            tokio::select! {
                recorded = &mut sent => return recorded.expect("sending does not panic"),
                () = tokio::time::sleep(LOOK) => {}
            }
            self.processes.check()?;
            if self.screen.is_live() {
                let look = self.look().await?;
                let headline = format!("{headline}, {} rows", thousands(rows_done.load(Ordering::Relaxed)));
                self.screen.draw(self.layout, &headline, &look);
            }
        }
    }
}

/// How long ago a moment was, for people.
pub(super) fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
