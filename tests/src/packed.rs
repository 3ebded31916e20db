//! A folder packed into one small file: golden data folders of earlier formats.
//!
//! zstd over, for each file: a line with its path and length, then its bytes.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path},
};

/// How hard is packed: golden folders are made once and kept for good.
const LEVEL: i32 = 19;
/// Longest line with a path and a length.
const LINE_BYTES_MAX: usize = 512;

/// The files of a folder with everything in it, by paths relative to it; `skip` names files that are left out.
pub fn pack(folder: &Path, skip: &[&str]) -> Vec<u8> {
    let mut plain = Vec::new();
    gather(folder, folder, skip, &mut plain);
    zstd::bulk::compress(&plain, LEVEL).unwrap()
}

fn gather(root: &Path, folder: &Path, skip: &[&str], plain: &mut Vec<u8>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            gather(root, &path, skip, plain);
        } else if !skip.iter().any(|name| path.file_name().is_some_and(|own| own == *name)) {
            let bytes = fs::read(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            plain.extend(format!("{} {name}\n", bytes.len()).bytes());
            plain.extend(bytes);
        }
    }
}

/// Unpacks into a folder, over what lies there.
pub fn unpack(packed: &[u8], plain_bytes_max: usize, folder: &Path) {
    let plain = zstd::bulk::decompress(packed, plain_bytes_max).unwrap();
    let mut rest = plain.as_slice();
    while !rest.is_empty() {
        let end = rest.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n').expect("a line");
        let line = std::str::from_utf8(&rest[..end]).unwrap();
        let (length, name) = line.split_once(' ').unwrap();
        let path = Path::new(name);
        assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{name}");
        let (bytes, later) = rest[end + 1..].split_at(length.parse().unwrap());
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Keys among them are refused where others could read them.
        let file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.unwrap().write_all(bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        rest = later;
    }
}
