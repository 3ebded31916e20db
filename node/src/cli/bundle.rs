//! `danso bundle`: what a link would carry, in files: batches to the parent, receipts back.

use super::{
    failure::{Failure, Outcome},
    moment, output,
    sheet::plain,
    target::{NodeArguments, TargetArguments},
    wait,
};
use crate::{
    host::files::{Growing, PUBLIC_MODE},
    transport::client::NodeClient,
};
use clap::{Args, Subcommand};
use danso_proto::v1::{
    BundleChunk, BundleSummary, ExportBundleRequest, export_bundle_answer::Message as Exported,
    import_bundle_answer::Message as Imported,
};
use danso_tier_config::{UnitId, limits};
use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread::JoinHandle,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write what the parent has not received into a file, sealed to the parent / Xuất gói gửi cấp trên
    Export(Export),
    /// Take a file from a child, or the receipts that came back from the parent / Nhập gói
    Import(Import),
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    target: NodeArguments,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// For this child instead: keys, receipts and what flows down, CODE@YYYY-MM-DD
    #[arg(long, value_name = "UNIT")]
    child: Option<UnitId>,
    /// Everything held, not only what the parent has not acknowledged: it was restored from a backup, say
    #[arg(long, conflicts_with = "child")]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file that was carried here
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    #[command(flatten)]
    target: TargetArguments,
    /// Where the receipts for the sender go; without it beside the file, with the ending .receipt
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Export(arguments) => export(arguments),
        Command::Import(arguments) => import(arguments),
    }
}

fn export(arguments: &Export) -> Result<Outcome, Failure> {
    let child = arguments.child.map(|child| child.to_string()).unwrap_or_default();
    let request = ExportBundleRequest { child, all: arguments.all };
    let summary = wait(async {
        let mut bundle = arguments.target.connect().await?.export_bundle(request).await?;
        let refused = unwritable(&arguments.out);
        let mut file = Growing::begin(&arguments.out, PUBLIC_MODE).map_err(&refused)?;
        while let Some(answer) = bundle.next().await? {
            match answer {
                Exported::Data(data) => file.write_all(&data).map_err(&refused)?,
                Exported::Summary(summary) => {
                    file.finish().map_err(&refused)?;
                    return Ok(summary);
                }
            }
        }
        Err(broken_off())
    })?;
    let out = arguments.out.display();
    output::data(&format!("{}file      {out}\n", shown(&summary, true)))?;
    output::note(format_args!(
        "carry it to the node of {}, there: danso bundle import {out} --config FILE",
        summary.receiver
    ));
    if summary.more {
        output::note("there is more than one file holds: bring back the receipts, then export again");
    }
    Ok(Outcome::Done)
}

fn import(arguments: &Import) -> Result<Outcome, Failure> {
    let receipt =
        arguments.receipt.clone().unwrap_or_else(|| arguments.bundle.with_added_extension("receipt"));
    let (summary, receipts) = wait(async {
        let client = arguments.target.connect().await?;
        take(&client, &arguments.bundle, &receipt).await
    })?;
    let mut text = shown(&summary, false);
    if receipts {
        writeln!(text, "receipts  {} in {}", summary.receipts, receipt.display()).expect("memory takes it");
    } else {
        writeln!(text, "receipts  {}", summary.receipts).expect("memory takes it");
    }
    output::data(&text)?;
    if summary.repeated {
        output::note("nothing in it was new, it was taken before; see deploy/runbooks/bundle_repeated.md");
    }
    if receipts {
        let sender = &summary.sender;
        output::note(format_args!(
            "carry the receipts back to {sender}, there: danso bundle import {} --config FILE",
            receipt.display()
        ));
    }
    match summary.chains.iter().find(|chain| !chain.code.is_empty()) {
        None => Ok(Outcome::Done),
        Some(chain) => {
            let sentence = format!("the chain of {} was not taken whole: {}", chain.origin, chain.message);
            Err(Failure::told(chain.code.clone(), sentence))
        }
    }
}

/// Sends a bundle to the node. Gives what was done, and whether receipts were written.
async fn take(client: &NodeClient, bundle: &Path, receipt: &Path) -> Result<(BundleSummary, bool), Failure> {
    let (chunks, reading) = read_chunks(bundle)?;
    let refused = unwritable(receipt);
    let outcome = async {
        let mut answers = client.import_bundle(ReceiverStream::new(chunks)).await?;
        let mut file = None;
        while let Some(answer) = answers.next().await? {
            match answer {
                Imported::Batches(_) => {}
                Imported::Data(data) => {
                    if file.is_none() {
                        file = Some(Growing::begin(receipt, PUBLIC_MODE).map_err(&refused)?);
                    }
                    file.as_mut().expect("it was begun above").write_all(&data).map_err(&refused)?;
                }
                Imported::Summary(summary) => {
                    let receipts = file.is_some();
                    file.map(Growing::finish).transpose().map_err(&refused)?;
                    return Ok((summary, receipts));
                }
            }
        }
        Err(broken_off())
    };
    let outcome: Result<_, Failure> = outcome.await;
    // A file that could not be read explains what the node says of it.
    if let (Err(_), Ok(Err(error))) = (&outcome, reading.join()) {
        let sentence = format!("cannot read {}: {error}", bundle.display());
        return Err(Failure::told("file_unreadable", sentence));
    }
    outcome
}

fn broken_off() -> Failure {
    Failure::told("bundle_unfinished", "the node ended before all was done; the same command again goes on")
}

/// Reads a file in chunks, in a thread of its own.
fn read_chunks(path: &Path) -> Result<(mpsc::Receiver<BundleChunk>, JoinHandle<io::Result<()>>), Failure> {
    let unreadable = |error: io::Error| {
        Failure::told("file_unreadable", format!("cannot read {}: {error}", path.display()))
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let (sender, chunks) = mpsc::channel(4);
    let reading = std::thread::spawn(move || {
        loop {
            let mut data = vec![0; limits::BUNDLE_CHUNK_BYTES];
            let count = file.read(&mut data)?;
            data.truncate(count);
            // The node has ended, and says why.
            if count == 0 || sender.blocking_send(BundleChunk { data: data.into() }).is_err() {
                return Ok(());
            }
        }
    });
    Ok((chunks, reading))
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> Failure + use<> {
    let path = path.to_path_buf();
    move |error| Failure::told("file_unwritable", format!("cannot write {}: {error}", path.display()))
}

fn shown(summary: &BundleSummary, exported: bool) -> String {
    let made = moment::local(summary.made_at_ms);
    let what = if summary.way == "up" { "batches" } else { "receipts" };
    let mut text =
        format!("bundle    {what} from {} for {}, made {made}\n", summary.sender, summary.receiver);
    for chain in &summary.chains {
        let batches = match (chain.first_number, chain.last_number) {
            (0, _) | (_, 0) => String::new(),
            (first, last) => format!("batches {first}-{last}, "),
        };
        let code = if chain.code.is_empty() { String::new() } else { format!(", {}", plain(&chain.code)) };
        let (origin, taken, number) = (plain(&chain.origin), chain.taken, chain.acknowledged_number);
        let new = if exported { String::new() } else { format!("{taken} new, ") };
        writeln!(text, "chain     {origin}: {batches}{new}acknowledged up to {number}{code}")
            .expect("memory takes it");
    }
    if summary.statements > 0 {
        writeln!(text, "from above  {} statements", summary.statements).expect("memory takes it");
    }
    text
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::BundleChain;

    #[test]
    fn a_summary_names_both_nodes_and_every_chain_with_what_stopped_it() {
        let chain = |code: &str| BundleChain {
            origin: "00001@2025-07-01".to_owned(),
            first_number: 3,
            last_number: 8,
            taken: 6,
            acknowledged_number: 8,
            code: code.to_owned(),
            ..BundleChain::default()
        };
        let summary = BundleSummary {
            sender: "001@2025-07-01".to_owned(),
            receiver: "01@2025-07-01".to_owned(),
            way: "up".to_owned(),
            chains: vec![chain(""), chain("batch_gap")],
            ..BundleSummary::default()
        };
        let text = shown(&summary, false);
        assert!(text.contains("batches from 001@2025-07-01 for 01@2025-07-01"), "{text}");
        assert!(text.contains("00001@2025-07-01: batches 3-8, 6 new, acknowledged up to 8\n"), "{text}");
        assert!(text.contains("acknowledged up to 8, batch_gap\n"), "{text}");
    }
}
