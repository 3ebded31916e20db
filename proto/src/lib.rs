//! The wire contract of danso, generated from `proto/danso/v1`.
//!
//! Batches, receipts and releases travel as opaque signed bytes; their encoding is fixed in
//! `danso-core`. The messages here carry them and the questions asked of a node.
//!
//! | file | holds |
//! |---|---|
//! | `codec.rs` | the codec of all services: fields are counted before a message of the link is decoded |

pub mod codec;

/// Messages and services of package `danso.v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
pub mod v1 {
    tonic::include_proto!("danso.v1");
}

/// `Debug` of messages with a password or token: their name alone, so that no log can show what they hold.
macro_rules! hidden {
    ($($message:ident)*) => {
        $(impl std::fmt::Debug for v1::$message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($message))
            }
        })*
    };
}

hidden! { SignInRequest SignInAnswer AddAccountRequest SetPasswordRequest MakeTokenAnswer FindPersonsRequest PersonLine GetPersonAnswer }

/// The compiled file descriptors, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/danso.v1.bin"));
