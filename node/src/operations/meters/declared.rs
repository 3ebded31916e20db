//! Every metric of a node. Rules and dashboards below `deploy/` may name these and no others; a test checks it.
//!
//! Names are `danso_<noun>_<unit>`, with `_total` behind it for what only grows. Moments are Unix seconds, 0 for never,
//! so that an age is `time() - danso_..._timestamp_seconds` and grows while a node does not answer.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Grows; begins again where a node starts or is rebuilt.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many values lie below each of these bounds.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meter {
    /// Its name in the text.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What is counted or measured; the name ends with it. Empty for what is 0 or 1.
    pub unit: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it says, for the `HELP` line.
    pub meaning: &'static str,
}

const fn counter(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Meter {
    Meter { name, kind: Kind::Counter, unit, labels, meaning }
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Meter {
    Meter { name, kind: Kind::Gauge, unit, labels, meaning }
}

const fn histogram(
    name: &'static str,
    unit: &'static str,
    bounds: &'static [f64],
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Meter {
    Meter { name, kind: Kind::Histogram(bounds), unit, labels, meaning }
}

/// Bounds of a sync of the disk, in seconds: from a good SSD to a dying disk.
const SYNC_SECONDS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of a call, in seconds; the longest is cut at 300.
const CALL_SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// Bounds from recording to receipt, in seconds: from a good line to a commune that was cut off for a month.
const RECEIPT_SECONDS: &[f64] =
    &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0];
/// Bounds of the changes in a batch, which are at most 10,000.
const BATCH_CHANGES: &[f64] =
    &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0];

/// Calls that were denied, by code.
pub const CALLS_DENIED: Meter =
    counter("danso_calls_denied_total", "calls", &["code"], "Calls that were denied.");
/// Calls answered with an error, by code; those denied are among them.
pub const CALLS_FAILED: Meter =
    counter("danso_calls_failed_total", "calls", &["code"], "Calls that were answered with an error.");
/// From a call to the beginning of its answer, by method.
pub const CALL_DURATION: Meter = histogram(
    "danso_call_duration_seconds",
    "seconds",
    CALL_SECONDS,
    &["method"],
    "Time from a call to the beginning of its answer.",
);
/// Connections that were refused or cut, by code.
pub const CONNECTIONS_REFUSED: Meter = counter(
    "danso_connections_refused_total",
    "connections",
    &["code"],
    "Connections that were refused or cut.",
);
/// Sign-ins, by outcome.
pub const SIGN_INS: Meter =
    counter("danso_sign_ins_total", "sign_ins", &["outcome"], "Sign-ins by their outcome.");

/// Changes recorded by the node itself.
pub const CHANGES_RECORDED: Meter = counter(
    "danso_changes_recorded_total",
    "changes",
    &[],
    "Changes recorded at this node since it was set up.",
);
/// Persons of the own register.
pub const PERSONS: Meter =
    gauge("danso_register_persons", "persons", &[], "Persons of this node's own register.");
/// Changes that are in no batch yet.
pub const CHANGES_UNSEALED: Meter =
    gauge("danso_unsealed_changes", "changes", &[], "Changes recorded here that are in no batch yet.");
/// Batches of the units below that are held here.
pub const BATCHES_ACCEPTED: Meter = counter(
    "danso_batches_accepted_total",
    "batches",
    &[],
    "Batches of the units below that were accepted and are durable here.",
);
/// Changes in them.
pub const CHANGES_ACCEPTED: Meter = counter(
    "danso_changes_accepted_total",
    "changes",
    &[],
    "Changes of the units below that were accepted and are durable here.",
);
/// Changes of each accepted batch.
pub const BATCH_SIZE: Meter = histogram(
    "danso_accepted_batch_changes",
    "changes",
    BATCH_CHANGES,
    &[],
    "Changes in each accepted batch.",
);
/// Batches that were refused, by code.
pub const BATCHES_REFUSED: Meter =
    counter("danso_batches_refused_total", "batches", &["code"], "Batches that were refused.");
/// Changes stored and not counted.
pub const CHANGES_QUARANTINED: Meter = gauge(
    "danso_quarantined_changes",
    "changes",
    &[],
    "Changes of all chains held here that are stored and not counted.",
);

/// Whether the link to the parent is open.
pub const PARENT_LINK: Meter =
    gauge("danso_parent_link_up", "", &[], "Whether the link to the parent is open and welcomed.");
/// Batches without a receipt of the parent.
pub const BATCHES_UNACKNOWLEDGED: Meter = gauge(
    "danso_unacknowledged_batches",
    "batches",
    &[],
    "Batches held here for which the parent has given no receipt.",
);
/// When the oldest change was recorded that the parent has no receipt for.
pub const UNSENT_SINCE: Meter = gauge(
    "danso_unsent_since_timestamp_seconds",
    "seconds",
    &[],
    "When the oldest change was recorded for which the parent has given no receipt; 0 for none.",
);
/// From recording to the parent's receipt.
pub const RECEIPT_LATENCY: Meter = histogram(
    "danso_receipt_latency_seconds",
    "seconds",
    RECEIPT_SECONDS,
    &["chain"],
    "Time from the recording of a batch's oldest change to the parent's receipt, of own and passed on batches.",
);
/// Links that ended with an error, by code.
pub const LINKS_BROKEN: Meter =
    counter("danso_links_broken_total", "links", &["code"], "Links that ended with an error.");
/// Receipts of tiers above that were passed on and do not verify, by code.
pub const RELAYS_REFUSED: Meter = counter(
    "danso_relayed_receipts_refused_total",
    "receipts",
    &["code"],
    "Relayed receipts that were passed over.",
);
/// Messages of children whose clock is far off, by unit.
pub const CLOCKS_OFF: Meter =
    counter("danso_clocks_off_total", "clocks", &["unit"], "Heartbeats with a clock far off.");

/// Units below by how they stand.
pub const UNITS: Meter = gauge(
    "danso_subtree_units",
    "units",
    &["state"],
    "Recording units: all, and those linked, never heard of, late, held, or with changes in quarantine.",
);
/// What is wrong with units below.
pub const FINDINGS: Meter = gauge(
    "danso_subtree_findings",
    "findings",
    &["severity"],
    "What is wrong with this node and the units below it, as danso status tells it, by how soon somebody must act.",
);
/// Units below that are not told one by one.
pub const UNITS_UNTOLD: Meter = gauge(
    "danso_untold_units",
    "units",
    &[],
    "Units that have no series of their own here, because there are too many.",
);
/// Up to when a unit is known here.
pub const UNIT_WATERMARK: Meter = gauge(
    "danso_unit_watermark_timestamp_seconds",
    "seconds",
    &["unit"],
    "Up to when everything that a unit recorded is here; 0 for never.",
);
/// When a unit was last heard of.
pub const UNIT_CONTACT: Meter = gauge(
    "danso_unit_contact_timestamp_seconds",
    "seconds",
    &["unit"],
    "Last sign of life of a unit at the tier just above it; 0 for never.",
);
/// Changes of a unit that are not here.
pub const UNIT_BEHIND: Meter = gauge(
    "danso_unit_behind_changes",
    "changes",
    &["unit"],
    "Changes of a unit that some tier below is known to hold and that are not here.",
);
/// Whether a unit's line is open.
pub const UNIT_LINK: Meter = gauge(
    "danso_unit_link_up",
    "",
    &["unit"],
    "Whether the tier just above a unit has its line open; missing where nothing is known.",
);
/// What a unit's disk has left.
pub const UNIT_DISK_FREE: Meter = gauge(
    "danso_unit_disk_free_bytes",
    "bytes",
    &["unit"],
    "Bytes that the disk of a unit's node has left, by its last word.",
);
/// For how long a unit's certificate is good.
pub const UNIT_CERTIFICATE: Meter = gauge(
    "danso_unit_certificate_left_seconds",
    "seconds",
    &["unit"],
    "Time until the certificate of a unit's node ends, in whole days by its last word; negative after it.",
);
/// Changes of a unit that are stored and not counted.
pub const UNIT_QUARANTINED: Meter = gauge(
    "danso_unit_quarantined_changes",
    "changes",
    &["unit"],
    "Changes of a unit that are stored here and not counted.",
);
/// Whether a unit's chain is held.
pub const UNIT_HELD: Meter = gauge(
    "danso_unit_held",
    "",
    &["unit"],
    "Whether a unit's chain is held here or at the parent until somebody decides.",
);
/// How far the clock of a child is off.
pub const CLOCK_OFFSET: Meter = gauge(
    "danso_unit_clock_offset_seconds",
    "seconds",
    &["unit"],
    "How far the clock of a unit's node is ahead of that of the tier above it.",
);

/// The program.
pub const BUILD: Meter =
    gauge("danso_build_info", "info", &["version"], "Always 1; the version of the program.");
/// The node.
pub const NODE: Meter =
    gauge("danso_node_info", "info", &["unit", "tier", "parent"], "Always 1; who this node is.");
/// Whether the node is ready.
pub const READY: Meter = gauge(
    "danso_node_ready",
    "",
    &[],
    "Whether this node takes work: its store is well and it is not stopping.",
);
/// When the node started.
pub const STARTED: Meter =
    gauge("danso_node_start_timestamp_seconds", "seconds", &[], "When this node started.");
/// Until when certificates are good.
pub const CERTIFICATE_END: Meter = gauge(
    "danso_certificate_expiry_timestamp_seconds",
    "seconds",
    &[],
    "Until when the certificate of this node is good.",
);
/// Whether the key at rest is missing.
pub const NAMES_LOCKED: Meter = gauge(
    "danso_names_locked",
    "",
    &[],
    "Whether names are neither read nor recorded, for want of the key at rest.",
);
/// Whether the parent knows an entry of the audit log that is not here.
pub const AUDIT_CUT: Meter = gauge(
    "danso_audit_cut",
    "",
    &[],
    "Whether the parent knows an entry of the audit log that is missing or another here.",
);
/// Version of the unit directory in force.
pub const DIRECTORY: Meter =
    gauge("danso_directory_version", "version", &[], "Version of the unit directory in force.");
/// Bytes in the ledger.
pub const LEDGER_BYTES: Meter = gauge("danso_ledger_bytes", "bytes", &[], "Bytes of records in the ledger.");
/// From append to durable.
pub const LEDGER_SYNC: Meter = histogram(
    "danso_ledger_sync_seconds",
    "seconds",
    SYNC_SECONDS,
    &[],
    "Time that the disk took to make a group of records durable.",
);
/// Bytes of the index.
pub const INDEX_BYTES: Meter = gauge("danso_index_bytes", "bytes", &[], "Bytes of the files of the index.");
/// Bytes that the disk of the data folder has left.
pub const DISK_FREE: Meter = gauge(
    "danso_disk_free_bytes",
    "bytes",
    &[],
    "Bytes that the disk of the data folder has left for this node.",
);
/// Size of the disk of the data folder.
pub const DISK_SIZE: Meter =
    gauge("danso_disk_size_bytes", "bytes", &[], "Size of the disk of the data folder.");
/// Memory of the process.
pub const MEMORY: Meter = gauge(
    "danso_process_resident_memory_bytes",
    "bytes",
    &[],
    "Memory of the process that is in the computer's memory.",
);

/// Every metric.
pub const DECLARED: &[Meter] = &[
    CALLS_DENIED,
    CALLS_FAILED,
    CALL_DURATION,
    CONNECTIONS_REFUSED,
    SIGN_INS,
    CHANGES_RECORDED,
    PERSONS,
    CHANGES_UNSEALED,
    BATCHES_ACCEPTED,
    CHANGES_ACCEPTED,
    BATCH_SIZE,
    BATCHES_REFUSED,
    CHANGES_QUARANTINED,
    PARENT_LINK,
    BATCHES_UNACKNOWLEDGED,
    UNSENT_SINCE,
    RECEIPT_LATENCY,
    LINKS_BROKEN,
    RELAYS_REFUSED,
    CLOCKS_OFF,
    UNITS,
    FINDINGS,
    UNITS_UNTOLD,
    UNIT_WATERMARK,
    UNIT_CONTACT,
    UNIT_BEHIND,
    UNIT_LINK,
    UNIT_DISK_FREE,
    UNIT_CERTIFICATE,
    UNIT_QUARANTINED,
    UNIT_HELD,
    CLOCK_OFFSET,
    BUILD,
    NODE,
    READY,
    STARTED,
    CERTIFICATE_END,
    NAMES_LOCKED,
    AUDIT_CUT,
    DIRECTORY,
    LEDGER_BYTES,
    LEDGER_SYNC,
    INDEX_BYTES,
    DISK_FREE,
    DISK_SIZE,
    MEMORY,
];

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_say_noun_and_unit_and_stand_once() {
        let names: BTreeSet<&str> = DECLARED.iter().map(|meter| meter.name).collect();
        assert_eq!(names.len(), DECLARED.len());
        for meter in DECLARED {
            let Meter { name, kind, unit, labels, meaning } = meter;
            let stem = name.strip_suffix("_total");
            assert_eq!(stem.is_some(), *kind == Kind::Counter, "{name}");
            let stem = stem.unwrap_or(name);
            assert!(stem.starts_with("danso_") && stem.split('_').all(|word| !word.is_empty()), "{name}");
            assert!(stem.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            // Of a total the unit may stand before the deed: calls that were denied.
            let told = stem.ends_with(unit) || *kind == Kind::Counter && stem.contains(unit);
            assert!(told, "{name} does not tell its unit {unit}");
            assert!(meaning.ends_with('.') && !meaning.contains(['\n', '"', '\\']), "{name}");
            assert!(labels.iter().all(|label| !["le", "job", "instance"].contains(label)), "{name}");
            if let Kind::Histogram(bounds) = kind {
                assert!(bounds.is_sorted() && !bounds.is_empty(), "{name}");
            }
        }
    }
}
