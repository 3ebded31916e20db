//! Pages over TLS: with the node's certificate, and with files of one's own.

use crate::http::exchange;
use danso_node::transport::tls::server_name;
use danso_tests::{Tree, unit};
use danso_tier_config::{Web, WebSecurity};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const REQUEST: &str = "GET /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn connector(authority: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn page(tree: &Tree, at: SocketAddr) -> crate::http::Answer {
    let name = ServerName::try_from(server_name(unit("01"))).unwrap();
    let stream = TcpStream::connect(at).await.unwrap();
    let stream = connector(&tree.keys(unit("01")).join("ca.crt")).connect(name, stream).await.unwrap();
    exchange(stream, REQUEST).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_travel_under_the_nodes_certificate_and_not_without() {
    let mut tree = Tree::three();
    let address = tree.open_web(unit("01"));
    tree.webs.insert(unit("01"), Web { address, security: WebSecurity::NodeCertificate });
    tree.start(unit("01")).await;
    let answer = page(&tree, address).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let plain = exchange(TcpStream::connect(address).await.unwrap(), REQUEST).await;
    assert_eq!(plain.status, 0, "plain HTTP is answered: {plain:?}");
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_travel_under_a_certificate_of_files_and_faults_of_it_are_told() {
    let mut tree = Tree::three();
    let (province, address) = (unit("01"), tree.open_web(unit("01")));
    let keys = tree.keys(province);
    let files = |certificate: &str, key: &str| WebSecurity::Files {
        certificate: keys.join(certificate),
        key: keys.join(key),
    };
    for (security, code) in [
        (files("none.crt", "node.key"), "keys_file_missing"),
        (files("node.crt", "node.crt"), "keys_not_key"),
        (files("ca.crt", "node.key"), "keys_mismatch"),
    ] {
        tree.webs.insert(province, Web { address, security });
        let started = danso_node::runtime::start(tree.config(province), &mut |_, _| ()).await;
        assert_eq!(started.err().unwrap().code(), code);
    }
    tree.webs.insert(province, Web { address, security: files("node.crt", "node.key") });
    tree.start(province).await;
    assert_eq!(page(&tree, address).await.status, 200);
    tree.stop_all().await;
}
