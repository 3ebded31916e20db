//! Opening: sealed bytes go in as they come, plain ones come out once their chunk is verified.

use super::{
    super::at_rest::sealing::{NONCE_BYTES, Secret, TAG_BYTES, decrypt},
    CHUNK_HEAD_BYTES, EnvelopeError, FORMAT, HEAD_BYTES, MAGIC, Purpose, ReceiverKey, context, file_key,
    sum_of,
};
use danso_tier_config::limits::SEALED_CHUNK_BYTES;
use x25519_dalek::PublicKey;

/// Opens one file.
pub struct Unsealer<'a> {
    purpose: Purpose,
    receiver: &'a ReceiverKey,
    opened: Option<Opened>,
    waiting: Vec<u8>,
    place: u64,
    ended: bool,
}

struct Opened {
    key: Secret,
    sum: [u8; 32],
    drawn: [u8; 32],
}

impl<'a> Unsealer<'a> {
    /// For a file that is sealed to this key.
    pub fn new(purpose: Purpose, receiver: &'a ReceiverKey) -> Self {
        Self { purpose, receiver, opened: None, waiting: Vec::new(), place: 0, ended: false }
    }

    /// The public key drawn for the file, once its head has come.
    pub fn drawn(&self) -> Option<[u8; 32]> {
        self.opened.as_ref().map(|opened| opened.drawn)
    }

    /// Takes sealed bytes; what they open to is appended to `plain`. Waits with at most one chunk.
    pub fn push(&mut self, mut sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        while !sealed.is_empty() {
            if self.ended {
                return Err(EnvelopeError::TooLong);
            }
            let wanted = self.wanted()?;
            let taken = sealed.len().min(wanted - self.waiting.len());
            self.waiting.extend_from_slice(&sealed[..taken]);
            sealed = &sealed[taken..];
            // What waits may be the beginning of a chunk that says now how long it is.
            if self.waiting.len() == self.wanted()? {
                self.take(plain)?;
            }
        }
        Ok(())
    }

    /// The file is at its end.
    pub fn finish(self) -> Result<(), EnvelopeError> {
        match (self.ended, self.opened) {
            (true, _) => Ok(()),
            (false, None) if !MAGIC.starts_with(&self.waiting[..self.waiting.len().min(MAGIC.len())]) => {
                Err(EnvelopeError::NotSealed)
            }
            _ => Err(EnvelopeError::Cut { place: self.place }),
        }
    }

    /// How many bytes the part has that is waited for, as far as that is known.
    fn wanted(&self) -> Result<usize, EnvelopeError> {
        if self.opened.is_none() {
            return Ok(HEAD_BYTES);
        }
        let Some(head) = self.waiting.first_chunk::<CHUNK_HEAD_BYTES>() else { return Ok(CHUNK_HEAD_BYTES) };
        let bytes = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if bytes > SEALED_CHUNK_BYTES || head[4] > 1 {
            return Err(EnvelopeError::Damaged { place: self.place });
        }
        Ok(CHUNK_HEAD_BYTES + NONCE_BYTES + bytes + TAG_BYTES)
    }

    fn take(&mut self, plain: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        let Some(opened) = &self.opened else {
            self.opened = Some(self.open_head()?);
            self.waiting.clear();
            return Ok(());
        };
        let last = self.waiting[CHUNK_HEAD_BYTES - 1] == 1;
        let context = context(&opened.sum, self.place, last);
        let chunk = decrypt(&opened.key, &context, &self.waiting[CHUNK_HEAD_BYTES..]);
        plain.extend_from_slice(&chunk.ok_or(EnvelopeError::Damaged { place: self.place })?);
        self.waiting.clear();
        self.place += 1;
        self.ended = last;
        Ok(())
    }

    fn open_head(&self) -> Result<Opened, EnvelopeError> {
        let head: &[u8; HEAD_BYTES] = self.waiting.first_chunk().expect("the head was waited for");
        if !head.starts_with(MAGIC) {
            return Err(EnvelopeError::NotSealed);
        }
        if head[13] > FORMAT {
            return Err(EnvelopeError::Newer { format: head[13] });
        }
        if head[13] != FORMAT || head[14] != self.purpose.byte() {
            return Err(EnvelopeError::NotSealed);
        }
        let drawn: [u8; 32] = *head[15..].first_chunk().expect("the head has a drawn key");
        let named: [u8; 32] = *head[47..].first_chunk().expect("the head has a receiver");
        if named != self.receiver.public() {
            return Err(EnvelopeError::OtherReceiver { named });
        }
        let shared = self.receiver.0.diffie_hellman(&PublicKey::from(drawn));
        // A point of small order agrees on the same secret with everybody.
        if !shared.was_contributory() {
            return Err(EnvelopeError::Damaged { place: 0 });
        }
        Ok(Opened { key: file_key(self.purpose, &shared, head), sum: sum_of(head), drawn })
    }
}
