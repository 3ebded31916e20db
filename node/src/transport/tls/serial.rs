//! Serial numbers of certificates: unique, and telling when the certificate was issued.

use x509_parser::prelude::{FromDer, X509Certificate};

/// Bytes of a serial number (RFC 5280 allows 20).
const BYTES: usize = 16;
/// The first byte: positive and not zero, so that every number keeps its length.
const MARK: u8 = 0x40;
/// Where the Unix milliseconds stand, 48 bits big-endian; what follows is random.
const TIME: std::ops::Range<usize> = 1..7;

/// The serial number of a certificate that danso issued.
pub type Serial = [u8; BYTES];

/// The serial number of a certificate issued at a time (Unix milliseconds); the rest of `random` stays.
pub(crate) fn serial_at(now_ms: u64, random: Serial) -> Serial {
    let mut serial = random;
    serial[0] = MARK;
    serial[TIME].copy_from_slice(&now_ms.to_be_bytes()[2..]);
    serial
}

/// The serial number of a DER certificate; none where danso did not choose it.
pub fn serial_of(der: &[u8]) -> Option<Serial> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let serial: Serial = certificate.raw_serial().try_into().ok()?;
    (serial[0] == MARK).then_some(serial)
}

/// When the certificate with a serial number of danso was issued, Unix milliseconds by its authority's clock.
pub(crate) fn serial_time_ms(serial: &Serial) -> u64 {
    serial[TIME].iter().fold(0, |time, byte| time << 8 | u64::from(*byte))
}

/// When a DER certificate was issued by its authority's clock, in Unix milliseconds; none where danso did
/// not choose its serial number.
pub fn issued_at_ms(der: &[u8]) -> Option<u64> {
    serial_of(der).as_ref().map(serial_time_ms)
}
