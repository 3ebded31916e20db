//! What is printed when the nodes are left running: addresses, commands to paste, how to stop.

use super::{
    books::Period,
    layout::{Layout, Site},
};
use crate::{
    cli::sheet::{Sheet, Side},
    transport::tls::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE},
};
use std::path::Path;

/// Everything that somebody needs who goes on from here.
pub(super) fn shown(layout: &Layout, period: &Period, processes: &[u32]) -> String {
    let mut sheet = Sheet::new(["node", "unit", "address", "process", "file"].map(|name| (name, Side::Left)));
    for (site, process) in layout.sites.iter().zip(processes) {
        let file = site.node_file().display().to_string();
        let name = format!("{}{}", "  ".repeat(site.depth), site.unit.name);
        sheet.push([name, site.id().to_string(), site.address.to_string(), process.to_string(), file]);
    }
    let danso = std::env::current_exe().map_or_else(|_| "danso".to_owned(), |path| quoted(&path));
    let commands = commands(layout, period, &danso).join("\n");
    let processes: Vec<String> = processes.iter().map(u32::to_string).collect();
    format!(
        "\nall nodes go on running\n{}\nask them:\n{commands}\n\nstop them:\nkill {}\n\nstart one again:\n{danso} run --config {}\n",
        sheet.table(),
        processes.join(" "),
        quoted(&layout.sites[0].node_file())
    )
}

/// Commands that work as they stand.
fn commands(layout: &Layout, period: &Period, danso: &str) -> Vec<String> {
    let central = &layout.sites[0];
    let (cut, _) = layout.cut();
    let (commune, month) = (&layout.sites[cut], period.last());
    let file = |site: &Site| quoted(&site.node_file());
    let keys = layout.analyst();
    let key = |name: &str| quoted(&keys.join(name));
    let tls = format!(
        "grpcurl -cacert {} -cert {} -key {}",
        key(AUTHORITY_FILE),
        key(CERTIFICATE_FILE),
        key(KEY_FILE)
    );
    let reader = format!("--address {} --unit {} --keys {}", central.address, central.id(), quoted(&keys));
    vec![
        format!("{danso} status --config {}", file(central)),
        format!("{danso} query count --by-tier commune --month {month} {reader}"),
        format!(
            "{danso} query count --measure births --group-by month,sex --from {} --to {month} {reader}",
            period.start
        ),
        format!("{danso} query indicators --config {}", file(commune)),
        format!("{danso} query heads --config {}", file(central)),
        format!("{tls} {} list", central.address),
        format!(
            r#"{tls} -d '{{"measure":"MEASURE_POPULATION","group_by":["DIMENSION_SEX"]}}' {} danso.v1.Statistics/Count"#,
            central.address
        ),
        format!("{tls} {} danso.v1.Operations/NodeInfo", central.address),
    ]
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@:".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use crate::cli::{
        Arguments,
        demo::{folder::Folder, tiers::Tiers},
    };
    use clap::Parser;

    #[test]
    fn the_printed_danso_commands_are_understood() {
        let folder = Folder::temporary().unwrap();
        let period = Period { start: "2026-05".parse().unwrap(), months: 6, persons: 1, seed: 1 };
        for tiers in [Tiers::Four, Tiers::Three] {
            let layout = Layout::plan(tiers, &folder, Some(7_400)).unwrap();
            let commands = commands(&layout, &period, "danso");
            for line in commands.iter().filter(|line| line.starts_with("danso ")) {
                let parsed = Arguments::try_parse_from(line.split(' '));
                assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
            }
            assert_eq!(commands.iter().filter(|line| line.starts_with("grpcurl ")).count(), 3);
        }
    }

    #[test]
    fn a_path_with_blanks_is_one_word() {
        assert_eq!(quoted(Path::new("/a/b-1@2025/c.toml")), "/a/b-1@2025/c.toml");
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
