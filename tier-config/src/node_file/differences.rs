//! What two node files say differently, by the names of their settings.

use super::NodeConfig;
use std::{collections::BTreeMap, path::Path};

impl NodeConfig {
    /// Settings that `other` gives another value, or that only one of the two has: `listen.address`, sorted. Those of
    /// `[limits]` are left out, see [`crate::limits::LIMIT_FIELDS`].
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (ours, theirs) = (settings(self), settings(other));
        let names = ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name)));
        let mut differing: Vec<String> =
            names.filter(|name| ours.get(*name) != theirs.get(*name)).cloned().collect();
        if self.hierarchy != other.hierarchy && !differing.iter().any(|name| name == "hierarchy") {
            differing.push("hierarchy".to_owned());
        }
        differing.sort();
        differing
    }
}

/// Every setting of a file as it would be written, one a line.
fn settings(config: &NodeConfig) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut section = String::new();
    for line in config.to_toml(Path::new("")).lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((name, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
            && section != "limits."
        {
            settings.insert(format!("{section}{name}"), value.to_owned());
        }
    }
    settings
}
