//! A record of the A0 book as a [`RegisterRow`], or all that is wrong with it.

use super::{
    columns::Form,
    fault::{Cause, Fault},
    reader::{Cells, Rows},
    values,
};
use danso_core::domain::{
    HouseholdKind, Reason, Sex,
    entry::Refusal,
    form::{NewPerson, RegisterRow},
};
use std::io::Read;

/// Rows of an A0 file. `Err` lists all that is wrong with the file or its header; then nothing may be recorded.
pub fn register_rows<R: Read>(source: R) -> Result<Rows<R, RegisterRow>, Vec<Fault>> {
    Rows::open(Form::Register, source, register_row)
}

fn register_row(cells: &mut Cells<'_>) -> Option<RegisterRow> {
    let area = cells.need("area", values::number(1, u64::from(u16::MAX)));
    let household = cells.need("household", values::household);
    let household_kind = cells.maybe("household_kind", values::listed);
    let address = cells.text("address", values::address);
    let line = cells.need("line", values::number(1, u64::from(u16::MAX)));
    let subject_code = cells.text("subject_code", values::subject_code);
    let citizen_number = cells.text("citizen_number", values::citizen_number);
    let name = cells.need("name", values::name);
    let relation = cells.text("relation", values::name);
    let sex = cells.need("sex", values::listed);
    let birth_date = cells.need("birth_date", values::date);
    let ethnicity = cells.need("ethnicity", values::listed);
    let education = cells.need("education", values::listed);
    let marital = cells.need("marital", values::listed);
    let residence = cells.need("residence", values::listed);
    let method = cells.maybe("method", values::listed);
    let phone = cells.text("phone", values::phone);

    if let (Some(number), Some(sex), Some(birth)) = (&citizen_number, sex, birth_date)
        && !number.is_empty()
        && let Some(cause) = values::citizen_fault(number, sex, birth)
    {
        cells.fault("citizen_number", cause);
    }
    if let (Some(Some(_)), Some(Sex::Male)) = (method, sex) {
        cells.fault("method", Cause::Refused(Refusal::Rule(Reason::MethodHolder)));
    }
    Some(RegisterRow {
        area: area?,
        household_kind: household_kind?.unwrap_or(HouseholdKind::Family),
        address: address?,
        line: line?,
        person: NewPerson {
            household: household?,
            subject_code: subject_code?,
            name: name?,
            relation: relation?,
            sex: sex?,
            birth_date: birth_date?,
            ethnicity: ethnicity?,
            education: education?,
            marital: marital?,
        },
        citizen_number: citizen_number?,
        residence: residence?,
        method: method?,
        phone: phone?,
    })
}
