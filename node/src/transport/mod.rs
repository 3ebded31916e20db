//! How a node is reached and reaches others.

pub mod authority;
pub mod tls;
