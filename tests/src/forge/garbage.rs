//! Streams that are no messages.

use super::PATIENCE;
use danso_proto::v1::replication_client::ReplicationClient;
use std::task::{Context, Poll};
use tokio::time::timeout;
use tonic::{
    Status,
    body::Body,
    codegen::{Service, http},
    transport::Channel,
};

/// A channel that sends these bytes in place of every request's body.
#[derive(Clone)]
struct Garbled {
    channel: Channel,
    body: String,
    encoding: Option<&'static str>,
}

impl Service<http::Request<Body>> for Garbled {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = <Channel as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.channel, context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut request = request.map(|_| Body::new(self.body.clone()));
        if let Some(encoding) = self.encoding {
            request.headers_mut().insert("grpc-encoding", http::HeaderValue::from_static(encoding));
        }
        Service::call(&mut self.channel, request)
    }
}

/// One gRPC frame around an ASCII payload.
pub fn grpc_frame(payload: &str) -> String {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    assert!(length.iter().all(u8::is_ascii), "a length whose bytes are ASCII");
    format!("\0{}{payload}", std::str::from_utf8(&length).unwrap())
}

/// Opens a link whose stream is these bytes and gives the status with which the parent ends it.
pub async fn garbage(channel: Channel, body: &str, encoding: Option<&'static str>) -> Status {
    let mut client = ReplicationClient::new(Garbled { channel, body: body.to_owned(), encoding });
    let opened =
        timeout(PATIENCE, client.link(tokio_stream::empty())).await.expect("the parent says nothing");
    match opened {
        Err(status) => status,
        Ok(stream) => {
            let ended = timeout(PATIENCE, stream.into_inner().message()).await;
            ended.expect("the parent says nothing").expect_err("the parent takes garbage")
        }
    }
}
