//! `danso import template`: an empty file of a form, with a line of explanation per column.

use crate::{
    cli::{
        failure::{Failure, Outcome},
        files::{self, Access},
        output,
    },
    operations::forms::{self, Form, Style},
};
use clap::ValueEnum;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Which form
    #[arg(value_enum)]
    form: Which,
    /// Where to write it; without it to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// The A0 book
    Register,
    /// The P0 sheet
    Events,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let form = match arguments.form {
        Which::Register => Form::Register,
        Which::Events => Form::Events,
    };
    let text = forms::template(form, Style::default());
    match &arguments.out {
        None => output::data(&text)?,
        Some(path) => files::write(path, Access::Anyone, |out| out.write_all(text.as_bytes()))?,
    }
    Ok(Outcome::Done)
}
