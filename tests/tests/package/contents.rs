//! The Debian package and the tarball, built around the program under test and looked into.

use crate::{DANSO, root};
use danso_tests::skipped;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// If set, a machine without `cargo-deb` is a failure.
const REQUIRED: &str = "DANSO_PACKAGE_REQUIRED";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn output(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}{}", text(&stdout), text(&stderr));
    text(&stdout)
}

/// The folder with what `deploy/package` made, once for all tests; `None` where it cannot be made here.
fn built() -> Option<&'static PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = || {
        let own = root().join("target/tools/bin");
        let path = std::env::var_os("PATH").unwrap();
        let found =
            std::env::split_paths(&path).chain([own]).any(|folder| folder.join("cargo-deb").is_file());
        if !found {
            assert!(std::env::var_os(REQUIRED).is_none(), "cargo-deb is missing and {REQUIRED} is set");
            skipped("the package", "needs cargo-deb: cargo install cargo-deb --version 3.8.0 --locked");
            return None;
        }
        output(Command::new(root().join("deploy/package")).args(["--fast", "--binary", DANSO]));
        Some(root().join("target/package/out"))
    };
    BUILT.get_or_init(made).as_ref()
}

/// The only file of the results with an ending.
fn made(folder: &Path, ending: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

/// Path, and mode with owner, of everything in the package.
fn listed(deb: &Path) -> BTreeMap<String, String> {
    let listed = output(Command::new("dpkg-deb").arg("--contents").arg(deb));
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[5].trim_start_matches("./").to_owned(), format!("{} {}", words[0], words[1]))
    };
    listed.lines().map(entry).collect()
}

const FILE: &str = "-rw-r--r-- 0/0";
const PROGRAM: &str = "-rwxr-xr-x 0/0";
const FOLDER: &str = "drwxr-xr-x 0/0";

#[test]
fn the_package_holds_the_program_its_service_and_its_pages_and_nothing_is_writable_by_others() {
    let Some(folder) = built() else { return };
    let listed = listed(&made(folder, ".deb"));
    assert_eq!(listed["usr/bin/danso"], PROGRAM);
    for path in [
        "usr/lib/systemd/system/danso.service",
        "usr/lib/sysusers.d/danso.conf",
        "usr/lib/tmpfiles.d/danso.conf",
        "usr/share/bash-completion/completions/danso",
        "usr/share/zsh/vendor-completions/_danso",
        "usr/share/fish/vendor_completions.d/danso.fish",
        "usr/share/doc/danso/copyright",
        "usr/share/doc/danso/changelog.Debian.gz",
        "usr/share/doc/danso/README.md",
        "usr/share/doc/danso/deploy/SECURITY.md",
        "usr/share/doc/danso/deploy/manual/install.md",
        "usr/share/doc/danso/deploy/runbooks/ledger_damaged.md",
        "usr/share/doc/danso/deploy/examples/commune.toml",
    ] {
        assert_eq!(listed.get(path).map(String::as_str), Some(FILE), "{path} in {:?}", listed.keys());
    }
    for (path, mode) in &listed {
        assert!([FILE, PROGRAM, FOLDER].contains(&mode.as_str()), "{path}: {mode}");
        assert!(mode != PROGRAM || path == "usr/bin/danso", "{path} is executable");
        assert!(!path.starts_with("etc/") && !path.starts_with("var/"), "{path} is the operator's");
    }
}

#[test]
fn every_command_of_the_packaged_program_has_its_page() {
    let Some(folder) = built() else { return };
    let listed = listed(&made(folder, ".deb"));
    let help = output(Command::new(DANSO).arg("help"));
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 20 && names.contains(&"setup"), "{names:?}");
    for name in names {
        let page = format!("usr/share/man/man1/danso-{name}.1.gz");
        assert_eq!(listed.get(&page).map(String::as_str), Some(FILE), "{page}");
    }
    for page in ["danso.1.gz", "danso-keys-rotate.1.gz", "danso-config-check.1.gz"] {
        assert!(listed.contains_key(&format!("usr/share/man/man1/{page}")), "{page}");
    }
}

#[test]
fn scripts_of_the_package_are_shell_and_start_nothing() {
    let Some(folder) = built() else { return };
    let control = tempfile::tempdir().unwrap();
    output(Command::new("dpkg-deb").arg("--control").arg(made(folder, ".deb")).arg(control.path()));
    for name in ["postinst", "prerm", "postrm"] {
        let script = control.path().join(name);
        output(Command::new("sh").arg("-n").arg(&script));
        let words = fs::read_to_string(&script).unwrap();
        assert!(words.starts_with("#!/bin/sh\n") && words.contains("\nset -e\n"), "{name}");
        assert!(!words.contains("#DEBHELPER#"), "{name}: the part about the service is missing");
        assert!(!words.contains("rm -rf") && !words.contains("deb-systemd-invoke start"), "{name}: {words}");
    }
    let postinst = fs::read_to_string(control.path().join("postinst")).unwrap();
    let holds = listed(&made(folder, ".deb"));
    for (program, place) in [("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")] {
        let files: Vec<&str> = postinst
            .lines()
            .filter(|line| line.trim_start().starts_with(program))
            .filter_map(|line| {
                line.split_whitespace()
                    .find(|word| Path::new(word).extension().is_some_and(|end| end == "conf"))
            })
            .collect();
        assert!(!files.is_empty(), "no {program} in {postinst}");
        for file in files {
            assert!(holds.contains_key(&format!("usr/lib/{place}/{file}")), "{program} {file} finds nothing");
        }
    }
    assert!(postinst.contains("try-restart danso.service"), "{postinst}");
    let fields = fs::read_to_string(control.path().join("control")).unwrap();
    for field in ["Package: danso\n", "Architecture: ", "libc6", "Section: admin\n", "Maintainer: "] {
        assert!(fields.contains(field), "{field} in {fields}");
    }
}

#[test]
fn every_unit_of_the_service_manager_is_in_the_package_as_it_is_here() {
    let Some(folder) = built() else { return };
    let tree = extracted(folder);
    let mut units = 0;
    for entry in fs::read_dir(root().join("deploy/systemd")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let packed = tree.path().join("usr/lib/systemd/system").join(path.file_name().unwrap());
            let packed = fs::read(&packed).unwrap_or_else(|_| panic!("{} is not packed", path.display()));
            assert_eq!(packed, fs::read(&path).unwrap(), "{}", path.display());
            units += 1;
        }
    }
    let place = fs::read_dir(tree.path().join("usr/lib/systemd/system")).unwrap();
    assert_eq!((units > 0, place.count()), (true, units), "the package holds a unit that is not here");
}

/// The files of the package in a folder of their own.
fn extracted(folder: &Path) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    output(Command::new("dpkg-deb").arg("--extract").arg(made(folder, ".deb")).arg(tree.path()));
    tree
}

#[test]
fn the_service_is_right_and_shut_in_by_the_word_of_systemd() {
    let Some(folder) = built() else { return };
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        skipped("the service", "needs systemd-analyze");
        return;
    }
    let tree = extracted(folder);
    let service = tree.path().join("usr/lib/systemd/system/danso.service");
    // The unit names the program's place in a system where it is installed; here it lies elsewhere.
    let words = fs::read_to_string(&service).unwrap();
    assert!(words.contains("\nConditionPathExists=/etc/danso/node.toml\n"), "{words}");
    let here = tree.path().join("usr/bin/danso").display().to_string();
    fs::write(&service, words.replace("/usr/bin/danso", &here)).unwrap();
    let verified =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&service).output().unwrap();
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", text(&verified.stderr));
    // Tenths of what systemd calls exposure: 15 of 100.
    output(
        Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=15"]).arg(&service),
    );
}

#[test]
fn the_tarball_holds_the_program_and_the_check_sums_are_right() {
    let Some(folder) = built() else { return };
    let listed =
        output(Command::new("tar").arg("--list").arg("--verbose").arg("--file").arg(made(folder, ".tar.gz")));
    for path in [
        "/danso",
        "/man/danso-setup.1",
        "/completions/_danso",
        "/deploy/manual/install.md",
        "/deploy/prometheus/README.md",
        "/deploy/grafana/dashboard.json",
        "/README.md",
    ] {
        let entry =
            listed.lines().find(|line| line.ends_with(path)).unwrap_or_else(|| panic!("{path}: {listed}"));
        let mode = if path == "/danso" { "-rwxr-xr-x 0/0" } else { "-rw-r--r-- 0/0" };
        assert!(entry.starts_with(mode), "{entry}");
    }
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 2, "{sums}");
    output(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(folder));
}
