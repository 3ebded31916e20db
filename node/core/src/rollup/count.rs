//! Answers a question from the tallies, in rows.
//!
//! Ages are completed years by months alone: the months since the birth month divided by twelve, so that
//! whoever was born in the same month of an earlier year has completed that year. For stocks this is the
//! age on the last day of the month (a day early for those born on 29 February); for flows it may be a year more than on the day itself.

use super::{
    accept::Accept,
    column::{Column, Entry},
    dimension::{Dimension, Measure, Source},
    packed::Fields,
    question::{CountError, Question, Row},
    sums::Sums,
    tallies::Tallies,
};
use danso_tier_config::{Month, UnitId, limits};
use std::collections::BTreeSet;

/// The share of a value that a filter does not accept: more than all places there can be.
const REFUSED: u64 = 1 << 48;

/// Answers a question: rows in the order of the groups, the months and the dimensions' own order.
///
/// Grouped by nothing finer than unit and month every row appears, with 0 where nothing is counted;
/// otherwise rows of 0 are left out.
pub fn count(tallies: &Tallies, question: &Question) -> Result<Vec<Row>, CountError> {
    let plan = Plan::of(question)?;
    let by_unit = question.group_by.contains(&Dimension::Unit);
    let groups: Vec<BTreeSet<UnitId>> = if by_unit {
        question.groups.iter().map(|group| group.units.iter().copied().collect()).collect()
    } else {
        vec![question.groups.iter().flat_map(|group| group.units.iter().copied()).collect()]
    };
    let mut rows: Vec<(Vec<u32>, i64)> = Vec::new();
    for (position, units) in groups.iter().enumerate() {
        let cuboid = question.measure.cuboid();
        let columns = units.iter().filter_map(|unit| tallies.column(*unit, cuboid));
        let parts: Vec<[&[Entry]; 2]> = columns.map(|column| plan.parts(column)).collect();
        let read = parts.iter().flatten().map(|part| part.len()).sum();
        let mut sums = Sums::new(plan.places * u64::from(plan.months), read);
        for part in parts.into_iter().flatten() {
            plan.collect(part, &mut sums);
        }
        sums.each_line(plan.months as usize, |place, line| {
            plan.rows(&question.group_by, position as u32, place, line, &mut rows)
        })?;
    }
    rows.sort_unstable();
    let spell = |(codes, count): (Vec<u32>, i64)| {
        let spelled = question.group_by.iter().zip(codes).map(|(dimension, code)| match dimension {
            Dimension::Unit => question.groups[code as usize].key.clone(),
            Dimension::Month => plan.first.plus(code as i32).to_string(),
            _ => dimension.spell(code),
        });
        Row { keys: spelled.collect(), count }
    };
    Ok(rows.into_iter().map(spell).collect())
}

/// A checked question, ready to run over columns of tallies.
///
/// A *place* is one combination of the cell dimensions asked for, a *slot* a place in one month of the
/// answer. Stocks are written as changes from month to month and summed up at the end.
struct Plan {
    stock: bool,
    /// Whether all cells have the same place.
    whole: bool,
    /// Whether a cell's place can change with its persons' age.
    aging: bool,
    /// The first month of the answer; of a stock without months the last asked for.
    first: Month,
    last: Month,
    /// Months in the answer: 1 unless it is grouped by month.
    months: u32,
    places: u64,
    shares: Shares,
    /// The cell dimensions of the answer and how far apart in places their codes lie.
    columns: Vec<(Dimension, u64)>,
}

impl Plan {
    fn of(question: &Question) -> Result<Self, CountError> {
        let Question { measure, from, to, .. } = *question;
        question.check()?;
        let by_month = question.group_by.contains(&Dimension::Month);
        let mut filters = question.filters.clone();
        let is_age = |dimension: &Dimension| matches!(dimension, Dimension::Age | Dimension::AgeGroup);
        if measure == Measure::MarriedWomen && !filters.iter().any(|(dimension, _)| is_age(dimension)) {
            filters.push((Dimension::Age, vec![Accept::ages(15, 49)]));
        }
        let mut places = 1;
        let mut columns = Vec::new();
        for dimension in question.group_by.iter().rev() {
            if !matches!(dimension, Dimension::Unit | Dimension::Month) {
                columns.push((*dimension, places));
                places *= u64::from(dimension.codes());
            }
        }
        let aging = filters.iter().map(|(dimension, _)| dimension).chain(&question.group_by).any(is_age);
        let first = if measure.is_stock() && !by_month { to } else { from };
        Ok(Self {
            stock: measure.is_stock(),
            whole: filters.is_empty() && columns.is_empty(),
            aging,
            first,
            last: to,
            months: if by_month { to.since(from) as u32 + 1 } else { 1 },
            places,
            shares: Shares::of(&filters, &columns),
            columns,
        })
    }

    /// What must be read of one unit's tallies.
    fn parts<'a>(&self, column: &'a Column) -> [&'a [Entry]; 2] {
        let (first, last) = (self.first.index(), self.last.index());
        if self.stock { column.stock(first, last) } else { [column.of_months(first, last), &[]] }
    }

    /// Adds tallies, or the cells of a checkpoint, to the sums.
    fn collect(&self, entries: &[Entry], sums: &mut Sums) {
        let first = self.first.index();
        if let (true, Sums::Dense(sums)) = (self.stock && self.first == self.last, &mut *sums) {
            return self.collect_state(entries, sums);
        }
        for (key, value) in entries {
            let fields = Fields::of(key.packed());
            let month = key.month_index();
            if self.stock {
                self.collect_stock(fields, month.max(first), *value, sums);
            } else if let Some(place) = self.place(fields, age(fields, month)) {
                let offset = if self.months > 1 { month - first } else { 0 };
                sums.add(self.slot(place, offset), *value);
            }
        }
    }

    /// Adds a stock in one month, in which nobody's age changes.
    fn collect_state(&self, entries: &[Entry], sums: &mut [i64]) {
        if self.whole {
            sums[0] = entries.iter().fold(sums[0], |sum, (_, value)| sum.wrapping_add(*value));
            return;
        }
        let month = self.last.index();
        for (key, value) in entries {
            let fields = Fields::of(key.packed());
            if let Some(place) = self.place(fields, age(fields, month)) {
                let sum = &mut sums[place as usize];
                *sum = sum.wrapping_add(*value);
            }
        }
    }

    /// Adds a stock from `month` on, and moves it to another place at each birthday that changes its own.
    fn collect_stock(&self, fields: Fields, month: u16, value: i64, sums: &mut Sums) {
        let (first, last) = (self.first.index(), self.last.index());
        let mut place = self.place(fields, age(fields, month));
        if let Some(place) = place {
            sums.add(self.slot(place, month - first), value);
        }
        if !self.aging {
            return;
        }
        let birthday = month + 12 - month.saturating_sub(fields.birth) % 12;
        for month in (birthday..=last).step_by(12) {
            let next = self.place(fields, age(fields, month));
            if next != place {
                if let Some(place) = place {
                    sums.add(self.slot(place, month - first), value.wrapping_neg());
                }
                if let Some(next) = next {
                    sums.add(self.slot(next, month - first), value);
                }
                place = next;
            }
        }
    }

    /// The place of a cell at an age; `None` where a filter does not accept it.
    #[inline]
    fn place(&self, fields: Fields, age: u32) -> Option<u64> {
        let shares = &self.shares;
        let place = shares.age[(age as usize).min(shares.age.len() - 1)]
            + shares.sex[usize::from(fields.sex)]
            + shares.listed[usize::from(fields.listed)]
            + shares.number[usize::from(fields.number)];
        (place < REFUSED).then_some(place)
    }

    fn slot(&self, place: u64, offset: u16) -> u64 {
        place * u64::from(self.months) + u64::from(offset)
    }

    /// Appends the rows of one group and place, one per month of the answer.
    fn rows(
        &self,
        group_by: &[Dimension],
        group: u32,
        place: u64,
        line: &[i64],
        rows: &mut Vec<(Vec<u32>, i64)>,
    ) -> Result<(), CountError> {
        let mut sum = 0_i64;
        for (offset, value) in line.iter().enumerate() {
            sum = if self.stock { sum.wrapping_add(*value) } else { *value };
            if sum == 0 && self.places > 1 {
                continue;
            }
            if rows.len() == limits::COUNT_ROWS_MAX {
                return Err(CountError::TooManyRows);
            }
            let code = |dimension: &Dimension| match dimension {
                Dimension::Unit => group,
                Dimension::Month => offset as u32,
                _ => self.code_at(*dimension, place),
            };
            rows.push((group_by.iter().map(code).collect(), sum));
        }
        Ok(())
    }

    fn code_at(&self, dimension: Dimension, place: u64) -> u32 {
        let step = self.columns.iter().find(|(column, _)| *column == dimension).map_or(1, |(_, step)| *step);
        (place / step % u64::from(dimension.codes())) as u32
    }
}

/// What each value of a cell's fields, and its persons' age, adds to its place; [`REFUSED`] where a filter
/// does not accept it. Looked up for every tally, so that dimensions are sorted out once per question.
struct Shares {
    age: Vec<u64>,
    sex: Vec<u64>,
    listed: Vec<u64>,
    number: Vec<u64>,
}

impl Shares {
    fn of(filters: &[(Dimension, Vec<Accept>)], columns: &[(Dimension, u64)]) -> Self {
        let table = |source: Source, length: u32| -> Vec<u64> {
            let mut asked = filters
                .iter()
                .map(|(dimension, _)| dimension)
                .chain(columns.iter().map(|(column, _)| column));
            if !asked.any(|dimension| dimension.source() == Some(source)) {
                return vec![0; length as usize];
            }
            let share = |value: u32| {
                let of_source = |dimension: &Dimension| dimension.source() == Some(source);
                let accepted = filters.iter().filter(|(dimension, _)| of_source(dimension)).all(
                    |(dimension, accepts)| accepts.iter().any(|accept| accept.has(dimension.code_of(value))),
                );
                let shares = columns
                    .iter()
                    .filter(|(dimension, _)| of_source(dimension))
                    .map(|(dimension, step)| u64::from(dimension.code_of(value)) * step);
                if accepted { shares.sum() } else { REFUSED }
            };
            (0..length).map(share).collect()
        };
        // A higher age has the last code of its dimension, like the table's last entry; numbers are capped in
        // their cells.
        let numbers = [Dimension::HouseholdSize, Dimension::BirthOrder, Dimension::InfantDays];
        let number_codes = numbers.iter().map(|dimension| dimension.codes()).max().unwrap_or(1);
        Self {
            age: table(Source::Age, Dimension::Age.codes()),
            sex: table(Source::Sex, 256),
            listed: table(Source::Listed, 256),
            number: table(Source::Number, number_codes),
        }
    }
}

/// Completed years at a month, by months alone; 0 before birth, which no rule lets through.
#[inline]
fn age(fields: Fields, month: u16) -> u32 {
    u32::from(month.saturating_sub(fields.birth)) / 12
}
