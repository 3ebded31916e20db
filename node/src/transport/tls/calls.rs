//! The calls on a connection: one that has none for too long is closed, and nobody has too many at once.

use super::{connection::Peer, identity::Identity, open::Connections};
use crate::wire::status::status;
use danso_tier_config::limits;
use http_body::{Body, Frame, SizeHint};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::time::Instant;
use tonic::{
    Code,
    codegen::http::{Request, Response},
};
use tower::{Layer, Service};

/// How many calls are open on a connection, and since when there has been none.
#[derive(Debug, Clone)]
pub(super) struct Calls(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    open: usize,
    idle_since: Instant,
}

impl Default for Calls {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { open: 0, idle_since: Instant::now() })))
    }
}

impl Calls {
    /// Since when there has been no call; nothing while there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.open == 0).then_some(state.idle_since)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Open calls by holder of a certificate. Guests are bounded by their connections.
#[derive(Debug, Clone, Default)]
struct Holders(Arc<Mutex<HashMap<Identity, usize>>>);

impl Holders {
    /// Counts a call; false where there are too many.
    fn enter(&self, identity: Identity) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(identity).or_default();
        let room = identity == Identity::Guest || *count < limits::CALLS_PER_IDENTITY_MAX;
        *count += usize::from(room);
        room
    }

    fn leave(&self, identity: Identity) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = open.get_mut(&identity) else { return };
        *count -= 1;
        if *count == 0 {
            open.remove(&identity);
        }
    }
}

/// An open call; counted until dropped.
#[derive(Debug)]
struct Call {
    peer: Peer,
    holders: Holders,
}

impl Call {
    /// `None` where the holder has too many.
    fn begin(peer: Peer, holders: &Holders) -> Option<Self> {
        if !holders.enter(peer.identity) {
            return None;
        }
        peer.calls.state().open += 1;
        Some(Self { peer, holders: holders.clone() })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.peer.calls.state();
        state.open -= 1;
        state.idle_since = Instant::now();
        self.holders.leave(self.peer.identity);
    }
}

/// Counts calls from their request to the end of their answer. Without this layer every connection counts
/// as idle.
#[derive(Debug, Clone)]
pub struct CallsLayer {
    holders: Holders,
    connections: Connections,
}

impl CallsLayer {
    /// Refused calls are counted with the refused connections.
    pub fn new(connections: Connections) -> Self {
        Self { holders: Holders::default(), connections }
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting { inner, layer: self.clone() }
    }
}

/// A service whose calls are counted.
#[derive(Debug, Clone)]
pub struct Counting<S> {
    inner: S,
    layer: CallsLayer,
}

impl<S, Q, B> Service<Request<Q>> for Counting<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Default + Send + 'static,
{
    type Response = Response<Counted<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let counted = |inner, call| Counted { inner: Box::pin(inner), call };
        let Some(peer) = request.extensions().get::<Peer>().cloned() else {
            let answer = self.inner.call(request);
            return Box::pin(async move { Ok(answer.await?.map(|inner| counted(inner, None))) });
        };
        let Some(call) = Call::begin(peer, &self.layer.holders) else {
            self.layer.connections.refused("calls_full");
            let message = format!("more than {} calls at once", limits::CALLS_PER_IDENTITY_MAX);
            let refusal = status(Code::ResourceExhausted, "calls_full", message).into_http::<B>();
            return Box::pin(async move { Ok(refusal.map(|inner| counted(inner, None))) });
        };
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(answer.await?.map(|inner| counted(inner, Some(call)))) })
    }
}

/// The body of an answer; its call is open until the end of it.
#[derive(Debug)]
pub struct Counted<B> {
    inner: Pin<Box<B>>,
    call: Option<Call>,
}

impl<B: Body> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(self.inner.as_mut().poll_frame(cx));
        if frame.is_none() {
            self.call = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
