//! Whether a node may be used: one truth for everybody who asks, by gRPC or HTTP.

use super::node::Node;

/// How a node stands to those who ask whether it may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It takes work.
    Serving,
    /// It was told to stop and takes nothing new.
    Stopping,
    /// Its store has stopped after an error; the process ends.
    Failed,
    /// Its store cannot be opened: it says why and what mends it, and nothing else.
    Rescue,
}

impl Health {
    /// Whether the node should be asked and given work.
    pub fn is_ready(self) -> bool {
        self == Self::Serving
    }

    /// Whether the process is of use as it is: one in rescue mode waits for its operator, and a start anew would
    /// bring it back to where it is.
    pub fn is_live(self) -> bool {
        self != Self::Failed
    }

    /// One word for it, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
            Self::Rescue => "rescue",
        }
    }
}

impl Node {
    /// How the node stands now.
    pub fn health(&self) -> Health {
        if self.store.failure().borrow().is_some() {
            Health::Failed
        } else if *self.stopping.borrow() {
            Health::Stopping
        } else {
            Health::Serving
        }
    }

    /// Says from now on that the node is stopping. A repeat does nothing.
    pub fn note_stopping(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the node stands otherwise than `known`, and gives how.
    pub async fn health_other_than(&self, known: Health) -> Health {
        let (mut stopping, mut failure) = (self.stopping.subscribe(), self.store.failure());
        loop {
            let health = self.health();
            if health != known {
                return health;
            }
            tokio::select! {
                _ = stopping.changed() => {}
                changed = failure.changed() => if changed.is_err() {
                    // The store is gone, and with it whatever could change.
                    std::future::pending::<()>().await;
                },
            }
        }
    }
}
