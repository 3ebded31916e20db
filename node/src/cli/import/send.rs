//! Sends a file to the node, follows its rows and says what came of them.

use super::{
    chunks::{Reading, Source},
    faults,
};
use crate::{
    cli::{
        failure::{Failure, Outcome},
        output,
        progress::Progress,
        target::TargetArguments,
        wait,
    },
    operations::forms::Form,
};
use danso_proto::v1::{ImportFault, ImportForm, ImportProgress, ImportSummary};
use danso_tier_config::{Date, limits};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The CSV file
    file: PathBuf,
    #[command(flatten)]
    target: TargetArguments,
    /// Where to write the refused rows; without it FILE.faults.csv
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Check the whole file first, and record nothing if any row is refused / Kiểm tra cả tệp trước, có dòng sai thì
    /// không ghi gì
    #[arg(long)]
    all_or_nothing: bool,
}

impl Arguments {
    fn faults_file(&self) -> PathBuf {
        self.faults.clone().unwrap_or_else(|| self.file.with_added_extension("faults.csv"))
    }
}

pub(super) fn run(arguments: &Arguments, form: ImportForm, as_of: Option<Date>) -> Result<Outcome, Failure> {
    if arguments.all_or_nothing {
        let source = Source::open_again(&arguments.file)?;
        let (summary, refused) = wait(send(arguments, source, form, as_of, true))?;
        if summary.refused > 0 || !refused.is_empty() {
            output::note(
                "nothing was recorded, for some rows are refused / không ghi gì vì có dòng bị từ chối",
            );
            return told(arguments, form, &ImportSummary { recorded: 0, ..summary }, &refused);
        }
    }
    let source = Source::open(&arguments.file)?;
    let (summary, refused) = wait(send(arguments, source, form, as_of, false))?;
    told(arguments, form, &summary, &refused)
}

/// Shows what came of a file, and writes the refused rows beside it.
fn told(
    arguments: &Arguments,
    form: ImportForm,
    summary: &ImportSummary,
    refused: &[ImportFault],
) -> Result<Outcome, Failure> {
    output::data(&shown(summary))?;
    if refused.is_empty() && summary.refused == 0 {
        return Ok(Outcome::Done);
    }
    let path = arguments.faults_file();
    output::note(faults::table(refused));
    faults::write(&path, columns_of(form), refused)?;
    output::note(format_args!(
        "{} faults are in {}; it holds personal data / tệp này chứa dữ liệu cá nhân",
        refused.len(),
        path.display()
    ));
    if summary.faults_unlisted > 0 {
        output::note(format_args!("{} further faults are not listed", summary.faults_unlisted));
    }
    Ok(Outcome::SomeRowsRefused)
}

async fn send(
    arguments: &Arguments,
    source: Source,
    form: ImportForm,
    as_of: Option<Date>,
    check_only: bool,
) -> Result<(ImportSummary, Vec<ImportFault>), Failure> {
    let client = arguments.target.connect().await?;
    let progress = Progress::of_rows(if check_only { "check" } else { "import" });
    let Reading { chunks, mut failed, lines } = source.read(form, as_of, check_only);
    let mut refused = Vec::new();
    // The node does not know the number of rows before the end; lines are near enough for a bar.
    let mut on_progress = |message: ImportProgress| {
        progress.set(message.rows_done, message.rows_total.max(lines.expected()));
        let room = limits::IMPORT_FAULTS_MAX.saturating_sub(refused.len());
        refused.extend(message.faults.into_iter().take(room));
    };
    let importing = client.import_chunks(chunks, &mut on_progress);
    tokio::select! {
        Ok(broken) = &mut failed => return Err(broken.failure()),
        summary = importing => Ok(summary?),
    }
    .map(|summary| (summary, refused))
}

fn columns_of(form: ImportForm) -> Form {
    if form == ImportForm::Events { Form::Events } else { Form::Register }
}

fn shown(summary: &ImportSummary) -> String {
    let ImportSummary { rows, recorded, already_known, refused, last_sequence, .. } = summary;
    format!(
        "rows           {rows}\nrecorded       {recorded}\nalready known  {already_known}\nrefused        {refused}\n\
         last change    {last_sequence}\n"
    )
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn refused_rows_go_beside_the_file_unless_told_otherwise() {
        let parse = |words: &[&str]| Line::try_parse_from(words).unwrap().arguments.faults_file();
        let line = ["register", "books/a0.csv", "--config", "node.toml"];
        assert_eq!(parse(&line), PathBuf::from("books/a0.csv.faults.csv"));
        let line = ["register", "books/a0.csv", "--config", "node.toml", "--faults", "x.csv"];
        assert_eq!(parse(&line), PathBuf::from("x.csv"));
    }

    #[test]
    fn the_summary_names_every_outcome() {
        let summary = ImportSummary {
            rows: 10,
            recorded: 7,
            already_known: 2,
            refused: 1,
            last_sequence: 99,
            ..Default::default()
        };
        let numbers: Vec<String> = shown(&summary)
            .split_whitespace()
            .filter(|word| word.parse::<u64>().is_ok())
            .map(str::to_owned)
            .collect();
        assert_eq!(numbers, ["10", "7", "2", "1", "99"]);
    }
}
