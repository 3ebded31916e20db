//! The fold of requests, and what may follow on what.

use super::{RequestDeed, RequestError, RequestRecord, RequestState, Requests};
use danso_core::domain::{PersonId, requests::RequestKind};
use danso_tier_config::Date;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn record(on: &str, deed: RequestDeed) -> RequestRecord {
    RequestRecord { id: "7/2026".parse().unwrap(), on: date(on), deed }
}

fn opened(kind: RequestKind, received_on: &str) -> RequestDeed {
    let person = PersonId { unit: "00001@2025-07-01".parse().unwrap(), serial: 3 };
    RequestDeed::Opened { person, kind, received_on: date(received_on) }
}

fn extended() -> RequestDeed {
    RequestDeed::Extended { reason: "hồ sơ giấy".to_owned() }
}

fn refused() -> RequestDeed {
    RequestDeed::Refused { reason: "luật buộc phải giữ".to_owned() }
}

/// Folds records that must all be allowed and new.
fn folded(records: &[RequestRecord]) -> Requests {
    let mut requests = Requests::default();
    for record in records {
        assert!(requests.check(record).unwrap(), "{record:?}");
        requests.apply(record);
    }
    requests
}

fn state(requests: &Requests) -> RequestState {
    requests.get(&"7/2026".parse().unwrap()).unwrap().state()
}

#[test]
fn a_request_goes_from_open_to_fulfilled() {
    let history = [
        record("2026-11-02", opened(RequestKind::View, "2026-11-02")),
        record("2026-11-03", RequestDeed::Acknowledged),
        record("2026-11-10", extended()),
        record("2026-11-15", RequestDeed::Fulfilled),
    ];
    let states =
        [RequestState::Open, RequestState::Acknowledged, RequestState::Extended, RequestState::Fulfilled];
    for (place, expected) in states.into_iter().enumerate() {
        assert_eq!(state(&folded(&history[..=place])), expected);
    }
    let whole = folded(&history);
    assert_eq!(Requests::replayed(history.iter().chain(&history)), whole, "a history folded twice");
    let bytes: Vec<_> = history.iter().map(RequestRecord::encode).collect();
    let again: Vec<_> = bytes.iter().map(|bytes| RequestRecord::decode(bytes).unwrap()).collect();
    assert_eq!(again, history);
}

#[test]
fn lateness_shows_from_the_day_after_the_last_one() {
    // Received on a Monday: answer due on Wednesday, fulfilment of a view after ten days.
    let requests = folded(&[record("2026-11-16", opened(RequestKind::View, "2026-11-16"))]);
    let request = requests.get(&"7/2026".parse().unwrap()).unwrap();
    for (day, late) in [
        ("2026-11-18", (false, false)),
        ("2026-11-19", (true, false)),
        ("2026-11-26", (true, false)),
        ("2026-11-27", (true, true)),
    ] {
        assert_eq!(request.overdue(date(day)), late, "on {day}");
    }
    let requests = folded(&[
        record("2026-11-16", opened(RequestKind::View, "2026-11-16")),
        record("2026-11-20", RequestDeed::Acknowledged),
        record("2026-11-26", extended()),
    ]);
    let request = requests.get(&"7/2026".parse().unwrap()).unwrap();
    assert_eq!(request.overdue(date("2026-12-06")), (false, false));
    assert_eq!(request.overdue(date("2026-12-07")), (false, true));
}

#[test]
fn what_may_not_follow_is_refused_with_its_code() {
    let open = record("2026-11-16", opened(RequestKind::View, "2026-11-16"));
    let none: Vec<RequestRecord> = Vec::new();
    let once = vec![open.clone(), record("2026-11-20", extended())];
    let closed = vec![open.clone(), record("2026-11-20", refused())];
    let empty = RequestDeed::Refused { reason: "  ".to_owned() };
    for (history, next, code) in [
        (&none, record("2026-11-16", RequestDeed::Acknowledged), "request_unknown"),
        (&none, record("2026-11-16", opened(RequestKind::View, "2026-11-17")), "request_date"),
        (
            &vec![open.clone()],
            record("2026-11-16", opened(RequestKind::Delete, "2026-11-16")),
            "request_exists",
        ),
        (&vec![open.clone()], record("2026-11-27", extended()), "request_overdue"),
        (&vec![open.clone()], record("2026-11-17", empty), "request_reason"),
        (&once, record("2026-11-21", extended()), "request_extended"),
        (&closed, record("2026-11-21", RequestDeed::Fulfilled), "request_closed"),
        (&closed, record("2026-11-21", RequestDeed::Acknowledged), "request_closed"),
    ] {
        assert_eq!(folded(history).check(&next).map_err(|error| error.code()), Err(code));
    }
}

#[test]
fn a_repeat_writes_nothing() {
    let history = [
        record("2026-11-16", opened(RequestKind::View, "2026-11-16")),
        record("2026-11-17", RequestDeed::Acknowledged),
        record("2026-11-18", RequestDeed::Fulfilled),
    ];
    let requests = folded(&history);
    assert!(!requests.check(&history[0]).unwrap());
    assert!(!requests.check(&history[2]).unwrap());
    let acknowledged = folded(&history[..2]);
    assert!(!acknowledged.check(&history[1]).unwrap());
    assert!(matches!(requests.check(&history[1]), Err(RequestError::Closed { .. })));
}
