//! Why a sealed file does not open.

/// Why a sealed file does not open. Who meets it gives it a code of its own: a backup and a bundle ask for different
/// remedies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Other bytes, or a file for something else.
    #[error("this is no sealed file of the kind that is wanted")]
    NotSealed,
    /// Written by a newer program.
    #[error("the file has format {format}, this program knows 1")]
    Newer {
        /// Its format.
        format: u8,
    },
    /// Sealed to somebody else.
    #[error("the file is sealed to another key")]
    OtherReceiver {
        /// The public key that it is sealed to.
        named: [u8; 32],
    },
    /// A chunk does not verify.
    #[error("the file is damaged in its part {place}")]
    Damaged {
        /// Place of the chunk, from 0.
        place: u64,
    },
    /// The last chunk is missing.
    #[error("the file was cut off in its part {place}")]
    Cut {
        /// Place of the first chunk that is missing, from 0.
        place: u64,
    },
    /// Something follows the last chunk.
    #[error("something was appended to the file")]
    TooLong,
}
