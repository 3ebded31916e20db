//! Tests of key files: making, reading, who may read them, where they may lie.

use super::{
    super::{AtRestKey, place::lets_one_user_read, require_outside},
    code, mode,
};
use rustix::fs::{FileType, Mode};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};
use tempfile::tempdir;

#[test]
fn a_new_key_file_is_private_differs_each_time_and_replaces_nothing() {
    let folder = tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let made = AtRestKey::generate(&one).unwrap();
    assert_eq!(mode(&one), 0o600);
    assert_eq!(AtRestKey::read(&one).unwrap().name(), made.name());
    assert_ne!(AtRestKey::generate(&two).unwrap().name(), made.name());
    let content = fs::read(&one).unwrap();
    assert_eq!((content.len(), content[64]), (65, b'\n'));
    assert_eq!(code(AtRestKey::generate(&one)), "at_rest_key_exists");
    assert_eq!(fs::read(&one).unwrap(), content);
    symlink(folder.path().join("nowhere"), folder.path().join("link")).unwrap();
    assert_eq!(code(AtRestKey::generate(&folder.path().join("link"))), "at_rest_key_exists");
    assert_eq!(code(AtRestKey::generate(&folder.path().join("no/key"))), "at_rest_key_unusable");
    assert_eq!(code(AtRestKey::read(&folder.path().join("no/key"))), "at_rest_key_unusable");
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    AtRestKey::generate(&path).unwrap();
    for (bits, expected) in [
        (0o600, "no error"),
        (0o400, "no error"),
        (0o640, "at_rest_key_exposed"),
        (0o620, "at_rest_key_exposed"),
        (0o604, "at_rest_key_exposed"),
        (0o644, "at_rest_key_exposed"),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
        assert_eq!(code(AtRestKey::read(&path)), expected, "mode {bits:o}");
    }
}

#[test]
fn a_key_file_holds_64_digits_and_nothing_else() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    AtRestKey::generate(&path).unwrap();
    let digits = "0aF1".repeat(16);
    let expected = AtRestKey::from_bytes([0x0a, 0xf1].repeat(16).try_into().unwrap());
    for good in [digits.clone(), format!(" {digits}\r\n"), digits.to_lowercase()] {
        fs::write(&path, good).unwrap();
        assert_eq!(AtRestKey::read(&path).unwrap().name(), expected.name());
    }
    for bad in [
        String::new(),
        digits[1..].into(),
        format!("{digits}0"),
        format!("+{}", &digits[1..]),
        "ấ".repeat(32),
        format!("{digits}{}", " ".repeat(300)),
    ] {
        fs::write(&path, &bad).unwrap();
        assert_eq!(code(AtRestKey::read(&path)), "at_rest_key_content", "{bad}");
    }
    assert_eq!(code(AtRestKey::read(folder.path())), "at_rest_key_content");
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(code(AtRestKey::read(&pipe)), "at_rest_key_content");
}

#[test]
fn an_access_list_is_private_only_where_it_lets_one_user_read() {
    let list = |entries: &[(u16, u16)]| {
        let entry =
            |&(tag, bits): &(u16, u16)| [tag.to_le_bytes(), bits.to_le_bytes(), [0; 2], [0; 2]].concat();
        [2_u32.to_le_bytes().to_vec(), entries.iter().flat_map(entry).collect()].concat()
    };
    let systemd = [(1, 4), (2, 4), (4, 0), (0x10, 4), (0x20, 0)];
    assert!(lets_one_user_read(&list(&systemd)));
    for (at, worse) in [(1, (2, 6)), (2, (4, 4)), (2, (8, 4)), (2, (2, 4)), (4, (0x20, 4)), (4, (0x40, 4))] {
        let mut entries = systemd;
        entries[at] = worse;
        assert!(!lets_one_user_read(&list(&entries)), "{worse:?}");
    }
    assert!(!lets_one_user_read(&list(&systemd)[..20 + 3]));
    assert!(!lets_one_user_read(&[3, 0, 0, 0]) && !lets_one_user_read(&[]));
}

#[test]
fn a_key_inside_the_data_folder_is_refused_through_links_too() {
    let place = tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::create_dir_all(at("data/deep")).unwrap();
    fs::create_dir(at("data-keys")).unwrap();
    fs::write(at("data/key"), "").unwrap();
    fs::write(at("data-keys/key"), "").unwrap();
    symlink(at("data"), at("data-keys/folder")).unwrap();
    symlink(at("data/key"), at("data-keys/link")).unwrap();
    symlink(at("data-keys/key"), at("data/out")).unwrap();
    for inside in [
        "data/key",
        "data/deep/new",
        "data/no/folder/yet",
        "data-keys/link",
        "data-keys/folder/new",
        "data-keys/../data/key",
    ] {
        assert_eq!(code(require_outside(&at("data"), &at(inside))), "at_rest_key_inside", "{inside}");
    }
    for outside in ["data-keys/key", "data-keys/new", "data/out", "no/folder/yet", "data/../key"] {
        assert_eq!(code(require_outside(&at("data"), &at(outside))), "no error", "{outside}");
    }
    assert_eq!(code(require_outside(&at("data-keys/folder"), &at("data/key"))), "at_rest_key_inside");
    assert_eq!(code(require_outside(&at("new"), &at("new/key"))), "at_rest_key_inside");
    symlink(at("nowhere"), at("dangling")).unwrap();
    assert_eq!(code(require_outside(&at("data"), &at("dangling"))), "at_rest_key_unusable");
}
