//! The pages of the manual name what is there, and the example files are accepted.

use crate::{DANSO, root};
use danso_tier_config::NodeConfig;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn pages() -> Vec<(PathBuf, String)> {
    let folders = ["deploy", "deploy/manual", "deploy/container"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let pages = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The targets of a page's links that lie in the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.starts_with("http")).map(|target| target.split('#').next().unwrap())
}

#[test]
fn every_link_of_the_manual_leads_somewhere_and_every_page_of_it_is_linked() {
    let index = fs::read_to_string(root().join("deploy/README.md")).unwrap();
    let named: BTreeSet<&str> = links(&index).collect();
    for (path, text) in pages() {
        let folder = path.parent().unwrap();
        for link in links(&text).filter(|link| !link.is_empty()) {
            assert!(folder.join(link).exists(), "{}: {link}", path.display());
        }
        if folder.ends_with("manual") {
            let page = format!("manual/{}", path.file_name().unwrap().to_string_lossy());
            assert!(named.contains(page.as_str()), "{page} is not linked");
            let second = text.lines().nth(2).unwrap();
            assert!(second.starts_with('*'), "{page} begins without a Vietnamese summary: {second}");
        }
    }
}

/// The words of each `danso` command on a page, up to the first that is an option, a value or a placeholder.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in text.lines() {
        for (at, _) in line.match_indices("danso ") {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|letter| !" `(".contains(letter)) {
                continue;
            }
            let name = |word: &&str| {
                word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
                    && !word.starts_with('-')
            };
            let words: Vec<String> =
                line[at..].split([' ', '`']).skip(1).take_while(name).map(str::to_owned).collect();
            found.push(words);
        }
    }
    found
}

/// What `danso COMMAND --help` lists below it.
fn below(words: &[String]) -> Option<BTreeSet<String>> {
    let output = Command::new(DANSO).args(words).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    output
        .status
        .success()
        .then(|| names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

#[test]
fn commands_in_the_manual_are_commands_of_the_program() {
    let first = below(&[]).unwrap();
    let mut checked = 0;
    for (path, text) in pages().iter().filter(|(path, _)| path.parent().unwrap().ends_with("manual")) {
        for words in commands(text) {
            // Words of a sentence after the program's name are no command.
            let Some(command) = words.first().filter(|command| first.contains(*command)) else { continue };
            let deeper = below(std::slice::from_ref(command)).unwrap();
            if let Some(second) = words.get(1).filter(|_| !deeper.is_empty()) {
                assert!(deeper.contains(second), "{}: danso {command} {second}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} commands found");
}

/// What `danso setup` says of a unit is what the example says of it.
fn accepted(file: &Path) -> NodeConfig {
    NodeConfig::load(file).unwrap_or_else(|faults| panic!("{}: {faults}", file.display()))
}

#[test]
fn example_node_files_are_accepted_and_stand_where_the_package_keeps_things() {
    for tier in ["central", "province", "commune"] {
        let config = accepted(&root().join(format!("deploy/examples/{tier}.toml")));
        assert_eq!(&*config.tier, tier);
        for path in [&config.data, &config.keys, &config.directory] {
            assert!(path.starts_with("/var/lib/danso"), "{}", path.display());
        }
    }
}
