//! Where the unit stands: its tier, its hierarchy and the unit above it, from the list of units or by hand.

use super::{
    Arguments,
    dialogue::{Dialogue, Question, insist},
    units,
};
use crate::{
    cli::{failure::Failure, files},
    operations::now_ms,
};
use danso_tier_config::{
    Date, Directory, Hierarchy, NodeConfig, TierName, UnitId, View, limits::DIRECTORY_BYTES_MAX,
};
use std::path::Path;

/// A unit in its hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub unit: UnitId,
    /// The unit with its name, for people.
    pub shown: String,
    pub tier: TierName,
    /// As the node's file names the hierarchy.
    pub profile: String,
    pub hierarchy: Hierarchy,
    /// `None` at the top.
    pub parent: Option<UnitId>,
}

const UNIT_VIETNAMESE: &str = "Nút này của đơn vị nào? Gõ tên không dấu (ba dinh, ha noi) hoặc mã.";
const UNIT_ENGLISH: &str =
    "Which unit is this node's? Type its name without marks (ba dinh, ha noi) or its code.";

/// The place of a unit of a list, on today's boundaries.
pub(super) fn listed(
    arguments: &Arguments,
    former: Option<&NodeConfig>,
    list: &Path,
    dialogue: &mut dyn Dialogue,
) -> Result<Place, Failure> {
    let text = files::read_text(list, DIRECTORY_BYTES_MAX)?;
    let given = arguments.hierarchy.as_deref().map(hierarchy_named).transpose()?;
    let own = given.as_ref().map(|(_, hierarchy)| hierarchy.clone());
    let file = list.display().to_string();
    let directory = Directory::read_csv(&text, &file).or_else(|faults| match own {
        Some(own) => Directory::read_csv_in(&text, &file, &[own]),
        None => Err(faults),
    })?;
    let view = directory.at(Date::in_vietnam(now_ms()));
    let proposal = former.map(|former| former.unit.to_string());
    let question = Question {
        vietnamese: UNIT_VIETNAMESE,
        english: UNIT_ENGLISH,
        option: "--unit",
        proposal: proposal.as_deref(),
    };
    let unit = units::choose(view, &question, arguments.unit.as_deref(), dialogue)?;
    let row = view.unit(unit).expect("the unit was found in this view");
    let fits = |hierarchy: &Hierarchy| {
        let above = row.parent.and_then(|parent| view.unit(parent)).map(|parent| &parent.tier);
        hierarchy.tier(&row.tier).is_some() && hierarchy.above(&row.tier).map(|tier| &tier.name) == above
    };
    let (profile, hierarchy) = match given {
        Some(given) => Some(given),
        None => shipped_for(view, &fits),
    }
    .filter(|(_, hierarchy)| fits(hierarchy))
    .ok_or_else(|| {
        let sentence = format!("{unit} ({}) and its parent do not fit the hierarchy", row.tier);
        Failure::told("setup_place", sentence)
    })?;
    let shown = units::described(view, unit);
    Ok(Place { unit, shown, tier: row.tier.clone(), profile, hierarchy, parent: row.parent })
}

/// The hierarchy that fits; of several the one with the most tiers of which the list has units today.
fn shipped_for(view: View<'_>, fits: &dyn Fn(&Hierarchy) -> bool) -> Option<(String, Hierarchy)> {
    let shipped = Hierarchy::shipped_names()
        .filter_map(|name| Some((name.to_owned(), Hierarchy::shipped(name)?)))
        .filter(|(_, hierarchy)| fits(hierarchy));
    shipped.max_by_key(|(_, hierarchy)| {
        let tiers = hierarchy.tiers();
        let peopled = tiers.iter().all(|tier| !view.units_of_tier(&tier.name).is_empty());
        (peopled, if peopled { tiers.len() } else { usize::MAX - tiers.len() })
    })
}

fn hierarchy_named(name: &str) -> Result<(String, Hierarchy), Failure> {
    if let Some(hierarchy) = Hierarchy::shipped(name) {
        return Ok((name.to_owned(), hierarchy));
    }
    let file = super::absolute(Path::new(name))?;
    Ok((file.display().to_string(), Hierarchy::load(&file)?))
}

/// The place of a unit without a list: everything is said by hand, and checked against the list at enrolment.
pub(super) fn by_hand(
    arguments: &Arguments,
    former: Option<&NodeConfig>,
    invited: Option<UnitId>,
    dialogue: &mut dyn Dialogue,
) -> Result<Place, Failure> {
    let unit_before = invited.or(former.map(|former| former.unit)).map(|unit| unit.to_string());
    let question = Question {
        vietnamese: "Mã đơn vị @ ngày bắt đầu hiệu lực, ví dụ 00004@2025-07-01 (có trong giấy mời)",
        english: "The unit's code @ first day of validity, for example 00004@2025-07-01 (the invitation has it)",
        option: "--unit",
        proposal: unit_before.as_deref(),
    };
    let unit = insist(dialogue, &question, arguments.unit.as_deref(), &mut unit_id)?;
    let question = Question {
        vietnamese: "Hệ thống mấy cấp? three-tier (xã, tỉnh, trung ương) hoặc four-tier (có huyện)",
        english: "Which hierarchy? three-tier (commune, province, central) or four-tier (with districts)",
        option: "--hierarchy",
        proposal: Some(former.map_or("three-tier", |former| &former.profile)),
    };
    let given = arguments.hierarchy.as_deref();
    let (profile, hierarchy) = insist(dialogue, &question, given, &mut hierarchy_named)?;
    let tier = tier_by_hand(arguments, former, &hierarchy, dialogue)?;
    let parent_before = former.and_then(|former| Some(former.parent.as_ref()?.unit.to_string()));
    let question = Question {
        vietnamese: "Mã đơn vị cấp trên @ ngày, ví dụ 01@2025-07-01",
        english: "The unit above, code @ first day, for example 01@2025-07-01",
        option: "--parent-unit",
        proposal: parent_before.as_deref(),
    };
    let parent = match hierarchy.above(&tier) {
        None => None,
        Some(_) => Some(insist(dialogue, &question, arguments.parent_unit.as_deref(), &mut unit_id)?),
    };
    Ok(Place { unit, shown: unit.to_string(), tier, profile, hierarchy, parent })
}

fn tier_by_hand(
    arguments: &Arguments,
    former: Option<&NodeConfig>,
    hierarchy: &Hierarchy,
    dialogue: &mut dyn Dialogue,
) -> Result<TierName, Failure> {
    let names: Vec<&str> = hierarchy.tiers().iter().map(|tier| tier.name.as_str()).collect();
    let english = format!("Which tier? {}", names.join(", "));
    let question = Question {
        vietnamese: "Đơn vị thuộc cấp nào? commune = xã, district = huyện, province = tỉnh, central = trung ương",
        english: &english,
        option: "--tier",
        proposal: former.map(|former| former.tier.as_str()),
    };
    insist(dialogue, &question, arguments.tier.as_deref(), &mut |answer| {
        let found = hierarchy.tier(answer).map(|tier| tier.name.clone());
        let sentence = format!("{} has the tiers {}, not `{answer}`", hierarchy.name(), names.join(", "));
        found.ok_or_else(|| Failure::told("setup_place", sentence))
    })
}

fn unit_id(answer: &str) -> Result<UnitId, Failure> {
    answer.parse().map_err(|_| {
        let sentence = format!(
            "`{answer}` is no unit id such as 00004@2025-07-01; a list of units (--directory) allows names"
        );
        Failure::told("setup_unit_unknown", sentence)
    })
}
