//! x
pub mod forms;
