//! Sealing: plain bytes go in as they come, sealed ones come out chunk by chunk.

use super::{
    super::at_rest::sealing::{Secret, encrypt, random},
    Purpose, context, file_key, head, sum_of,
};
use danso_tier_config::limits::SEALED_CHUNK_BYTES;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// Seals one file.
pub struct Sealer {
    key: Secret,
    sum: [u8; 32],
    drawn: [u8; 32],
    place: u64,
    waiting: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// Begins a file for the holder of a public key, with its head appended to `out`.
    pub fn new(purpose: Purpose, receiver: [u8; 32], out: &mut Vec<u8>) -> Self {
        let secret = StaticSecret::from(*random());
        let drawn = PublicKey::from(&secret).to_bytes();
        let head = head(purpose, &drawn, &receiver);
        let shared = secret.diffie_hellman(&PublicKey::from(receiver));
        out.extend_from_slice(&head);
        let waiting = Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_BYTES));
        Self { key: file_key(purpose, &shared, &head), sum: sum_of(&head), drawn, place: 0, waiting }
    }

    /// The public key drawn for this file.
    pub fn drawn(&self) -> [u8; 32] {
        self.drawn
    }

    /// Takes plain bytes; whole chunks are appended to `out`.
    pub fn write(&mut self, mut plain: &[u8], out: &mut Vec<u8>) {
        while !plain.is_empty() {
            // A full chunk goes when more comes: the last one of a file says that it is the last.
            if self.waiting.len() == SEALED_CHUNK_BYTES {
                self.chunk(false, out);
            }
            let taken = plain.len().min(SEALED_CHUNK_BYTES - self.waiting.len());
            self.waiting.extend_from_slice(&plain[..taken]);
            plain = &plain[taken..];
        }
    }

    /// Appends the last chunk to `out`. Without it the file does not open to its end.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.chunk(true, out);
    }

    fn chunk(&mut self, last: bool, out: &mut Vec<u8>) {
        let bytes = u32::try_from(self.waiting.len()).expect("a chunk is short");
        out.extend_from_slice(&bytes.to_le_bytes());
        out.push(u8::from(last));
        encrypt(&self.key, &random(), &context(&self.sum, self.place, last), &self.waiting, out);
        self.place += 1;
        self.waiting.clear();
    }
}
