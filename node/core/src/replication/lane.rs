//! One origin's way up a link, in numbers of batches.

/// One origin's way up.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    /// Latest batch held here.
    pub head: u64,
    /// Latest batch sent on this connection.
    pub sent: u64,
    /// Latest batch that the parent has signed for.
    pub acknowledged: u64,
    /// Why nothing more is sent on this connection.
    pub held: Option<String>,
    /// Times it was sent again from what the parent asked for, since its last receipt.
    pub rewinds: u64,
    /// Batches that the parent has without their names.
    pub names: Names,
}

/// Batches that are sent once more for their names' sake.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// The latest one sent again.
    pub sent: u64,
    /// The latest one answered.
    pub answered: u64,
    /// The last one asked for, 0 for none.
    pub last: u64,
    /// The next one has no names here either, so far.
    pub waiting: bool,
}

impl Names {
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.answered)
    }
}

impl Lane {
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.acknowledged)
    }

    pub fn ready(&self) -> bool {
        self.held.is_none() && self.sent < self.head
    }
}
