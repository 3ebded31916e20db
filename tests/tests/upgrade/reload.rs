//! SIGHUP: a running node takes new limits and certificates; what needs a restart is named; faults change nothing.

use crate::{DANSO, client, import};
use danso_node::transport::{
    authority::{Authority, Validity},
    tls::{CERTIFICATE_FILE, Keys, server_name},
};
use danso_tests::{Process, Tree, unit, until};
use danso_tier_config::UnitId;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{fs, time::SystemTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Sends SIGHUP and waits until it was obeyed.
async fn reload(process: &Process) -> String {
    let before = process.log().len();
    process.signal("HUP");
    until("the reload is told", || {
        let log = process.log();
        log[before..].contains("reloaded") || log[before..].contains("reload_refused")
    })
    .await;
    process.log().split_off(before)
}

#[tokio::test(flavor = "multi_thread")]
async fn new_limits_are_in_force_at_once_and_a_file_with_faults_changes_nothing() {
    let mut tree = Tree::three();
    let at = unit("00001");
    let process = Process::start(DANSO, &tree.node_file(at));
    import(&tree, at, 1, 5).await.unwrap();

    // A limit that no disk meets.
    let usual = tree.limits.disk_low_bytes;
    tree.limits.disk_low_bytes = 1 << 40;
    tree.limits.heartbeat_ms = 150;
    tree.node_file(at);
    let log = reload(&process).await;
    for part in ["disk_low_bytes", "heartbeat_ms", "a limit has changed and is in force"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    assert!(!log.contains("restart_needed"), "{log}");
    assert_eq!(import(&tree, at, 100, 5).await.unwrap_err(), "disk_low");

    // Back to the usual, but with a fault beside it: the limit that is in force stays.
    tree.limits.disk_low_bytes = usual;
    let file = tree.node_file(at);
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replace("[limits]", "[limits]\nbatch_changes = 0\nhaertbeat = 3")).unwrap();
    let log = reload(&process).await;
    for part in ["reload_refused", "value-range", "key-unknown", "nothing of the node's file was taken"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    assert!(!log.contains("a limit has changed"), "{log}");
    assert_eq!(import(&tree, at, 100, 5).await.unwrap_err(), "disk_low");

    // Without the fault. What a running node cannot take is named.
    let moved = good
        .replace("[limits]", "[limits]\ncache_bytes = 2097152")
        .replace("[listen]", "[listen]\nnames = [\"danso.local\"]");
    fs::write(&file, moved).unwrap();
    let log = reload(&process).await;
    for part in ["restart_needed", "limits.cache_bytes", "listen.names"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    assert_eq!(import(&tree, at, 100, 5).await.unwrap().recorded, 20);

    // A file that is gone is a fault like others.
    fs::remove_file(&file).unwrap();
    let log = reload(&process).await;
    assert!(log.contains("file-unreadable") && log.contains("reload_refused"), "{log}");
    assert_eq!(client(&tree, at).await.node_info().await.unwrap().persons, 40);
    drop(process);
}

/// The certificate that a node shows.
async fn shown(tree: &Tree, at: UnitId) -> Vec<u8> {
    let config = Keys::read(&tree.keys(at), SystemTime::now()).unwrap().client();
    let stream = TcpStream::connect(tree.address(at)).await.unwrap();
    let name = ServerName::try_from(server_name(at)).unwrap();
    let stream = TlsConnector::from(config).connect(name, stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn held(tree: &Tree, at: UnitId) -> Vec<u8> {
    CertificateDer::from_pem_file(tree.keys(at).join(CERTIFICATE_FILE)).unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_after_a_reload_and_an_unusable_one_is_not_taken() {
    let tree = Tree::three();
    let at = unit("00001");
    let process = Process::start(DANSO, &tree.node_file(at));
    client(&tree, at).await;
    let first = shown(&tree, at).await;
    assert_eq!(first, held(&tree, at));

    let issuer = Authority::open(&tree.path("authority")).unwrap();
    let keys = issuer.issue_node(at, &[], Validity::days(SystemTime::now(), 60)).unwrap();
    keys.write(&tree.keys(at), issuer.certificate_pem()).unwrap();
    assert_ne!(first, held(&tree, at));
    let log = reload(&process).await;
    assert!(log.contains("the key folder is in force as it is"), "{log}");
    assert_eq!(shown(&tree, at).await, held(&tree, at));

    // Half a renewal: the certificate in force stays, and the log says why.
    let good = fs::read(tree.keys(at).join(CERTIFICATE_FILE)).unwrap();
    fs::write(tree.keys(at).join(CERTIFICATE_FILE), "no certificate").unwrap();
    let log = reload(&process).await;
    assert!(log.contains("the key folder cannot be used; the certificates in force stay"), "{log}");
    fs::write(tree.keys(at).join(CERTIFICATE_FILE), good).unwrap();
    assert_eq!(shown(&tree, at).await, held(&tree, at));
    drop(process);
}
