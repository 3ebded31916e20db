//! At which hop the oldest change waits that has not come here: from what each tier on its way is known to hold.

use danso_tier_config::UnitId;

/// One tier on the way of a chain, as far as it is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// The tier's unit.
    pub unit: UnitId,
    /// Changes of the chain there by its last word; `None` where it never said one.
    pub changes: Option<u64>,
    /// When the oldest change was recorded that is there and not one tier above.
    pub oldest_unsent_ms: Option<u64>,
    /// Whether the tier above has its line open; `None` for the last stop and where nothing is known.
    pub connected: Option<bool>,
}

/// Where changes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The tier that holds them, or to which nobody has a line.
    pub from: UnitId,
    /// The tier that has not got them.
    pub to: UnitId,
    /// Changes that are known to wait there or below; those of a cut tier may be more.
    pub changes: u64,
    /// When the oldest of them was recorded; `None` where none is known.
    pub since_ms: Option<u64>,
    /// Whether the line between the two is cut.
    pub cut: bool,
}

/// At which hop of a way changes wait; the way begins with the unit that records and ends here.
///
/// The oldest change that is not here lies at the nearest tier that holds more than this one: whatever is above that
/// tier has as much as there is here. But a line that is cut above it hides what has moved since, so that the cut
/// nearest to here is named first; nothing is known to wait, perhaps, and nothing can come. `None` while everything
/// known is here and every line is open.
pub fn waiting(way: &[Stop]) -> Option<Waiting> {
    let (here, before) = way.split_last()?;
    let held = here.changes.unwrap_or(0);
    let more = |stop: &Stop| stop.changes.is_some_and(|changes| changes > held);
    let known = before.iter().rposition(more);
    let cut = before.iter().rposition(|stop| stop.connected == Some(false));
    let place = known.max(cut)?;
    let since = known.and_then(|known| before[known].oldest_unsent_ms);
    Some(Waiting {
        from: way[place].unit,
        to: way[place + 1].unit,
        changes: missing(way),
        since_ms: since,
        cut: cut == Some(place),
    })
}

/// Changes that some tier on the way is known to hold, and the last stop does not.
pub fn missing(way: &[Stop]) -> u64 {
    let held = |stop: &Stop| stop.changes.unwrap_or(0);
    let here = way.last().map_or(0, held);
    way.iter().map(held).max().unwrap_or(0).saturating_sub(here)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    const TIERS: [&str; 4] = ["00001@2025-07-01", "001@2025-07-01", "01@2025-07-01", "VN@1945-09-02"];

    fn unit(place: usize) -> UnitId {
        TIERS[place].parse().unwrap()
    }

    /// A way of four tiers: changes at each (-1 for unknown), and whether the lines above the first three are open.
    fn way(changes: [i64; 4], open: [Option<bool>; 3]) -> Vec<Stop> {
        let stop = |place: usize| Stop {
            unit: unit(place),
            changes: u64::try_from(changes[place]).ok(),
            oldest_unsent_ms: Some(100 * (place as u64 + 1)),
            connected: open.get(place).copied().flatten(),
        };
        (0..4).map(stop).collect()
    }

    #[test]
    fn the_hop_is_where_the_oldest_missing_change_lies_or_the_nearest_cut() {
        const OPEN: Option<bool> = Some(true);
        const CUT: Option<bool> = Some(false);
        // Changes at each tier, lines, expected: from which tier, changes, since, cut.
        let table = [
            ([5, 5, 5, 5], [OPEN, OPEN, OPEN], None),
            ([7, 5, 5, 5], [OPEN, OPEN, OPEN], Some((0, 2, Some(100), false))),
            ([7, 6, 5, 5], [OPEN, OPEN, OPEN], Some((1, 2, Some(200), false))),
            ([7, 7, 7, 5], [OPEN, OPEN, OPEN], Some((2, 2, Some(300), false))),
            // What came past a tier that has not told of it yet.
            ([5, 5, 6, 6], [OPEN, OPEN, OPEN], None),
            // A cut with nothing known behind it, and with something.
            ([5, 5, 5, 5], [CUT, OPEN, OPEN], Some((0, 0, None, true))),
            ([9, 5, 5, 5], [CUT, OPEN, OPEN], Some((0, 4, Some(100), true))),
            // What waits above a cut is older than what the cut keeps back.
            ([9, 7, 5, 5], [CUT, OPEN, OPEN], Some((1, 4, Some(200), false))),
            // A cut above hides whether it has moved on.
            ([9, 5, 5, 5], [OPEN, CUT, OPEN], Some((1, 4, Some(100), true))),
            ([9, 5, 5, 5], [CUT, CUT, CUT], Some((2, 4, Some(100), true))),
            // Nobody has said anything.
            ([-1, -1, -1, -1], [None, None, None], None),
            ([-1, -1, -1, 3], [None, None, CUT], Some((2, 0, None, true))),
            ([4, -1, -1, 3], [None, None, None], Some((0, 1, Some(100), false))),
        ];
        for (changes, open, expected) in table {
            let found = waiting(&way(changes, open));
            let expected = expected.map(|(from, changes, since_ms, cut)| Waiting {
                from: unit(from),
                to: unit(from + 1),
                changes,
                since_ms,
                cut,
            });
            assert_eq!(found, expected, "{changes:?} {open:?}");
        }
    }

    #[test]
    fn a_way_of_one_stop_waits_for_nothing() {
        assert_eq!(waiting(&[]), None);
        assert_eq!(waiting(&way([5, 5, 5, 5], [None; 3])[3..]), None);
        assert_eq!((missing(&[]), missing(&way([9, 5, 8, 6], [None; 3]))), (0, 3));
    }
}
