//! A progress bar on stderr; where stderr is no terminal nothing is shown.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that is taken away when it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar over bytes.
    pub fn of_bytes(what: &'static str) -> Self {
        Self::new(what, "{msg} [{bar:40}] {bytes} of {total_bytes}, {eta} left")
    }

    /// A bar over rows.
    pub fn of_rows(what: &'static str) -> Self {
        Self::new(what, "{msg} [{bar:40}] {pos} of {len} rows, {eta} left")
    }

    /// A bar over chains.
    pub fn of_chains(what: &'static str) -> Self {
        Self::new(what, "{msg} [{bar:40}] {pos} of {len} chains")
    }

    fn new(what: &'static str, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).expect("the template names known keys");
        Self(ProgressBar::new(0).with_style(style).with_message(what))
    }

    /// Shows how much is done.
    pub fn set(&self, done: u64, total: u64) {
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
