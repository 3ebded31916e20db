//! The rules that every tier applies to a core: the same bytes meet the same verdict everywhere.
//!
//! A core that breaks a rule is stored and reported, never counted (quarantine).

use super::{
    change::{Core, HouseholdChange, PersonChange},
    event::Event,
    state::{Marital, PersonState, Sex},
};
use danso_tier_config::{Date, Month, limits};
use serde::{Deserialize, Serialize};

/// Declares the reasons with their stable codes and sentences.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $vi:literal, $en:literal;)+) => {
        /// Why a change is not counted, or an entry not taken. The order is part of the receipt's format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason { $(#[doc = $en] $name,)+ }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
            /// Stable code; `deploy/runbooks` has a page for it.
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code,)+ } }
            /// The plain sentence in Vietnamese.
            pub fn vietnamese(self) -> &'static str { match self { $(Self::$name => $vi,)+ } }
            /// The plain sentence in English.
            pub fn english(self) -> &'static str { match self { $(Self::$name => $en,)+ } }
        }
    };
}

reasons! {
    NewerFormat = "change_newer_format", "thay đổi được ghi bằng phiên bản mới hơn, hãy nâng cấp", "written by a newer version, upgrade this node";
    Malformed = "change_malformed", "thay đổi không đọc được", "the change cannot be read";
    EffectiveInFuture = "effective_in_future", "ngày xảy ra nằm trong tương lai", "the date of the event lies in the future";
    BirthAfterEvent = "birth_after_event", "ngày sinh sau ngày xảy ra sự kiện", "the birth lies after the event";
    AgeImpossible = "age_impossible", "tuổi lớn hơn 130", "the age exceeds 130 years";
    MotherAge = "mother_age", "tuổi của mẹ khi sinh phải từ 10 đến 60", "the mother's age at birth must be 10 to 60";
    BirthOrder = "birth_order", "thứ tự con phải từ 1 đến 30", "the birth order must be 1 to 30";
    InfantDays = "infant_days", "số ngày tuổi không khớp với tháng sinh và ngày chết", "the days of life do not fit birth month and date of death";
    Transition = "transition", "trạng thái trước và sau không phù hợp với loại thay đổi", "the state before and after does not fit the kind of change";
    MaritalTransition = "marital_transition", "tình trạng hôn nhân trước đó không cho phép thay đổi này", "the marital status does not allow this change";
    MethodHolder = "method_holder", "biện pháp tránh thai phải ghi cho người vợ", "a method is recorded with the wife";
    HouseholdSize = "household_size", "số người trong hộ không khớp với thay đổi", "the household size does not follow from the change";
    IdentityChanged = "identity_changed", "một người hoặc hộ xuất hiện hai lần trong một thay đổi", "a person or household stands twice in one change";
    TooManyPersons = "too_many_persons", "một thay đổi nêu quá nhiều người", "one change names too many persons";
    EthnicityCode = "ethnicity_code", "mã dân tộc phải từ 1 đến 55", "the ethnic group must be 1 to 55";
    VoidTarget = "void_target", "chỉ được hủy một thay đổi trước đó của chính đơn vị này, và không hủy lệnh hủy", "only an earlier change of the same unit that is no void can be voided";
    ScreeningWeek = "screening_week", "tuần sàng lọc trước sinh phải là 12 hoặc 21", "the prenatal examination is at week 12 or 21";
}

/// The verdict on a core that stands at `sequence` in its origin's chain.
///
/// Pure: the same core and sequence give the same verdict at every tier and at any time.
pub fn verdict(core: &Core, sequence: super::Sequence) -> Result<(), Reason> {
    if let Event::Voided { sequence: target, original } = &core.event {
        let mirrored = core.persons.iter().map(flip_person).eq(original.persons.iter().copied())
            && core.households.iter().map(undone).eq(original.households.iter().map(done));
        let allowed = *target < sequence && !matches!(original.event, Event::Voided { .. });
        if !allowed || core.effective_on != original.effective_on {
            return Err(Reason::VoidTarget);
        }
        if !mirrored {
            return Err(Reason::Transition);
        }
        return verdict(original, *target);
    }
    let recorded_on = Date::in_vietnam(core.recorded_at.millis());
    if core.effective_on > recorded_on.plus_days(limits::EFFECTIVE_AHEAD_DAYS_MAX) {
        return Err(Reason::EffectiveInFuture);
    }
    if core.persons.len().max(core.households.len()) > limits::CHANGE_PERSONS_MAX {
        return Err(Reason::TooManyPersons);
    }
    check_identities(core)?;
    let month = core.effective_on.month();
    core.persons
        .iter()
        .flat_map(|change| [change.before, change.after])
        .flatten()
        .try_for_each(|state| check_state(&state, month))?;
    check_kind(core, month)?;
    check_sizes(core)
}

fn flip_person(change: &PersonChange) -> PersonChange {
    PersonChange { id: change.id, before: change.after, after: change.before }
}

/// What a household's change did to its existence and size. Its size may have gone on changing since,
/// so a void gives back the difference and not the old state.
fn done(change: &HouseholdChange) -> (super::HouseholdId, bool, bool, i32) {
    let size = |state: Option<super::HouseholdState>| state.map_or(0, |state| i32::from(state.size));
    let difference = size(change.after) - size(change.before);
    (change.id, change.before.is_some(), change.after.is_some(), difference)
}

fn undone(change: &HouseholdChange) -> (super::HouseholdId, bool, bool, i32) {
    done(&HouseholdChange { id: change.id, before: change.after, after: change.before })
}

/// The change that undoes `original`: persons' states swapped, effective when the original was.
/// `households` give back what the original did, starting from how they are now.
pub fn void_of(
    sequence: super::Sequence,
    original: &Core,
    recorded_at: super::RecordedAt,
    households: Vec<HouseholdChange>,
) -> Core {
    Core {
        recorded_at,
        effective_on: original.effective_on,
        area: original.area,
        persons: original.persons.iter().map(flip_person).collect(),
        households,
        event: Event::Voided { sequence, original: Box::new(original.clone()) },
    }
}

fn check_identities(core: &Core) -> Result<(), Reason> {
    let twice =
        |position: usize| core.persons[..position].iter().any(|other| other.id == core.persons[position].id);
    let twice_household = |position: usize| {
        core.households[..position].iter().any(|other| other.id == core.households[position].id)
    };
    if (0..core.persons.len()).any(twice) || (0..core.households.len()).any(twice_household) {
        return Err(Reason::IdentityChanged);
    }
    Ok(())
}

fn check_state(state: &PersonState, month: Month) -> Result<(), Reason> {
    if state.birth > month {
        return Err(Reason::BirthAfterEvent);
    }
    if month.since(state.birth) > limits::AGE_YEARS_MAX * 12 {
        return Err(Reason::AgeImpossible);
    }
    if super::Ethnicity::from_code(state.ethnicity.code()).is_none() {
        return Err(Reason::EthnicityCode);
    }
    if state.method.is_some() && state.sex != Sex::Female {
        return Err(Reason::MethodHolder);
    }
    Ok(())
}

/// Arrives: was not resident before. Leaves: is not after. Stays: resident on both sides.
#[derive(PartialEq, Eq)]
enum Passage {
    Arrives,
    Leaves,
    Stays,
    Nothing,
}

fn passage<T>(before: Option<&T>, after: Option<&T>) -> Passage {
    match (before.is_some(), after.is_some()) {
        (false, true) => Passage::Arrives,
        (true, false) => Passage::Leaves,
        (true, true) => Passage::Stays,
        (false, false) => Passage::Nothing,
    }
}

fn check_kind(core: &Core, month: Month) -> Result<(), Reason> {
    let persons = || core.persons.iter().map(|change| passage(change.before.as_ref(), change.after.as_ref()));
    let households =
        || core.households.iter().map(|change| passage(change.before.as_ref(), change.after.as_ref()));
    let nobody = core.persons.is_empty();
    let one = |wanted: Passage| persons().eq([wanted]);
    let stays = |each: Passage| each == Passage::Stays;
    let all_stay = || persons().chain(households()).all(stays);
    let fits = match &core.event {
        Event::HouseholdOpened => nobody && households().eq([Passage::Arrives]),
        Event::HouseholdClosed => nobody && households().eq([Passage::Leaves]),
        Event::HouseholdSplit => households().eq([Passage::Stays, Passage::Arrives]) && persons().all(stays),
        Event::PersonRegistered | Event::MovedIn { .. } => one(Passage::Arrives),
        Event::Born { .. } => one(Passage::Arrives) && born_fits(core, month),
        Event::Died { .. } | Event::MovedOut { .. } => one(Passage::Leaves),
        Event::Corrected => all_stay() && !(nobody && core.households.is_empty()),
        Event::Reviewed => nobody && households().eq([Passage::Stays]),
        Event::Married
        | Event::Divorced
        | Event::ContraceptionStarted { .. }
        | Event::ContraceptionStopped { .. }
        | Event::PregnancyRecorded { .. }
        | Event::PrenatalScreened { .. }
        | Event::NewbornScreened { .. }
        | Event::ElderlyChecked => one(Passage::Stays),
        Event::Voided { .. } => true,
    };
    if fits { check_facts(core, month) } else { Err(Reason::Transition) }
}

fn born_fits(core: &Core, month: Month) -> bool {
    core.persons[0].after.is_some_and(|child| {
        child.birth == month && child.marital == Marital::NeverMarried && child.method.is_none()
    })
}

fn check_facts(core: &Core, month: Month) -> Result<(), Reason> {
    let subject = core.persons.first();
    let before = subject.and_then(|change| change.before);
    let after = subject.and_then(|change| change.after);
    match &core.event {
        Event::Born { order, mother_birth, .. } => {
            let age = month.since(*mother_birth) / 12;
            if !(limits::MOTHER_AGE_YEARS_MIN..=limits::MOTHER_AGE_YEARS_MAX).contains(&age) {
                return Err(Reason::MotherAge);
            }
            if !(1..=30).contains(order) {
                return Err(Reason::BirthOrder);
            }
        }
        Event::Died { infant_days: Some(days) } => {
            let born_about = core.effective_on.plus_days(-i32::from(*days)).month();
            if *days > 366 || before.is_some_and(|state| state.birth != born_about) {
                return Err(Reason::InfantDays);
            }
        }
        Event::Married => {
            let fits = before.is_some_and(|state| state.marital != Marital::Married)
                && after.is_some_and(|state| state.marital == Marital::Married);
            if !fits {
                return Err(Reason::MaritalTransition);
            }
        }
        Event::Divorced => {
            let fits = before.is_some_and(|state| state.marital == Marital::Married)
                && after.is_some_and(|state| state.marital == Marital::Divorced);
            if !fits {
                return Err(Reason::MaritalTransition);
            }
        }
        Event::ContraceptionStarted { method } if after.is_none_or(|state| state.method != Some(*method)) => {
            return Err(Reason::MethodHolder);
        }
        Event::ContraceptionStopped { method } => {
            let fits = before.is_some_and(|state| state.method == Some(*method))
                && after.is_some_and(|state| state.method.is_none());
            if !fits {
                return Err(Reason::MethodHolder);
            }
        }
        Event::PrenatalScreened { week, .. } if !matches!(week, 12 | 21) => {
            return Err(Reason::ScreeningWeek);
        }
        _ => {}
    }
    Ok(())
}

/// Every household's size changes by exactly the members that the change moves in or out.
fn check_sizes(core: &Core) -> Result<(), Reason> {
    let moved = |id, side: fn(&PersonChange) -> Option<PersonState>| {
        core.persons.iter().filter(|change| side(change).is_some_and(|state| state.household == id)).count()
            as i64
    };
    for change in &core.households {
        let size = |state: Option<super::HouseholdState>| state.map_or(0, |state| i64::from(state.size));
        let expected = moved(change.id, |person| person.after) - moved(change.id, |person| person.before);
        if size(change.after) - size(change.before) != expected {
            return Err(Reason::HouseholdSize);
        }
    }
    let named = |id| core.households.iter().any(|change| change.id == id);
    let unnamed = core.persons.iter().any(|change| {
        let home = |state: Option<PersonState>| state.map(|state| state.household);
        home(change.before) != home(change.after)
            && [home(change.before), home(change.after)].into_iter().flatten().any(|id| !named(id))
    });
    if unnamed { Err(Reason::HouseholdSize) } else { Ok(()) }
}
