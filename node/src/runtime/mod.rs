//! x
pub mod keys;
