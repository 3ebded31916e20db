//! A node's own file: who it is, where its data, keys and parent are, and what it may change.

use crate::{
    fault::{Collector, Faults, nearest},
    limits::{LIMIT_FIELDS, Limits},
    tier::{Hierarchy, Policy, TierName},
    toml_file::{Document, Section, parse, plain_text},
    unit::UnitId,
};
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

/// The node above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its unit.
    pub unit: UnitId,
    /// Where it listens: `host:port`.
    pub address: String,
}

/// A node's file, read and checked; all paths are ready to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// The unit that the node serves.
    pub unit: UnitId,
    /// The unit's tier, one of the hierarchy's.
    pub tier: TierName,
    /// The hierarchy's profile as the file names it: `four-tier`, `three-tier` or a path.
    pub profile: String,
    /// The hierarchy.
    pub hierarchy: Hierarchy,
    /// Folder of the node's data.
    pub data: PathBuf,
    /// The unit directory to begin with, a CSV file.
    pub directory: PathBuf,
    /// Address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Further DNS names and IP addresses that the node's certificate must hold.
    pub names: Vec<String>,
    /// The node above; `None` on the top tier only.
    pub parent: Option<Parent>,
    /// Folder of the keys and certificates that `danso keys` makes.
    pub keys: PathBuf,
    /// A stricter policy than the profile's; `None` keeps the profile's.
    pub policy_up: Option<Policy>,
    /// The limits.
    pub limits: Limits,
}

impl NodeConfig {
    /// Reads a node's file; all its faults at once.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let mut faults = Collector::new(&file);
            faults.add(0, "", "file-unreadable", format!("cannot read the node's file: {error}"));
            faults.faults
        })?;
        Self::parse(&text, &file, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a node's file; relative paths are taken from `base_folder`.
    pub fn parse(text: &str, file_name: &str, base_folder: &Path) -> Result<Self, Faults> {
        let text = plain_text(text);
        let value = parse(&text, file_name)?;
        let document = Document::new(&text, file_name);
        let config = read(&document.root(&value), base_folder);
        let mut faults = document.into_faults();
        match config {
            Read::Done(config) => faults.none_or(*config),
            Read::Profile(mut profile) => {
                faults.faults.0.append(&mut profile.0);
                Err(faults.faults)
            }
            Read::Incomplete => Err(faults.faults),
        }
    }

    /// What passes to the parent: the file's stricter policy or the profile's; `None` on the top tier.
    pub fn up(&self) -> Option<Policy> {
        let profile = self.hierarchy.tier(&self.tier).and_then(|tier| tier.up);
        self.policy_up.or(profile)
    }

    /// A commented file that reads back as this configuration from `base_folder`; paths inside it are
    /// written relative to it.
    pub fn to_toml(&self, base_folder: &Path) -> String {
        let mut text = String::new();
        write_toml(self, base_folder, &mut text).expect("writing to memory cannot fail");
        text
    }
}

/// What reading came to; faults are in the document.
enum Read {
    Done(Box<NodeConfig>),
    Profile(Faults),
    Incomplete,
}

fn read(root: &Section<'_, '_, '_>, base: &Path) -> Read {
    let unit = root.required("unit", root.text("unit"), "\"00004@2025-07-01\"");
    let unit = unit.and_then(|text| root.parsed::<UnitId>("unit", &text));
    let tier = root.required("tier", root.text("tier"), "\"commune\"");
    let profile = root.required("hierarchy", root.text("hierarchy"), "\"three-tier\"");
    let data = path(root, "data", "\"data\"", base);
    let directory = path(root, "directory", "\"units.csv\"", base);
    let (listen, names) = read_listen(&root.section("listen"));
    let parent_section = root.section("parent");
    let parent = read_parent(&parent_section);
    let keys_section = root.section("keys");
    let keys = path(&keys_section, "folder", "\"keys\"", base);
    let policy_section = root.section("policy");
    let policy_up = policy_section.text("up").and_then(|text| policy_section.parsed::<Policy>("up", &text));
    let limits = read_limits(&root.section("limits"));
    let hierarchy = match profile.as_deref().map(|profile| read_profile(root, profile, base)) {
        Some(Err(faults)) => Err(faults),
        Some(Ok(hierarchy)) => Ok(hierarchy),
        None => Ok(None),
    };
    let place = hierarchy.as_ref().ok().and_then(Option::as_ref).zip(tier.as_deref());
    let tier = place.and_then(|(hierarchy, tier)| read_place(root, hierarchy, tier, &parent_section, policy_up));
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
            parent,
            keys: keys?,
            policy_up,
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
            let message = format!("`{own}` lets more pass than `{profile}` of the profile; it may only be stricter");
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
            is_host(host.trim_start_matches('[').trim_end_matches(']')) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !fine {
            section.fault("address", "value-form", format!("`{text}`: expected host:port, for example 10.0.0.1:7411"));
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

fn write_toml(config: &NodeConfig, base: &Path, out: &mut String) -> std::fmt::Result {
    let relative = |path: &Path| {
        let shown = path.strip_prefix(base).unwrap_or(path).display().to_string();
        quoted(&if shown.is_empty() { ".".to_owned() } else { shown })
    };
    writeln!(out, "# Node of {} / Nút của đơn vị {}", config.unit, config.unit)?;
    writeln!(out, "# Paths are relative to this file. / Đường dẫn tính từ thư mục chứa tệp này.\n")?;
    writeln!(out, "# The unit: official code @ first day of validity.")?;
    writeln!(out, "unit = {}", quoted(&config.unit.to_string()))?;
    writeln!(out, "tier = {}", quoted(&config.tier))?;
    let shipped: Vec<&str> = Hierarchy::shipped_names().collect();
    writeln!(out, "# {}, or the path of a profile file.", shipped.join(", "))?;
    writeln!(out, "hierarchy = {}", quoted(&config.profile))?;
    writeln!(out, "# Folder of the data; it must lie on a disk of its own machine, not on a network share.")?;
    writeln!(out, "data = {}", relative(&config.data))?;
    writeln!(out, "# The list of all units to begin with.")?;
    writeln!(out, "directory = {}", relative(&config.directory))?;
    writeln!(out, "\n[listen]\naddress = {}", quoted(&config.listen.to_string()))?;
    if !config.names.is_empty() {
        let names: Vec<String> = config.names.iter().map(|name| quoted(name)).collect();
        writeln!(out, "# Further names and addresses under which children reach this node.")?;
        writeln!(out, "names = [{}]", names.join(", "))?;
    }
    if let Some(parent) = &config.parent {
        writeln!(out, "\n# The node above. / Nút cấp trên.\n[parent]")?;
        writeln!(out, "unit = {}\naddress = {}", quoted(&parent.unit.to_string()), quoted(&parent.address))?;
    }
    writeln!(out, "\n# Made by `danso keys`; keep this folder secret.\n[keys]\nfolder = {}", relative(&config.keys))?;
    if let Some(up) = config.policy_up {
        writeln!(out, "\n# What passes upward: names, cores or counts; never more than the profile allows.")?;
        writeln!(out, "[policy]\nup = {}", quoted(&up.to_string()))?;
    }
    write_limits(&config.limits, out)
}

fn write_limits(limits: &Limits, out: &mut String) -> std::fmt::Result {
    let standard = Limits::default();
    let changed: Vec<_> =
        LIMIT_FIELDS.iter().filter(|field| (field.get)(limits) != (field.get)(&standard)).collect();
    if !changed.is_empty() {
        writeln!(out, "\n[limits]")?;
    }
    for field in changed {
        writeln!(out, "# {}, {} to {}", field.meaning, field.min, field.max)?;
        writeln!(out, "{} = {}", field.name, (field.get)(limits))?;
    }
    Ok(())
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c)).expect("writing to memory cannot fail"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
