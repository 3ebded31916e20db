//! How a unit stands, in one word and one colour, and what is wrong with it in a list.

use crate::{
    operations::{
        Runbook,
        lag::{Finding, Severity, UnitStanding},
    },
    web::{language::Language, site::Site},
};
use danso_tier_config::UnitId;
use maud::{Markup, html};
use std::sync::Arc;

/// One word for how a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Good,
    Unknown,
    Note,
    Warning,
    Critical,
}

impl State {
    /// By the worst finding.
    pub fn of(unit: &UnitStanding) -> Self {
        match unit.findings.first().map(|finding| finding.severity) {
            Some(severity) if severity > Severity::Note => severity.into(),
            _ if unit.is_unknown() => Self::Unknown,
            Some(_) => Self::Note,
            None => Self::Good,
        }
    }

    fn words(self, language: Language) -> &'static str {
        match self {
            Self::Good => language.pick("tốt", "good"),
            Self::Unknown => language.pick("chưa nối", "never linked"),
            Self::Note => language.pick("lưu ý", "note"),
            Self::Warning => language.pick("cảnh báo", "warning"),
            Self::Critical => language.pick("nghiêm trọng", "critical"),
        }
    }

    fn tone(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "none",
            Self::Note => "note",
            Self::Warning => "warn",
            Self::Critical => "bad",
        }
    }

    /// The word as a mark; its shape and colour say the same.
    pub fn mark(self, language: Language) -> Markup {
        html! { span class={ "state " (self.tone()) } { (self.words(language)) } }
    }
}

impl From<Severity> for State {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}

/// Whether a unit records and its figures are older than they may be, or not there.
pub(super) fn is_late(unit: &UnitStanding, late_after_ms: u64) -> bool {
    unit.records && unit.behind_ms.is_none_or(|behind| behind > late_after_ms)
}

/// The units at or below `scope`, looked at a moment ago; the worst first. Blocks.
pub(super) fn units_in(site: &Site, scope: UnitId) -> Arc<Vec<UnitStanding>> {
    let all = site.node.standings_lately();
    if scope == site.node.unit() {
        return all;
    }
    let directory = site.node.directory();
    let at = directory.at(site.node.today());
    Arc::new(all.iter().filter(|unit| at.is_within(unit.unit, scope)).cloned().collect())
}

/// What is wrong, with what to do about it.
pub(super) fn findings<'a>(
    site: &Site,
    language: Language,
    found: impl Iterator<Item = (&'a UnitStanding, &'a Finding)>,
) -> Markup {
    let directory = site.node.directory();
    let id = |unit: &UnitStanding, finding: &Finding| {
        format!("f-{}-{}", unit.unit.to_string().replace('@', "-"), finding.code)
    };
    html! {
        ul.findings {
            @for (unit, finding) in found {
                @let id = id(unit, finding);
                li {
                    p {
                        (State::from(finding.severity).mark(language)) " "
                        a id={ (id) "-unit" } href={ "/units/" (unit.unit) } { (unit.name) }
                    }
                    p { (language.pick(&finding.vietnamese, &finding.english)) }
                    p.muted {
                        (language.pick("Tại máy của ", "On the computer of ")) (directory.name(finding.place).unwrap_or_default()) " (" (finding.place.code) "): "
                        code { (finding.command) } " · "
                        @if Runbook::of(&finding.code).is_some() {
                            a id=(id) href={ "/runbooks/" (finding.code) } {
                                (language.pick("Cách xử lý", "What to do")) " (" (finding.code) ")"
                            }
                        } @else { code { (finding.code) } }
                    }
                }
            }
        }
    }
}

/// Every finding of some units, the worst first.
pub(super) fn all_findings(units: &[UnitStanding]) -> Vec<(&UnitStanding, &Finding)> {
    let mut all: Vec<_> =
        units.iter().flat_map(|unit| unit.findings.iter().map(move |finding| (unit, finding))).collect();
    all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    all
}
