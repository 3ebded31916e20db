//! Key files on disk: bounded reading, and atomic writing with a file mode.

use danso_tier_config::limits;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Mode of a file that holds a private key.
pub(crate) const PRIVATE_MODE: u32 = 0o600;
/// Mode of a file that anyone may read.
pub(crate) const PUBLIC_MODE: u32 = 0o644;

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

/// Replaces or creates a file; on return it and its name are durable. No moment shows half of it, or a
/// private one to others: it is written under a temporary name that has the mode from the start.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_added_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
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
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_written_file_has_its_mode_even_over_an_open_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(folder.path().join("node.key.new"), "left by a crash").unwrap();
        write(&path, b"new", PRIVATE_MODE).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

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
