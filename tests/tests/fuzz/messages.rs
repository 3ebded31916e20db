//! Messages as tonic decodes them, and what `wire` makes of them.

use crate::{corpus::bases, edits::Script, statements};
use danso_core::chain::{BatchNumber, Digest, Head, LedgerKey, strip};
use danso_node::{
    operations::Watermark,
    wire::{
        lag,
        link::{self, Malformed},
        statistics,
    },
};
use danso_proto::v1::{
    self, ChildMessage, CountRequest, ParentMessage, child_message::Message as FromChild,
    parent_message::Message as FromParent,
};
use danso_tests::{ChainBook, unit};
use danso_tier_config::{Policy, limits};
use prost::Message;

fn heads(count: u64) -> Vec<v1::Head> {
    let head =
        |number: u64| Head { number: BatchNumber(number), hash: Digest::of(&[b"head"]), ..Head::default() };
    (0..count)
        .map(|number| link::head_message(unit("00001"), &head(number << 20), BatchNumber(number)))
        .collect()
}

fn signed() -> Vec<v1::SignedStatement> {
    statements::all().iter().map(|made| link::signed_message(&made.signed)).collect()
}

fn batches() -> Vec<v1::Batch> {
    let mut book = ChainBook::new(unit("00001"), LedgerKey::from_seed(&[1; 32]));
    (0..6).for_each(|step| book.write_any(step as u8, step));
    let sealed = book.seal().unwrap();
    let batches = [Policy::Names, Policy::Cores, Policy::Counts].map(|policy| strip(sealed.clone(), policy));
    batches.map(link::batch_message).to_vec()
}

fn heartbeat() -> v1::Heartbeat {
    let mark = |number| Watermark { origin: unit("00001"), number, as_of_ms: u64::MAX };
    let report = |by: &str| v1::UnitReport {
        unit: unit("00001").to_string(),
        by: unit(by).to_string(),
        age_ms: 9,
        changes: u64::MAX,
        oldest_unsent_age_ms: Some(u64::MAX),
        connected: Some(false),
        clock_offset_ms: Some(i64::MIN),
        software: "danso 0.1.0".to_owned(),
        disk_free_bytes: Some(1),
        certificate_days: Some(i32::MIN),
        ..v1::UnitReport::default()
    };
    let heartbeat = link::heartbeat_message(&[mark(0), mark(u64::MAX)], 5, 1_780_000_000_000);
    v1::Heartbeat { reports: vec![report("00001"), report("001")], ..heartbeat }
}

fn from_children() -> Vec<FromChild> {
    let hello = v1::Hello {
        protocol_version: limits::PROTOCOL_VERSION,
        protocol_version_min: limits::PROTOCOL_VERSION_MIN,
        unit: unit("001").to_string(),
        heads: heads(3),
        registrations: signed(),
        software: "danso 0.1.0".to_owned(),
    };
    let registrations = v1::Registrations { registrations: signed() };
    let mut all = vec![
        FromChild::Hello(hello),
        FromChild::Heartbeat(heartbeat()),
        FromChild::Registrations(registrations),
    ];
    all.extend(batches().into_iter().map(FromChild::Batch));
    all
}

fn from_parents() -> Vec<FromParent> {
    let welcome = v1::Welcome {
        protocol_version: limits::PROTOCOL_VERSION,
        unit: unit("01").to_string(),
        heads: heads(2),
        policy: Policy::Cores.to_string(),
        window_batches: 32,
        registrations: signed(),
    };
    let refusal = v1::Refusal {
        origin: unit("00001").to_string(),
        number: 4,
        code: "batch_gap".to_owned(),
        message: "expected batch 4".to_owned(),
        expected: 4,
    };
    let registrations = v1::Registrations { registrations: signed() };
    vec![
        FromParent::Welcome(welcome),
        FromParent::Receipt(signed().remove(1)),
        FromParent::Refusal(refusal),
        FromParent::Heartbeat(heartbeat()),
        FromParent::Registrations(registrations),
        FromParent::Relayed(v1::Relayed { receipts: signed() }),
    ]
}

fn questions() -> Vec<CountRequest> {
    let filter = |dimension, values: &[&str]| v1::Filter {
        dimension,
        values: values.iter().map(ToString::to_string).collect(),
    };
    let births = CountRequest {
        measure: 4,
        units: vec!["01@2025-07-01".to_owned(), "00004".to_owned()],
        by_tier: "commune".to_owned(),
        month_from: "2026-01".to_owned(),
        month_to: "2026-03".to_owned(),
        filters: vec![filter(3, &["female"]), filter(4, &["15-49", "80+"]), filter(9, &["1", "20+"])],
        group_by: vec![1, 2, 3],
        boundary_date: "2026-11-21".to_owned(),
    };
    vec![CountRequest { measure: 1, ..CountRequest::default() }, births]
}

/// A message that decodes; it decodes again to the same from what it encodes to.
pub fn decoded<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let again = message.encode_to_vec();
    // A number below zero that came in five bytes is written in ten.
    assert!(again.len() <= 2 * bytes.len());
    assert_eq!(M::decode(again.as_slice()).ok().as_ref(), Some(&message));
    Some(message)
}

fn check_heads(messages: &[v1::Head]) -> Option<()> {
    let heads = link::heads(messages).ok()?;
    assert_eq!(heads.len(), messages.len());
    for ((origin, number, hash), message) in heads.into_iter().zip(messages) {
        assert_eq!(
            (origin.to_string(), number.0, &hash.0[..]),
            (message.origin.clone(), message.number, &message.hash[..])
        );
    }
    Some(())
}

fn check_signed(messages: Vec<v1::SignedStatement>) {
    for message in messages {
        let signed = link::signed(message.clone());
        assert_eq!(link::signed_message(&signed), message);
        let _ = statements::check(&signed.bytes);
    }
}

fn check_batch(message: &v1::Batch) -> Option<()> {
    let batch = link::batch(message.clone()).ok()?;
    let _ = statements::check(&batch.header.bytes);
    assert!(batch.size() <= message.encoded_len());
    assert_eq!(link::batch_message(batch), *message);
    Some(())
}

fn check_heartbeat(message: &v1::Heartbeat) -> Option<()> {
    let marks = link::watermarks(message).ok()?;
    let head = link::audit_head(message).ok()?;
    let again = link::heartbeat_message(&marks, message.oldest_unsent_ms, message.sent_at_ms);
    assert_eq!(again.watermarks, message.watermarks);
    if head.number > 0 {
        let again = link::with_audit(again, head);
        assert_eq!(
            (again.audit_number, again.audit_hash),
            (message.audit_number, message.audit_hash.clone())
        );
    }
    let now_ms = 1_780_000_000_000;
    let reports = lag::reports(&message.reports, now_ms).ok()?;
    // What was taken says the same once it has been passed on.
    let again: Vec<_> = reports.iter().map(|report| lag::report_message(report, now_ms)).collect();
    assert_eq!(lag::reports(&again, now_ms).ok()?, reports);
    Some(())
}

fn check_child(bytes: &[u8]) -> bool {
    let Some(ChildMessage { message: Some(message) }) = decoded(bytes) else { return false };
    match message {
        FromChild::Hello(hello) => {
            check_signed(hello.registrations);
            link::unit(&hello.unit, "unit").ok().and_then(|_| check_heads(&hello.heads)).is_some()
        }
        FromChild::Batch(batch) => check_batch(&batch).is_some(),
        FromChild::Heartbeat(heartbeat) => check_heartbeat(&heartbeat).is_some(),
        FromChild::Registrations(registrations) => {
            check_signed(registrations.registrations);
            true
        }
        FromChild::Erasures(erasures) => {
            check_signed(erasures.orders);
            true
        }
        FromChild::Diverged(header) => {
            check_signed(vec![header]);
            true
        }
    }
}

fn check_parent(bytes: &[u8]) -> bool {
    let Some(ParentMessage { message: Some(message) }) = decoded(bytes) else { return false };
    match message {
        FromParent::Welcome(welcome) => {
            check_signed(welcome.registrations);
            let policy = welcome.policy.parse::<Policy>();
            assert!(policy.as_ref().map_or(true, |policy| policy.to_string() == welcome.policy));
            policy.is_ok() && check_heads(&welcome.heads).is_some()
        }
        FromParent::Receipt(receipt) => {
            check_signed(vec![receipt]);
            true
        }
        FromParent::Refusal(refusal) => link::unit(&refusal.origin, "origin").is_ok(),
        FromParent::Heartbeat(heartbeat) => check_heartbeat(&heartbeat).is_some(),
        FromParent::Registrations(registrations) => {
            check_signed(registrations.registrations);
            true
        }
        FromParent::Relayed(relayed) => {
            check_signed(relayed.receipts);
            true
        }
        FromParent::Erasures(erasures) => {
            check_signed(erasures.orders);
            check_signed(erasures.confirmations);
            true
        }
    }
}

fn check_question(bytes: &[u8]) -> bool {
    let Some(request) = decoded::<CountRequest>(bytes) else { return false };
    match statistics::count_query(request.clone()) {
        Ok(query) => {
            assert_eq!((query.units, query.group_by.len()), (request.units, request.group_by.len()));
            assert_eq!(query.filters.len(), request.filters.len());
            true
        }
        Err(error) => {
            // What a stranger wrote is repeated in short only.
            assert!(!error.code().is_empty() && error.to_string().chars().count() < 200);
            false
        }
    }
}

#[test]
fn from_child() {
    let message = |message| ChildMessage { message: Some(message) }.encode_to_vec();
    let bases = bases("from_child", from_children().into_iter().map(message).collect(), check_child);
    fuzz!(Script, |script| {
        check_child(&script.bytes(&bases));
    });
}

#[test]
fn from_parent() {
    let message = |message| ParentMessage { message: Some(message) }.encode_to_vec();
    let bases = bases("from_parent", from_parents().into_iter().map(message).collect(), check_parent);
    fuzz!(Script, |script| {
        check_parent(&script.bytes(&bases));
    });
}

#[test]
fn question() {
    let bases = bases("question", questions().iter().map(Message::encode_to_vec).collect(), check_question);
    fuzz!(Script, |script| {
        check_question(&script.bytes(&bases));
    });
}

#[test]
fn lists_beyond_their_bound_are_refused() {
    let most = limits::HELLO_ORIGINS_MAX as u64;
    assert_eq!(link::heads(&heads(most)).map(|heads| heads.len()), Ok(limits::HELLO_ORIGINS_MAX));
    assert_eq!(link::heads(&heads(most + 1)), Err(Malformed("list of heads")));
    let mark = Watermark { origin: unit("00001"), number: 0, as_of_ms: 0 };
    let marks = vec![mark; limits::HELLO_ORIGINS_MAX + 1];
    let heartbeat = link::heartbeat_message(&marks, 0, 0);
    assert_eq!(link::watermarks(&heartbeat).err(), Some(Malformed("list of watermarks")));
}
