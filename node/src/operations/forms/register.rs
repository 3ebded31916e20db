//! One row of the A0 book against the register.

use super::{
    capture::register_capture,
    fault::Cause,
    import::{Desk, Home, Member, Outcome, Seen, Stop, seen},
    spelling::fold,
};
use danso_core::domain::{
    Area, HouseholdFacts, HouseholdId, HouseholdKind, Reason,
    entry::{Entry, Refusal},
    form::RegisterRow,
    personal::name_key,
};
use danso_tier_config::{Date, limits};

/// Registers the row's person, opening the household on its first row.
pub(super) fn record(desk: &mut impl Desk, on: Date, row: &RegisterRow) -> Result<Outcome, Stop> {
    let capture = register_capture(row);
    match seen(desk, capture) {
        Seen::Same => return Ok(Outcome::AlreadyKnown),
        Seen::Differently => return Err(Stop::at("line", Cause::AlreadyRegisteredDifferently)),
        Seen::Never => {}
    }
    check_age(row.person.birth_date, on)?;
    let home = desk.household_by_number(&row.person.household);
    if let Some((column, member)) = registered(desk, row, home.as_ref()) {
        let at_home = home.is_some_and(|home| home.id == member.state.household);
        return if at_home && says_the_same(row, &member) {
            Ok(Outcome::AlreadyKnown)
        } else {
            Err(Stop::at(column, Cause::AlreadyRegisteredDifferently))
        };
    }
    let household = match home {
        Some(home) => {
            check_home(row, &home)?;
            home.id
        }
        None => open(desk, on, Area(row.area), row.household_kind, &row.person.household, &row.address)?,
    };
    let person = row.person();
    desk.record(Some(capture), on, Entry::Register { household, person })?;
    Ok(Outcome::Recorded)
}

/// Opens a household. What could refuse its first person is checked before, so that none stays empty.
pub(super) fn open(
    desk: &mut impl Desk,
    on: Date,
    area: Area,
    kind: HouseholdKind,
    number: &str,
    address: &str,
) -> Result<HouseholdId, Stop> {
    let facts = HouseholdFacts { number: number.to_owned(), address: address.to_owned() };
    let opened = desk.record(None, on, Entry::OpenHousehold { area, kind, facts })?;
    opened.household.ok_or(Stop::at("household", Cause::HouseholdNotFound))
}

/// The rules on age that every tier applies, before a household is opened for the person.
pub(super) fn check_age(birth: Date, on: Date) -> Result<(), Stop> {
    let refused = |reason| Err(Stop::at("birth_date", Cause::Refused(Refusal::Rule(reason))));
    if birth > on {
        return refused(Reason::BirthAfterEvent);
    }
    if on.month().since(birth.month()) > limits::AGE_YEARS_MAX * 12 {
        return refused(Reason::AgeImpossible);
    }
    Ok(())
}

/// The resident whom the row seems to mean: same number, or same name and birth date in the household.
fn registered(desk: &impl Desk, row: &RegisterRow, home: Option<&Home>) -> Option<(&'static str, Member)> {
    let by_code = Some(&row.person.subject_code).filter(|code| !code.is_empty());
    if let Some(member) = by_code.and_then(|code| desk.person_by_subject_code(code)) {
        return Some(("subject_code", member));
    }
    let by_number = Some(&row.citizen_number).filter(|number| !number.is_empty());
    if let Some(member) = by_number.and_then(|number| desk.person_by_citizen_number(number)) {
        return Some(("citizen_number", member));
    }
    Some(("name", namesake(desk, home?.id, &row.person.name, row.person.birth_date)?))
}

/// The member with this name and birth date; a newborn without a name has no namesakes (twins).
pub(super) fn namesake(desk: &impl Desk, household: HouseholdId, name: &str, birth: Date) -> Option<Member> {
    if matches!(fold(name).as_str(), "trai" | "gai" | "chuadatten") {
        return None;
    }
    let key = name_key(name);
    let same =
        |member: &Member| member.facts.birth_date == Some(birth) && name_key(&member.facts.name) == key;
    desk.members(household).into_iter().find(same)
}

fn says_the_same(row: &RegisterRow, member: &Member) -> bool {
    let (state, facts) = (&member.state, &member.facts);
    facts.birth_date == Some(row.person.birth_date)
        && name_key(&facts.name) == name_key(&row.person.name)
        && name_key(&facts.relation) == name_key(&row.person.relation)
        && facts.subject_code == row.person.subject_code
        && facts.citizen_number == row.citizen_number
        && facts.phone == row.phone
        && (state.sex, state.ethnicity, state.education)
            == (row.person.sex, row.person.ethnicity, row.person.education)
        && (state.marital, state.residence, state.method) == (row.person.marital, row.residence, row.method)
}

/// Later rows of a household repeat its area and kind, and its address or none.
fn check_home(row: &RegisterRow, home: &Home) -> Result<(), Stop> {
    let differs = |column| Err(Stop::at(column, Cause::HouseholdDiffers));
    if home.state.area != Area(row.area) {
        return differs("area");
    }
    if home.state.kind != row.household_kind {
        return differs("household_kind");
    }
    if !row.address.is_empty() && name_key(&row.address) != name_key(&home.facts.address) {
        return differs("address");
    }
    Ok(())
}
