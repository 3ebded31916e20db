//! The tiers of a hierarchy, named by a profile file, and what may pass each boundary upward.

use crate::{
    fault::{Collector, Faults},
    toml_file::{Document, Section, parse, plain_text},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Borrow, fmt, ops::Deref, path::Path, str::FromStr, sync::Arc};

/// Longest name of a tier, in bytes.
const TIER_NAME_BYTES_MAX: usize = 32;
/// Most tiers of one hierarchy.
const TIERS_MAX: usize = 16;

/// The profiles that come with the program.
const SHIPPED: [(&str, &str); 2] = [
    ("four-tier", include_str!("../profiles/four-tier.toml")),
    ("three-tier", include_str!("../profiles/three-tier.toml")),
];

/// A text that is not a tier's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tier's name is 1 to 32 small letters, digits or hyphens")]
pub struct TierNameError;

/// The name of a tier, as its profile gives it: `commune`, `province`; cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierName(Arc<str>);

impl TierName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TierName {
    type Err = TierNameError;
    fn from_str(text: &str) -> Result<Self, TierNameError> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let fits = (1..=TIER_NAME_BYTES_MAX).contains(&text.len());
        if plain && fits { Ok(Self(text.into())) } else { Err(TierNameError) }
    }
}

impl Deref for TierName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TierName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for TierName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for TierName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for TierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TierName {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TierName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// A text that is not a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected names, cores or counts")]
pub struct PolicyError;

/// What passes a boundary upward; the smaller, the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Signed tally deltas only.
    Counts,
    /// The cores of changes, without personal parts.
    Cores,
    /// Everything, names included.
    Names,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Counts => "counts",
            Self::Cores => "cores",
            Self::Names => "names",
        })
    }
}

impl FromStr for Policy {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "counts" => Ok(Self::Counts),
            "cores" => Ok(Self::Cores),
            "names" => Ok(Self::Names),
            _ => Err(PolicyError),
        }
    }
}

/// One tier of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The tier's name.
    pub name: TierName,
    /// What people call it, in Vietnamese.
    pub title: String,
    /// The most that passes to the tier above; `None` on the top tier only.
    pub up: Option<Policy>,
    /// True where people record changes: the bottom tier.
    pub records: bool,
}

/// The tiers from bottom to top, at least one, each with a name of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    name: String,
    tiers: Vec<Tier>,
}

impl Hierarchy {
    /// A profile that comes with the program: `four-tier` or `three-tier`.
    pub fn shipped(name: &str) -> Option<Self> {
        let (file, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Some(Self::parse(text, file).expect("shipped profiles are tested"))
    }

    /// Names of the profiles that come with the program.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// Reads a profile file; all its faults at once.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let mut faults = Collector::new(&file);
            faults.add(0, "", "file-unreadable", format!("cannot read the profile: {error}"));
            faults.faults
        })?;
        Self::parse(&text, &file)
    }

    /// Reads a profile's text; `file` is named in faults.
    pub fn parse(text: &str, file: &str) -> Result<Self, Faults> {
        let text = plain_text(text);
        let value = parse(&text, file)?;
        let document = Document::new(&text, file);
        let root = document.root(&value);
        let name = root.required("name", root.text("name"), "\"four-tier\"").unwrap_or_default();
        let sections = root.sections("tier");
        let count = sections.len();
        if count == 0 || count > TIERS_MAX {
            root.fault(
                "tier",
                "value-range",
                format!("expected 1 to {TIERS_MAX} [[tier]] tables, found {count}"),
            );
        }
        let mut tiers: Vec<Tier> = Vec::new();
        for (i, section) in sections.into_iter().enumerate() {
            let tier = read_tier(&section, i == 0, i + 1 == count);
            if let Some(tier) = &tier
                && tiers.iter().any(|other| other.name == tier.name)
            {
                section.fault("name", "value-form", format!("tier `{}` is listed twice", tier.name));
            }
            section.close();
            tiers.extend(tier);
        }
        root.close();
        document.into_faults().none_or(Self { name, tiers })
    }

    /// The profile's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All tiers, from bottom to top.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// The tier where people record.
    pub fn bottom(&self) -> &Tier {
        self.tiers.first().expect("a hierarchy has at least one tier")
    }

    /// The tier without a parent.
    pub fn top(&self) -> &Tier {
        self.tiers.last().expect("a hierarchy has at least one tier")
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.tiers.iter().position(|tier| tier.name == *name)
    }

    /// The tier of a name.
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.tiers.get(self.place(name)?)
    }

    /// The tier just above a named one; `None` on the top and for unknown names.
    pub fn above(&self, name: &str) -> Option<&Tier> {
        self.tiers.get(self.place(name)? + 1)
    }

    /// The tier just below a named one; `None` on the bottom and for unknown names.
    pub fn below(&self, name: &str) -> Option<&Tier> {
        self.tiers.get(self.place(name)?.checked_sub(1)?)
    }

    /// True where `upper` lies anywhere above `lower` in this hierarchy.
    pub fn is_above(&self, upper: &str, lower: &str) -> bool {
        self.place(upper).zip(self.place(lower)).is_some_and(|(upper, lower)| upper > lower)
    }
}

fn read_tier(section: &Section<'_, '_, '_>, bottom: bool, top: bool) -> Option<Tier> {
    let name = section.required("name", section.text("name"), "\"commune\"");
    let name = name.and_then(|name| section.parsed::<TierName>("name", &name));
    let title = section.text("title");
    let up = section.text("up");
    let records = section.flag("records").unwrap_or(false);
    if top && up.is_some() {
        section.fault("up", "value-form", "the top tier has no tier above, so no `up`");
    }
    if !top && up.is_none() {
        section.required("up", None, "\"names\"");
    }
    if records != bottom {
        section.fault("records", "value-form", "people record at the first (bottom) tier, and only there");
    }
    let up = up.and_then(|up| section.parsed::<Policy>("up", &up));
    let name = name?;
    Some(Tier { title: title.unwrap_or_else(|| name.to_string()), name, up, records })
}
