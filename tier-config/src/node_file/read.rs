//! The keys of a node's file, each asked for by name and checked; faults are left in the document.

use super::{NodeConfig, Parent, web};
use crate::{
    fault::{Faults, nearest},
    limits::{LIMIT_FIELDS, Limits, RETENTION_MONTHS_MAX},
    tier::{Hierarchy, Policy, TierName},
    toml_file::Section,
    unit::UnitId,
};
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

/// What reading came to; faults are in the document.
pub(super) enum Read {
    Done(Box<NodeConfig>),
    Profile(Faults),
    Incomplete,
}

/// Reads the whole file; relative paths are taken from `base`.
pub(super) fn read(root: &Section<'_, '_, '_>, base: &Path) -> Read {
    let unit = root.required("unit", root.text("unit"), "\"00004@2025-07-01\"");
    let unit = unit.and_then(|text| root.parsed::<UnitId>("unit", &text));
    let tier = root.required("tier", root.text("tier"), "\"commune\"");
    let profile = root.required("hierarchy", root.text("hierarchy"), "\"three-tier\"");
    let data = path(root, "data", "\"data\"", base);
    let directory = path(root, "directory", "\"units.csv\"", base);
    let (listen, names) = read_listen(&root.section("listen"));
    let web = web::read(&root.section("web"), base, listen);
    let parent_section = root.section("parent");
    let parent = read_parent(&parent_section);
    let keys_section = root.section("keys");
    let keys = path(&keys_section, "folder", "\"keys\"", base);
    let at_rest = keys_section.text("at_rest").map(|file| base.join(file));
    let policy_section = root.section("policy");
    let policy_up = policy_section.text("up").and_then(|text| policy_section.parsed::<Policy>("up", &text));
    let retention_section = root.section("retention");
    let personal_months = read_retention(&retention_section);
    let limits = read_limits(&root.section("limits"));
    let hierarchy = match profile.as_deref().map(|profile| read_profile(root, profile, base)) {
        Some(Err(faults)) => Err(faults),
        Some(Ok(hierarchy)) => Ok(hierarchy),
        None => Ok(None),
    };
    let place = hierarchy.as_ref().ok().and_then(Option::as_ref).zip(tier.as_deref());
    let tier =
        place.and_then(|(hierarchy, tier)| read_place(root, hierarchy, tier, &parent_section, policy_up));
    if let Some((hierarchy, tier)) = hierarchy.as_ref().ok().and_then(Option::as_ref).zip(tier.as_ref())
        && personal_months.is_some()
        && hierarchy.tier(tier).is_some_and(|tier| tier.records)
    {
        let message = format!("tier {tier} records: what is recorded there is kept there");
        retention_section.fault("personal_months", "retention-records", message);
    }
    retention_section.close();
    for section in [root, &parent_section, &keys_section, &policy_section] {
        section.close();
    }
    let hierarchy = match hierarchy {
        Err(faults) => return Read::Profile(faults),
        Ok(hierarchy) => hierarchy,
    };
    let config = || {
        Some(NodeConfig {
            unit: unit?,
            tier: tier?,
            profile: profile?,
            hierarchy: hierarchy?,
            data: data?,
            directory: directory?,
            listen: listen?,
            names,
            web,
            parent,
            keys: keys?,
            at_rest,
            policy_up,
            personal_months,
            limits,
        })
    };
    config().map_or(Read::Incomplete, |config| Read::Done(Box::new(config)))
}

fn path(section: &Section<'_, '_, '_>, key: &'static str, example: &str, base: &Path) -> Option<PathBuf> {
    let text = section.required(key, section.text(key), example)?;
    if text.trim().is_empty() {
        section.fault(key, "value-form", "expected a path, found an empty text");
        return None;
    }
    Some(base.join(text))
}

/// A shipped profile by name, else a profile file; `Ok(None)` with a fault in the document.
fn read_profile(root: &Section<'_, '_, '_>, profile: &str, base: &Path) -> Result<Option<Hierarchy>, Faults> {
    if let Some(hierarchy) = Hierarchy::shipped(profile) {
        return Ok(Some(hierarchy));
    }
    let path = base.join(profile);
    if path.is_file() {
        return Hierarchy::load(&path).map(Some);
    }
    let shipped: Vec<&str> = Hierarchy::shipped_names().collect();
    let near = nearest(profile, shipped.iter().copied());
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let message = format!("`{profile}` is neither {} nor a profile file{hint}", shipped.join(" nor "));
    root.fault("hierarchy", "hierarchy-unknown", message);
    Ok(None)
}

/// Where the node stands in its hierarchy: whether it needs a parent and how strict it must be.
fn read_place(
    root: &Section<'_, '_, '_>,
    hierarchy: &Hierarchy,
    tier: &str,
    parent: &Section<'_, '_, '_>,
    policy_up: Option<Policy>,
) -> Option<TierName> {
    let names: Vec<&str> = hierarchy.tiers().iter().map(|tier| tier.name.as_str()).collect();
    let Some(found) = hierarchy.tier(tier) else {
        let hint = nearest(tier, names.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let message = format!(
            "{} has no tier `{tier}`, only {}{}",
            hierarchy.name(),
            names.join(", "),
            hint.unwrap_or_default()
        );
        root.fault("tier", "tier-unknown", message);
        return None;
    };
    match (found.up, parent.present()) {
        (Some(_), false) => {
            let message = format!("a node of tier {tier} needs [parent] with unit and address");
            root.fault("parent", "parent-missing", message);
        }
        (None, true) => {
            root.fault("parent", "parent-needless", format!("tier {tier} is the top and has no parent"));
        }
        _ => {}
    }
    match (policy_up, found.up) {
        (Some(own), Some(profile)) if own > profile => {
            let message =
                format!("`{own}` lets more pass than `{profile}` of the profile; it may only be stricter");
            root.section("policy").fault("up", "policy-laxer", message);
        }
        (Some(_), None) => {
            let message = format!("tier {tier} is the top; nothing passes upward from it");
            root.section("policy").fault("up", "policy-laxer", message);
        }
        _ => {}
    }
    Some(found.name.clone())
}

fn read_listen(section: &Section<'_, '_, '_>) -> (Option<SocketAddr>, Vec<String>) {
    let address = section.required("address", section.text("address"), "\"0.0.0.0:7411\"");
    let address = address.and_then(|text| {
        let parsed = text.parse::<SocketAddr>();
        let expected = "expected an IP address and a port, for example 0.0.0.0:7411";
        parsed.map_err(|_| section.fault("address", "value-form", format!("`{text}`: {expected}"))).ok()
    });
    let names = section.texts("names");
    for name in names.iter().filter(|name| !is_host(name)) {
        section.fault("names", "value-form", format!("`{name}` is neither a DNS name nor an IP address"));
    }
    section.close();
    (address, names)
}

fn read_parent(section: &Section<'_, '_, '_>) -> Option<Parent> {
    let (unit, address) = (section.text("unit"), section.text("address"));
    if !section.present() {
        return None;
    }
    let unit = section.required("unit", unit, "\"01@2025-07-01\"");
    let unit = unit.and_then(|text| section.parsed("unit", &text));
    let address = section.required("address", address, "\"10.0.0.1:7411\"");
    let address = address.filter(|text| {
        let parts = text.rsplit_once(':');
        let fine = parts.is_some_and(|(host, port)| {
            is_host(host.trim_start_matches('[').trim_end_matches(']'))
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !fine {
            section.fault(
                "address",
                "value-form",
                format!("`{text}`: expected host:port, for example 10.0.0.1:7411"),
            );
        }
        fine
    });
    Some(Parent { unit: unit?, address: address? })
}

/// A DNS name or an IP address.
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label))
}

fn read_retention(section: &Section<'_, '_, '_>) -> Option<u32> {
    let value = section.integer("personal_months")?;
    let months = u32::try_from(value).ok().filter(|months| (1..=RETENTION_MONTHS_MAX).contains(months));
    if months.is_none() {
        let meaning = "months for which the names of children's batches are kept here";
        let message = format!("expected 1 to {RETENTION_MONTHS_MAX} ({meaning}), found {value}");
        section.fault("personal_months", "value-range", message);
    }
    months
}

fn read_limits(section: &Section<'_, '_, '_>) -> Limits {
    let mut limits = Limits::default();
    for field in &LIMIT_FIELDS {
        let Some(value) = section.integer(field.name) else { continue };
        match u64::try_from(value).ok().filter(|value| (field.min..=field.max).contains(value)) {
            Some(value) => (field.set)(&mut limits, value),
            None => section.fault(
                field.name,
                "value-range",
                format!("expected {} to {} ({}), found {value}", field.min, field.max, field.meaning),
            ),
        }
    }
    if limits.backoff_first_ms > limits.backoff_max_ms {
        let message = format!(
            "the first delay {} is longer than the longest, backoff_max_ms = {}",
            limits.backoff_first_ms, limits.backoff_max_ms
        );
        section.fault("backoff_first_ms", "value-range", message);
    }
    section.close();
    limits
}
