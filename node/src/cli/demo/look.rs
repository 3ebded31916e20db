//! Where every node stands at a moment, asked of the nodes themselves.

use super::layout::Layout;
use crate::{cli::failure::Failure, transport::client::NodeClient};
use danso_core::rollup::Measure;
use danso_proto::v1::{CountRequest, HeadsAnswer, HeadsRequest, NodeInfoAnswer, ReplicationStatusAnswer};
use danso_tier_config::Month;
use futures_util::future::try_join_all;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// Batches held of all units below, or of its own at a commune.
    pub batches: u64,
    /// Changes held.
    pub changes: u64,
    /// Changes that each commune below recorded and this node does not hold, with the commune's place; at a
    /// commune its own that its parent does not hold.
    pub missing: Vec<(usize, u64)>,
    /// The latest release held, 0 for none.
    pub release: u64,
    /// How its link upward stands.
    pub link: Link,
}

impl Standing {
    /// Changes missing in all.
    pub fn behind(&self) -> u64 {
        self.missing.iter().map(|(_, changes)| changes).sum()
    }
}

/// The link of a node to its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// There is none above.
    Top,
    /// It works.
    Linked,
    /// It does not, with the code of the reason.
    Broken(String),
}

/// What central counts now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Usual residents.
    pub population: i64,
    /// Births since the first month.
    pub births: i64,
    /// Deaths since the first month.
    pub deaths: i64,
    /// Communes whose figures are complete up to now.
    pub reported: u32,
    /// Communes there are.
    pub expected: u32,
    /// Names of those that are late.
    pub late: Vec<String>,
}

/// All nodes in the order of the layout, and central's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// The nodes.
    pub nodes: Vec<Standing>,
    /// Central's counts.
    pub counts: Counts,
}

impl Look {
    /// Whether every node holds all that its communes recorded; a commune at `apart` is not looked at.
    pub fn is_settled(&self, apart: Option<usize>) -> bool {
        let mut missing = self.nodes.iter().flat_map(|node| &node.missing);
        missing.all(|(commune, changes)| *changes == 0 || Some(*commune) == apart)
    }

    /// Whether every link upward works.
    pub fn is_linked(&self) -> bool {
        self.nodes.iter().all(|node| !matches!(node.link, Link::Broken(_)))
    }

    /// Changes held by all nodes together: it grows as long as anything moves.
    pub fn moved(&self) -> u64 {
        self.nodes.iter().map(|node| node.changes).sum()
    }
}

struct Answers {
    info: NodeInfoAnswer,
    heads: HeadsAnswer,
    status: ReplicationStatusAnswer,
}

impl Answers {
    async fn of(client: &NodeClient) -> Result<Self, Failure> {
        let info = client.node_info().await?;
        let heads = client.heads(HeadsRequest::default()).await?;
        Ok(Self { info, heads, status: client.replication_status().await? })
    }

    /// Changes of a unit held here.
    fn held(&self, origin: &str) -> u64 {
        if self.info.unit == origin {
            return self.info.last_sequence;
        }
        self.heads.heads.iter().find(|head| head.origin == origin).map_or(0, |head| head.changes)
    }
}

/// Asks all nodes. `now` is the month that has not ended.
pub(super) async fn look(
    layout: &Layout,
    clients: &[NodeClient],
    start: Month,
    now: Month,
) -> Result<Look, Failure> {
    let answers = try_join_all(clients.iter().map(Answers::of)).await?;
    let nodes = (0..answers.len()).map(|at| standing(layout, &answers, at)).collect();
    Ok(Look { nodes, counts: counts(&clients[0], start, now).await? })
}

fn standing(layout: &Layout, answers: &[Answers], at: usize) -> Standing {
    let own = &answers[at];
    let communes = layout.communes_below(at);
    let parent = layout.sites.iter().position(|site| Some(site.id()) == layout.sites[at].unit.parent);
    // A commune holds what it recorded; what counts there is whether its parent holds it.
    let holder = parent.filter(|_| communes == [at]).map_or(own, |parent| &answers[parent]);
    let missing = |commune: &usize| {
        let id = layout.sites[*commune].id().to_string();
        (*commune, answers[*commune].held(&id).saturating_sub(holder.held(&id)))
    };
    let held = |commune: &usize| own.held(&layout.sites[*commune].id().to_string());
    let link = if parent.is_none() {
        Link::Top
    } else if own.status.parent_connected {
        Link::Linked
    } else {
        let code = own.status.parent_error.split(':').next().unwrap_or_default();
        Link::Broken(code.to_owned())
    };
    Standing {
        batches: own.heads.heads.iter().map(|head| head.number).sum(),
        changes: communes.iter().map(held).sum(),
        missing: communes.iter().map(missing).collect(),
        release: own.info.release_number,
        link,
    }
}

async fn counts(central: &NodeClient, start: Month, now: Month) -> Result<Counts, Failure> {
    let ask = async |measure: Measure| {
        let request = CountRequest {
            measure: measure.code(),
            month_from: start.to_string(),
            month_to: now.to_string(),
            ..CountRequest::default()
        };
        let answer = central.count(request).await?;
        let count = answer.rows.first().map_or(0, |row| row.count);
        Ok::<_, Failure>((count, answer.provenance.unwrap_or_default()))
    };
    let (population, provenance) = ask(Measure::Population).await?;
    let coverage = provenance.coverage.unwrap_or_default();
    Ok(Counts {
        population,
        births: ask(Measure::Births).await?.0,
        deaths: ask(Measure::Deaths).await?.0,
        reported: coverage.units_reported,
        expected: coverage.units_expected,
        late: provenance.late_units.into_iter().map(|late| late.name).collect(),
    })
}
