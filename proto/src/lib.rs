//! The wire contract of danso, generated from `proto/danso/v1`.
//!
//! Batches, receipts and releases travel as opaque signed bytes; their encoding is fixed in
//! `danso-core`. The messages here carry them and the questions asked of a node.

/// Messages and services of package `danso.v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
pub mod v1 {
    tonic::include_proto!("danso.v1");
}

/// The compiled file descriptors, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/danso.v1.bin"));
