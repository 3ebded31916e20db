//! Who a certificate names: one node, person or authority, by a single DNS name below `.danso`.

use crate::operations::accounts::Role;
use danso_tier_config::UnitId;
use std::fmt;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The ending that marks a DNS name as an identity; it is never looked up in the DNS.
const ENDING: &str = ".danso";
/// Longest part of a foreign name that an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// The holder of a certificate, or nobody that a certificate names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The node that serves a unit.
    Node(UnitId),
    /// A person bound to a unit and all units below it.
    Person {
        /// What the person may do.
        role: Role,
        /// The topmost unit for which the person may do it.
        unit: UnitId,
    },
    /// The authority of a unit: it signs certificates for the unit and for those below it, and never
    /// connects.
    Authority(UnitId),
    /// Someone who connected without a certificate.
    Guest,
}

/// A certificate that names no node or person, or more than one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The bytes are not one DER certificate with at most one list of names.
    #[error("not a readable X.509 certificate")]
    Unreadable,
    /// No DNS name ends in `.danso`.
    #[error("the certificate names no unit of danso")]
    Missing,
    /// A name ends in `.danso` but is not a unit and role in lower case.
    #[error("the certificate's name {name} is not a unit and role of danso")]
    Malformed {
        /// The name, escaped and cut.
        name: String,
    },
    /// The certificate is an authority's, which signs and never connects.
    #[error("the certificate is that of the authority of {unit}, which cannot connect with it")]
    Authority {
        /// The authority's unit.
        unit: UnitId,
    },
    /// More than one name ends in `.danso`.
    #[error("the certificate names {first} and also {second}")]
    Several {
        /// The first name, escaped and cut.
        first: String,
        /// The second name, escaped and cut.
        second: String,
    },
}

impl Identity {
    /// The identity that a DER certificate names. The certificate's signature and dates are **not** checked here.
    pub fn of_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| IdentityError::Unreadable)?;
        if !rest.is_empty() {
            return Err(IdentityError::Unreadable);
        }
        let names = certificate.subject_alternative_name().map_err(|_| IdentityError::Unreadable)?;
        let mut own =
            names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
                GeneralName::DNSName(name) if is_identity_name(name) => Some(*name),
                _ => None,
            });
        let first = own.next().ok_or(IdentityError::Missing)?;
        if let Some(second) = own.next() {
            return Err(IdentityError::Several { first: shown(first), second: shown(second) });
        }
        Self::of_name(first)
    }

    /// As [`Identity::of_certificate`], but refuses the certificate of an authority: only a node or a
    /// person connects.
    pub fn of_peer(der: &[u8]) -> Result<Self, IdentityError> {
        match Self::of_certificate(der)? {
            Self::Authority(unit) => Err(IdentityError::Authority { unit }),
            identity => Ok(identity),
        }
    }

    /// The identity of a DNS name as [`Identity::name`] writes it, and of no other spelling.
    pub fn of_name(name: &str) -> Result<Self, IdentityError> {
        parse(name)
            .filter(|identity| identity.name().as_deref() == Some(name))
            .ok_or_else(|| IdentityError::Malformed { name: shown(name) })
    }

    /// The DNS name in the certificate, in lower case: `u00004-20250701.node.danso`; none for a guest.
    pub fn name(self) -> Option<String> {
        match self {
            Self::Node(unit) => Some(dns_name(unit, "node")),
            Self::Person { role, unit } => Some(dns_name(unit, role.as_str())),
            Self::Authority(unit) => Some(dns_name(unit, "authority")),
            Self::Guest => None,
        }
    }

    /// The unit of the node or authority, or the topmost unit of the person; none for a guest.
    pub fn unit(self) -> Option<UnitId> {
        match self {
            Self::Node(unit) | Self::Person { unit, .. } | Self::Authority(unit) => Some(unit),
            Self::Guest => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(unit) => write!(f, "node {unit}"),
            Self::Person { role, unit } => write!(f, "{} {unit}", role.as_str()),
            Self::Authority(unit) => write!(f, "authority {unit}"),
            Self::Guest => f.write_str("a guest without certificate"),
        }
    }
}

/// The DNS name that the certificate of a unit's node carries.
pub fn server_name(unit: UnitId) -> String {
    dns_name(unit, "node")
}

fn dns_name(unit: UnitId, kind: &str) -> String {
    let (year, month, day) = unit.valid_from.parts();
    let code = unit.code.as_str().to_ascii_lowercase();
    format!("u{code}-{year:04}{month:02}{day:02}.{kind}{ENDING}")
}

/// Whether a DNS name lies below `.danso` in any spelling that some TLS library might match.
pub(crate) fn is_identity_name(name: &str) -> bool {
    name.trim_end_matches('.').to_ascii_lowercase().ends_with(ENDING)
}

/// A foreign name made safe for one line of a log: escaped, and cut at a bound.
fn shown(name: &str) -> String {
    name.escape_debug().take(SHOWN_CHARS_MAX).collect()
}

fn parse(name: &str) -> Option<Identity> {
    let (unit, kind) = name.strip_suffix(ENDING)?.split_once('.')?;
    let (code, day) = unit.strip_prefix('u')?.split_once('-')?;
    if day.len() != 8 || !day.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let code = code.to_ascii_uppercase();
    let unit: UnitId = format!("{code}@{}-{}-{}", &day[..4], &day[4..6], &day[6..]).parse().ok()?;
    match kind {
        "node" => return Some(Identity::Node(unit)),
        "authority" => return Some(Identity::Authority(unit)),
        _ => {}
    }
    let role: Role = kind.parse().ok()?;
    Some(Identity::Person { role, unit })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn unit(text: &str) -> UnitId {
        text.parse().unwrap()
    }

    #[test]
    fn identities_survive_their_dns_name() {
        for text in ["00004@2025-07-01", "VN@1945-09-02", "01@2004-07-08", "ABCD1234@0001-01-01"] {
            let mut all = vec![Identity::Node(unit(text)), Identity::Authority(unit(text))];
            all.extend(Role::ALL.map(|role| Identity::Person { role, unit: unit(text) }));
            for identity in all {
                let name = identity.name().unwrap();
                assert_eq!(name, name.to_ascii_lowercase());
                assert!(is_identity_name(&name));
                assert_eq!(Identity::of_name(&name), Ok(identity));
            }
        }
    }

    #[test]
    fn names_read_as_promised() {
        assert_eq!(server_name(unit("00004@2025-07-01")), "u00004-20250701.node.danso");
        let person = Identity::Person { role: Role::Analyst, unit: unit("VN@1945-09-02") };
        assert_eq!(person.name().unwrap(), "uvn-19450902.analyst.danso");
        assert_eq!(person.to_string(), "analyst VN@1945-09-02");
        let authority = Identity::Authority(unit("01@2025-07-01"));
        assert_eq!(authority.name().unwrap(), "u01-20250701.authority.danso");
        assert_eq!((Identity::Guest.name(), Identity::Guest.unit()), (None, None));
    }

    #[test]
    fn other_spellings_are_refused_with_the_name() {
        for name in [
            "U00004-20250701.node.danso",
            "uVN-19450902.node.danso",
            "u00004-20250230.node.danso",
            "u00004-2025070.node.danso",
            "u00004-2025-0701.node.danso",
            "u00004-20250701.mayor.danso",
            "u00004-20250701.guest.danso",
            "u00004-20250701.x.node.danso",
            "u-20250701.node.danso",
            "*.node.danso",
            "u00004-20250701.node.danso.",
            "u00004-2025070é.node.danso",
            ".danso",
            "danso",
        ] {
            assert_eq!(
                Identity::of_name(name),
                Err(IdentityError::Malformed { name: name.into() }),
                "{name}"
            );
        }
    }

    #[test]
    fn foreign_names_are_escaped_and_cut_in_errors() {
        let IdentityError::Malformed { name } = Identity::of_name("\u{1b}[31m\n.danso").unwrap_err() else {
            panic!("expected a malformed name")
        };
        assert_eq!(name, "\\u{1b}[31m\\n.danso");
        let long = format!("{}.danso", "a".repeat(5_000));
        let IdentityError::Malformed { name } = Identity::of_name(&long).unwrap_err() else {
            panic!("expected a malformed name")
        };
        assert_eq!(name.len(), SHOWN_CHARS_MAX);
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        assert_eq!(Identity::of_certificate(b""), Err(IdentityError::Unreadable));
        assert_eq!(Identity::of_certificate(&[0x30, 0x82, 0xff, 0xff]), Err(IdentityError::Unreadable));
    }
}
