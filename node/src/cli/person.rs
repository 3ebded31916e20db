//! `danso person`: persons of a commune's register by name, number or id. Every use is in its audit log.

use super::{
    failure::{Failure, Outcome},
    moment::local,
    output,
    sheet::{Sheet, Side, json_text, plain},
    target::TargetArguments,
    wait,
};
use clap::{Args, Subcommand};
use danso_core::domain::PersonId;
use danso_proto::v1::{FindPersonsRequest, GetPersonAnswer, PersonLine, find_persons_request::Question};
use serde_json::{Value, json};
use std::fmt::Write as _;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find persons by name, with or without diacritics, or by number / Tìm người
    Find(Find),
    /// Show everything that the register has of a person / Xem một người
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct Find {
    #[command(flatten)]
    target: TargetArguments,
    /// Words of the name; the last may be a beginning only
    #[arg(value_name = "NAME", required_unless_present_any = ["citizen_number", "subject_code"])]
    name: Vec<String>,
    /// The citizen number instead
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["name", "subject_code"])]
    citizen_number: Option<String>,
    /// The health-insurance number instead
    #[arg(long, value_name = "CODE", conflicts_with = "name")]
    subject_code: Option<String>,
    /// Most persons shown
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    max: u32,
    /// Everything as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    target: TargetArguments,
    /// The person's id, UNIT/SERIAL
    #[arg(value_name = "PERSON")]
    person: PersonId,
    /// Everything as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command) -> Result<Outcome, Failure> {
    let text = match command {
        Command::Find(find) => {
            let answer =
                wait(async { Ok(find.target.connect().await?.find_persons(find.request()).await?) })?;
            if find.json {
                json_text(&answer.persons.iter().map(line_json).collect())
            } else {
                found(&answer.persons).table()
            }
        }
        Command::Show(show) => {
            let id = show.person.to_string();
            let answer = wait(async { Ok(show.target.connect().await?.get_person(&id).await?) })?;
            if show.json { json_text(&as_json(&answer)) } else { as_text(&answer) }
        }
    };
    output::data(&text)?;
    Ok(Outcome::Done)
}

impl Find {
    fn request(&self) -> FindPersonsRequest {
        let question = match (&self.citizen_number, &self.subject_code) {
            (Some(number), _) => Question::CitizenNumber(number.clone()),
            (None, Some(code)) => Question::SubjectCode(code.clone()),
            (None, None) => Question::Name(self.name.join(" ")),
        };
        FindPersonsRequest { max: self.max, question: Some(question) }
    }
}

fn found(persons: &[PersonLine]) -> Sheet {
    let mut rows = Sheet::new([
        ("id", Side::Left),
        ("name", Side::Left),
        ("born", Side::Left),
        ("household", Side::Left),
        ("relation", Side::Left),
        ("resident", Side::Left),
    ]);
    for person in persons {
        let resident = if person.resident { "yes" } else { "no" };
        rows.push([
            person.id.clone(),
            person.name.clone(),
            person.birth_date.clone(),
            person.household_number.clone(),
            person.relation.clone(),
            resident.to_owned(),
        ]);
    }
    rows
}

fn as_text(answer: &GetPersonAnswer) -> String {
    let none = PersonLine::default();
    let line = answer.line.as_ref().unwrap_or(&none);
    let ethnicity = if answer.ethnicity == 0 { String::new() } else { answer.ethnicity.to_string() };
    let area = if answer.area == 0 { String::new() } else { answer.area.to_string() };
    let mut text = String::new();
    for (name, value) in [
        ("id", &line.id),
        ("name", &line.name),
        ("born", &line.birth_date),
        ("birth month", &answer.birth_month),
        ("sex", &answer.sex),
        ("citizen number", &answer.citizen_number),
        ("subject code", &answer.subject_code),
        ("phone", &answer.phone),
        ("ethnicity", &ethnicity),
        ("education", &answer.education),
        ("marital", &answer.marital),
        ("residence", &answer.residence),
        ("method", &answer.method),
        ("household", &line.household_number),
        ("relation", &line.relation),
        ("address", &answer.address),
        ("area", &area),
    ] {
        if !value.is_empty() {
            writeln!(text, "{name:<15} {}", plain(value)).expect("writing to memory cannot fail");
        }
    }
    if !line.resident {
        text.push_str("no resident any more\n");
    }
    if !answer.members.is_empty() {
        text.push_str("\nothers of the household\n");
        text.push_str(&found(&answer.members).table());
    }
    text.push_str("\nchanges\n");
    text.push_str(&history(answer).table());
    if answer.history_unlisted > 0 {
        writeln!(text, "and {} earlier ones", answer.history_unlisted)
            .expect("writing to memory cannot fail");
    }
    text
}

fn history(answer: &GetPersonAnswer) -> Sheet {
    let mut rows = Sheet::new([
        ("change", Side::Right),
        ("on", Side::Left),
        ("what", Side::Left),
        ("recorded", Side::Left),
        ("batch", Side::Right),
    ]);
    for event in &answer.history {
        let batch = if event.batch == 0 { String::new() } else { event.batch.to_string() };
        rows.push([
            event.sequence.to_string(),
            event.effective_on.clone(),
            event.kind.clone(),
            local(event.recorded_at_ms),
            batch,
        ]);
    }
    rows
}

fn line_json(line: &PersonLine) -> Value {
    json!({
        "id": line.id, "name": line.name, "birth_date": line.birth_date, "resident": line.resident,
        "household": line.household, "household_number": line.household_number, "relation": line.relation,
    })
}

fn as_json(answer: &GetPersonAnswer) -> Value {
    let history = answer.history.iter().map(|event| {
        json!({
            "sequence": event.sequence, "kind": event.kind, "effective_on": event.effective_on,
            "recorded_at_ms": event.recorded_at_ms, "batch": event.batch, "named": event.named,
        })
    });
    json!({
        "person": answer.line.as_ref().map(line_json), "subject_code": answer.subject_code,
        "citizen_number": answer.citizen_number, "phone": answer.phone, "sex": answer.sex,
        "birth_month": answer.birth_month, "ethnicity": answer.ethnicity, "education": answer.education,
        "marital": answer.marital, "residence": answer.residence, "method": answer.method,
        "address": answer.address, "area": answer.area,
        "members": answer.members.iter().map(line_json).collect::<Value>(),
        "history": history.collect::<Value>(), "history_unlisted": answer.history_unlisted,
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use danso_proto::v1::PersonEvent;

    #[test]
    fn a_person_is_shown_with_what_is_known_alone() {
        let line = PersonLine {
            id: "00001@2025-07-01/12".to_owned(),
            name: "Nguyễn Thị Hoa".to_owned(),
            resident: true,
            household_number: "0007".to_owned(),
            ..PersonLine::default()
        };
        let event =
            PersonEvent { sequence: 3, kind: "person_registered".to_owned(), ..PersonEvent::default() };
        let answer = GetPersonAnswer {
            line: Some(line.clone()),
            sex: "female".to_owned(),
            history: vec![event],
            ..GetPersonAnswer::default()
        };
        let text = as_text(&answer);
        assert!(text.contains("name            Nguyễn Thị Hoa\n"), "{text}");
        assert!(!text.contains("phone") && !text.contains("no resident"), "{text}");
        assert!(text.contains("person_registered"), "{text}");
        assert_eq!(as_json(&answer)["history"][0]["sequence"], 3);
        let row = "00001@2025-07-01/12,Nguyễn Thị Hoa,,0007,,yes";
        assert_eq!(found(&[line]).csv().lines().nth(1), Some(row));
    }
}
