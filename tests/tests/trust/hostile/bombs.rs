//! Messages and frames that would grow in memory, against a node in a process of its own: refused, and the
//! process stays as small as it was.

use super::{child, others_are_served, parent};
use danso_core::chain::{
    Batch, Exclusions, Fault, Header, LedgerKey, Signed, read_frame, strip, write_frame,
};
use danso_node::{
    transport::tls::{Keys, connect},
    wire::status::code_of,
};
use danso_tests::{
    Process, Tree, eventually,
    forge::{ChildLink, Forger, channel, garbage, grpc_frame},
    unit,
};
use danso_tier_config::{Policy, limits};
use std::{fs, time::SystemTime};
use tonic::Code;

/// Plain size of every bomb: far beyond the bound of a frame.
const PLAIN_BYTES: usize = 300 << 20;
/// What the process may grow by while it refuses them all: some messages at their full size, with the room
/// that a growing buffer takes.
const GROWTH_BYTES: u64 = 64 << 20;

/// The most memory that a process has ever held, in bytes.
fn peak(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1_024
}

/// A hello of millions of empty keys, in ASCII: the same field again and again, merged by the reader.
fn crowded_hello() -> String {
    let piece = format!("\x0a\x7e{}", "\x2a\0".repeat(63));
    let body = piece.repeat(0x007f_7f00 / piece.len());
    assert_eq!(body.len(), 0x007f_7f00);
    grpc_frame(&body)
}

/// Nine bytes in a frame of zstd that asks for a window of two gigabytes.
fn windowed() -> Vec<u8> {
    let (magic, flags, window) = ([0x28, 0xb5, 0x2f, 0xfd], 0xc0, 21 << 3);
    let one_block_of_a_run = [1 | 1 << 1 | 9 << 3, 0, 0, b'0'];
    [&magic[..], &[flags, window], &9u64.to_le_bytes(), &one_block_of_a_run].concat()
}

/// A bomb in each frame, one that is just within the bound of a frame, one that asks for a large window, and exclusions,
/// rightly signed by the tier that sends them, of millions of empty leaves.
fn bombed(forger: &Forger, sender: &LedgerKey) -> [Batch; 6] {
    let bomb = write_frame([vec![0; PLAIN_BYTES].as_slice()]);
    assert!(bomb.len() < limits::FRAME_BYTES_MAX);
    let good = forger.seal(&forger.births(1));
    let (names, counts) = (strip(good.clone(), Policy::Names), strip(good, Policy::Counts));
    let frame = || Some(bomb.clone());
    let full = write_frame([vec![0; limits::FRAME_PLAIN_BYTES_MAX - 4].as_slice()]);
    let header: Header = counts.header.decode_trusted().unwrap();
    let exclusions = Exclusions {
        tier_unit: child(),
        origin: header.origin,
        number: header.number,
        hash: counts.hash(),
        quarantined: Vec::new(),
        deltas: vec![Vec::new(); limits::SIGNED_BYTES_MAX - 256],
    };
    [
        Batch { personal: frame(), ..names.clone() },
        Batch { personal: Some(full), ..names.clone() },
        Batch { personal: Some(windowed()), ..names.clone() },
        Batch { cores: frame(), ..names },
        Batch { deltas: frame(), ..counts.clone() },
        Batch { exclusions: Some(Signed::sign(&exclusions, sender)), ..counts },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_and_the_process_stays_small() {
    let tree = Tree::four();
    let process = Process::start(env!("CARGO_BIN_EXE_danso-under-test"), &tree.node_file(parent()));
    let forger = Forger::new(&tree, unit("00001"));
    let keys = Keys::read(&tree.keys(child()), SystemTime::now()).unwrap();
    let address = tree.address(parent()).to_string();
    eventually("the node serves", || async { connect(&address, parent(), keys.client()).await.ok() }).await;
    let (mut link, _) = ChildLink::open(&tree, child(), parent(), &[forger.origin, child()]).await;
    let [personal, full, windowed, cores, deltas, exclusions] = bombed(&forger, &tree.ledger_key(child()));
    let before = peak(&process);
    for (what, batch, code) in [
        ("personal", personal, "batch_too_large"),
        ("personal, within its bound", full, "batch_malformed"),
        ("personal, with a window", windowed, "batch_malformed"),
        ("cores", cores, "batch_too_large"),
        ("deltas", deltas, "batch_too_large"),
        ("exclusions", exclusions, "batch_signature"),
    ] {
        link.send_batch(&batch).await;
        let refusal = link.refusal().await;
        assert_eq!(refusal.code, code, "{what}: {}", refusal.message);
    }
    let messages = [
        // A frame that only claims to be two gigabytes long.
        ("\0\x7f\x7f\x7f\x7f".to_owned(), Code::OutOfRange, "message_too_large"),
        (crowded_hello(), Code::InvalidArgument, "message_malformed"),
    ];
    for (body, grpc, code) in messages {
        let status = garbage(channel(&tree, child(), parent()).await, &body, None).await;
        assert_eq!((status.code(), code_of(&status).as_str()), (grpc, code), "{}", status.message());
    }
    let grown = peak(&process) - before;
    assert!(grown < GROWTH_BYTES, "the process grew by {} MiB", grown >> 20);
    others_are_served(&tree).await;
}

#[test]
fn a_directory_that_would_unpack_to_gigabytes_is_not_unpacked() {
    let bomb = write_frame([vec![b'0'; PLAIN_BYTES].as_slice()]);
    let max = limits::FRAME_PLAIN_BYTES_MAX;
    let refused = read_frame(&bomb, "directory", 1);
    // The leaf, and five bytes that say how long it is.
    assert_eq!(refused, Err(Fault::TooLarge { what: "directory", bytes: PLAIN_BYTES + 5, max }));
}
