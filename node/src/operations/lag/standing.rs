//! One unit as it stands: what every tier on its way said of it, put together.

use super::findings::Finding;
use danso_core::replication::DiskSpace;
use danso_tier_config::UnitId;

/// A unit's chain at one tier of its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopStanding {
    /// The tier's unit.
    pub unit: UnitId,
    /// Its name of today.
    pub name: String,
    /// When it last said anything of the chain, Unix milliseconds; 0 for never.
    pub told_ms: u64,
    /// Number of the latest batch there.
    pub batches: u64,
    /// Changes there.
    pub changes: u64,
    /// When the oldest change was recorded that is there and not one tier above; `None` for none.
    pub oldest_unsent_ms: Option<u64>,
    /// Whether the tier above has its line open; `None` for this node and where nothing is known.
    pub connected: Option<bool>,
    /// Batches of the chain that this tier refused since its start.
    pub refused: u64,
    /// Why the chain goes no further there; empty for nothing.
    pub held_code: String,
}

/// Where changes of a unit wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingAt {
    /// The tier that holds them, or whose line is cut.
    pub from: UnitId,
    /// Its name.
    pub from_name: String,
    /// The tier above that has not got them.
    pub to: UnitId,
    /// Its name.
    pub to_name: String,
    /// When the oldest of them was recorded, Unix milliseconds; `None` where none is known.
    pub since_ms: Option<u64>,
    /// Whether the line between the two is cut.
    pub cut: bool,
}

/// All that is known here of one unit. Moments are Unix milliseconds by this node's clock, 0 for never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitStanding {
    /// The unit.
    pub unit: UnitId,
    /// Its name of today.
    pub name: String,
    /// Its tier.
    pub tier: String,
    /// The unit above it; `None` at the top.
    pub parent: Option<UnitId>,
    /// Whether its tier records changes.
    pub records: bool,
    /// Whether the tier directly above has its line open; `None` where nothing is known. Of this node: its line
    /// to its parent.
    pub connected: Option<bool>,
    /// Its last sign of life at the tier directly above.
    pub last_contact_ms: u64,
    /// When that tier said so.
    pub told_ms: u64,
    /// With which code its line ended last; empty for open, in good order, or unknown.
    pub link_code: String,
    /// Batches of its chain there, by its last word.
    pub batches_there: u64,
    /// Changes recorded there, by its last word.
    pub changes_there: u64,
    /// Of these the ones that are in no batch yet.
    pub unsealed: u64,
    /// Batches of its chain here.
    pub batches_here: u64,
    /// Changes here.
    pub changes_here: u64,
    /// Batches that the tier above this node has signed for.
    pub acknowledged: u64,
    /// Up to when its figures are known here; of a unit that records nothing, when it last said anything.
    pub watermark_ms: u64,
    /// The age of that; `None` for never.
    pub behind_ms: Option<u64>,
    /// Changes that some tier below is known to hold and that are not here.
    pub changes_behind: u64,
    /// At which hop they wait, or where the way is cut; `None` for neither.
    pub waiting: Option<WaitingAt>,
    /// Its chain on every tier of the way, the unit first and this node last; one entry for a unit without a chain.
    pub hops: Vec<HopStanding>,
    /// Batches of it that tiers on the way refused since their start.
    pub refused: u64,
    /// The last one: when, and with which code.
    pub last_refused: Option<(u64, String)>,
    /// Changes stored here and not counted.
    pub quarantined: u64,
    /// The same a day ago, as far as this node remembers.
    pub quarantined_before: u64,
    /// Why its chain goes no further, and at which tier; empty for nothing.
    pub held_code: String,
    /// That tier.
    pub held_at: Option<UnitId>,
    /// What is wrong with the word of a tier above about it, `not_confirmed` for one; empty for nothing.
    pub confirmation_code: String,
    /// First and last batch that came here without the names that may pass; zeros for none.
    pub names_missing: (u64, u64),
    /// How far its clock is ahead of that of the tier above, in milliseconds; `None` where it told none.
    pub clock_offset_ms: Option<i64>,
    /// The file system of its data; `None` for unknown.
    pub disk: Option<DiskSpace>,
    /// Its program and version; empty for unknown.
    pub software: String,
    /// Days until its certificate ends, negative after it; `None` for unknown.
    pub certificate_days: Option<i32>,
    /// How names are kept on its disk: `off`, `open`, `locked`; empty for unknown.
    pub at_rest: String,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
}

impl UnitStanding {
    /// A unit of which nothing is known.
    pub fn unknown(unit: UnitId, name: &str) -> Self {
        Self {
            unit,
            name: name.to_owned(),
            tier: String::new(),
            parent: None,
            records: false,
            connected: None,
            last_contact_ms: 0,
            told_ms: 0,
            link_code: String::new(),
            batches_there: 0,
            changes_there: 0,
            unsealed: 0,
            batches_here: 0,
            changes_here: 0,
            acknowledged: 0,
            watermark_ms: 0,
            behind_ms: None,
            changes_behind: 0,
            waiting: None,
            hops: Vec::new(),
            refused: 0,
            last_refused: None,
            quarantined: 0,
            quarantined_before: 0,
            held_code: String::new(),
            held_at: None,
            confirmation_code: String::new(),
            names_missing: (0, 0),
            clock_offset_ms: None,
            disk: None,
            software: String::new(),
            certificate_days: None,
            at_rest: String::new(),
            findings: Vec::new(),
        }
    }

    /// Whether nothing has ever been heard of the unit.
    pub fn is_unknown(&self) -> bool {
        self.last_contact_ms == 0 && self.watermark_ms == 0 && self.batches_here == 0
    }
}
