//! The causes of a failed connection, each with its stable code.

/// One cause of a failed connection; "peer" is the other side's fault, "own" is what the other side says of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The other side's certificate is no longer valid.
    PeerExpired,
    /// The other side's certificate is not valid yet.
    PeerNotYetValid,
    /// The other side's certificate is from an authority not trusted here.
    PeerForeign,
    /// The other side's certificate names another unit than the expected one.
    PeerOtherUnit,
    /// The other side's certificate was revoked.
    PeerRevoked,
    /// An authority of the other side's certificate may not issue for its unit.
    PeerOutsideSubtree,
    /// The other side's certificates do not form a chain of danso authorities.
    PeerPath,
    /// The other side's certificate names no node or person, or several.
    PeerNameless,
    /// The other side's certificate cannot be used for another reason.
    PeerUnfit,
    /// The other side gave no certificate.
    PeerNoCertificate,
    /// The other side finds our certificate expired or not yet valid.
    OwnExpired,
    /// The other side does not trust the authority of our certificate.
    OwnForeign,
    /// The other side finds our certificate revoked.
    OwnRevoked,
    /// The other side finds that the authority of our certificate may not issue for our unit.
    OwnOutsideSubtree,
    /// The other side finds no identity in our certificate.
    OwnNameless,
    /// The other side cannot use our certificate; often it expected another unit.
    OwnUnfit,
    /// The other side asks for a certificate that we did not give.
    OwnNoCertificate,
    /// One side does not speak TLS 1.3.
    Version,
    /// One side does not speak HTTP/2.
    Protocol,
    /// The other side does not speak TLS.
    NotTls,
    /// The handshake broke off for another reason.
    Handshake,
    /// Nobody listens at the address.
    Refused,
    /// The name in the address is not known.
    NameNotFound,
    /// There is no way to the address.
    Unreachable,
    /// The other side did not answer in time.
    Timeout,
    /// The connection ended while in use, without a reason given.
    Closed,
    /// The connection works; the other side answered the call with an error.
    Answered,
    /// None of the above.
    Unknown,
}

impl Cause {
    /// Every cause, for the house test that each has a page in the runbooks.
    pub const ALL: [Self; 28] = [
        Self::PeerExpired,
        Self::PeerNotYetValid,
        Self::PeerForeign,
        Self::PeerOtherUnit,
        Self::PeerRevoked,
        Self::PeerOutsideSubtree,
        Self::PeerPath,
        Self::PeerNameless,
        Self::PeerUnfit,
        Self::PeerNoCertificate,
        Self::OwnExpired,
        Self::OwnForeign,
        Self::OwnRevoked,
        Self::OwnOutsideSubtree,
        Self::OwnNameless,
        Self::OwnUnfit,
        Self::OwnNoCertificate,
        Self::Version,
        Self::Protocol,
        Self::NotTls,
        Self::Handshake,
        Self::Refused,
        Self::NameNotFound,
        Self::Unreachable,
        Self::Timeout,
        Self::Closed,
        Self::Answered,
        Self::Unknown,
    ];

    /// The stable code, which names the page in the runbooks.
    pub fn code(self) -> &'static str {
        match self {
            Self::PeerExpired => "tls_peer_expired",
            Self::PeerNotYetValid => "tls_peer_not_yet_valid",
            Self::PeerForeign => "tls_peer_foreign",
            Self::PeerOtherUnit => "tls_peer_other_unit",
            Self::PeerRevoked => "tls_peer_revoked",
            Self::PeerOutsideSubtree => "tls_peer_outside_subtree",
            Self::PeerPath => "tls_peer_path",
            Self::PeerNameless => "tls_peer_nameless",
            Self::PeerUnfit => "tls_peer_unfit",
            Self::PeerNoCertificate => "tls_peer_no_certificate",
            Self::OwnExpired => "tls_own_expired",
            Self::OwnForeign => "tls_own_foreign",
            Self::OwnRevoked => "tls_own_revoked",
            Self::OwnOutsideSubtree => "tls_own_outside_subtree",
            Self::OwnNameless => "tls_own_nameless",
            Self::OwnUnfit => "tls_own_unfit",
            Self::OwnNoCertificate => "tls_own_no_certificate",
            Self::Version => "tls_version",
            Self::Protocol => "tls_protocol",
            Self::NotTls => "tls_not_tls",
            Self::Handshake => "tls_handshake",
            Self::Refused => "net_refused",
            Self::NameNotFound => "net_name_not_found",
            Self::Unreachable => "net_unreachable",
            Self::Timeout => "net_timeout",
            Self::Closed => "net_closed",
            Self::Answered => "net_answered",
            Self::Unknown => "net_unknown",
        }
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_cause_has_a_code_of_its_own() {
        let codes: HashSet<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
    }
}
