//! Releases: the indicators of a closed month, computed and signed at the top, kept and served by all.

use super::{actor::Actor, node::Node};
use crate::store::{AuditNote, Record, StoreError};
use danso_core::{
    chain::{Deed, Fault, Release, ReleaseRow, Signed},
    demography::{Indicator, MonthFigures},
    rollup::{Accept, Dimension, Measure, Question, UnitGroup, count},
};
use danso_tier_config::{Directory, Month, UnitId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Why a release was not made or not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Only the top of the tree publishes.
    #[error("only the top tier publishes releases, this node is {tier}")]
    NotTop {
        /// This node's tier.
        tier: String,
    },
    /// The month has not ended.
    #[error("{month} has not ended, a release covers closed months only")]
    MonthOpen {
        /// The month asked for.
        month: Month,
    },
    /// Nothing differs from the last release of the month.
    #[error("{month} is published and nothing has changed since")]
    Unchanged {
        /// The month asked for.
        month: Month,
    },
    /// Not signed by the top of the tree, or not decodable.
    #[error("a release or directory from above does not verify")]
    NotSigned(#[source] Fault),
    /// A number is missing before this release.
    #[error("expected release {expected}, found {found}")]
    Gap {
        /// The number that follows what is held.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// Not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReleaseError {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTop { .. } => "release_not_top",
            Self::MonthOpen { .. } => "release_month_open",
            Self::Unchanged { .. } => "release_unchanged",
            Self::NotSigned(_) => "release_signature",
            Self::Gap { .. } => "release_gap",
            Self::Store(error) => error.code(),
        }
    }
}

type Counts = BTreeMap<String, i64>;

impl Node {
    /// Computes, signs and stores the release of a closed month. Durable on return.
    pub async fn publish_release(&self, month: Month) -> Result<Arc<Release>, ReleaseError> {
        if self.config.parent.is_some() {
            return Err(ReleaseError::NotTop { tier: self.config.tier.to_string() });
        }
        if month >= self.today().month() {
            return Err(ReleaseError::MonthOpen { month });
        }
        // One at a time: two releases must never get the same number.
        let _publishing = self.publishing.lock().await;
        let mut release = self.compute_release(month);
        let earlier = self.latest_of(month)?;
        if let Some(earlier) = &earlier {
            if earlier.heads == release.heads && earlier.rows == release.rows {
                return Err(ReleaseError::Unchanged { month });
            }
            release.revision = earlier.revision + 1;
        }
        let signed = Signed::sign(&release, &self.signing.key());
        self.store.write(vec![Record::Release(signed).into()]).await?;
        Ok(Arc::new(release))
    }

    /// Takes a release from above, in order. A repeat is passed over.
    pub async fn take_release(&self, signed: Signed) -> Result<(), ReleaseError> {
        let release: Release = self.verify_from_top(&signed, |release: &Release| release.issuer)?;
        let held = self.release_number();
        if release.number <= held {
            return Ok(());
        }
        if release.number != held + 1 {
            return Err(ReleaseError::Gap { expected: held + 1, found: release.number });
        }
        Ok(self.store.write(vec![Record::Release(signed).into()]).await?)
    }

    /// Verifies a statement that only the top of the tree may sign.
    pub(super) fn verify_from_top<T: danso_core::chain::Statement>(
        &self,
        signed: &Signed,
        issuer: impl Fn(&T) -> UnitId,
    ) -> Result<T, ReleaseError> {
        let root = self.root();
        let ring = self.ring_of(root);
        if ring.current().is_none() {
            let fault = Fault::UnknownKey { origin: root, key: "none".to_owned() };
            return Err(ReleaseError::NotSigned(fault));
        }
        let statement: T = ring.verify(signed).map_err(ReleaseError::NotSigned)?;
        if issuer(&statement) == root {
            Ok(statement)
        } else {
            Err(ReleaseError::NotSigned(Fault::Signature))
        }
    }

    /// The top of this node's tree.
    pub fn root(&self) -> UnitId {
        let directory = self.directory();
        let top = directory.at(self.today()).ancestors(self.unit()).last().copied();
        top.unwrap_or_else(|| self.unit())
    }

    /// Number of the latest release held, 0 for none.
    pub fn release_number(&self) -> u64 {
        self.store.view().release.as_ref().map_or(0, |release| release.number)
    }

    /// The latest release of a month held here; readable without any line.
    pub fn latest_of(&self, month: Month) -> Result<Option<Release>, StoreError> {
        for number in (1..=self.release_number()).rev() {
            let release: Option<Release> =
                self.store.release(number)?.and_then(|signed| signed.decode_trusted().ok());
            if let Some(release) = release.filter(|release| release.month == month) {
                return Ok(Some(release.sorted()));
            }
        }
        Ok(None)
    }

    /// The month whose release is due at the top: `release_after_days` after its end. `None` where it is published,
    /// before anything was reported, and by a clock that is not believed.
    pub fn month_to_close(&self) -> Result<Option<Month>, StoreError> {
        if !self.believes_clock() || self.store.view().chains.is_empty() {
            return Ok(None);
        }
        let days = i32::try_from(self.limits().release_after_days).unwrap_or(i32::MAX);
        let month = self.today().plus_days(-days).month().plus(-1);
        Ok(self.latest_of(month)?.is_none().then_some(month))
    }

    fn compute_release(&self, month: Month) -> Release {
        let directory = self.directory();
        let boundary = month.last_day();
        let at = directory.at(boundary);
        let units: Vec<UnitId> = at.units().map(|unit| unit.id).collect();
        let groups: Vec<UnitGroup> = units
            .iter()
            .map(|unit| {
                let leaves = at.leaves_below(*unit);
                let units = if leaves.is_empty() { vec![*unit] } else { leaves };
                UnitGroup { key: unit.to_string(), units }
            })
            .collect();
        let view = self.store.view();
        let ask = |measure, month: Month, male: Option<&str>| -> Counts {
            let filters = male.map(|sex| {
                (Dimension::Sex, vec![Accept::parse(Dimension::Sex, sex).expect("a sex of the coded list")])
            });
            let question = Question {
                measure,
                groups: groups.clone(),
                from: month,
                to: month,
                filters: filters.into_iter().collect(),
                group_by: vec![Dimension::Unit],
            };
            let rows =
                count(&view.tallies, &question).expect("a question of one month by unit is well formed");
            rows.into_iter().map(|row| (row.keys[0].clone(), row.count)).collect()
        };
        let start = ask(Measure::Population, month.plus(-1), None);
        let end = ask(Measure::Population, month, None);
        let boys = ask(Measure::Births, month, Some("male"));
        let girls = ask(Measure::Births, month, Some("female"));
        let deaths = ask(Measure::Deaths, month, None);
        let mut rows = Vec::new();
        for (unit, group) in units.iter().zip(&groups) {
            let of = |counts: &Counts| counts.get(&group.key).copied().unwrap_or_default();
            let figures = MonthFigures {
                population_start: of(&start),
                population_end: of(&end),
                births_male: of(&boys),
                births_female: of(&girls),
                deaths: of(&deaths),
            };
            let leaves: BTreeSet<UnitId> = group.units.iter().copied().collect();
            let provenance = self.provenance_of(&view, &directory, &leaves, month, boundary);
            rows.extend(rows_of(*unit, month, &figures, provenance.expected, provenance.reported));
        }
        let origins: Vec<UnitId> = view.chains.keys().copied().collect();
        let heads = view.heads_digest(origins);
        let number = view.release.as_ref().map_or(0, |release| release.number) + 1;
        Release { issuer: self.unit(), number, month, revision: 1, issued_at_ms: self.now_ms(), heads, rows }
    }
}

fn rows_of(
    unit: UnitId,
    month: Month,
    figures: &MonthFigures,
    expected: u32,
    reported: u32,
) -> Vec<ReleaseRow> {
    Indicator::ALL
        .iter()
        .map(|indicator| {
            let value = indicator.value(month, figures);
            ReleaseRow {
                unit,
                indicator: indicator.word().to_owned(),
                formula: indicator.formula_id().to_owned(),
                numerator: value.numerator,
                denominator: value.denominator,
                value: value.value,
                expected,
                reported,
            }
        })
        .collect()
}

impl Node {
    /// Signs the bootstrap directory as the next version, if it differs from the one in force (top tier).
    pub async fn publish_directory(&self, directory: &Directory) -> Result<(), ReleaseError> {
        let held = self.directory_version();
        if held > 0 && self.directory().to_csv() == directory.to_csv() {
            return Ok(());
        }
        let version = crate::store::pack_directory(directory, self.unit(), held + 1, self.now_ms());
        crate::store::unpack_directory(&version, std::slice::from_ref(&self.config.hierarchy))
            .map_err(ReleaseError::NotSigned)?;
        let signed = Signed::sign(&version, &self.signing.key());
        Ok(self.write_directory(signed, version.version).await?)
    }

    /// Takes a directory version from above. An older or equal one is passed over.
    pub async fn take_directory(&self, signed: Signed) -> Result<(), ReleaseError> {
        use danso_core::chain::DirectoryVersion;
        let version: DirectoryVersion =
            self.verify_from_top(&signed, |version: &DirectoryVersion| version.issuer)?;
        crate::store::unpack_directory(&version, std::slice::from_ref(&self.config.hierarchy))
            .map_err(ReleaseError::NotSigned)?;
        if version.version <= self.directory_version() {
            return Ok(());
        }
        Ok(self.write_directory(signed, version.version).await?)
    }

    /// Writes a directory version, and into the audit log that it is in force.
    async fn write_directory(&self, signed: Signed, version: u64) -> Result<(), StoreError> {
        let text = format!("unit directory version {version}");
        let actor = Actor::node(self.root()).words();
        let note = AuditNote::text(&actor, Deed::ConfigurationChanged, text, self.now_ms());
        self.store.write(vec![Record::Directory(signed).into(), Record::Note(note).into()]).await
    }
}
