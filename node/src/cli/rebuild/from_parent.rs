//! `danso rebuild --from-parent`: what was rebuilt, and the proof that it is what the parent holds.

use crate::{
    cli::{
        failure::{Failure, Outcome},
        moment::local,
        output,
        progress::Progress,
        wait,
    },
    runtime::{self, Rebuilt},
};
use danso_tier_config::{NodeConfig, Policy};
use std::fmt::Write as _;

pub(super) fn run(config: NodeConfig) -> Result<Outcome, Failure> {
    let unit = config.unit;
    let progress = Progress::of_chains("rebuild");
    let rebuilt = wait(async {
        let told = &mut |done: usize, total: usize| progress.set(done as u64, total as u64);
        let rebuilt = runtime::rebuild_from_parent(config, told).await;
        rebuilt.map_err(|error| Failure::of(error.code(), &error))
    });
    drop(progress);
    let rebuilt = rebuilt?;
    notes(&rebuilt).into_iter().for_each(output::note);
    output::data(&proof(&rebuilt, &unit.to_string()))?;
    Ok(if rebuilt.conflicts.is_some() { Outcome::SomeRowsRefused } else { Outcome::Done })
}

/// What somebody must know beside the proof.
fn notes(rebuilt: &Rebuilt) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(code) = &rebuilt.unreadable {
        notes.push(format!(
            "the old folder could not be read ({code}); what it held and the parent does not is still in it only"
        ));
    }
    if let Some(path) = &rebuilt.set_aside {
        notes.push(format!("the old folder is now {}; keep it until all is checked", path.display()));
    }
    if rebuilt.nameless {
        let policy = rebuilt.policy;
        let why = if policy < Policy::Names {
            "by policy the parent holds no names"
        } else {
            "some names did not come"
        };
        notes.push(format!("persons without a name are in the register: {why} (policy {policy})"));
    }
    if let Some(path) = &rebuilt.conflicts {
        let count = rebuilt.again.conflicts.len();
        notes.push(format!(
            "{count} changes no longer fit and were not recorded, see {}; it names persons: keep it safe, \
             record them by hand, then delete it",
            path.display()
        ));
        notes.push(format!(
            "{count} thay đổi không ghi lại được; tệp có dữ liệu cá nhân, hãy giữ kín và xóa sau khi ghi"
        ));
    }
    for id in &rebuilt.again.requests_closed {
        notes.push(format!(
            "request {id} is closed: its person was not recorded again; record the person by hand and open a new one"
        ));
        notes.push(format!("yêu cầu {id} đã đóng: hãy ghi lại người này rồi mở yêu cầu mới"));
    }
    for (origin, code) in &rebuilt.carried.left {
        notes.push(format!(
            "batches of {origin} in the old folder were not taken ({code}); its unit sends them again"
        ));
    }
    for came in rebuilt.chains.iter().filter(|came| came.left.is_some()) {
        let code = came.left.as_deref().unwrap_or_default();
        notes.push(format!("{} was not fetched ({code}); it comes again from the units below", came.origin));
    }
    notes
}

fn proof(rebuilt: &Rebuilt, unit: &str) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<10} {value}").expect("writing to memory cannot fail");
    };
    line("unit", unit.to_owned());
    for came in rebuilt.chains.iter().filter(|came| came.left.is_none()) {
        let signed = Rebuilt::signed_at_ms(came)
            .map_or("no receipt".to_owned(), |ms| format!("as the parent signed {}", local(ms)));
        line("chain", format!("{} batch {} {} {signed}", came.origin, came.head.number, came.head.hash));
    }
    let own = rebuilt.chains.iter().find(|came| came.origin.to_string() == unit);
    line("recovered", format!("{} changes", own.map_or(0, |own| own.head.next.0 - 1)));
    line("carried", format!("{} own batches, {} of units below", rebuilt.carried.own, rebuilt.carried.below));
    let again = &rebuilt.again;
    line("recorded", format!("{} changes again, {} known already", again.recorded, again.known));
    line("conflicts", again.conflicts.len().to_string());
    line("tallies", rebuilt.tallies.to_string());
    text
}
