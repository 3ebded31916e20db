//! Kinds of administrative unit, spelt as in the law.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that is no kind of unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of: xã, phường, thị trấn, đặc khu, huyện, quận, thị xã, thành phố, tỉnh, trung ương")]
pub struct KindError;

/// What a unit is called in law; the tier, not the kind, says at which level it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Rural commune.
    #[serde(rename = "xã")]
    Commune,
    /// Urban ward.
    #[serde(rename = "phường")]
    Ward,
    /// Township, the urban centre of a rural district; abolished in 2025.
    #[serde(rename = "thị trấn")]
    Township,
    /// Special zone, mostly former island districts.
    #[serde(rename = "đặc khu")]
    SpecialZone,
    /// Rural district; abolished in 2025.
    #[serde(rename = "huyện")]
    RuralDistrict,
    /// Urban district; abolished in 2025.
    #[serde(rename = "quận")]
    UrbanDistrict,
    /// Town of district rank; abolished in 2025.
    #[serde(rename = "thị xã")]
    Town,
    /// City, of district rank until 2025 or run by the centre.
    #[serde(rename = "thành phố")]
    City,
    /// Province.
    #[serde(rename = "tỉnh")]
    Province,
    /// The whole country.
    #[serde(rename = "trung ương")]
    Central,
}

impl Kind {
    /// Every kind, in the order of the law.
    pub const ALL: [Self; 10] = [
        Self::Commune,
        Self::Ward,
        Self::Township,
        Self::SpecialZone,
        Self::RuralDistrict,
        Self::UrbanDistrict,
        Self::Town,
        Self::City,
        Self::Province,
        Self::Central,
    ];

    /// The kind's name in Vietnamese, in small letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commune => "xã",
            Self::Ward => "phường",
            Self::Township => "thị trấn",
            Self::SpecialZone => "đặc khu",
            Self::RuralDistrict => "huyện",
            Self::UrbanDistrict => "quận",
            Self::Town => "thị xã",
            Self::City => "thành phố",
            Self::Province => "tỉnh",
            Self::Central => "trung ương",
        }
    }

    /// True for the commune kinds whose people count as urban: phường and thị trấn.
    pub fn is_urban(self) -> bool {
        matches!(self, Self::Ward | Self::Township)
    }

    /// The kind that a full name begins with and the rest of it: `Phường Ba Đình`, `xã Bắc Sơn`.
    pub fn split_name(name: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|kind| {
            let chars = kind.as_str().chars().count();
            let end = name.char_indices().nth(chars).map(|(at, _)| at)?;
            let rest = name[end..].strip_prefix(' ').filter(|rest| !rest.trim().is_empty())?;
            (name[..end].to_lowercase() == kind.as_str()).then(|| (kind, rest.trim()))
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = KindError;
    fn from_str(text: &str) -> Result<Self, KindError> {
        let lower = text.trim().to_lowercase();
        Self::ALL.into_iter().find(|kind| kind.as_str() == lower).ok_or(KindError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_split_whatever_the_case_of_the_kind() {
        assert_eq!(Kind::split_name("Phường Ba Đình"), Some((Kind::Ward, "Ba Đình")));
        assert_eq!(Kind::split_name("xã Bắc Sơn"), Some((Kind::Commune, "Bắc Sơn")));
        assert_eq!(Kind::split_name("Thị Xã Việt Yên"), Some((Kind::Town, "Việt Yên")));
        assert_eq!(Kind::split_name("Khu vực bãi bồi"), None);
        assert_eq!(Kind::split_name("Xã"), None);
        assert_eq!(Kind::split_name(""), None);
    }

    #[test]
    fn serde_and_text_agree() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }
}
