//! The values of one node's metrics, in memory since the start.

use super::declared::{DECLARED, Kind, Meter};
use danso_tier_config::limits;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder,
    core::Collector,
    proto::{LabelPair, Metric, MetricFamily},
};
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What stands for all values of a label that are not told apart.
const OTHER: &str = "other";
/// Longest value of a label, in bytes.
const LABEL_BYTES_MAX: usize = 80;

/// One metric with all values of its labels.
enum Family {
    Counter(IntCounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl Family {
    /// An empty one, made known to a registry.
    fn new(meter: &Meter, registry: &Registry) -> Self {
        let sure = "a test makes every metric that is declared";
        let add = |collector: Box<dyn Collector>| registry.register(collector).expect(sure);
        match meter.kind {
            Kind::Counter => {
                let opts = Opts::new(meter.name, meter.meaning);
                let family = IntCounterVec::new(opts, meter.labels).expect(sure);
                add(Box::new(family.clone()));
                // What has not happened yet is told as 0, so that its first time is seen as a growth.
                if meter.labels.is_empty() {
                    family.with_label_values::<&str>(&[]);
                }
                Self::Counter(family)
            }
            Kind::Gauge => {
                let opts = Opts::new(meter.name, meter.meaning);
                let family = GaugeVec::new(opts, meter.labels).expect(sure);
                add(Box::new(family.clone()));
                Self::Gauge(family)
            }
            Kind::Histogram(bounds) => {
                let opts = HistogramOpts::new(meter.name, meter.meaning).buckets(bounds.to_vec());
                let family = HistogramVec::new(opts, meter.labels).expect(sure);
                add(Box::new(family.clone()));
                if meter.labels.is_empty() {
                    family.with_label_values::<&str>(&[]);
                }
                Self::Histogram(family)
            }
        }
    }
}

/// The numbers of one node.
pub struct Meters {
    registry: Registry,
    families: HashMap<&'static str, Family>,
    /// Values of labels that are told apart, by metric.
    known: Mutex<HashMap<&'static str, BTreeSet<String>>>,
    /// Held while what is looked up is put in place and written out.
    telling: Mutex<()>,
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}

impl Default for Meters {
    fn default() -> Self {
        let registry = Registry::new();
        let families = DECLARED.iter().map(|meter| (meter.name, Family::new(meter, &registry))).collect();
        Self { registry, families, known: Mutex::default(), telling: Mutex::default() }
    }
}

/// Whether a value of a label is one of ours: a code, a method, a unit id, a version.
fn is_plain(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-@./+".contains(&byte);
    (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(plain)
}

impl Meters {
    /// Counts one. `label` is the value of the metric's one label, and passed over where it has none.
    pub fn count(&self, meter: Meter, label: &str) {
        if let (Family::Counter(family), label) = (self.family(meter), self.label(meter, label)) {
            family.with_label_values(&values(meter, &label)).inc();
        }
    }

    /// Takes a measured value into a histogram.
    pub fn observe(&self, meter: Meter, label: &str, value: f64) {
        if let (Family::Histogram(family), label) = (self.family(meter), self.label(meter, label)) {
            family.with_label_values(&values(meter, &label)).observe(value);
        }
    }

    /// Puts a gauge at a value until it is put at another.
    pub fn set(&self, meter: Meter, label: &str, value: f64) {
        if let (Family::Gauge(family), label) = (self.family(meter), self.label(meter, label)) {
            family.with_label_values(&values(meter, &label)).set(value);
        }
    }

    /// What a counter has come to, how often a histogram was given something.
    pub fn value(&self, meter: Meter, label: &str) -> u64 {
        let known = self.known().get(meter.name).is_some_and(|known| known.contains(label));
        if !known && !meter.labels.is_empty() {
            return 0;
        }
        match self.family(meter) {
            Family::Counter(family) => family.with_label_values(&values(meter, label)).get(),
            Family::Histogram(family) => family.with_label_values(&values(meter, label)).get_sample_count(),
            Family::Gauge(_) => 0,
        }
    }

    /// All counters that are not zero: metric, value of its label, count.
    pub(super) fn counters(&self, looked_up: &[LookedUp]) -> Vec<(Meter, String, u64)> {
        let _turn = self.put_in_place(looked_up);
        self.counted()
    }

    fn counted(&self) -> Vec<(Meter, String, u64)> {
        let counters = DECLARED.iter().filter(|meter| meter.kind == Kind::Counter);
        let rows = counters.flat_map(|meter| {
            let Family::Counter(family) = self.family(*meter) else { return Vec::new() };
            let families = family.collect();
            let samples = families.iter().flat_map(MetricFamily::get_metric);
            let row = |sample: &Metric| {
                let label = sample.get_label().first().map_or("", LabelPair::value).to_owned();
                (*meter, label, sample.get_counter().get_value() as u64)
            };
            samples.map(row).collect()
        });
        let mut rows: Vec<_> = rows.filter(|(.., count)| *count > 0).collect();
        rows.sort_by(|one, other| (one.0.name, &one.1).cmp(&(other.0.name, &other.1)));
        rows
    }

    /// Everything in Prometheus's text format 0.0.4.
    pub(super) fn tell(&self, looked_up: &[LookedUp]) -> String {
        let _turn = self.put_in_place(looked_up);
        let families = self.registry.gather();
        TextEncoder::new().encode_to_string(&families).expect("writing to memory cannot fail")
    }

    /// Puts what was looked up in the place of what was told last; nobody else does while the guard is held.
    fn put_in_place(&self, looked_up: &[LookedUp]) -> MutexGuard<'_, ()> {
        let turn = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        for LookedUp { meter, samples } in looked_up {
            match self.family(*meter) {
                Family::Gauge(family) => {
                    family.reset();
                    for (labels, value) in samples {
                        family.with_label_values(labels).set(*value);
                    }
                }
                Family::Counter(family) => {
                    family.reset();
                    for (labels, value) in samples {
                        family.with_label_values(labels).inc_by(*value as u64);
                    }
                }
                Family::Histogram(_) => {}
            }
        }
        turn
    }

    fn family(&self, meter: Meter) -> &Family {
        self.families.get(meter.name).expect("every metric is declared")
    }

    fn known(&self) -> MutexGuard<'_, HashMap<&'static str, BTreeSet<String>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value under which a label is told: itself while there are few of them.
    fn label(&self, meter: Meter, label: &str) -> String {
        if meter.labels.is_empty() {
            return String::new();
        }
        let mut known = self.known();
        let known = known.entry(meter.name).or_default();
        if known.contains(label) {
            return label.to_owned();
        }
        let told = is_plain(label) && known.len() < limits::METER_LABELS_MAX;
        let label = if told { label } else { OTHER };
        known.insert(label.to_owned());
        label.to_owned()
    }
}

/// A metric as it was found when somebody asked: the values of its labels, and its own.
pub(super) struct LookedUp {
    pub meter: Meter,
    pub samples: Vec<(Vec<String>, f64)>,
}

fn values(meter: Meter, label: &str) -> Vec<&str> {
    if meter.labels.is_empty() { Vec::new() } else { vec![label] }
}

#[cfg(test)]
mod unit_tests {
    use super::{
        super::declared::{BATCH_SIZE, CERTIFICATE_END, CLOCKS_OFF, LINKS_BROKEN, UNITS},
        *,
    };

    #[test]
    fn labels_are_bounded_and_nothing_is_lost() {
        let meters = Meters::default();
        let most = limits::METER_LABELS_MAX;
        for number in 0..most + 10 {
            meters.count(CLOCKS_OFF, &number.to_string());
        }
        meters.count(CLOCKS_OFF, "3");
        assert_eq!(meters.value(CLOCKS_OFF, "3"), 2);
        assert_eq!(meters.value(CLOCKS_OFF, OTHER), 10);
        assert_eq!(meters.counted().iter().map(|(_, _, value)| value).sum::<u64>(), most as u64 + 11);
        assert_eq!(meters.tell(&[]).matches("danso_clocks_off_total{").count(), most + 1);
    }

    #[test]
    fn what_a_peer_calls_a_code_is_no_label_unless_it_looks_like_one() {
        let meters = Meters::default();
        let long = "a".repeat(LABEL_BYTES_MAX + 1);
        for said in ["Nguyễn Văn A", "two words", "a\"b", "a\nb", "", &long] {
            meters.count(LINKS_BROKEN, said);
        }
        meters.count(LINKS_BROKEN, "net_timeout");
        let told = meters.tell(&[]);
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("danso_links_broken")).collect();
        let expected = [
            "danso_links_broken_total{code=\"net_timeout\"} 1",
            "danso_links_broken_total{code=\"other\"} 6",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_looked_up_takes_the_place_of_what_was_told_before() {
        let meters = Meters::default();
        let found = |state: &str| LookedUp { meter: UNITS, samples: vec![(vec![state.to_owned()], 4.0)] };
        meters.set(CERTIFICATE_END, "", 1.5e9);
        meters.observe(BATCH_SIZE, "", 7.0);
        assert!(meters.tell(&[found("late")]).contains("danso_subtree_units{state=\"late\"} 4\n"));
        let told = meters.tell(&[found("all")]);
        assert!(
            !told.contains("\"late\"") && told.contains("danso_subtree_units{state=\"all\"} 4\n"),
            "{told}"
        );
        assert!(told.contains("danso_certificate_expiry_timestamp_seconds 1500000000\n"), "{told}");
        assert!(told.contains("danso_accepted_batch_changes_bucket{le=\"10\"} 1\n"), "{told}");
        assert!(told.contains("# TYPE danso_accepted_batch_changes histogram\n"), "{told}");
    }
}
