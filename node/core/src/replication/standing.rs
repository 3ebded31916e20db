//! Who may speak for which origin.

use danso_tier_config::{Date, Directory, UnitId};

/// May the node of `child` send batches of `origin` to the node of `parent`?
///
/// The child must be a child of the parent and the origin must lie within the child, on the day given
/// or, for units that have ended, on their last day.
pub fn may_speak_for(directory: &Directory, on: Date, parent: UnitId, child: UnitId, origin: UnitId) -> bool {
    is_child(directory, on, parent, child) && within(directory, on, child, origin)
}

fn is_child(directory: &Directory, on: Date, parent: UnitId, child: UnitId) -> bool {
    directory.at(on).parent(child).or_else(|| directory.last_parent(child)) == Some(parent)
}

fn within(directory: &Directory, on: Date, child: UnitId, origin: UnitId) -> bool {
    let day = directory.valid_to(origin).map_or(on, |last| last.min(on));
    directory.at(day).is_within(origin, child)
}
