//! `danso completions`, `danso man`: what shells and `man` know of the command, made from the tree of commands.

use super::{
    arguments,
    failure::{Failure, Outcome},
    output,
};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The folder of the pages; it is made where there is none
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn completions(arguments: &CompletionsArguments) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::Arguments::command(), "danso", &mut script);
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}

pub(super) fn pages(arguments: &ManArguments) -> Result<Outcome, Failure> {
    let out = &arguments.out;
    std::fs::create_dir_all(out)
        .and_then(|()| clap_mangen::generate_to(arguments::Arguments::command(), out))
        .map_err(|error| {
            let sentence = format!("cannot write manual pages into {}: {error}", out.display());
            Failure::told("file_unwritable", sentence)
        })?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use clap::Command;

    /// The names of a command and of all that are shown below it, joined as a page's name is.
    fn names(command: &Command, above: &str, found: &mut Vec<String>) {
        let name = if above.is_empty() {
            command.get_name().to_owned()
        } else {
            format!("{above}-{}", command.get_name())
        };
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            names(below, &name, found);
        }
        found.push(name);
    }

    #[test]
    fn every_command_has_a_manual_page_that_says_what_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man");
        assert_eq!(pages(&ManArguments { out: out.clone() }).unwrap(), Outcome::Done);
        let mut commands = Vec::new();
        names(&arguments::Arguments::command(), "", &mut commands);
        assert!(commands.len() > 40 && commands.contains(&"danso-config-check".to_owned()), "{commands:?}");
        for name in &commands {
            let page = std::fs::read_to_string(out.join(format!("{name}.1"))).unwrap_or_default();
            assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH DESCRIPTION"), "{name}: {page}");
        }
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), commands.len(), "no page without a command");
    }

    #[test]
    fn completions_of_every_shell_know_every_command_that_is_shown() {
        let tree = arguments::Arguments::command();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut tree.clone(), "danso", &mut script);
            let script = String::from_utf8(script).unwrap();
            for below in tree.get_subcommands().filter(|below| !below.is_hide_set()) {
                assert!(script.contains(below.get_name()), "{shell}: {}", below.get_name());
            }
        }
    }
}
