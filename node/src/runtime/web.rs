//! The pages beside the server: their listener, what protects it, and serving until the node stops.

use super::error::RuntimeError;
use crate::{
    host::{Host, Listener},
    operations::{Node, meters::CONNECTIONS_REFUSED},
    transport::{
        Keeper,
        tls::{Connections, WebSecrets, require_unexpired, web_incoming},
    },
    web,
};
use danso_tier_config::{NodeConfig, WebSecurity};
use std::{net::SocketAddr, sync::Arc, time::SystemTime};
use tokio::sync::watch;

/// Pages about to be served.
pub(super) struct Pages {
    /// Where they listen.
    pub address: SocketAddr,
    listener: Box<dyn Listener>,
    secrets: WebSecrets,
    encrypted: bool,
}

/// Listens for browsers, where the node's file says so.
pub(super) async fn open(
    config: &NodeConfig,
    host: &Host,
    secrets: Option<WebSecrets>,
) -> Result<Option<Pages>, RuntimeError> {
    let Some((web, secrets)) = config.web.as_ref().zip(secrets) else { return Ok(None) };
    if web.is_exposed() {
        tracing::warn!(
            address = %web.address,
            "insecure_http: passwords travel readable; give [web] a certificate and a key"
        );
    }
    let failed = |source| RuntimeError::Listen { address: web.address, source };
    let listener = host.network.listen(web.address).await.map_err(failed)?;
    let address = listener.address().map_err(failed)?;
    Ok(Some(Pages { address, listener, secrets, encrypted: web.security != WebSecurity::Plain }))
}

/// What protects the pages, read before anything is opened; `None` where there are none.
pub(super) fn secrets(config: &NodeConfig, keeper: &Keeper) -> Result<Option<WebSecrets>, RuntimeError> {
    Ok(match config.web.as_ref().map(|web| &web.security) {
        None => None,
        Some(WebSecurity::Plain) => Some(WebSecrets::plain()),
        Some(WebSecurity::NodeCertificate) => Some(keeper.web_secrets()),
        Some(WebSecurity::Files { certificate, key }) => {
            let secrets = WebSecrets::of_files(certificate.clone(), key.clone())?;
            if let Err(error) = require_unexpired(certificate, SystemTime::now()) {
                tracing::warn!(code = error.code(), %error, "browsers will warn of the pages' certificate");
            }
            Some(secrets)
        }
    })
}

impl Pages {
    /// Serves until `stop` turns true, then lets open requests end.
    pub async fn serve(self, node: Arc<Node>, stop: watch::Receiver<bool>) {
        let connections = Connections::default();
        let meters = Arc::clone(&node.meters);
        connections.count_refusals(move |code| meters.count(CONNECTIONS_REFUSED, code));
        let incoming = web_incoming(self.listener, self.secrets, connections);
        web::serve(incoming, web::routes(node, self.encrypted, stop.clone()), stop).await;
    }

    /// Tells supervisors that the node is in rescue mode for the reason `code`, until `stop` turns true.
    pub async fn serve_rescue(self, code: &'static str, stop: watch::Receiver<bool>) {
        let incoming = web_incoming(self.listener, self.secrets, Connections::default());
        web::serve(incoming, web::rescue_routes(code), stop).await;
    }
}
