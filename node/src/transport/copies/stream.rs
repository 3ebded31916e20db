//! Sealed messages as a stream of bytes: each is its kind (one byte), its length (`u32`, little-endian) and itself.

use crate::{
    store::envelope::{EnvelopeError, Purpose, ReceiverKey, Sealer, Unsealer},
    wire::status::status,
};
use danso_proto::{codec::is_bounded, v1::BundleChunk};
use danso_tier_config::limits;
use prost::{
    Message,
    bytes::{Buf as _, Bytes, BytesMut},
};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};
use tonic::{Code, Status, Streaming};

/// Longest silence of whoever reads or sends a bundle.
pub const SILENCE: Duration = Duration::from_millis(limits::BUNDLE_SILENCE_MS_MAX);

/// Bytes before a message.
const HEAD_BYTES: usize = 5;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The signed opening.
    Opening = 1,
    /// A message as a child sends it on a link.
    Child = 2,
    /// A message as a parent sends it on a link.
    Parent = 3,
    /// What the child has of directory and revocations.
    DirectoryAsked = 4,
    /// Which releases the child has.
    ReleasesAsked = 5,
    /// A directory, or a list of revocations.
    Statement = 6,
    /// A release.
    Release = 7,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let kinds = [
            Self::Opening,
            Self::Child,
            Self::Parent,
            Self::DirectoryAsked,
            Self::ReleasesAsked,
            Self::Statement,
            Self::Release,
        ];
        kinds.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A bundle that is being made; its sealed bytes go to whoever writes the file.
pub struct Out<'a, T> {
    sealer: Sealer,
    answers: &'a mpsc::Sender<Result<T, Status>>,
    wrap: fn(Bytes) -> T,
    /// Sealed bytes that are not sent yet.
    waiting: Vec<u8>,
    bytes: u64,
}

impl<'a, T> Out<'a, T> {
    /// Begins a bundle for the holder of a public key; `wrap` makes an answer of its bytes.
    pub fn new(
        receiver: [u8; 32],
        answers: &'a mpsc::Sender<Result<T, Status>>,
        wrap: fn(Bytes) -> T,
    ) -> Self {
        let mut head = Vec::new();
        let sealer = Sealer::new(Purpose::Bundle, receiver, &mut head);
        Self { sealer, answers, wrap, waiting: head, bytes: 0 }
    }

    /// The public key drawn for this bundle.
    pub fn drawn(&self) -> [u8; 32] {
        self.sealer.drawn()
    }

    /// Whether no further message should go in.
    pub fn is_full(&self) -> bool {
        self.bytes + limits::BUNDLE_MESSAGE_BYTES_MAX as u64 > limits::BUNDLE_BYTES_MAX
    }

    /// Puts a message in.
    pub async fn put(&mut self, kind: Kind, message: &impl Message) -> Result<(), Status> {
        let length = u32::try_from(message.encoded_len()).expect("a message is shorter than 4 GiB");
        let mut head = [kind as u8; HEAD_BYTES];
        head[1..].copy_from_slice(&length.to_le_bytes());
        self.sealer.write(&head, &mut self.waiting);
        self.sealer.write(&message.encode_to_vec(), &mut self.waiting);
        self.bytes += HEAD_BYTES as u64 + u64::from(length);
        self.send(limits::BUNDLE_CHUNK_BYTES).await
    }

    /// Ends the bundle.
    pub async fn finish(self) -> Result<(), Status> {
        let Self { sealer, answers, wrap, mut waiting, bytes } = self;
        sealer.finish(&mut waiting);
        let mut rest = Bytes::from(waiting);
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(limits::BUNDLE_CHUNK_BYTES));
            say(answers, wrap(chunk)).await?;
        }
        tracing::debug!(bytes, "a bundle was made");
        Ok(())
    }

    /// Sends what is sealed, in chunks of this size.
    async fn send(&mut self, chunk_bytes: usize) -> Result<(), Status> {
        while self.waiting.len() >= chunk_bytes {
            let rest = self.waiting.split_off(chunk_bytes);
            let chunk = std::mem::replace(&mut self.waiting, rest);
            say(self.answers, (self.wrap)(chunk.into())).await?;
        }
        Ok(())
    }
}

/// Hands an answer to the caller, who must read it in time.
pub async fn say<T>(answers: &mpsc::Sender<Result<T, Status>>, answer: T) -> Result<(), Status> {
    match timeout(SILENCE, answers.send(Ok(answer))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(status(Code::Cancelled, "stream_closed", "the caller has gone")),
        Err(_) => {
            Err(status(Code::DeadlineExceeded, "stream_unread", "the caller has read nothing for too long"))
        }
    }
}

/// A bundle that comes in.
pub struct In<'a> {
    unsealer: Option<Unsealer<'a>>,
    drawn: Option<[u8; 32]>,
    source: Streaming<BundleChunk>,
    plain: BytesMut,
    bytes: u64,
}

impl<'a> In<'a> {
    /// A bundle that is sealed to this key.
    pub fn new(key: &'a ReceiverKey, source: Streaming<BundleChunk>) -> Self {
        let unsealer = Some(Unsealer::new(Purpose::Bundle, key));
        Self { unsealer, drawn: None, source, plain: BytesMut::new(), bytes: 0 }
    }

    /// The public key drawn for the bundle, once a message has come.
    pub fn drawn(&self) -> Option<[u8; 32]> {
        self.drawn
    }

    /// The next message; `None` at the end of a whole bundle.
    ///
    /// Errors: `bundle_not_bundle`, `bundle_newer_format`, `bundle_other_receiver`, `bundle_damaged`, `bundle_cut`,
    /// `bundle_too_large`, `stream_silent`.
    pub async fn next(&mut self) -> Result<Option<(Kind, Bytes)>, Status> {
        loop {
            if let Some(item) = split(&mut self.plain)? {
                return Ok(Some(item));
            }
            let Some(unsealer) = &mut self.unsealer else {
                return if self.plain.is_empty() {
                    Ok(None)
                } else {
                    Err(damaged("it ends within a message"))
                };
            };
            let silent =
                |_| status(Code::DeadlineExceeded, "stream_silent", "the stream was silent for too long");
            let Some(chunk) = timeout(SILENCE, self.source.message()).await.map_err(silent)?? else {
                let ended = self.unsealer.take().expect("it was looked at above").finish();
                ended.map_err(|error| of_envelope(&error))?;
                continue;
            };
            self.bytes += chunk.data.len() as u64;
            // Sealing adds a little to each chunk.
            if self.bytes > limits::BUNDLE_BYTES_MAX + limits::BUNDLE_BYTES_MAX / 256 {
                return Err(status(Code::OutOfRange, "bundle_too_large", "the bundle is too large"));
            }
            let mut plain = Vec::new();
            unsealer.push(&chunk.data, &mut plain).map_err(|error| of_envelope(&error))?;
            self.drawn = self.drawn.or_else(|| unsealer.drawn());
            self.plain.extend_from_slice(&plain);
        }
    }
}

/// Takes a whole message off the front of what has come.
fn split(plain: &mut BytesMut) -> Result<Option<(Kind, Bytes)>, Status> {
    let Some(head) = plain.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let kind = Kind::of(head[0]).ok_or_else(|| damaged("it holds a message of an unknown kind"))?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > limits::BUNDLE_MESSAGE_BYTES_MAX {
        return Err(damaged("it holds a message that is too long"));
    }
    if plain.len() < HEAD_BYTES + length {
        return Ok(None);
    }
    plain.advance(HEAD_BYTES);
    Ok(Some((kind, plain.split_to(length).freeze())))
}

/// Decodes a message, its fields counted first.
pub fn decode<T: Message + Default>(bytes: Bytes) -> Result<T, Status> {
    if !is_bounded(&bytes) {
        return Err(damaged("it holds a message of too many fields"));
    }
    T::decode(bytes).map_err(|_| damaged("it holds a message that cannot be read"))
}

/// A bundle whose bytes are not those that were sealed, or whose maker made them so.
pub fn damaged(because: &str) -> Status {
    status(Code::DataLoss, "bundle_damaged", format!("the bundle is damaged: {because}"))
}

fn of_envelope(error: &EnvelopeError) -> Status {
    let text = error.to_string();
    match error {
        EnvelopeError::NotSealed => {
            status(Code::InvalidArgument, "bundle_not_bundle", "this file is no bundle")
        }
        EnvelopeError::Newer { .. } => status(Code::FailedPrecondition, "bundle_newer_format", text),
        EnvelopeError::OtherReceiver { .. } => {
            let text = "the bundle is for another node, or for a former key of this one";
            status(Code::PermissionDenied, "bundle_other_receiver", text)
        }
        EnvelopeError::Cut { .. } => status(Code::DataLoss, "bundle_cut", text),
        EnvelopeError::Damaged { .. } | EnvelopeError::TooLong => damaged(&text),
    }
}
