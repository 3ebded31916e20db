//! A new node that knows only the root's fingerprint finds the right one, and no other.

use super::{
    super::{Bounds, Cause, ConnectError, Identity, connect_pinned, fingerprint},
    CLIENT, Log, Node, Root, SERVER, check,
    country::Country,
    unit,
};
use danso_tier_config::UnitId;
use rustls::pki_types::{CertificateDer, pem::PemObject};

fn root_der(root: &Root) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(root.pem().as_bytes()).unwrap()
}

async fn refused(address: &str, of: UnitId, print: [u8; 32]) -> Cause {
    match connect_pinned(address, of, print).await.map(|_| ()).unwrap_err() {
        ConnectError::Failed { reason, .. } => reason.cause,
        error @ ConnectError::Address { .. } => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_root_with_the_fingerprint_is_found_and_returned() {
    let country = Country::new();
    let print = fingerprint(&root_der(&country.root));
    for issued in [country.root.node(SERVER, super::good()), country.province.node(SERVER)] {
        let keys = country.keys(&issued);
        assert_eq!(keys.root_fingerprint(), print);
        let mut node = Node::start(keys.server(), Bounds::default()).await;
        let (channel, pem) = connect_pinned(&node.address(), unit(SERVER), print).await.unwrap();
        check(channel).await.unwrap();
        assert_eq!(node.peers.recv().await.unwrap().identity, Identity::Guest);
        assert_eq!(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), root_der(&country.root));
    }
}

#[tokio::test]
async fn another_root_or_another_unit_is_refused() {
    let (root, other) = (Root::new(), Root::new());
    let node = Node::start(root.keys(SERVER).server(), Bounds::default()).await;
    let (log, _guard) = Log::start();
    let cause = refused(&node.address(), unit(SERVER), fingerprint(&root_der(&other))).await;
    assert_eq!(cause, Cause::PeerForeign);
    log.shows("tls_own_foreign").await;
    let cause = refused(&node.address(), unit(CLIENT), fingerprint(&root_der(&root))).await;
    assert_eq!(cause, Cause::PeerOtherUnit);
}

#[tokio::test]
async fn a_leaf_with_the_fingerprint_is_no_root() {
    let root = Root::new();
    let issued = root.node(SERVER, super::good());
    let node = Node::start(
        super::keys(&issued, root.pem(), std::time::SystemTime::now()).server(),
        Bounds::default(),
    )
    .await;
    let leaf = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    assert_eq!(refused(&node.address(), unit(SERVER), fingerprint(&leaf)).await, Cause::PeerForeign);
}
