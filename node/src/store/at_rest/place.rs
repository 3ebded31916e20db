//! Where a key file may lie and who may read it.

use super::AtRestError;
use rustix::io::Errno;
use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Refuses a key file inside the data folder that it protects (`at_rest_key_inside`), where a thief or a
/// backup takes both. Symbolic links are resolved; neither path needs to exist yet.
pub fn require_outside(data: &Path, key: &Path) -> Result<(), AtRestError> {
    let folder = resolve(data).map_err(AtRestError::file("resolve", data))?;
    let file = resolve(key).map_err(AtRestError::key_file("resolve", key))?;
    if file.starts_with(&folder) {
        return Err(AtRestError::KeyInside { key: key.to_path_buf(), data: data.to_path_buf() });
    }
    Ok(())
}

/// The path without symbolic links; what does not exist yet is taken as it is written.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let whole = std::path::absolute(path)?;
            let dangling = fs::symlink_metadata(&whole).is_ok();
            match (whole.parent(), whole.file_name()) {
                (Some(parent), Some(name)) if !dangling => Ok(resolve(parent)?.join(name)),
                _ => Err(error),
            }
        }
        resolved => resolved,
    }
}

/// Whether only the owner can read an open file, or root owns it and lets one user read it: systemd hands a
/// credential to its service so, and the mode then reads 0440 because its group bits are the list's mask.
pub(super) fn is_private(file: &File, metadata: &Metadata) -> io::Result<bool> {
    let (group, others) = (metadata.mode() & 0o070, metadata.mode() & 0o007);
    if others != 0 || group == 0 || metadata.uid() != 0 {
        return Ok(others == 0 && group == 0);
    }
    let mut list = [0; 256];
    match rustix::fs::fgetxattr(file, "system.posix_acl_access", &mut list[..]) {
        Ok(length) => Ok(lets_one_user_read(&list[..length])),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an access control list (Linux `posix_acl_xattr`: version 2, then tag, permissions and id of each
/// entry, little-endian) gives nothing beyond the owner but reading to at most one user.
pub(super) fn lets_one_user_read(list: &[u8]) -> bool {
    const OWNER: u16 = 0x01;
    const USER: u16 = 0x02;
    const MASK: u16 = 0x10;
    const READ: u16 = 4;
    let Some((version, entries)) = list.split_first_chunk() else { return false };
    if u32::from_le_bytes(*version) != 2 || !entries.len().is_multiple_of(8) {
        return false;
    }
    let mut users = 0;
    entries.chunks_exact(8).all(|entry| {
        let permissions = u16::from_le_bytes([entry[2], entry[3]]);
        match u16::from_le_bytes([entry[0], entry[1]]) {
            OWNER | MASK => true,
            USER => {
                users += 1;
                users == 1 && permissions & !READ == 0
            }
            _ => permissions == 0,
        }
    })
}
