//! `danso simulate-register`: the simulated register of a commune and its events, as files to import.

use super::{
    failure::{Failure, Outcome},
    files::{self, Access},
    output,
};
use crate::operations::{
    forms::{self, Style},
    now_ms,
};
use clap::value_parser;
use danso_core::demography::{Commune, Plan, simulate};
use danso_tier_config::{Date, Month, UnitCode};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Official code of the commune
    #[arg(long, value_name = "CODE")]
    unit: UnitCode,
    /// Persons in the register at the beginning
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=500_000))]
    persons: u32,
    /// Months of events
    #[arg(long, value_name = "M", value_parser = value_parser!(u16).range(0..=600))]
    months: u16,
    /// The same seed gives the same files
    #[arg(long, value_name = "S")]
    seed: u64,
    /// First month of events; without it the last month that has ended is the last one
    #[arg(long, value_name = "YYYY-MM")]
    start: Option<Month>,
    /// Folder for register-CODE.csv and events-CODE.csv
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Arguments {
    fn plan(&self, today: Date) -> Plan {
        let start = self.start.unwrap_or_else(|| today.month().plus(-i32::from(self.months)));
        Plan::new(self.unit.as_str(), self.persons, self.months, start, self.seed)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let plan = arguments.plan(Date::in_vietnam(now_ms()));
    let commune = simulate(&plan);
    std::fs::create_dir_all(&arguments.out).map_err(|error| {
        Failure::told("file_unwritable", format!("cannot write {}: {error}", arguments.out.display()))
    })?;
    let paths = write(&commune, &plan.unit_code, &arguments.out)?;
    let lines = paths.iter().map(|(path, rows)| format!("{} {rows} rows\n", path.display()));
    output::data(&lines.collect::<String>())?;
    output::note(format_args!(
        "the register is as of {}, to be imported with --as-of",
        plan.start.first_day().plus_days(-1)
    ));
    Ok(Outcome::Done)
}

/// Writes both files and names them with their numbers of rows.
fn write(commune: &Commune, code: &str, folder: &Path) -> Result<[(PathBuf, usize); 2], Failure> {
    let register = folder.join(format!("register-{code}.csv"));
    let events = folder.join(format!("events-{code}.csv"));
    files::write(&register, Access::Anyone, |out| {
        forms::write_register(&commune.register, Style::default(), out)
    })?;
    files::write(&events, Access::Anyone, |out| forms::write_events(&commune.events, Style::default(), out))?;
    Ok([(register, commune.register.len()), (events, commune.events.len())])
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_files_hold_what_was_simulated() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = Arguments {
            unit: "00004".parse().unwrap(),
            persons: 60,
            months: 3,
            seed: 7,
            start: None,
            out: folder.path().to_owned(),
        };
        let plan = arguments.plan("2026-11-21".parse().unwrap());
        assert_eq!(plan.start.to_string(), "2026-08");
        let commune = simulate(&plan);
        let [(register, persons), (events, rows)] = write(&commune, &plan.unit_code, folder.path()).unwrap();
        assert_eq!((persons, rows), (60, commune.events.len()));
        let read = forms::register_rows(std::fs::File::open(register).unwrap()).unwrap();
        let read: Vec<_> = read.map(|row| row.unwrap().content).collect();
        assert_eq!(read, commune.register);
        let read = forms::event_rows(std::fs::File::open(events).unwrap()).unwrap();
        let read: Vec<_> = read.map(|row| row.unwrap().content).collect();
        assert_eq!(read, commune.events);
    }
}
