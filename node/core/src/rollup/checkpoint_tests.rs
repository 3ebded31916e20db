//! Counting with checkpoints against counting without, whatever came in whatever order.

use super::{checkpoints::Checkpoint, column::merge, *};
use crate::domain::{HouseholdKind, Method, Residence, Sex};
use danso_tier_config::{Month, UnitId};
use proptest::prelude::*;

/// The first month that anything happens in.
const FIRST: u16 = 24_300;

fn unit(code: u8) -> UnitId {
    format!("{code:05}@2025-07-01").parse().unwrap()
}

fn month(index: u16) -> Month {
    Month::from_index(index).unwrap()
}

fn cell(cuboid: u8, number: u16) -> Cell {
    let birth = month(FIRST - 250 + 37 * (number % 7));
    let sex = Sex::ALL[usize::from(number % 2)];
    match cuboid {
        0..5 => Cell::Population { sex, birth, residence: Residence::ALL[usize::from(number % 3)] },
        5 => Cell::Households { kind: HouseholdKind::Family, size: number % 4 + 1 },
        6 => Cell::MarriedWomen { birth, method: Some(Method::ALL[usize::from(number % 3)]) },
        _ => Cell::Marriages { sex, birth },
    }
}

/// One step: deltas applied together, or tallies set one by one.
#[derive(Debug, Clone)]
struct Step {
    unit: u8,
    set: bool,
    deltas: Vec<Delta>,
}

fn step() -> impl Strategy<Value = Step> {
    let delta = (0u16..40, 0u8..9, 0u16..42, -3i64..6).prop_map(|(after, cuboid, number, amount)| Delta {
        month: month(FIRST + after),
        cell: cell(cuboid, number),
        amount,
    });
    let deltas = prop::collection::vec(delta, 0..30);
    (1u8..3, prop::bool::weighted(0.2), deltas).prop_map(|(unit, set, deltas)| Step { unit, set, deltas })
}

fn take(tallies: &mut Tallies, step: &Step) {
    if step.set {
        for delta in &step.deltas {
            tallies.load(unit(step.unit), delta.month, delta.cell, delta.amount);
        }
    } else {
        tallies.apply(unit(step.unit), &step.deltas);
    }
}

fn questions(from: u16, months: u16, pick: usize) -> Vec<Question> {
    use Dimension as D;
    let group = |code| UnitGroup { key: code_of(code), units: vec![unit(code)] };
    let columns: [&[Dimension]; 6] = [
        &[],
        &[D::Unit],
        &[D::Month],
        &[D::AgeGroup],
        &[D::Month, D::Age],
        &[D::Unit, D::Month, D::AgeGroup],
    ];
    let ages = (Dimension::Age, vec![Accept::ages(1, 20)]);
    [Measure::Population, Measure::Households, Measure::MarriedWomen, Measure::Marriages]
        .into_iter()
        .map(|measure| {
            let of_persons = measure.has(D::Age);
            let group_by =
                columns[pick % columns.len()].iter().copied().filter(|column| measure.has(*column));
            Question {
                measure,
                groups: vec![group(1), group(2)],
                from: month(FIRST - 3 + from),
                to: month(FIRST - 3 + from + months),
                filters: if of_persons && pick.is_multiple_of(2) { vec![ages.clone()] } else { vec![] },
                group_by: group_by.collect(),
            }
        })
        .collect()
}

fn code_of(code: u8) -> String {
    unit(code).to_string()
}

fn stocks() -> impl Iterator<Item = Cuboid> {
    Cuboid::ALL.into_iter().filter(|cuboid| cuboid.is_stock())
}

/// Each checkpoint is the sum of all tallies up to its month, and no question reads much more than one.
fn check(tallies: &Tallies) {
    for (unit, cuboid) in tallies.units().flat_map(|unit| stocks().map(move |cuboid| (unit, cuboid))) {
        let mut column = tallies.column(unit, cuboid).unwrap().clone();
        let all = column.entries().to_vec();
        let checkpoints: Vec<Checkpoint> = column.checkpoints_mut().all().to_vec();
        for Checkpoint { month, cells } in &checkpoints {
            let before = all.iter().filter(|(key, _)| key.month_index() <= *month);
            let mut sums: Vec<_> = before.map(|(key, value)| (key.in_month(*month), *value)).collect();
            merge(&mut sums);
            assert_eq!(*cells, sums, "{unit} {cuboid:?} at {month}");
        }
        assert!(checkpoints.is_sorted_by(|one, next| one.month < next.month));
    }
}

/// 40 people whose cells change every month for years.
fn long_history(tallies: &mut Tallies, months: u16) {
    for number in 0..40 {
        tallies.apply(unit(1), &[Delta { month: month(FIRST), cell: cell(0, number), amount: 1_000 }]);
    }
    for after in 1..months {
        let deltas: Vec<Delta> = (0..10)
            .map(|number| Delta {
                month: month(FIRST + after),
                cell: cell(0, after * 11 + number * 3),
                amount: 1,
            })
            .collect();
        tallies.apply(unit(1), &deltas);
    }
}

fn most_read(tallies: &Tallies, months: u16) -> usize {
    let column = tallies.column(unit(1), Cuboid::Population).unwrap();
    let read = |month: u16| column.stock(month, month).iter().map(|part| part.len()).sum();
    (FIRST..FIRST + months).map(read).max().unwrap()
}

#[test]
fn what_a_question_reads_does_not_grow_with_history() {
    let (mut short, mut long) = (Tallies::default(), Tallies::default());
    long_history(&mut short, 60);
    long_history(&mut long, 600);
    assert!(long.len() > 9 * short.len());
    let (short, long) = (most_read(&short, 60), most_read(&long, 600));
    assert!(long <= short, "{long} entries instead of {short}");
    assert!(long <= 3 * 42 + 10, "{long} entries");
}

#[test]
fn what_came_backwards_is_read_as_fast() {
    let mut forth = Tallies::default();
    long_history(&mut forth, 600);
    let mut back = Tallies::default();
    let mut tallies: Vec<Tally> = forth.iter().collect();
    tallies.sort_by_key(|tally| std::cmp::Reverse(tally.month));
    for Tally { unit, month, cell, value } in tallies {
        back.apply(unit, &[Delta { month, cell, amount: value }]);
    }
    assert_eq!(back, forth);
    check(&back);
    let most = most_read(&back, 600);
    assert!(most <= 5 * 42 + 10, "{most} entries");
}

#[test]
fn checkpoints_have_no_more_cells_than_there_are_tallies() {
    let mut tallies = Tallies::default();
    long_history(&mut tallies, 600);
    let mut column = tallies.column(unit(1), Cuboid::Population).unwrap().clone();
    let cells: usize = column.checkpoints_mut().all().iter().map(|checkpoint| checkpoint.cells.len()).sum();
    assert!(cells > 0 && cells <= tallies.len(), "{cells} cells beside {} tallies", tallies.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn counts_are_those_without_checkpoints(
        steps in prop::collection::vec(step(), 1..25),
        asked in prop::collection::vec((0u16..45, 0u16..14, 0usize..24), 1..6),
    ) {
        let mut tallies = Tallies::default();
        for step in &steps {
            take(&mut tallies, step);
        }
        check(&tallies);
        let mut stored = Tallies::default();
        for Tally { unit, month, cell, value } in tallies.iter() {
            stored.load(unit, month, cell, value);
        }
        check(&stored);
        let mut plain = tallies.clone();
        plain.forget_checkpoints();
        prop_assert_eq!(&stored, &plain);
        prop_assert_eq!(stored.digest(), tallies.digest());
        prop_assert_eq!(difference(&stored, &tallies), vec![]);
        for (from, months, pick) in asked {
            for question in questions(from, months, pick) {
                let expected = count(&plain, &question);
                prop_assert_eq!(count(&tallies, &question), expected.clone());
                prop_assert_eq!(count(&stored, &question), expected);
            }
        }
    }
}
