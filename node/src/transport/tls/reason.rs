//! Why a connection failed, in plain words: any error of tonic, hyper, rustls or the system, explained.

use super::{cause::Cause, connector::DialError, identity::IdentityError, trust::TrustFault};
use crate::wire::status::{CODE_KEY, code_of};
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use std::{error::Error, fmt, io};

/// Longest text of an unexplained error that a sentence repeats, in characters.
const SHOWN_CHARS_MAX: usize = 300;

impl Cause {
    fn because(self, sentence: impl Into<String>) -> Reason {
        Reason { cause: self, sentence: sentence.into() }
    }
}

/// A failed connection, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What kind of failure it is; carries the stable code.
    pub cause: Cause,
    /// What happened, for a person: lower case, one line, no full stop.
    pub sentence: String,
}

impl Reason {
    /// The stable code of the cause.
    pub fn code(&self) -> &'static str {
        self.cause.code()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Error for Reason {}

/// Explains an error of a call, a channel or a handshake by the most telling one among its sources.
pub fn reason(error: &(dyn Error + 'static)) -> Reason {
    if let Some(reason) = explain(error) {
        return reason;
    }
    if let Some(status) = find::<tonic::Status>(error) {
        return match status.source() {
            Some(_) => Cause::Closed.because(format!("the connection ended: {}", texts(error))),
            None => Cause::Answered.because(format!(
                "the other side answered {:?}: {}",
                status.code(),
                plain(status.message())
            )),
        };
    }
    Cause::Unknown.because(format!("the connection failed: {}", texts(error)))
}

/// The stable code of the end of a stream: that of the node that sent it, else of how the line broke.
pub fn code_of_end(end: &tonic::Status) -> String {
    if end.metadata().contains_key(CODE_KEY) { code_of(end) } else { reason(end).code().to_owned() }
}

/// The explanation of the first error in the chain that has one.
fn explain(error: &(dyn Error + 'static)) -> Option<Reason> {
    chain(error).find_map(|error| {
        if let Some(reason) = error.downcast_ref::<Reason>() {
            Some(reason.clone())
        } else if let Some(fault) = error.downcast_ref::<TrustFault>() {
            Some(of_trust(fault))
        } else if let Some(dial) = error.downcast_ref::<DialError>() {
            of_dial(dial)
        } else if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            Some(of_tls(tls))
        } else if let Some(io) = error.downcast_ref::<io::Error>() {
            // The source of an io::Error is its inner error's source, so the inner one must be asked for.
            io.get_ref().and_then(|inner| explain(inner)).or_else(|| of_io(io.kind()))
        } else if error.is::<tonic::TimeoutExpired>() {
            Some(Cause::Timeout.because("the other side did not answer the call in time"))
        } else {
            None
        }
    })
}

/// What the connector itself knows; `None` where the source says more.
fn of_dial(error: &DialError) -> Option<Reason> {
    let told = |cause: Cause| Some(cause.because(error.to_string()));
    match error {
        DialError::Name { .. } => told(Cause::NameNotFound),
        DialError::Timeout { .. } => told(Cause::Timeout),
        DialError::Closed { .. } => told(Cause::Closed),
        DialError::Reach { address, source } => {
            let reason = of_io(source.kind())?;
            Some(reason.cause.because(format!("{address}: {reason}")))
        }
        DialError::Handshake { .. } | DialError::Untrusted { .. } => None,
    }
}

fn of_io(kind: io::ErrorKind) -> Option<Reason> {
    use io::ErrorKind as Kind;
    Some(match kind {
        Kind::ConnectionRefused => Cause::Refused.because("connection refused, nothing listens there"),
        Kind::TimedOut => Cause::Timeout.because("the other side did not answer in time"),
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
            Cause::Unreachable.because("there is no way to this address")
        }
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::NotConnected
        | Kind::BrokenPipe
        | Kind::UnexpectedEof => Cause::Closed.because("the other side closed the connection"),
        _ => return None,
    })
}

fn of_tls(error: &rustls::Error) -> Reason {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(error) => of_certificate(error),
        Tls::AlertReceived(alert) => of_alert(*alert),
        Tls::NoCertificatesPresented => {
            Cause::PeerNoCertificate.because("the other side gave no certificate")
        }
        Tls::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => Cause::Version.because("the other side does not offer TLS 1.3, which is needed"),
        Tls::NoApplicationProtocol => Cause::Protocol.because("the other side does not offer HTTP/2"),
        Tls::InvalidMessage(_) => Cause::NotTls.because("the other side does not speak TLS"),
        error => Cause::Handshake.because(format!("the TLS handshake failed: {}", plain(&error.to_string()))),
    }
}

/// A fault that was noted beside the handshake, with its values.
fn of_trust(fault: &TrustFault) -> Reason {
    fault.cause().because(format!("the other side is not trusted: {}", texts(fault)))
}

fn of_certificate(error: &CertificateError) -> Reason {
    use CertificateError as Fault;
    match error {
        Fault::Expired | Fault::ExpiredContext { .. } => {
            Cause::PeerExpired.because("the other side's certificate expired, or the clock here is ahead")
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => Cause::PeerNotYetValid
            .because("the other side's certificate is not valid yet, or the clock here is behind"),
        Fault::UnknownIssuer | Fault::BadSignature => {
            Cause::PeerForeign.because("the other side's certificate is from an unknown authority")
        }
        Fault::ApplicationVerificationFailure => Cause::PeerOutsideSubtree
            .because("the other side's certificate is from an authority that may not issue for its unit"),
        Fault::Revoked => Cause::PeerRevoked.because("the other side's certificate was revoked"),
        Fault::NotValidForNameContext { expected, presented } => Cause::PeerOtherUnit.because(format!(
            "expected the node {}, found {}",
            expected.to_str(),
            plain(&presented.join(", "))
        )),
        Fault::NotValidForName => {
            Cause::PeerOtherUnit.because("the other side is another unit than expected")
        }
        Fault::Other(other) if other.0.is::<IdentityError>() => {
            Cause::PeerNameless.because(format!("the other side cannot be identified: {}", other.0))
        }
        error => Cause::PeerUnfit
            .because(format!("the other side's certificate cannot be used: {}", plain(&error.to_string()))),
    }
}

/// What the other side said before it hung up; the alerts are those that rustls sends for each fault.
fn of_alert(alert: AlertDescription) -> Reason {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateExpired => Cause::OwnExpired
            .because("the other side refused our certificate: expired or not yet valid; check the date and both clocks"),
        Alert::UnknownCA | Alert::DecryptError => {
            Cause::OwnForeign.because("the other side refused our certificate: from an unknown authority")
        }
        Alert::CertificateRevoked => Cause::OwnRevoked.because("the other side refused our certificate: revoked"),
        Alert::CertificateUnknown => {
            Cause::OwnNameless.because("the other side refused our certificate: it names no unit of danso")
        }
        Alert::AccessDenied => Cause::OwnOutsideSubtree.because(
            "the other side refused our certificate: its authority may not issue for our unit",
        ),
        Alert::BadCertificate | Alert::UnsupportedCertificate => Cause::OwnUnfit.because(
            "the other side refused our certificate: it is for another unit or another purpose, or its chain is wrong",
        ),
        Alert::CertificateRequired | Alert::NoCertificate => {
            Cause::OwnNoCertificate.because("the other side refused us: it requires a certificate")
        }
        Alert::ProtocolVersion => Cause::Version.because("the other side refused us: no common version of TLS, 1.3 is needed"),
        Alert::NoApplicationProtocol => Cause::Protocol.because("the other side refused us: it does not offer HTTP/2"),
        alert => Cause::Handshake.because(format!("the other side refused the TLS handshake: {alert:?}")),
    }
}

fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and its sources, outermost first.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The texts of an error and its sources on one bounded line, each once.
fn texts(error: &(dyn Error + 'static)) -> String {
    let mut all: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = error.to_string();
        if !all.iter().any(|known| known.contains(&text)) {
            all.push(text);
        }
    }
    plain(&all.join(": "))
}

/// A foreign text made safe for one line of a log.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let tls = rustls::Error::AlertReceived(AlertDescription::CertificateExpired);
        let error = tonic::Status::from_error(Box::new(io::Error::new(io::ErrorKind::InvalidData, tls)));
        assert_eq!(reason(&error).cause, Cause::OwnExpired);
    }

    #[test]
    fn an_answer_of_the_other_side_is_no_failed_connection() {
        let found = reason(&tonic::Status::permission_denied("not below\nthis unit"));
        assert_eq!(found.cause, Cause::Answered);
        assert_eq!(found.sentence, "the other side answered PermissionDenied: not below this unit");
    }

    #[test]
    fn an_unknown_error_keeps_its_texts_on_one_bounded_line() {
        let found = reason(&io::Error::other(format!("odd\n\u{1b}[2J{}", "x".repeat(5_000))));
        assert_eq!(found.cause, Cause::Unknown);
        assert!(found.sentence.starts_with("the connection failed: odd  [2Jxxx"), "{}", found.sentence);
        assert!(found.sentence.chars().count() < SHOWN_CHARS_MAX + 50);
    }
}
