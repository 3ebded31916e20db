//! Questions and answers of the statistics service.

use crate::operations::{CountQuery, Counted, HeadStatus, Provenance, QueryError};
use danso_core::{
    chain::Release,
    rollup::{Accept, Dimension, Measure},
};
use danso_proto::v1;
use danso_tier_config::{Date, Month, Unit, UnitId};
use std::collections::BTreeSet;

fn not_understood(what: &'static str, value: &str) -> QueryError {
    QueryError::NotUnderstood { what, value: value.chars().take(40).collect() }
}

fn dimension(code: i32) -> Result<Dimension, QueryError> {
    Dimension::from_code(code).ok_or_else(|| not_understood("dimension", &code.to_string()))
}

fn month(text: &str) -> Result<Option<Month>, QueryError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| not_understood("month", text))
}

/// A boundary date out of its text; empty is `None`.
pub fn date(text: &str) -> Result<Option<Date>, QueryError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| not_understood("date", text))
}

/// A count query out of its request.
pub fn count_query(request: v1::CountRequest) -> Result<CountQuery, QueryError> {
    let measure = Measure::from_code(request.measure)
        .ok_or_else(|| not_understood("measure", &request.measure.to_string()))?;
    let months = match (month(&request.month_from)?, month(&request.month_to)?) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) => Some((only, only)),
        (Some(from), Some(to)) => Some((from, to)),
    };
    let filters = request
        .filters
        .iter()
        .map(|filter| {
            let dimension = dimension(filter.dimension)?;
            let accepted = filter.values.iter().map(|value| Accept::parse(dimension, value));
            Ok((dimension, accepted.collect::<Result<Vec<_>, _>>()?))
        })
        .collect::<Result<_, QueryError>>()?;
    Ok(CountQuery {
        measure,
        units: request.units,
        by_tier: (!request.by_tier.is_empty()).then_some(request.by_tier),
        months,
        filters,
        group_by: request.group_by.into_iter().map(dimension).collect::<Result<_, _>>()?,
        boundary: date(&request.boundary_date)?,
    })
}

/// An answer as a message.
pub fn count_answer(counted: Counted) -> v1::CountAnswer {
    let rows = counted.rows.into_iter().map(|row| v1::CountRow { keys: row.keys, count: row.count });
    v1::CountAnswer {
        columns: counted.columns,
        rows: rows.collect(),
        provenance: Some(provenance(counted.provenance)),
    }
}

fn provenance(found: Provenance) -> v1::Provenance {
    let late = |late: crate::operations::LateUnit| v1::LateUnit {
        unit: late.unit.to_string(),
        name: late.name,
        watermark_ms: late.watermark_ms,
    };
    v1::Provenance {
        coverage: Some(v1::Coverage { units_expected: found.expected, units_reported: found.reported }),
        oldest_watermark_ms: found.oldest_watermark_ms,
        late_units: found.late.into_iter().map(late).collect(),
        boundary_date: found.boundary.to_string(),
        heads_digest: found.heads.0.to_vec().into(),
        quarantined: found.quarantined,
        answered_at_ms: found.answered_at_ms,
    }
}

/// A unit as a row.
pub fn unit_row(unit: &Unit) -> v1::UnitRow {
    v1::UnitRow {
        unit: unit.id.to_string(),
        code: unit.id.code.to_string(),
        name: unit.name.clone(),
        kind: unit.kind.as_str().to_owned(),
        tier: unit.tier.to_string(),
        parent: unit.parent.map(|parent| parent.to_string()).unwrap_or_default(),
        valid_from: unit.valid_from.to_string(),
        valid_to: unit.valid_to.map(|date| date.to_string()).unwrap_or_default(),
    }
}

/// A head as a row.
pub fn head_row(status: &HeadStatus) -> v1::HeadRow {
    let chain = &status.chain;
    v1::HeadRow {
        origin: status.origin.to_string(),
        number: chain.head.number.0,
        hash: chain.head.hash.0.to_vec().into(),
        changes: chain.head.next.0 - 1,
        watermark_ms: status.watermark_ms,
        received_at_ms: chain.received_at_ms,
        acknowledged_number: chain.acknowledged.0,
        quarantined: chain.quarantined,
        held_code: chain.held.clone().unwrap_or_default(),
    }
}

/// The indicators of some units as a message. The release's rows are sorted.
pub fn indicators_answer(release: &Release, units: &[UnitId]) -> v1::IndicatorsAnswer {
    let units: BTreeSet<&UnitId> = units.iter().collect();
    let rows = units.into_iter().flat_map(|unit| release.rows_of(*unit)).map(|row| v1::IndicatorRow {
        unit: row.unit.to_string(),
        indicator: row.indicator.clone(),
        formula: row.formula.clone(),
        value: row.value.unwrap_or_default(),
        defined: row.value.is_some(),
        numerator: row.numerator,
        denominator: row.denominator,
        coverage: Some(v1::Coverage { units_expected: row.expected, units_reported: row.reported }),
    });
    v1::IndicatorsAnswer {
        release_number: release.number,
        month: release.month.to_string(),
        revision: release.revision,
        issuer: release.issuer.to_string(),
        issued_at_ms: release.issued_at_ms,
        rows: rows.collect(),
    }
}
