//! What of the units a visitor chose to see: columns to sort by, filters by name, state and tier.

use super::standing::{State, is_late};
use crate::{
    operations::{forms::fold, lag::UnitStanding},
    web::{fields::Asked, site::escaped},
};
use std::{cmp::Ordering, fmt::Write as _};

/// What a column is called, what its cells are sorted by, and where a click begins: the worst first.
pub(super) struct Column {
    pub word: &'static str,
    pub vietnamese: &'static str,
    pub english: &'static str,
    pub class: &'static str,
    pub compare: Option<fn(&UnitStanding, &UnitStanding) -> Ordering>,
    pub begins_down: bool,
}

/// The columns, from left to right.
pub(super) const COLUMNS: [Column; 8] = [
    Column {
        word: "name",
        vietnamese: "Đơn vị",
        english: "Unit",
        class: "",
        compare: Some(|a, b| fold(&a.name).cmp(&fold(&b.name)).then(a.unit.cmp(&b.unit))),
        begins_down: false,
    },
    Column {
        word: "state",
        vietnamese: "Tình trạng",
        english: "State",
        class: "",
        compare: Some(|a, b| State::of(a).cmp(&State::of(b))),
        begins_down: true,
    },
    Column {
        word: "behind",
        vietnamese: "Số liệu cũ",
        english: "Age of figures",
        class: "",
        compare: Some(|a, b| behind(a).cmp(&behind(b))),
        begins_down: true,
    },
    Column {
        word: "missing",
        vietnamese: "Còn thiếu",
        english: "Missing",
        class: "number",
        compare: Some(|a, b| a.changes_behind.cmp(&b.changes_behind)),
        begins_down: true,
    },
    Column {
        word: "waits",
        vietnamese: "Chờ ở chặng",
        english: "Waits at",
        class: "wide waiting",
        compare: None,
        begins_down: false,
    },
    Column {
        word: "heard",
        vietnamese: "Liên lạc cuối",
        english: "Last contact",
        class: "wide",
        compare: Some(|a, b| b.last_contact_ms.cmp(&a.last_contact_ms)),
        begins_down: true,
    },
    Column {
        word: "uncounted",
        vietnamese: "Chưa tính",
        english: "Not counted",
        class: "number wide",
        compare: Some(|a, b| a.quarantined.cmp(&b.quarantined)),
        begins_down: true,
    },
    Column {
        word: "history",
        vietnamese: "30 ngày",
        english: "30 days",
        class: "wide",
        compare: None,
        begins_down: false,
    },
];

/// Never reported is older than any age; a unit that records nothing has none.
fn behind(unit: &UnitStanding) -> (bool, u64) {
    (unit.records, unit.behind_ms.unwrap_or(u64::MAX))
}

/// What the visitor chose to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Choice {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) tier: String,
    pub(super) sort: &'static str,
    pub(super) down: bool,
    pub(super) page: usize,
}

/// What the state of a unit is filtered by: word, Vietnamese, English.
pub(super) const STATES: [(&str, &str, &str); 5] = [
    ("", "tất cả", "all"),
    ("problem", "cần xử lý", "needs attention"),
    ("late", "chậm", "late"),
    ("cut", "mất liên lạc", "not connected"),
    ("unknown", "chưa từng nối", "never linked"),
];

impl Choice {
    /// Out of the address; what is not understood is left out.
    pub fn of(asked: &Asked) -> Self {
        let column = COLUMNS
            .iter()
            .find(|column| column.word == asked.text("sort") && column.compare.is_some())
            .unwrap_or(&COLUMNS[1]);
        let down = match asked.text("order") {
            "up" => false,
            "down" => true,
            _ => column.begins_down,
        };
        Self {
            name: asked.text("name").chars().take(100).collect(),
            state: asked.text("state").to_owned(),
            tier: asked.text("tier").to_owned(),
            sort: column.word,
            down,
            page: asked.text("page").parse().unwrap_or(1).max(1),
        }
    }

    /// The address of the same choice, sorted otherwise or at another page.
    pub(super) fn address(&self, sort: &str, down: bool, page: usize) -> String {
        let order = if down { "down" } else { "up" };
        let mut address = format!("sort={sort}&order={order}");
        for (name, value) in [("name", &self.name), ("state", &self.state), ("tier", &self.tier)] {
            if !value.is_empty() {
                write!(address, "&{name}={}", escaped(value)).expect("writing to memory cannot fail");
            }
        }
        if page > 1 {
            write!(address, "&page={page}").expect("writing to memory cannot fail");
        }
        address
    }

    /// The units chosen, in order.
    pub(super) fn apply<'a>(&self, all: &'a [UnitStanding], late_after_ms: u64) -> Vec<&'a UnitStanding> {
        let wanted = fold(&self.name);
        let chosen = |unit: &&UnitStanding| {
            let named =
                fold(&unit.name).contains(&wanted) || unit.unit.code.to_string().contains(self.name.trim());
            let state = match self.state.as_str() {
                "problem" => State::of(unit) >= State::Warning,
                "late" => is_late(unit, late_after_ms),
                "cut" => unit.connected == Some(false) && !unit.is_unknown(),
                "unknown" => unit.is_unknown(),
                _ => true,
            };
            named && state && (self.tier.is_empty() || unit.tier == self.tier)
        };
        let mut units: Vec<&UnitStanding> = all.iter().filter(chosen).collect();
        let column = COLUMNS.iter().find(|column| column.word == self.sort);
        if let Some(compare) = column.and_then(|column| column.compare) {
            units.sort_by(|a, b| if self.down { compare(b, a) } else { compare(a, b) });
        }
        units
    }
}
