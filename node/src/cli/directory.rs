//! `danso directory import`, `check`: the dated list of all units.

use super::{
    failure::{Failure, Outcome},
    files::{self, Access},
    output,
    sheet::{Sheet, Side},
};
use clap::Subcommand;
use danso_tier_config::{
    Directory, Hierarchy, TierName,
    directory::official::{self, Report},
    limits,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a directory from the official lists as published
    Import {
        /// The lists, in any order; they are told apart by their columns
        #[arg(required = true, value_name = "FILE")]
        lists: Vec<PathBuf>,
        /// Where to write the directory
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where to write every oddity found, one per line
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Report everything that is wrong in a directory, or what it holds
    Check {
        /// The directory
        file: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Import { lists, out, report } => import(lists, out, report.as_deref()),
        Command::Check { file } => {
            let text = files::read_text(file, limits::DIRECTORY_BYTES_MAX)?;
            let directory = Directory::read_csv(&text, &file.display().to_string())?;
            output::data(&counts(&directory))?;
            Ok(Outcome::Done)
        }
    }
}

fn import(lists: &[PathBuf], out: &Path, report_file: Option<&Path>) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let named = |path: &PathBuf| {
        Ok((path.display().to_string(), files::read_text(path, limits::DIRECTORY_BYTES_MAX)?))
    };
    let texts = lists.iter().map(named).collect::<Result<Vec<_>, Failure>>()?;
    let borrowed: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (directory, report) = official::import(&borrowed)?;
    files::write(out, Access::Anyone, |out| out.write_all(directory.to_csv().as_bytes()))?;
    if let Some(path) = report_file {
        files::write(path, Access::Anyone, |out| write!(out, "{report}"))?;
    }
    let found = findings(&report);
    let told = if found.is_empty() { "nothing odd in the lists\n".to_owned() } else { found.table() };
    output::data(&format!("{}\n{told}", counts(&directory)))?;
    output::note(format_args!("wrote {} in {} ms", out.display(), started.elapsed().as_millis()));
    Ok(Outcome::Done)
}

/// Units per tier on every date on which a row begins, and the number of rows and of lineage.
fn counts(directory: &Directory) -> String {
    let tiers = tiers_of(directory);
    let head = std::iter::once(("date".to_owned(), Side::Left));
    let mut sheet = Sheet::new(head.chain(tiers.iter().map(|tier| (tier.to_string(), Side::Right))));
    for date in directory.boundary_dates() {
        let view = directory.at(date);
        let numbers = tiers.iter().map(|tier| view.units_of_tier(tier).len().to_string());
        sheet.push(std::iter::once(date.to_string()).chain(numbers));
    }
    let (rows, lineage) = (directory.rows().len(), directory.lineage().len());
    format!("{}{rows} rows, {lineage} edges of lineage\n", sheet.table())
}

/// The tiers that occur, from bottom to top where the shipped hierarchies know them.
fn tiers_of(directory: &Directory) -> Vec<TierName> {
    let occurring: BTreeSet<TierName> = directory.rows().iter().map(|unit| unit.tier.clone()).collect();
    let shipped: Vec<Hierarchy> = Hierarchy::shipped_names().filter_map(Hierarchy::shipped).collect();
    let place = |tier: &TierName| {
        let mut places = shipped.iter().flat_map(|hierarchy| hierarchy.tiers().iter().enumerate());
        places.find(|(_, known)| known.name == *tier).map_or(usize::MAX, |(place, _)| place)
    };
    let mut tiers: Vec<TierName> = occurring.into_iter().collect();
    tiers.sort_by_key(place);
    tiers
}

fn findings(report: &Report) -> Sheet {
    let mut kinds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for finding in &report.findings {
        let (repaired, open) = kinds.entry(finding.oddity.code()).or_default();
        *if finding.repaired { repaired } else { open } += 1;
    }
    let columns = [("finding", Side::Left), ("repaired", Side::Right), ("to check", Side::Right)];
    let mut sheet = Sheet::new(columns);
    for (kind, (repaired, open)) in kinds {
        sheet.push([kind.to_owned(), repaired.to_string(), open.to_string()]);
    }
    sheet
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_tier_config::{
        Kind,
        directory::official::{Finding, Oddity},
    };

    #[test]
    fn units_are_counted_per_tier_and_date() {
        let tier = |name: &str| name.parse::<TierName>().unwrap();
        let (country, province) = (Directory::country(), "01@2025-07-01".parse().unwrap());
        let commune = "00004@2025-07-01".parse().unwrap();
        let units = vec![
            Directory::simple_unit(country, "Việt Nam", Kind::Central, &tier("central"), None),
            Directory::simple_unit(province, "Hà Nội", Kind::City, &tier("province"), Some(country)),
            Directory::simple_unit(commune, "Ba Đình", Kind::Ward, &tier("commune"), Some(province)),
        ];
        let expected = "date        commune  province  central\n\
                        1945-09-02        0         0        1\n\
                        2025-07-01        1         1        1\n\
                        3 rows, 0 edges of lineage\n";
        assert_eq!(counts(&Directory::from_rows(units, Vec::new()).unwrap()), expected);
    }

    #[test]
    fn findings_are_counted_by_kind_and_state() {
        let finding = |oddity, repaired| Finding {
            file: "list.csv".to_owned(),
            line: 2,
            unit_code: "00004".to_owned(),
            oddity,
            message: String::new(),
            repaired,
        };
        let findings_ = vec![
            finding(Oddity::Spelling, true),
            finding(Oddity::Spelling, true),
            finding(Oddity::Spelling, false),
            finding(Oddity::CodeUnknown, false),
        ];
        let text = findings(&Report { findings: findings_ }).csv();
        assert_eq!(text, "finding,repaired,to check\ncode-unknown,0,1\nspelling,2,1\n");
    }
}
