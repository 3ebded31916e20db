//! How long calls take until their answer begins, and which fail: counted for every method alike.

use crate::{
    operations::meters::{CALL_DURATION, CALLS_FAILED, Meters},
    wire::status::code_of,
};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;
use tonic::{
    Code, Status,
    codegen::http::{Request, Response},
};
use tower::{Layer, Service};

/// Counts calls by method.
#[derive(Debug, Clone)]
pub(super) struct MeteringLayer(pub Arc<Meters>);

impl<S> Layer<S> for MeteringLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, meters: Arc::clone(&self.0) }
    }
}

/// A service whose calls are measured.
#[derive(Debug, Clone)]
pub(super) struct Metered<S> {
    inner: S,
    meters: Arc<Meters>,
}

impl<S, Q, B> Service<Request<Q>> for Metered<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let (meters, since) = (Arc::clone(&self.meters), Instant::now());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            let failed = Status::from_header_map(answer.headers()).filter(|status| status.code() != Code::Ok);
            // What is not served has no name of its own: anybody could make some up.
            let served = failed.as_ref().is_none_or(|status| status.code() != Code::Unimplemented);
            let method = if served { method.as_str() } else { "unknown" };
            meters.observe(CALL_DURATION, method, since.elapsed().as_secs_f64());
            if let Some(status) = failed {
                meters.count(CALLS_FAILED, &code_of(&status));
            }
            Ok(answer)
        })
    }
}
