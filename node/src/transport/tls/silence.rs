//! Connections that bring nothing any more. What counts is every byte that comes, not whether a ping is answered in
//! time: on a slow line the answer waits behind what was sent before it.

use danso_tier_config::limits;
use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How much a connection has brought, in bytes. Clones share the same number.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<AtomicU64>);

impl Heard {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Since when a connection has brought nothing.
#[derive(Debug)]
pub(super) struct Silence {
    since: Instant,
    timer: Pin<Box<Sleep>>,
    heard: Heard,
}

impl Silence {
    const MOST: Duration = Duration::from_millis(limits::LINE_SILENCE_MS_MAX);

    /// It begins now; what comes is added to `heard`.
    pub(super) fn new(heard: Heard) -> Self {
        Self { since: Instant::now(), timer: Box::pin(sleep(Self::MOST)), heard }
    }

    /// Something came.
    pub(super) fn broken(&mut self, bytes: usize) {
        self.since = Instant::now();
        self.heard.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether it has lasted too long; if not, the task is woken when it may have.
    pub(super) fn too_long(&mut self, cx: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(cx).is_ready() {
            let end = self.since + Self::MOST;
            if end <= Instant::now() {
                return true;
            }
            self.timer.as_mut().reset(end);
        }
        false
    }
}

/// A line that takes nothing any more. Whoever waits for it to write does not read meanwhile, so that its silence
/// would not be noticed.
#[derive(Debug, Default)]
pub(super) struct Blockade(Option<Pin<Box<Sleep>>>);

impl Blockade {
    const MOST: Duration = Duration::from_millis(limits::LINE_BLOCKED_MS_MAX);

    /// The outcome of a look at the writing, or `TimedOut` where it has waited for too long; if it waits, the task is
    /// woken when it may have.
    pub(super) fn watch<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.0 = None;
            return polled;
        }
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep(Self::MOST)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A stream whose reading fails with `TimedOut` once nothing has come for `LINE_SILENCE_MS_MAX`, and whose writing
/// does once nothing could be written for `LINE_BLOCKED_MS_MAX`.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    silence: Silence,
    blockade: Blockade,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, silence: Silence::new(Heard::default()), blockade: Blockade::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if polled.is_ready() {
            this.silence.broken(buffer.filled().len() - before);
        } else if this.silence.too_long(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.blockade.watch(polled, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.blockade.watch(polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.blockade.watch(polled, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        this.blockade.watch(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::advance,
    };

    #[tokio::test(start_paused = true)]
    async fn a_line_that_drips_stays_and_a_silent_one_ends() {
        let (near, mut far) = duplex(64);
        let mut watched = Watched::new(near);
        let mut byte = [0];
        for _ in 0..10 {
            advance(Silence::MOST.saturating_sub(Duration::from_millis(1))).await;
            far.write_all(b"x").await.unwrap();
            assert_eq!(watched.read(&mut byte).await.unwrap(), 1);
        }
        assert_eq!(watched.silence.heard.bytes(), 10);
        let since = Instant::now();
        assert_eq!(watched.read(&mut byte).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(since.elapsed().as_secs(), Silence::MOST.as_secs());
        drop(far);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_takes_nothing_ends_and_one_that_takes_little_stays() {
        let (near, mut far) = duplex(1);
        let mut watched = Watched::new(near);
        let mut byte = [0];
        for _ in 0..10 {
            watched.write_all(b"x").await.unwrap();
            advance(Blockade::MOST.saturating_sub(Duration::from_millis(1))).await;
            far.read_exact(&mut byte).await.unwrap();
        }
        watched.write_all(b"x").await.unwrap();
        let since = Instant::now();
        assert_eq!(watched.write_all(b"x").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(since.elapsed().as_secs(), Blockade::MOST.as_secs());
        drop(far);
    }
}
