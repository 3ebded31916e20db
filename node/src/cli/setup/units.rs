//! Which unit is meant: by its id, its code, or its name without marks, case and blanks.

use super::dialogue::{Dialogue, Question, told};
use crate::{
    cli::{failure::Failure, sheet::plain},
    operations::forms::fold,
};
use danso_tier_config::{Unit, UnitId, View, limits::SETUP_UNITS_SHOWN};

/// The unit that the operator names, one that is valid on the day of the view.
///
/// Errors: `setup_unit_unknown`, `setup_unit_ambiguous` where nobody can choose, `setup_incomplete`.
pub(super) fn choose(
    view: View<'_>,
    question: &Question<'_>,
    given: Option<&str>,
    dialogue: &mut dyn Dialogue,
) -> Result<UnitId, Failure> {
    let mut answer = match given {
        Some(given) => given.to_owned(),
        None => dialogue.ask(question)?,
    };
    let mut shown: Vec<UnitId> = Vec::new();
    loop {
        if let Some(unit) = chosen(&shown, &answer) {
            return Ok(unit);
        }
        let found = matching(view, &answer);
        match found[..] {
            [unit] => {
                dialogue.say(&described(view, unit.id));
                return Ok(unit.id);
            }
            [] if !dialogue.answers_again() => return Err(unknown(&answer)),
            [] => dialogue.say(&told(&unknown(&answer))),
            _ if !dialogue.answers_again() => return Err(ambiguous(view, &answer, &found)),
            _ => dialogue.say(&listed(view, &found)),
        }
        // A wrong answer leaves the list in force that was shown before it.
        if !found.is_empty() {
            shown = found.iter().take(SETUP_UNITS_SHOWN).map(|unit| unit.id).collect();
        }
        answer = dialogue.ask(question)?;
    }
}

/// The unit of a number of the list that was shown. A code with a leading zero is no number.
fn chosen(shown: &[UnitId], answer: &str) -> Option<UnitId> {
    let number: usize = answer.parse().ok().filter(|_| !answer.starts_with('0'))?;
    shown.get(number.checked_sub(1)?).copied()
}

/// All units that an answer fits: one by its id, else those with that code, else those whose name holds it; after
/// a comma stands a part of the name of a unit above.
pub(super) fn matching<'a>(view: View<'a>, answer: &str) -> Vec<&'a Unit> {
    if let Ok(id) = answer.parse::<UnitId>() {
        return view.unit(id).into_iter().collect();
    }
    let by_code: Vec<&Unit> = view.units().filter(|unit| unit.id.code.as_str() == answer).collect();
    if !by_code.is_empty() {
        return by_code;
    }
    let mut parts = answer.split(',').map(fold);
    let name = parts.next().unwrap_or_default();
    if name.is_empty() {
        return Vec::new();
    }
    let above: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    let lies_below = |unit: &&Unit| {
        let names: Vec<String> =
            view.ancestors(unit.id).into_iter().filter_map(|id| view.name(id)).map(fold).collect();
        above.iter().all(|part| names.iter().any(|name| name.contains(part)))
    };
    view.units().filter(|unit| fold(&unit.name).contains(&name)).filter(lies_below).collect()
}

/// The unit with the names of the units above it, nearest first.
pub(super) fn described(view: View<'_>, id: UnitId) -> String {
    let names = std::iter::once(id).chain(view.ancestors(id)).filter_map(|id| view.name(id));
    format!("{id} {}", plain(&names.collect::<Vec<_>>().join(", ")))
}

fn listed(view: View<'_>, found: &[&Unit]) -> String {
    let rows = found.iter().take(SETUP_UNITS_SHOWN).zip(1..);
    let mut lines: Vec<String> =
        rows.map(|(unit, row)| format!("{row:>3}  {}", described(view, unit.id))).collect();
    if found.len() > SETUP_UNITS_SHOWN {
        let more = found.len() - SETUP_UNITS_SHOWN;
        lines
            .push(format!("     và {more} đơn vị nữa: gõ thêm tên / and {more} more: type more of the name"));
    }
    lines.push("     Gõ số thứ tự. / Type the number.".to_owned());
    lines.join("\n")
}

fn unknown(answer: &str) -> Failure {
    let sentence = format!("không có đơn vị nào hợp với / no unit of today fits `{}`", plain(answer));
    Failure::told("setup_unit_unknown", sentence)
}

fn ambiguous(view: View<'_>, answer: &str, found: &[&Unit]) -> Failure {
    let units: Vec<String> =
        found.iter().take(SETUP_UNITS_SHOWN).map(|unit| described(view, unit.id)).collect();
    let more = if found.len() > units.len() { "; ..." } else { "" };
    let sentence = format!("{} units fit `{}`: {}{more}", found.len(), plain(answer), units.join("; "));
    Failure::told("setup_unit_ambiguous", sentence)
}
