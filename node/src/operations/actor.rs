//! Who does something, as audit entries name it: an account, a node, or somebody at this computer. Never a
//! person by name.

use danso_tier_config::UnitId;
use std::{
    fmt,
    sync::{Arc, LazyLock},
};

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(Arc<str>);

impl Actor {
    /// Somebody at this computer, by a command on a stopped node or by the node itself.
    pub fn local() -> Self {
        static LOCAL: LazyLock<Actor> = LazyLock::new(|| Actor("local".into()));
        LOCAL.clone()
    }

    /// An account or a program with a token.
    pub fn account(name: &str) -> Self {
        Self(format!("account {name}").into())
    }

    /// Somebody who has not proved who it is.
    pub fn guest() -> Self {
        Self("guest".into())
    }

    /// A node of the tree.
    pub fn node(unit: UnitId) -> Self {
        Self(format!("node {unit}").into())
    }

    /// The holder of a person's certificate: its role and unit, and its serial number.
    pub fn certificate(role: &str, unit: UnitId, serial: &str) -> Self {
        Self(format!("certificate {role} {unit} {serial}").into())
    }

    /// The words of the audit entry.
    pub fn words(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
