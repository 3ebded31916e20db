//! Each authority is believed for its own subtree only, in both directions, whatever else is presented.

use super::{
    super::{Bounds, Cause, ConnectError, Identity, Keys, Role, TlsError, TrustFault, connect},
    CLIENT, Log, Node, SERVER, check,
    country::{Country, DISTRICT, ENDED, SIBLING, Tier},
    good, odd_client, refused, unit,
};
use crate::transport::authority::{AuthorityError, Issued, request};
use danso_tier_config::Directory;
use rustls::version::TLS13;
use std::time::SystemTime;

fn own_fault(country: &Country, issued: &Issued) -> TlsError {
    let folder = tempfile::tempdir().unwrap();
    issued.write(folder.path(), country.root.pem()).unwrap();
    Keys::read_with(folder.path(), SystemTime::now(), &country.trust).expect_err("the folder must be refused")
}

fn join(issued: &Issued, above: &[&str]) -> (String, String) {
    (format!("{}{}", issued.certificate_pem, above.concat()), issued.key_pem.clone())
}

#[tokio::test]
async fn every_tier_issues_for_what_is_below_it() {
    let country = Country::new();
    let mut node = country.start().await;
    let person = country.district.authority.issue_person(Role::Officer, unit(CLIENT), good()).unwrap();
    let all = [
        country.district.node(CLIENT),
        country.province.node(CLIENT),
        country.province.node(DISTRICT),
        country.province.node(SERVER),
        country.district.node(ENDED),
        country.root.node(CLIENT, good()),
        person,
    ];
    for issued in all {
        let keys = country.keys(&issued);
        check(connect(&node.address(), unit(SERVER), keys.client()).await.unwrap()).await.unwrap();
        assert_eq!(node.peers.recv().await.unwrap().identity, issued.identity);
    }
}

#[tokio::test]
async fn a_server_with_authorities_above_it_is_believed() {
    let country = Country::new();
    let node = Node::start(country.keys(&country.province.node(SERVER)).server(), Bounds::default()).await;
    let client = country.keys(&country.district.node(CLIENT));
    check(connect(&node.address(), unit(SERVER), client.client()).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_siblings_authority_cannot_issue_for_my_commune() {
    let country = Country::new();
    let node = country.start().await;
    let (log, _guard) = Log::start();
    let forged = country.sibling.node(CLIENT);
    let cause = refused(&node.address(), country.blind_keys(&forged).client()).await;
    assert_eq!(cause, Cause::OwnOutsideSubtree);
    log.shows("tls_peer_outside_subtree").await;
    let text = log.text();
    assert!(text.contains("the authority of 02@2004-07-08 may not issue for 00004@2025-07-01"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let error = own_fault(&country, &forged);
    let fault = TrustFault::OutsideSubtree { unit: unit(CLIENT), authority: unit(SIBLING) };
    assert!(matches!(&error, TlsError::Untrusted { source, .. } if *source == fault), "{error:?}");
    assert_eq!(error.code(), "keys_outside_subtree");
}

#[tokio::test]
async fn a_siblings_authority_cannot_issue_for_my_parent() {
    let country = Country::new();
    let forged = country.blind_keys(&country.sibling.node(SERVER));
    let node = Node::start(forged.server(), Bounds::default()).await;
    let (log, _guard) = Log::start();
    let client = country.keys(&country.district.node(CLIENT)).client();
    let error = connect(&node.address(), unit(SERVER), client).await.unwrap_err();
    let ConnectError::Failed { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason.cause, Cause::PeerOutsideSubtree);
    let text = &reason.sentence;
    assert!(text.ends_with("the authority of 02@2004-07-08 may not issue for 01@2004-07-08"), "{text}");
    log.shows(Cause::OwnOutsideSubtree.code()).await;
}

#[tokio::test]
async fn an_authority_goes_as_deep_as_its_path_length() {
    let country = Country::new();
    let node = country.start().await;
    let (key_pem, csr) = request().unwrap();
    for (authority, asked) in [
        (&country.district.authority, 0),
        (&country.province.authority, 1),
        (&country.province.authority, 200),
    ] {
        let error = authority.issue_authority(unit(CLIENT), asked, &csr, good()).unwrap_err();
        assert!(
            matches!(error, AuthorityError::PathLength { asked: found, .. } if found == asked),
            "{error:?}"
        );
    }
    // One that signs all the same is not believed.
    let key = rcgen::KeyPair::from_pem(&key_pem).unwrap();
    let chain = country.district.authority.authority_certificate(unit(CLIENT), Some(0), &key, good());
    let too_deep = Tier::of(chain.unwrap(), key_pem);
    let forged = too_deep.node(CLIENT);
    let (log, _guard) = Log::start();
    let config = odd_client(country.root.pem(), Some(join(&forged, &[])), &TLS13);
    assert_eq!(refused(&node.address(), config).await, Cause::OwnUnfit);
    log.shows("tls_peer_path").await;
    assert_eq!(own_fault(&country, &forged).code(), "keys_path");
}

#[tokio::test]
async fn every_presented_certificate_must_fit() {
    let country = Country::new();
    let node = country.start().await;
    let plain = country.root.node(CLIENT, good());
    let deep = country.district.node(CLIENT);
    let leaf = deep.certificate_pem.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned();
    let other_node = country.root.node(SERVER, good()).certificate_pem;
    let nameless = country.root.authority.sign(vec!["localhost".into()], true, good()).unwrap().0;
    let foreign_root = super::Root::new();
    let turned = [country.province.chain_pem.as_str(), country.district.chain_pem.as_str()];
    let cases = [
        (join(&plain, &[&country.sibling.chain_pem]), Cause::PeerOutsideSubtree),
        (join(&deep, &[&country.sibling.chain_pem]), Cause::PeerOutsideSubtree),
        ((format!("{leaf}{}", turned.concat()), deep.key_pem.clone()), Cause::PeerOutsideSubtree),
        (join(&plain, &[&other_node]), Cause::PeerPath),
        (join(&plain, &[&nameless]), Cause::PeerPath),
        (join(&plain, &[foreign_root.pem()]), Cause::PeerPath),
        (join(&plain, &[country.root.pem(), country.root.pem()]), Cause::PeerPath),
    ];
    for (chain, expected) in cases {
        let (log, _guard) = Log::start();
        let cause = refused(&node.address(), odd_client(country.root.pem(), Some(chain), &TLS13)).await;
        assert!(matches!(cause, Cause::OwnUnfit | Cause::OwnOutsideSubtree), "{cause:?}");
        log.shows(expected.code()).await;
    }
    for issued in [&plain, &deep] {
        let with_root = odd_client(country.root.pem(), Some(join(issued, &[country.root.pem()])), &TLS13);
        check(connect(&node.address(), unit(SERVER), with_root).await.unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn an_authority_cannot_connect() {
    let country = Country::new();
    let node = country.start().await;
    let name = Identity::Authority(unit(SERVER)).name().unwrap();
    let named_so = country.root.authority.sign(vec![name], true, good()).unwrap();
    let own = (country.province.chain_pem.clone(), country.province.key_pem.clone());
    for (chain, expected) in [(own, Cause::PeerPath), (named_so, Cause::PeerNameless)] {
        let (log, _guard) = Log::start();
        refused(&node.address(), odd_client(country.root.pem(), Some(chain), &TLS13)).await;
        log.shows(expected.code()).await;
    }
}

#[test]
fn without_a_directory_only_the_country_is_known_to_have_nothing_above() {
    let country = Country::new();
    let top = Directory::country();
    let forged = country.province.node(&top.to_string());
    let folder = tempfile::tempdir().unwrap();
    forged.write(folder.path(), country.root.pem()).unwrap();
    let error = Keys::read(folder.path(), SystemTime::now()).unwrap_err();
    assert_eq!(error.code(), "keys_outside_subtree");
    assert_eq!(country.blind_keys(&country.sibling.node(CLIENT)).identity(), Identity::Node(unit(CLIENT)));
}
