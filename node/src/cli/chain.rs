//! `danso chain`: what contradicts the chains of a node, and the decision to go on with one.

use super::{
    failure::{Failure, Outcome},
    moment::local,
    output,
    sheet::plain,
    target::{NodeArguments, TargetArguments},
    wait,
};
use clap::Subcommand;
use danso_core::chain::hex;
use danso_proto::v1::{ChainVersion, EvidenceRow, InspectRequest, InspectedChain, ResolveRequest};
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show held chains: who sent what, when, both hashes, and what to do
    Inspect {
        #[command(flatten)]
        target: NodeArguments,
        /// This chain alone, by id or code, whether or not something speaks against it
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
    },
    /// Go on with a held chain as this node holds it
    Resolve {
        /// The chain's unit, by id or code
        #[arg(value_name = "UNIT")]
        chain: String,
        /// Why, for the log; names nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        target: TargetArguments,
    },
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    let text = match command {
        Command::Inspect { target, unit } => {
            let request = InspectRequest { unit: unit.clone().unwrap_or_default() };
            let answer = wait(async { Ok(target.connect().await?.inspect_chains(request).await?) })?;
            inspected(&answer.chains)
        }
        Command::Resolve { chain, reason, target } => {
            let request = ResolveRequest { unit: chain.clone(), reason: reason.clone() };
            let answer = wait(async { Ok(target.connect().await?.resolve_chain(request).await?) })?;
            let head = answer.head.as_ref().map_or("its beginning".to_owned(), |head| {
                format!("batch {} {}", head.number, hex(&head.hash))
            });
            format!(
                "{} goes on from {head}, it was held because of {}\n\
                 a node of this unit that went another way recovers with: danso rebuild --from-parent --config FILE\n",
                answer.origin, answer.held_code
            )
        }
    };
    output::data(&text)?;
    Ok(Outcome::Done)
}

fn inspected(chains: &[InspectedChain]) -> String {
    if chains.is_empty() {
        return "no chain is held or contradicted here\n".to_owned();
    }
    chains.iter().map(chain).collect::<Vec<_>>().join("\n")
}

fn chain(chain: &InspectedChain) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<12} {value}").expect("writing to memory cannot fail");
    };
    line("chain", format!("{} {}", chain.origin, plain(&chain.name)));
    let through =
        if chain.child.is_empty() { "recorded here".to_owned() } else { format!("through {}", chain.child) };
    line("comes", through);
    line("head", chain.head.as_ref().map_or("nothing".to_owned(), version));
    line("acknowledged", format!("up to batch {}", chain.acknowledged_number));
    line("held here", code_or_no(&chain.held_code));
    line("link up", code_or_no(&chain.link_held_code));
    for row in &chain.evidence {
        evidence(&mut line, row);
    }
    if chain.quarantined_count > 0 {
        line("quarantined", format!("{} changes are stored and not counted", chain.quarantined_count));
    }
    for row in &chain.quarantined {
        line("", format!("change {} {}", row.sequence, plain(&row.reason)));
    }
    for advice in advice(chain) {
        line("to do", advice);
    }
    text
}

fn evidence(line: &mut impl FnMut(&str, String), row: &EvidenceRow) {
    let hold = if row.hold { ", it holds the chain" } else { "" };
    line("evidence", format!("{} {} sent by {}{hold}", plain(&row.code), local(row.at_ms), row.sender));
    line("  received", row.received.as_ref().map_or("unreadable".to_owned(), version));
    line("  held", row.held.as_ref().map_or("nothing under this number".to_owned(), version));
}

fn code_or_no(code: &str) -> String {
    if code.is_empty() { "no".to_owned() } else { format!("{}, see deploy/runbooks/{0}.md", plain(code)) }
}

fn version(version: &ChainVersion) -> String {
    format!(
        "batch {} {} changes {}-{} recorded {} to {} key {}",
        version.number,
        hex(&version.hash),
        version.first_sequence,
        (version.first_sequence + version.changes).saturating_sub(1),
        local(version.recorded_from_ms),
        local(version.recorded_to_ms),
        plain(&version.key)
    )
}

/// What is to be done about a chain, the next step first.
fn advice(chain: &InspectedChain) -> Vec<String> {
    let mut advice = Vec::new();
    if !chain.held_code.is_empty() {
        advice.push(
            "ask the unit which computer and data folder are its own, and stop every other one".to_owned(),
        );
        advice.push(format!(
            "then go on with what is held here: danso chain resolve {} --reason TEXT --config FILE",
            chain.origin
        ));
        advice.push("on a computer that holds the received version: danso rebuild --from-parent".to_owned());
    }
    match chain.link_held_code.as_str() {
        "parent_ahead"
        | "parent_diverges"
        | "batch_fork"
        | "batch_wrong_previous"
        | "recover_counts_only" => {
            advice.push("stop this node, then: danso rebuild --from-parent --config FILE".to_owned());
        }
        "origin_held" => advice.push("the parent must decide: danso chain inspect at the parent".to_owned()),
        _ => {}
    }
    advice
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn version_of(number: u64, hash: u8) -> ChainVersion {
        ChainVersion {
            number,
            hash: vec![hash; 32].into(),
            first_sequence: 5,
            changes: 2,
            key: "00ff00ff00ff00ff".to_owned(),
            ..ChainVersion::default()
        }
    }

    #[test]
    fn both_hashes_the_sender_and_the_way_out_are_shown() {
        let row = EvidenceRow {
            code: "batch_fork".to_owned(),
            hold: true,
            sender: "001@2025-07-01".to_owned(),
            at_ms: 1,
            received: Some(version_of(3, 0xaa)),
            held: Some(version_of(3, 0xbb)),
        };
        let chain = InspectedChain {
            origin: "00001@2025-07-01".to_owned(),
            held_code: "batch_fork".to_owned(),
            evidence: vec![row],
            ..InspectedChain::default()
        };
        let text = inspected(&[chain]);
        for wanted in [
            "batch_fork, see deploy/runbooks/batch_fork.md",
            "sent by 001@2025-07-01, it holds the chain",
            &"aa".repeat(32),
            &"bb".repeat(32),
            "changes 5-6",
            "danso chain resolve 00001@2025-07-01",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert_eq!(inspected(&[]), "no chain is held or contradicted here\n");
    }

    #[test]
    fn a_node_whose_parent_went_another_way_is_told_to_rebuild() {
        let held =
            |code: &str| InspectedChain { link_held_code: code.to_owned(), ..InspectedChain::default() };
        assert!(advice(&held("parent_diverges"))[0].contains("rebuild --from-parent"));
        assert!(advice(&held("origin_held"))[0].contains("at the parent"));
        assert!(advice(&held("")).is_empty());
    }
}
