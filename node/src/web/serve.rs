//! HTTP/1.1 over accepted connections, each bounded in its head, its silence and its life.

use axum::{Router, body::Body, http::Request};
use danso_tier_config::limits;
use futures_util::{Stream, StreamExt as _};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{future::Future, net::SocketAddr, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinSet,
    time::sleep,
};
use tower::ServiceExt as _;

/// Where a request comes from, for the limits of sign-ins. What a proxy says in headers is not believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct CameFrom(pub SocketAddr);

/// Serves connections until `stop` turns true or no more come, then lets open requests end. What comes with a
/// connection as its place is dropped with it.
pub async fn serve<S, P>(
    mut incoming: impl Stream<Item = (S, SocketAddr, P)> + Unpin,
    routes: Router,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + 'static,
{
    let mut open = JoinSet::new();
    loop {
        let next = tokio::select! {
            next = incoming.next() => next,
            Some(_) = open.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, from, place)) = next else { break };
        let (routes, mut stop) = (routes.clone(), stop.clone());
        open.spawn(async move {
            let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
            connection(stream, from, routes, stopped).await;
            drop(place);
        });
    }
    drop(incoming);
    while open.join_next().await.is_some() {}
}

async fn connection<S>(stream: S, from: SocketAddr, routes: Router, stop: impl Future<Output = ()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(CameFrom(from));
        routes.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits::WEB_HEAD_MS_MAX))
        .max_buf_size(limits::WEB_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let end = async {
        tokio::select! {
            () = stop => {}
            () = sleep(Duration::from_millis(limits::WEB_CONNECTION_MS_MAX)) => {}
        }
    };
    // How a connection of a browser ends is nobody's concern.
    tokio::select! {
        _ = served.as_mut() => return,
        () = end => served.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(Duration::from_millis(limits::WEB_REQUEST_MS_MAX), served).await;
}
