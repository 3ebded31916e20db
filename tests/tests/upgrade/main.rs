//! Upgrades and what an operator does to a running node: formats of earlier programs, versions of the protocol,
//! signals, settings read again, a disk with little room.
//!
//! | file | holds |
//! |---|---|
//! | `golden.rs` | data folders that earlier programs wrote, opened by this one |
//! | `versions.rs` | nodes that speak other versions of the protocol |
//! | `downgrade.rs` | a folder that a newer program wrote |
//! | `stopping.rs` | signals that end a node |
//! | `reload.rs` | settings and certificates read again while it runs |
//! | `disk_low.rs` | little room on the disk |
//! | `retention.rs` | names that an upper tier lets go after a time |

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod disk_low;
mod downgrade;
mod golden;
mod reload;
mod retention;
mod stopping;
mod versions;

use danso_core::domain::{Area, HouseholdFacts, HouseholdKind, entry::Entry};
use danso_node::{
    operations::Node,
    runtime::store_options,
    store::{VerifyReport, verify},
    transport::client::{ImportFile, NodeClient},
};
use danso_proto::v1::{ImportForm, ImportSummary};
use danso_tests::{Tree, entries::register_csv, eventually, until};
use danso_tier_config::UnitId;

const DANSO: &str = env!("CARGO_BIN_EXE_danso-under-test");

/// A client of a node that runs as a process, once it answers.
async fn client(tree: &Tree, at: UnitId) -> NodeClient {
    let (address, keys) = (tree.address(at).to_string(), tree.keys(at));
    let connect = || async { NodeClient::connect(&address, at, &keys).await.ok() };
    eventually("a client connects", connect).await
}

/// An A0 book of households of four from a number on.
fn book(first: u64, households: u64) -> ImportFile {
    let content = register_csv(first, households, 4).into_bytes().into();
    ImportFile { form: ImportForm::Register, as_of: Some("2026-01-01".parse().unwrap()), content }
}

/// Imports such a book; the code where it was refused.
async fn import(tree: &Tree, at: UnitId, first: u64, households: u64) -> Result<ImportSummary, String> {
    let client = client(tree, at).await;
    client.import(book(first, households), &mut |_| ()).await.map_err(|error| error.code)
}

/// Waits until the node of `above` holds all changes of `origin` up to `sequence`.
async fn arrived(tree: &Tree, above: UnitId, origin: UnitId, sequence: u64) {
    until("everything recorded has come up", || tree.changes(above, origin) == sequence).await;
}

/// The full check of a stopped node's folder.
fn verified(tree: &Tree, at: UnitId) -> VerifyReport {
    let report = verify(&store_options(&tree.config(at)).unwrap(), &mut |_, _| ()).unwrap();
    assert_eq!(report.differences, Vec::<String>::new());
    report
}

/// A household with a number.
fn household(number: u64) -> Entry {
    let facts = HouseholdFacts { number: format!("{number:04}"), address: "Tổ 1".to_owned() };
    Entry::OpenHousehold { area: Area(1), kind: HouseholdKind::Family, facts }
}

/// Records an entry; the code where it was refused. Durable on return.
async fn record(node: &Node, entry: Entry) -> Result<(), &'static str> {
    let (_, ticket) =
        node.record(None, "2026-01-01".parse().unwrap(), entry).map_err(|error| error.code())?;
    ticket.unwrap().durable().await.map_err(|error| error.code())
}
