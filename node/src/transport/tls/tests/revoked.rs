//! Revocation of nodes, authorities and single certificates; a changed directory changes the answer.

use super::{
    super::{Cause, Grounds, Identity, Keys, Role, TrustFault, connect},
    CLIENT, Log, SERVER, check,
    country::{Country, DISTRICT, SIBLING_DISTRICT, grounds},
    good, refused, unit,
};
use crate::transport::authority::{Issued, issued_at_ms, serial_of};
use danso_tier_config::UnitId;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap()
}

fn cut(unit: UnitId, at_ms: u64) -> Grounds {
    Grounds { revoked_nodes: BTreeMap::from([(unit, at_ms)]), ..grounds(DISTRICT) }
}

#[tokio::test]
async fn a_revoked_node_is_refused_until_it_has_a_later_certificate() {
    let country = Country::new();
    let node = country.start().await;
    let old = country.district.node(CLIENT);
    let old_keys = country.keys(&old);
    let cut_ms = issued_at_ms(&der(&old)).unwrap();
    country.trust.set(cut(unit(CLIENT), cut_ms));
    let (log, _guard) = Log::start();
    assert_eq!(refused(&node.address(), old_keys.client()).await, Cause::OwnRevoked);
    log.shows("tls_peer_revoked").await;
    assert!(log.text().contains("a certificate of node 00004@2025-07-01 was revoked"), "{}", log.text());
    let mut new = country.district.node(CLIENT);
    while issued_at_ms(&der(&new)).unwrap() <= cut_ms {
        new = country.district.node(CLIENT);
    }
    let keys = country.keys(&new);
    check(connect(&node.address(), unit(SERVER), keys.client()).await.unwrap()).await.unwrap();
    let person = country.district.authority.issue_person(Role::Operator, unit(CLIENT), good()).unwrap();
    country.trust.set(cut(unit(CLIENT), u64::MAX));
    check(connect(&node.address(), unit(SERVER), country.keys(&person).client()).await.unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_revoked_authority_issued_is_refused() {
    let country = Country::new();
    let node = country.start().await;
    let issued = country.district.node(CLIENT);
    let keys = country.keys(&issued);
    check(connect(&node.address(), unit(SERVER), keys.client()).await.unwrap()).await.unwrap();
    country.trust.set(cut(unit(DISTRICT), u64::MAX));
    let (log, _guard) = Log::start();
    assert_eq!(refused(&node.address(), keys.client()).await, Cause::OwnRevoked);
    log.shows("tls_peer_revoked").await;
    assert!(log.text().contains("a certificate of authority 001@2004-07-08 was revoked"), "{}", log.text());
    let by_province = country.keys(&country.province.node(CLIENT));
    check(connect(&node.address(), unit(SERVER), by_province.client()).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_client_refuses_a_revoked_server() {
    let country = Country::new();
    let node = country.start().await;
    let client = country.keys(&country.district.node(CLIENT)).client();
    country.trust.set(cut(unit(SERVER), u64::MAX));
    let (log, _guard) = Log::start();
    assert_eq!(refused(&node.address(), client).await, Cause::PeerRevoked);
    log.shows("tls_own_revoked").await;
}

#[tokio::test]
async fn a_single_certificate_can_be_revoked() {
    let country = Country::new();
    let node = country.start().await;
    let issue = || country.district.authority.issue_person(Role::Operator, unit(CLIENT), good()).unwrap();
    let (lost, kept) = (issue(), issue());
    let lost_keys = country.keys(&lost);
    let revoked_serials = BTreeSet::from([serial_of(&der(&lost)).unwrap()]);
    country.trust.set(Grounds { revoked_serials, ..grounds(DISTRICT) });
    assert_eq!(refused(&node.address(), lost_keys.client()).await, Cause::OwnRevoked);
    check(connect(&node.address(), unit(SERVER), country.keys(&kept).client()).await.unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    lost.write(folder.path(), country.root.pem()).unwrap();
    let error = Keys::read_with(folder.path(), SystemTime::now(), &country.trust).unwrap_err();
    assert_eq!(error.code(), "keys_revoked");
}

#[tokio::test]
async fn a_replaced_directory_changes_the_answer() {
    let country = Country::new();
    let node = country.start().await;
    let mut changed = country.trust.changed();
    let keys = country.keys(&country.district.node(CLIENT));
    check(connect(&node.address(), unit(SERVER), keys.client()).await.unwrap()).await.unwrap();
    assert!(!changed.has_changed().unwrap());
    country.trust.set(grounds(SIBLING_DISTRICT));
    assert!(changed.has_changed().unwrap());
    assert_eq!(*changed.borrow_and_update(), 1);
    assert_eq!(refused(&node.address(), keys.client()).await, Cause::OwnOutsideSubtree);
    country.trust.set(grounds(DISTRICT));
    check(connect(&node.address(), unit(SERVER), keys.client()).await.unwrap()).await.unwrap();
}

#[test]
fn a_certificate_that_does_not_tell_its_time_counts_as_an_old_one() {
    let country = Country::new();
    let node = country.root.node(CLIENT, good());
    let mut der = der(&node).to_vec();
    let serial = serial_of(&der).unwrap();
    let at = der.windows(serial.len()).position(|bytes| bytes == serial).unwrap();
    der[at] = 0x41;
    assert_eq!((issued_at_ms(&der), serial_of(&der)), (None, None));
    country.trust.set(cut(unit(CLIENT), 0));
    let identity = Identity::Node(unit(CLIENT));
    let today = "2026-01-01".parse().unwrap();
    let found = country.trust.check((identity, &der), &[], today);
    assert_eq!(found, Err(TrustFault::Revoked { identity }));
}
