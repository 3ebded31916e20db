//! `danso request` and `danso erase`: requests of persons about their data, and erasure.

use super::{
    failure::{Failure, Outcome},
    output,
    sheet::{Sheet, Side, json_text},
    target::TargetArguments,
    wait,
};
use clap::{ArgGroup, Args, Subcommand, builder::PossibleValuesParser};
use danso_core::domain::{
    PersonId,
    requests::{RequestId, RequestKind},
};
use danso_proto::v1::{
    ChangeRequestRequest, OpenRequestRequest, PersonRequest,
    change_request_request::{Acknowledge, Change, Extend, Fulfil, Refuse},
};
use danso_tier_config::Date;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take a request of a person / Nhận yêu cầu
    Open {
        #[command(flatten)]
        target: TargetArguments,
        /// The office's reference: letters, digits and / _ . -
        #[arg(long, value_name = "REF")]
        request: RequestId,
        /// Whose data, UNIT/SERIAL
        #[arg(long, value_name = "ID")]
        person: PersonId,
        /// What is asked for
        #[arg(long, value_parser = PossibleValuesParser::new(RequestKind::ALL.map(RequestKind::word)))]
        kind: String,
        /// When it was received; today unless told otherwise
        #[arg(long, value_name = "YYYY-MM-DD")]
        received: Option<Date>,
    },
    /// List the open requests with their due dates (public holidays are not known)
    List {
        #[command(flatten)]
        target: TargetArguments,
        /// Closed ones, too
        #[arg(long)]
        all: bool,
        /// Everything as JSON
        #[arg(long)]
        json: bool,
    },
    /// Note that the receipt was confirmed to the person
    Acknowledge {
        #[command(flatten)]
        target: TargetArguments,
        /// The request
        request: RequestId,
    },
    /// Extend the term, once
    Extend {
        #[command(flatten)]
        target: TargetArguments,
        /// The request
        request: RequestId,
        /// Why, naming nobody
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Close a request: fulfilled, or refused with the reason
    #[command(group = ArgGroup::new("outcome").required(true).args(["fulfilled", "refused"]))]
    Close {
        #[command(flatten)]
        target: TargetArguments,
        /// The request
        request: RequestId,
        /// What was asked for was done
        #[arg(long)]
        fulfilled: bool,
        /// It is refused; why, naming nobody
        #[arg(long, value_name = "TEXT")]
        refused: Option<String>,
    },
}

/// Erases what names a person, here and by a signed order in every tier above.
#[derive(Debug, Args)]
pub(super) struct Erase {
    #[command(flatten)]
    target: TargetArguments,
    /// The person, UNIT/SERIAL
    #[arg(value_name = "PERSON")]
    person: PersonId,
    /// The open request to delete
    #[arg(long, value_name = "REF")]
    request: RequestId,
}

pub(super) fn erase(arguments: &Erase) -> Result<Outcome, Failure> {
    let (person, request) = (arguments.person.to_string(), arguments.request.to_string());
    let answer = wait(async { Ok(arguments.target.connect().await?.erase(&person, &request).await?) })?;
    let restated = match answer.restated {
        0 => String::new(),
        count => format!("; {count} changes state again what others are called"),
    };
    let confirmed = if answer.awaiting.is_empty() {
        "every tier that holds names has confirmed".to_owned()
    } else {
        format!("not confirmed yet by {}; see danso request list", answer.awaiting.join(", "))
    };
    let text = format!("{} leaves are erased here{restated}\n{confirmed}\n", answer.leaves);
    output::data(&text)?;
    Ok(Outcome::Done)
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    let shown = match command {
        Command::Open { target, request, person, kind, received } => {
            let open = OpenRequestRequest {
                id: request.to_string(),
                person: person.to_string(),
                kind: kind.clone(),
                received_on: received.map(|day| day.to_string()).unwrap_or_default(),
            };
            wait(async { Ok(target.connect().await?.open_request(open).await?) })?
        }
        Command::List { target, all, json } => {
            let listed = wait(async { Ok(target.connect().await?.list_requests(*all).await?) })?.requests;
            let text = if *json { json_text(&listed.iter().map(as_json).collect()) } else { table(&listed) };
            output::data(&text)?;
            return Ok(Outcome::Done);
        }
        Command::Acknowledge { target, request } => {
            change(target, request, Change::Acknowledge(Acknowledge {}))?
        }
        Command::Extend { target, request, reason } => {
            change(target, request, Change::Extend(Extend { reason: reason.clone() }))?
        }
        Command::Close { target, request, refused: Some(reason), .. } => {
            change(target, request, Change::Refuse(Refuse { reason: reason.clone() }))?
        }
        Command::Close { target, request, .. } => change(target, request, Change::Fulfil(Fulfil {}))?,
    };
    output::data(&table(std::slice::from_ref(&shown)))?;
    Ok(Outcome::Done)
}

fn change(target: &TargetArguments, id: &RequestId, change: Change) -> Result<PersonRequest, Failure> {
    let request = ChangeRequestRequest { id: id.to_string(), change: Some(change) };
    wait(async { Ok(target.connect().await?.change_request(request).await?) })
}

fn table(requests: &[PersonRequest]) -> String {
    let mut rows = Sheet::new([
        ("request", Side::Left),
        ("person", Side::Left),
        ("kind", Side::Left),
        ("received", Side::Left),
        ("state", Side::Left),
        ("answer_due", Side::Left),
        ("due", Side::Left),
        ("note", Side::Left),
    ]);
    for request in requests {
        rows.push([
            request.id.clone(),
            request.person.clone(),
            request.kind.clone(),
            request.received_on.clone(),
            request.state.clone(),
            request.answer_due.clone(),
            request.fulfilment_due.clone(),
            note(request),
        ]);
    }
    rows.table()
}

fn note(request: &PersonRequest) -> String {
    let mut notes = Vec::new();
    if request.answer_overdue {
        notes.push("ANSWER OVERDUE / QUÁ HẠN TRẢ LỜI".to_owned());
    }
    if request.fulfilment_overdue {
        notes.push("OVERDUE / QUÁ HẠN".to_owned());
    }
    if request.erased_here && !request.awaiting.is_empty() {
        notes.push(format!("erased here, not confirmed by {}", request.awaiting.join(", ")));
    }
    notes.join("; ")
}

fn as_json(request: &PersonRequest) -> Value {
    json!({
        "id": request.id, "person": request.person, "kind": request.kind, "state": request.state,
        "received_on": request.received_on, "answer_due": request.answer_due,
        "fulfilment_due": request.fulfilment_due, "acknowledged_on": request.acknowledged_on,
        "extended_on": request.extended_on, "extension_reason": request.extension_reason,
        "closed_on": request.closed_on, "refusal_reason": request.refusal_reason,
        "answer_overdue": request.answer_overdue, "fulfilment_overdue": request.fulfilment_overdue,
        "erased_here": request.erased_here, "awaiting": request.awaiting,
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn lateness_and_missing_confirmations_stand_in_the_list() {
        let request = PersonRequest {
            id: "7/2026".to_owned(),
            answer_overdue: true,
            erased_here: true,
            awaiting: vec!["01@2025-07-01".to_owned()],
            ..PersonRequest::default()
        };
        let text = table(std::slice::from_ref(&request));
        assert!(text.contains("ANSWER OVERDUE"), "{text}");
        assert!(text.contains("not confirmed by 01@2025-07-01"), "{text}");
        assert_eq!(note(&PersonRequest { awaiting: Vec::new(), answer_overdue: false, ..request }), "");
    }
}
