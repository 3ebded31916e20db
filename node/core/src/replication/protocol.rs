//! Which version of the replication protocol two nodes speak with each other.

use danso_tier_config::limits;
use std::fmt;

/// The versions that a program speaks, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

/// A parent and a child that have no version in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCommonVersion {
    /// What the parent speaks.
    pub parent: Spoken,
    /// What the child speaks.
    pub child: Spoken,
}

impl std::error::Error for NoCommonVersion {}

impl fmt::Display for NoCommonVersion {
    /// Whose program is to be replaced, in words that are right at both ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = if self.child.max < self.parent.min {
            "install the newer danso at the child / cài danso bản mới hơn ở máy cấp dưới"
        } else {
            "install the newer danso at the parent / cài danso bản mới hơn ở máy cấp trên"
        };
        let (parent, child) = (self.parent, self.child);
        write!(f, "the parent speaks replication versions {parent}, the child {child}: {advice}")
    }
}

impl Spoken {
    /// What this program speaks: its own version and the one before.
    pub const OURS: Self = Self { min: limits::PROTOCOL_VERSION_MIN, max: limits::PROTOCOL_VERSION };

    /// One version alone.
    pub const fn only(version: u32) -> Self {
        Self { min: version, max: version }
    }
}

/// The newest version that a parent and a child both speak. Both ends ask this and come to the same.
pub fn agreed(parent: Spoken, child: Spoken) -> Result<u32, NoCommonVersion> {
    let version = parent.max.min(child.max);
    let sensible = parent.min <= parent.max && child.min <= child.max && version > 0;
    if sensible && version >= parent.min.max(child.min) {
        Ok(version)
    } else {
        Err(NoCommonVersion { parent, child })
    }
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn spoken(min: u32, max: u32) -> Spoken {
        Spoken { min, max }
    }

    #[test]
    fn neighbours_speak_the_older_one_s_newest_version_whichever_is_above() {
        for (one, other, expected) in [
            (spoken(1, 1), spoken(1, 1), 1),
            (spoken(1, 2), spoken(1, 1), 1),
            (spoken(1, 2), spoken(2, 3), 2),
            (spoken(2, 3), spoken(2, 3), 3),
            (spoken(1, 4), spoken(2, 3), 3),
        ] {
            assert_eq!(agreed(one, other), Ok(expected), "{one}, {other}");
            assert_eq!(agreed(other, one), Ok(expected), "{other}, {one}");
        }
    }

    #[test]
    fn two_steps_apart_is_refused_and_the_older_one_is_to_be_replaced() {
        let (old, new) = (spoken(1, 2), spoken(3, 4));
        let refused = agreed(new, old).unwrap_err();
        assert_eq!(refused, NoCommonVersion { parent: new, child: old });
        assert!(refused.to_string().contains("install the newer danso at the child"), "{refused}");
        let refused = agreed(old, new).unwrap_err().to_string();
        assert!(
            refused.contains("the parent speaks replication versions 1 to 2, the child 3 to 4"),
            "{refused}"
        );
        assert!(refused.contains("install the newer danso at the parent"), "{refused}");
    }

    #[test]
    fn a_peer_that_says_nothing_sensible_has_no_version_in_common() {
        for theirs in [spoken(0, 0), spoken(2, 1), spoken(1, 0), spoken(0, u32::MAX - 1)] {
            let fine = theirs == spoken(0, u32::MAX - 1);
            assert_eq!(agreed(Spoken::OURS, theirs).is_ok(), fine, "{theirs}");
            assert_eq!(agreed(theirs, Spoken::OURS).is_ok(), fine, "{theirs}");
        }
    }

    #[test]
    fn this_program_speaks_its_own_version_with_its_like() {
        assert_eq!(agreed(Spoken::OURS, Spoken::OURS), Ok(limits::PROTOCOL_VERSION));
    }
}
