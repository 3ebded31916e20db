//! Key files on disk: bounded reading, and PEM.

use danso_tier_config::limits;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Reads a key file whole; a longer one than `KEY_FILE_BYTES_MAX` is `FileTooLarge`.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let bound = limits::KEY_FILE_BYTES_MAX as u64;
    File::open(path)?.take(bound + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bound {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// A DER certificate as PEM.
pub(crate) fn certificate_pem(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for line in der.chunks(48) {
        for three in line.chunks(3) {
            let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*three.get(at).unwrap_or(&0)));
            for at in 0..4 {
                let letter = if at <= three.len() { LETTERS[bits >> (18 - 6 * at) & 63] } else { b'=' };
                text.push(char::from(letter));
            }
        }
        text.push('\n');
    }
    format!("-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    use std::fs;

    #[test]
    fn a_certificate_survives_its_pem() {
        for length in [1_usize, 2, 3, 47, 48, 49, 500] {
            let der: Vec<u8> = (0..length).map(|byte| (byte * 7 + 3) as u8).collect();
            let pem = certificate_pem(&der);
            assert_eq!(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().as_ref(), der, "{pem}");
            assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
        }
    }

    #[test]
    fn a_file_beyond_the_bound_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        fs::write(&path, vec![b'x'; limits::KEY_FILE_BYTES_MAX]).unwrap();
        assert_eq!(read(&path).unwrap().len(), limits::KEY_FILE_BYTES_MAX);
        fs::write(&path, vec![b'x'; limits::KEY_FILE_BYTES_MAX + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
