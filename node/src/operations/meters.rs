//! What a node counts of itself: every meter declared here, counted in memory since the start.

use std::{collections::BTreeMap, sync::Mutex};

/// A counter, with the name of its one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meter {
    /// `danso_<noun>_<unit>_total`.
    pub name: &'static str,
    /// Name of its label.
    pub label: &'static str,
    /// What it counts.
    pub meaning: &'static str,
}

/// Calls that were denied, by code.
pub const CALLS_DENIED: Meter =
    Meter { name: "danso_calls_denied_total", label: "code", meaning: "calls that were denied" };
/// Connections that were refused or cut, by code.
pub const CONNECTIONS_REFUSED: Meter = Meter {
    name: "danso_connections_refused_total",
    label: "code",
    meaning: "connections that were refused or cut",
};
/// Batches that were refused, by code.
pub const BATCHES_REFUSED: Meter =
    Meter { name: "danso_batches_refused_total", label: "code", meaning: "batches that were refused" };
/// Links that ended with an error, by code.
pub const LINKS_BROKEN: Meter =
    Meter { name: "danso_links_broken_total", label: "code", meaning: "links that ended with an error" };
/// Sign-ins, by outcome.
pub const SIGN_INS: Meter =
    Meter { name: "danso_sign_ins_total", label: "outcome", meaning: "sign-ins by their outcome" };
/// Messages of children whose clock is far off, by unit.
pub const CLOCKS_OFF: Meter =
    Meter { name: "danso_clocks_off_total", label: "unit", meaning: "heartbeats with a clock far off" };

/// Receipts of tiers above that were passed on and do not verify, by code.
pub const RELAYS_REFUSED: Meter = Meter {
    name: "danso_relayed_receipts_refused_total",
    label: "code",
    meaning: "relayed receipts that were passed over",
};

/// Every meter.
pub const METERS: [Meter; 7] =
    [CALLS_DENIED, CONNECTIONS_REFUSED, BATCHES_REFUSED, LINKS_BROKEN, SIGN_INS, CLOCKS_OFF, RELAYS_REFUSED];

/// Most values of one label that are told apart; the rest is counted as `other`.
const LABELS_MAX: usize = 1_000;

/// The counts of one node.
#[derive(Debug, Default)]
pub struct Meters(Mutex<BTreeMap<Meter, BTreeMap<String, u64>>>);

impl Meters {
    /// Counts one.
    pub fn count(&self, meter: Meter, label: &str) {
        let mut meters = self.0.lock().expect("no holder of the meters panics");
        let values = meters.entry(meter).or_default();
        let label = if values.len() < LABELS_MAX || values.contains_key(label) { label } else { "other" };
        *values.entry(label.to_owned()).or_default() += 1;
    }

    /// A count.
    pub fn value(&self, meter: Meter, label: &str) -> u64 {
        let meters = self.0.lock().expect("no holder of the meters panics");
        meters.get(&meter).and_then(|values| values.get(label)).copied().unwrap_or(0)
    }

    /// All counts that are not zero: meter, label, value.
    pub fn all(&self) -> Vec<(Meter, String, u64)> {
        let meters = self.0.lock().expect("no holder of the meters panics");
        let rows = meters
            .iter()
            .flat_map(|(meter, values)| values.iter().map(|(label, value)| (*meter, label.clone(), *value)));
        rows.collect()
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn labels_are_bounded_and_nothing_is_lost() {
        let meters = Meters::default();
        for number in 0..LABELS_MAX + 10 {
            meters.count(CLOCKS_OFF, &number.to_string());
        }
        meters.count(CLOCKS_OFF, "3");
        assert_eq!(meters.value(CLOCKS_OFF, "3"), 2);
        assert_eq!(meters.value(CLOCKS_OFF, "other"), 10);
        assert_eq!(meters.all().iter().map(|(_, _, value)| value).sum::<u64>(), LABELS_MAX as u64 + 11);
    }
}
