//! The container file and the compose file: a tree whose nodes fit together, run by nobody with rights.

use crate::root;
use danso_tier_config::{Directory, NodeConfig, UnitId};
use std::{fs, path::Path, process::Command};

const NODES: [&str; 4] = ["central", "province", "district", "commune"];

fn page(path: &str) -> String {
    fs::read_to_string(root().join("deploy/container").join(path)).unwrap()
}

fn node(name: &str) -> NodeConfig {
    let file = root().join(format!("deploy/container/nodes/{name}.toml"));
    NodeConfig::load(&file).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The lines of one service, up to the next.
fn service(compose: &str, name: &str) -> String {
    let from = compose.split_once(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("no service {name}")).1;
    let end = from.lines().take_while(|line| line.starts_with("    "));
    end.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_nodes_of_the_compose_file_make_one_tree() {
    let directory = Directory::read_csv(&page("nodes/units.csv"), "units.csv").unwrap();
    let compose = page("compose.yaml");
    let mut above: Option<(&str, UnitId)> = None;
    for name in NODES {
        let config = node(name);
        let row = directory.unit(config.unit).unwrap();
        assert_eq!((&row.tier, &*config.tier), (&config.tier, name));
        let parent = config.parent.as_ref().map(|parent| (parent.address.clone(), parent.unit));
        assert_eq!(parent, above.map(|(name, unit)| (format!("{name}:7411"), unit)));
        assert_eq!(row.parent, above.map(|(_, unit)| unit));
        assert_eq!((config.listen.ip().is_unspecified(), config.listen.port()), (true, 7411));
        let service = service(&compose, name);
        for volume in
            [format!("./nodes/{name}.toml:/etc/danso/node.toml:ro"), format!("{name}:/var/lib/danso")]
        {
            assert!(service.contains(&volume), "{volume} in {service}");
        }
        assert!(config.data.starts_with("/var/lib/danso") && config.keys.starts_with("/var/lib/danso"));
        assert_eq!(config.directory, Path::new("/etc/danso/units.csv"));
        assert!(
            page("up").contains(&format!("{name}:{}", config.unit)) || above.is_none(),
            "up does not enrol {name}"
        );
        above = Some((name, config.unit));
    }
}

#[test]
fn containers_run_without_rights_and_keep_their_data() {
    let file = page("Containerfile");
    let last = file.rsplit("\nFROM ").next().unwrap();
    for line in
        ["USER 7411:7411", "VOLUME /var/lib/danso", "HEALTHCHECK ", "ENTRYPOINT [\"/usr/local/bin/danso\"]"]
    {
        assert!(last.lines().any(|found| found.starts_with(line)), "{line} in {last}");
    }
    let compose = page("compose.yaml");
    for line in ["  read_only: true", "  cap_drop: [ALL]", "  security_opt: [\"no-new-privileges:true\"]"] {
        assert!(compose.lines().any(|found| found == line), "{line}");
    }
    for name in NODES {
        assert!(service(&compose, name).starts_with("    <<: *node\n"), "{name} is another kind of service");
    }
}

#[test]
fn the_script_that_brings_the_tree_up_is_shell() {
    let checked = Command::new("sh").arg("-n").arg(root().join("deploy/container/up")).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
