//! Files that people bring: a node's own file and the unit directory.

use crate::{corpus::bases, edits::Script, statements::check_directory};
use danso_core::chain::{DirectoryVersion, write_frame};
use danso_node::store::unpack_directory;
use danso_tests::tree::central;
use danso_tier_config::{Directory, Faults, NodeConfig};
use std::path::Path;

/// Every fault says where and what, and has a code with a page.
pub fn check_faults(faults: &Faults, file: &str) {
    assert!(!faults.0.is_empty());
    for fault in &faults.0 {
        assert!(fault.file == file && !fault.code.is_empty() && !fault.message.is_empty(), "{fault}");
        assert!(!fault.vietnamese().is_empty());
    }
}

fn check_node_file(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let parse = |text: &str| NodeConfig::parse(text, "node.toml", Path::new("no-such-folder"));
    match parse(text) {
        Ok(config) => {
            let written = config.to_toml(Path::new("no-such-folder"));
            assert_eq!(parse(&written).as_ref(), Ok(&config), "{written}");
            true
        }
        Err(faults) => {
            check_faults(&faults, "node.toml");
            false
        }
    }
}

fn check_units(bytes: &[u8]) -> bool {
    let version =
        DirectoryVersion { issuer: central(), version: 1, issued_at_ms: 0, csv_zstd: write_frame([bytes]) };
    check_directory(&version);
    let unpacked = unpack_directory(&version, &[]);
    let read =
        std::str::from_utf8(bytes).ok().and_then(|text| match Directory::read_csv(text, "units.csv") {
            Ok(directory) => Some(directory),
            Err(faults) => {
                check_faults(&faults, "units.csv");
                None
            }
        });
    assert_eq!(unpacked.ok(), read, "a signed directory is read like a file");
    let Some(directory) = read else { return false };
    let written = directory.to_csv();
    let again = Directory::read_csv(&written, "units.csv").unwrap();
    assert_eq!((again.to_csv(), &again), (written, &directory));
    for date in directory.boundary_dates() {
        let view = directory.at(date);
        assert!(view.roots().iter().all(|root| view.ancestors(*root).is_empty()));
    }
    true
}

#[test]
fn node_file() {
    let bases = bases("node_file", Vec::new(), check_node_file);
    fuzz!(Script, |script| {
        check_node_file(&script.bytes(&bases));
    });
}

#[test]
fn directory() {
    let bases = bases("directory", Vec::new(), check_units);
    fuzz!(Script, |script| {
        check_units(&script.bytes(&bases));
    });
}
