//! What goes wrong in one schedule, and when: it follows from the seed alone.

use danso_tests::Dice;

/// Something that happens to a node or to the line between a node and its parent. Nodes are numbered from the top:
/// 0 central, 1 and 2 provinces, 3 to 6 districts, 7 to 14 communes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// No message passes between a node and its parent.
    Cut { child: usize, ms: u64 },
    /// None passes upward, or none downward.
    CutOneWay { child: usize, up: bool, ms: u64 },
    /// Messages wait and then all come at once.
    Hold { child: usize, ms: u64 },
    /// Every message takes long.
    Slow { child: usize, latency_ms: u64, ms: u64 },
    /// Some messages are lost.
    Lossy { child: usize, percent: u64, ms: u64 },
    /// `kill -9`.
    Kill { at: usize, ms: u64 },
    /// Stopped in good order.
    Stop { at: usize, ms: u64 },
    /// The power goes after some steps of the ledger on the disk; what was not synced may be lost.
    PowerCut { at: usize, steps: u64, ms: u64 },
    /// The disk is full.
    DiskFull { at: usize, ms: u64 },
    /// A sync fails.
    SyncFails { at: usize },
    /// The disk is put back to an earlier state: a backup that is restored.
    Restore { at: usize, age_ms: u64 },
    /// The clock is off.
    Clock { at: usize, off_ms: i64, ms: u64 },
    /// The certificate expires.
    Expire { at: usize, ms: u64 },
    /// The certificate is revoked, and a new one comes later.
    Revoke { commune: usize, ms: u64 },
    /// A commune goes on under another district from now on.
    Move { commune: usize, district: usize },
    /// Somebody with a district's certificate lies to its province.
    Lie { district: usize, ms: u64 },
}

/// When faults begin, in milliseconds from the beginning.
pub const FIRST_MS: u64 = 2_000;
/// When everything is mended.
pub const MENDED_MS: u64 = 20_000;

const HOUR_MS: i64 = 3_600_000;

/// The faults of a seed, by time.
pub fn faults(dice: &mut Dice) -> Vec<(u64, Fault)> {
    let count = 4 + dice.below(9);
    let mut faults: Vec<_> =
        (0..count).map(|_| (FIRST_MS + dice.below(MENDED_MS - FIRST_MS - 2_000), fault(dice))).collect();
    // One disk at most is put back: two together may hold the only copies of something. One commune moves.
    let (mut restored, mut moved) = (false, false);
    faults.retain(|(_, fault)| match fault {
        Fault::Restore { .. } => !std::mem::replace(&mut restored, true),
        Fault::Move { .. } => !std::mem::replace(&mut moved, true),
        _ => true,
    });
    faults.sort_by_key(|(at_ms, _)| *at_ms);
    faults
}

fn fault(dice: &mut Dice) -> Fault {
    let (at, child) = (dice.below(15) as usize, 1 + dice.below(14) as usize);
    let ms = 500 + dice.below(8_000);
    match dice.below(19) {
        0 | 1 => Fault::Cut { child, ms },
        2 => Fault::CutOneWay { child, up: dice.below(2) == 0, ms },
        3 => Fault::Hold { child, ms },
        4 => Fault::Slow { child, latency_ms: 50 + dice.below(1_500), ms },
        5 => Fault::Lossy { child, percent: 1 + dice.below(20), ms },
        6..=8 => Fault::Kill { at, ms: ms / 2 },
        9 => Fault::Stop { at, ms: ms / 2 },
        10 | 11 => Fault::PowerCut { at, steps: dice.below(40), ms: ms / 2 },
        12 => Fault::DiskFull { at, ms },
        13 => Fault::SyncFails { at },
        14 => Fault::Restore { at, age_ms: 1_000 + dice.below(8_000) },
        15 => {
            let hours = [1, 25, 24 * 40, 24 * 365, 24 * 3_650][dice.below(5) as usize];
            let off_ms = if dice.below(2) == 0 { hours * HOUR_MS } else { -hours * HOUR_MS };
            Fault::Clock { at, off_ms, ms }
        }
        16 if dice.below(2) == 0 => Fault::Expire { at: child, ms },
        16 => Fault::Revoke { commune: 7 + dice.below(8) as usize, ms },
        17 => Fault::Move { commune: 7 + dice.below(8) as usize, district: 3 + dice.below(4) as usize },
        _ => Fault::Lie { district: 3 + dice.below(4) as usize, ms },
    }
}
