//! An hour's work at 200 events a second, as fast as it goes, in parts: rate and memory must not drift.

use crate::{cascade::start, old_pc::resident, samples::line};

/// Parts of five minutes each.
const PARTS: usize = 12;
/// Births a part: 200 a second for five minutes.
const BIRTHS: usize = 60_000;
/// Births a transaction.
const BATCH: usize = 100;
/// Who records at once.
const CLIENTS: usize = 2;

pub async fn run() {
    let cascade = start().await;
    cascade.settled().await;
    for part in 1..=PARTS {
        let took = cascade.load(BATCH, CLIENTS, BIRTHS).await;
        let rate = BIRTHS as f64 / took.as_secs_f64();
        let memory: Vec<String> = cascade.above.iter().map(resident).collect();
        let what = format!(
            "part {part} of {PARTS}, births counted at central; memory of central, province, district"
        );
        line(&what, &format!("{rate:.0} a second; {}", memory.join(", ")));
    }
    let counted = cascade.births().await;
    assert_eq!(counted, (PARTS * BIRTHS) as i64, "central counts something else than was recorded");
    line("births recorded and counted at central", &counted.to_string());
    cascade.end().await;
}
