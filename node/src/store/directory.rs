//! Packing and unpacking of a signed directory version.

use danso_core::chain::{DirectoryVersion, Fault, read_frame, write_frame};
use danso_tier_config::{Directory, Hierarchy, UnitId};

/// Packs a directory for signing.
pub fn pack(directory: &Directory, issuer: UnitId, version: u64, issued_at_ms: u64) -> DirectoryVersion {
    let csv = directory.to_csv();
    DirectoryVersion { issuer, version, issued_at_ms, csv_zstd: write_frame([csv.as_bytes()]) }
}

/// Unpacks a verified version, made of the shipped tiers or of those given; bounded while it decompresses.
pub fn unpack(version: &DirectoryVersion, hierarchies: &[Hierarchy]) -> Result<Directory, Fault> {
    let leaves = read_frame(&version.csv_zstd, "directory", 1)?;
    let csv = leaves.get(0).and_then(|leaf| std::str::from_utf8(leaf).ok());
    let csv = csv.ok_or(Fault::Malformed("directory"))?;
    Directory::read_csv(csv, "directory")
        .or_else(|_| Directory::read_csv_in(csv, "directory", hierarchies))
        .map_err(|_| Fault::Malformed("directory"))
}
