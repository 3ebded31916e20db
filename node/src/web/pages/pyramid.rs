//! The age pyramid, drawn and as a table: the same figures twice, for eyes and for readers.

use crate::web::{language::Language, layout::scrolling};
use danso_core::rollup::Row;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Height of one age group in the drawing.
const STEP: usize = 20;
/// Longest bar, and half of the gap with the ages between the sides.
const SIDE: f64 = 250.0;
const GAP: f64 = 34.0;
/// Width of the drawing.
const WIDTH: f64 = 2.0 * (SIDE + GAP);

/// One age group, with its persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub ages: String,
    pub male: i64,
    pub female: i64,
}

/// Age groups of five years from birth to the oldest person, the youngest first, out of rows by sex and age group.
pub(super) fn groups(rows: &[Row]) -> Vec<Group> {
    let mut found: BTreeMap<u32, Group> = BTreeMap::new();
    for row in rows {
        let [sex, ages] = row.keys.as_slice() else { continue };
        let first: String = ages.chars().take_while(char::is_ascii_digit).collect();
        let Ok(first) = first.parse() else { continue };
        let group = found.entry(first).or_insert_with(|| Group { ages: ages.clone(), male: 0, female: 0 });
        match sex.as_str() {
            "male" => group.male += row.count,
            "female" => group.female += row.count,
            _ => {}
        }
    }
    // A pyramid with groups left out would be another one.
    let oldest = found.keys().last().copied().unwrap_or(0);
    for first in (0..oldest).step_by(5) {
        let ages = format!("{first}-{}", first + 4);
        found.entry(first).or_insert(Group { ages, male: 0, female: 0 });
    }
    found.into_values().collect()
}

/// The drawing. Its figures are in [`table`], which readers get instead.
pub(super) fn drawing(language: Language, groups: &[Group]) -> Markup {
    let most = groups.iter().flat_map(|group| [group.male, group.female]).max().unwrap_or(0).max(1);
    let length = |count: i64| (count.max(0) as f64 / most as f64) * SIDE;
    let (middle, height) = (WIDTH / 2.0, groups.len() * STEP + 26);
    html! {
        svg.pyramid viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="pyramid-title" {
            title #pyramid-title { (language.pick(
                "Tháp dân số: nam bên trái, nữ bên phải; số liệu ở bảng bên cạnh",
                "Population pyramid: men left, women right; figures in the table beside",
            )) }
            text.side x=(middle - GAP) y="14" text-anchor="end" { (language.pick("Nam", "Men")) }
            text.side x=(middle + GAP) y="14" { (language.pick("Nữ", "Women")) }
            @for (at, group) in groups.iter().rev().enumerate() {
                @let y = at * STEP + 22;
                @let (male, female) = (length(group.male), length(group.female));
                rect.male x=(format!("{:.1}", middle - GAP - male)) y=(y) width=(format!("{male:.1}"))
                    height=(STEP - 3) {}
                rect.female x=(format!("{:.1}", middle + GAP)) y=(y) width=(format!("{female:.1}"))
                    height=(STEP - 3) {}
                text.ages x=(middle) y=(y + STEP - 7) text-anchor="middle" { (group.ages) }
            }
        }
    }
}

/// The table: the oldest first, as the drawing has them.
pub(super) fn table(language: Language, groups: &[Group]) -> Markup {
    let label = language.pick("Dân số theo tuổi và giới tính", "Population by age and sex");
    scrolling(
        label,
        &html! {
            table.figures {
                caption { (label) }
                thead { tr {
                    th scope="col" { (language.pick("Tuổi", "Age")) }
                    th.number scope="col" { (language.pick("Nam", "Men")) }
                    th.number scope="col" { (language.pick("Nữ", "Women")) }
                    th.number scope="col" { (language.pick("Tổng", "Total")) }
                } }
                tbody {
                    @for group in groups.iter().rev() {
                        tr {
                            th scope="row" { (group.ages) }
                            td.number { (language.number(group.male)) }
                            td.number { (language.number(group.female)) }
                            td.number { (language.number(group.male + group.female)) }
                        }
                    }
                }
            }
        },
    )
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn groups_go_by_age_without_gaps_and_hold_both_sexes() {
        let row = |sex: &str, ages: &str, count| Row { keys: vec![sex.to_owned(), ages.to_owned()], count };
        let rows = [
            row("male", "20+", 1),
            row("female", "10-14", 2),
            row("male", "5-9", 3),
            row("male", "10-14", 4),
        ];
        let found: Vec<_> =
            groups(&rows).into_iter().map(|group| (group.ages, group.male, group.female)).collect();
        let expected = [("0-4", 0, 0), ("5-9", 3, 0), ("10-14", 4, 2), ("15-19", 0, 0), ("20+", 1, 0)];
        assert_eq!(found, expected.map(|(ages, male, female)| (ages.to_owned(), male, female)));
        assert_eq!(groups(&[]), []);
    }

    #[test]
    fn no_bar_is_longer_than_its_side() {
        let groups = [Group { ages: "0-4".into(), male: 7, female: -1 }];
        let drawn = drawing(Language::English, &groups).into_string();
        assert!(drawn.contains("width=\"250.0\"") && drawn.contains("width=\"0.0\""), "{drawn}");
    }
}
