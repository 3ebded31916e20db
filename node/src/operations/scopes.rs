//! For which units somebody may do something at a node: by what they are, and where they stand.

use super::{
    accounts::{Right, Role},
    node::Node,
};
use danso_tier_config::UnitId;

/// Why somebody may not do something at a node. Who it is: a role or node, at its unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The role does not have the right, or a node asks for more than counts.
    #[error("{who} may not do this at {node}")]
    Right {
        /// Who asked.
        who: String,
        /// Where.
        node: UnitId,
    },
    /// Their unit is neither above nor below the node's.
    #[error("{who} may do nothing at {node}")]
    Elsewhere {
        /// Who asked.
        who: String,
        /// Where.
        node: UnitId,
    },
    /// Who runs a node runs it whole.
    #[error("{who} does not run {node}")]
    Part {
        /// Who asked.
        who: String,
        /// Where.
        node: UnitId,
    },
}

impl NotAllowed {
    /// Stable code; `deploy/runbooks` has a page for it.
    pub fn code(&self) -> &'static str {
        "not_allowed"
    }
}

impl Node {
    /// The topmost unit for which somebody may do `right` here: a role at a unit, or the node of that unit.
    ///
    /// The node itself may do everything. Of other nodes those above read all counts, those below the counts of
    /// their own subtree. A role may do what it may at the units that lie below both its unit and this node.
    pub fn scope_of(&self, role: Option<Role>, unit: UnitId, right: Right) -> Result<UnitId, NotAllowed> {
        let node = self.unit();
        let who = || role.map_or_else(|| format!("node {unit}"), |role| format!("{role} of {unit}"));
        let may = role.map_or(unit == node || right == Right::ReadCounts, |role| role.may(right));
        if !may {
            return Err(NotAllowed::Right { who: who(), node });
        }
        let directory = self.directory();
        let at = directory.at(self.today());
        let scope = if unit == node || at.is_within(node, unit) {
            node
        } else if at.is_within(unit, node) {
            unit
        } else {
            return Err(NotAllowed::Elsewhere { who: who(), node });
        };
        if scope != node && matches!(right, Right::Operate | Right::Import) {
            return Err(NotAllowed::Part { who: who(), node });
        }
        Ok(scope)
    }
}
