//! The statistics service: counts, units, heads, indicators.

use super::access::{self, Caller};
use crate::{
    operations::{Node, QueryError, accounts::Right},
    wire::{
        statistics as wire,
        status::{of_query, of_store, status},
    },
};
use danso_proto::v1::{
    CountAnswer, CountRequest, HeadsAnswer, HeadsRequest, IndicatorsAnswer, IndicatorsRequest,
    ListUnitsAnswer, ListUnitsRequest, statistics_server::Statistics,
};
use danso_tier_config::{Month, UnitId};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

/// The statistics service of a node.
pub(super) struct StatisticsService {
    pub node: Arc<Node>,
}

impl StatisticsService {
    /// The unit named, which the caller sees; `None` where none is.
    fn below(
        &self,
        below: &str,
        on: danso_tier_config::Date,
        caller: &Caller,
    ) -> Result<Option<UnitId>, Status> {
        if below.is_empty() {
            return Ok(None);
        }
        let (node, names) = (&self.node, [below.to_owned()]);
        let found = node.resolve_within(&node.directory(), &names, on, caller.scope);
        found.map(|units| units.first().copied()).map_err(|error| access::unanswered(node, caller, &error))
    }
}

#[tonic::async_trait]
impl Statistics for StatisticsService {
    async fn count(&self, request: Request<CountRequest>) -> Result<Response<CountAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::ReadCounts)?;
        let query = wire::count_query(request.into_inner()).map_err(|error| of_query(&error))?;
        let scope = caller.scope;
        let counted = match self.node.count_at_once(&query, scope) {
            Some(counted) => counted,
            None => self.node.blocking(move |node| node.count_within(&query, scope)).await,
        };
        let counted = counted.map_err(|error| access::unanswered(&self.node, &caller, &error))?;
        Ok(Response::new(wire::count_answer(counted)))
    }

    async fn list_units(
        &self,
        request: Request<ListUnitsRequest>,
    ) -> Result<Response<ListUnitsAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::ReadCounts)?;
        let request = request.into_inner();
        let boundary = wire::date(&request.boundary_date).map_err(|error| of_query(&error))?;
        let boundary = boundary.unwrap_or_else(|| self.node.today());
        if !request.tier.is_empty() && self.node.config.hierarchy.tier(&request.tier).is_none() {
            let known: Vec<&str> =
                self.node.config.hierarchy.tiers().iter().map(|tier| &*tier.name).collect();
            return Err(of_query(&QueryError::UnknownTier { name: request.tier, known: known.join(", ") }));
        }
        let top = self.below(&request.below, boundary, &caller)?.unwrap_or(caller.scope);
        let directory = self.node.directory();
        let at = directory.at(boundary);
        let wanted = |unit: &&danso_tier_config::Unit| {
            (request.tier.is_empty() || *unit.tier == *request.tier) && at.is_within(unit.id, top)
        };
        let units = at.units().filter(wanted).map(wire::unit_row).collect();
        let directory_version = self.node.directory_version();
        Ok(Response::new(ListUnitsAnswer { units, boundary_date: boundary.to_string(), directory_version }))
    }

    async fn heads(&self, request: Request<HeadsRequest>) -> Result<Response<HeadsAnswer>, Status> {
        let caller = access::may(&self.node, &request, Right::ReadCounts)?;
        let below = self.below(&request.into_inner().below, self.node.today(), &caller)?;
        // The node's own unit: all chains, also of units that have ended.
        let below = below.or((caller.scope != self.node.unit()).then_some(caller.scope));
        let (heads, digest, tallies) = self.node.blocking(move |node| node.heads(below)).await;
        Ok(Response::new(HeadsAnswer {
            heads: heads.iter().map(wire::head_row).collect(),
            digest: digest.0.to_vec().into(),
            tallies_digest: tallies.0.to_vec().into(),
        }))
    }

    async fn indicators(
        &self,
        request: Request<IndicatorsRequest>,
    ) -> Result<Response<IndicatorsAnswer>, Status> {
        access::may(&self.node, &request, Right::ReadCounts)?;
        let request = request.into_inner();
        let missing = || status(Code::NotFound, "release_none", "no release of that month is held here");
        let latest = self.node.store.view().release.clone();
        let release = if request.month.is_empty() {
            latest
        } else {
            let not_understood = |_| {
                let value = request.month.chars().take(40).collect();
                of_query(&QueryError::NotUnderstood { what: "month", value })
            };
            let month: Month = request.month.parse().map_err(not_understood)?;
            match latest.filter(|latest| latest.month == month) {
                Some(latest) => Some(latest),
                None => self.node.latest_of(month).map_err(|error| of_store(&error))?.map(Arc::new),
            }
        };
        let release = release.ok_or_else(missing)?;
        let directory = self.node.directory();
        let on = release.month.last_day();
        let units = if request.units.is_empty() {
            vec![self.node.unit()]
        } else {
            // Indicators of any unit may be shown beside one's own, so the whole directory is searched.
            let found = |name: &String| {
                let unknown = || QueryError::UnknownUnit { name: name.chars().take(40).collect(), on };
                self.node.find(&directory, name, on).ok_or_else(|| of_query(&unknown()))
            };
            request.units.iter().map(found).collect::<Result<_, _>>()?
        };
        Ok(Response::new(wire::indicators_answer(&release, &units)))
    }
}
