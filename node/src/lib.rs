//! x
pub mod transport;
