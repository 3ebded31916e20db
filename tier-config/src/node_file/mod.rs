//! A node's own file: who it is, where its data, keys and parent are, and what it may change.
//!
//! | file | holds |
//! |---|---|
//! | `read.rs` | the keys of the file, each checked |
//! | `web.rs` | the section `[web]` |
//! | `differences.rs` | what two files say differently |
//! | `write.rs` | the file again, with comments |
//!
//! Invariants:
//! 1. A [`NodeConfig`] that was read can start a node: its tier is one of its hierarchy, it has a parent unless
//!    it is the top, its policy is no laxer than the profile's and its limits are within bounds.
//! 2. No key is ignored: what is unknown is refused with the nearest known key.
//! 3. What [`NodeConfig::to_toml`] writes reads back as the same configuration.

mod differences;
mod read;
mod web;
mod write;

pub use web::{Web, WebSecurity};

use crate::{
    fault::{Collector, Faults},
    limits::Limits,
    tier::{Hierarchy, Policy, TierName},
    toml_file::{Document, parse, plain_text},
    unit::UnitId,
};
use read::Read;
use std::{
    net::SocketAddr,
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
    /// Where pages are served; `None`: nowhere.
    pub web: Option<Web>,
    /// The node above; `None` on the top tier only.
    pub parent: Option<Parent>,
    /// Folder of the keys and certificates that `danso enrol` makes.
    pub keys: PathBuf,
    /// File of the key under which names are encrypted; `None`: `at-rest.key` in the folder of the keys.
    pub at_rest: Option<PathBuf>,
    /// A stricter policy than the profile's; `None` keeps the profile's.
    pub policy_up: Option<Policy>,
    /// Whole months for which the names of children's batches are kept here; `None` for good.
    pub personal_months: Option<u32>,
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
        let config = read::read(&document.root(&value), base_folder);
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
        write::write_toml(self, base_folder, &mut text).expect("writing to memory cannot fail");
        text
    }
}
