//! What was made of a province, counted from the registers as they were written, without any tally.

use danso_core::domain::{Book, Sex, form::RegisterRow};
use std::collections::BTreeSet;

/// Persons and households at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stand {
    /// Boys and men.
    pub men: i64,
    /// Girls and women.
    pub women: i64,
    /// Households with members.
    pub households: i64,
}

/// What the communes of a province were made to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// Changes of the registers.
    pub changes: u64,
    /// Batches of the registers.
    pub batches: u64,
    /// Changes of the month.
    pub events: u64,
    /// When the registers were written.
    pub before: Stand,
    /// After the month.
    pub after: Stand,
    /// Births of the month.
    pub births: i64,
    /// Deaths of the month.
    pub deaths: i64,
}

impl Stand {
    /// Of a register as simulated.
    pub(super) fn of_rows(rows: &[RegisterRow]) -> Self {
        let of = |sex| rows.iter().filter(|row| row.person.sex == sex).count() as i64;
        let homes: BTreeSet<&str> = rows.iter().map(|row| row.person.household.as_str()).collect();
        Self { men: of(Sex::Male), women: of(Sex::Female), households: homes.len() as i64 }
    }

    /// Of a register as it was written on.
    pub(super) fn of_book(book: &Book) -> Self {
        let of = |sex| book.persons.values().filter(|person| person.sex == sex).count() as i64;
        let households = book.households.values().filter(|household| household.size > 0).count() as i64;
        Self { men: of(Sex::Male), women: of(Sex::Female), households }
    }

    /// All persons.
    pub fn persons(&self) -> i64 {
        self.men + self.women
    }

    /// What stood before the month.
    pub fn before(made: &Made) -> Self {
        made.before
    }

    /// What stood after it.
    pub fn after(made: &Made) -> Self {
        made.after
    }

    fn add(&mut self, other: Self) {
        self.men += other.men;
        self.women += other.women;
        self.households += other.households;
    }
}

impl Made {
    /// Takes another one in.
    pub fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.batches += other.batches;
        self.events += other.events;
        self.before.add(other.before);
        self.after.add(other.after);
        self.births += other.births;
        self.deaths += other.deaths;
    }

    /// All of these together.
    pub fn sum(all: &[Self]) -> Self {
        all.iter().fold(Self::default(), |mut sum, made| {
            sum.add(made);
            sum
        })
    }

    fn numbers(&mut self) -> [&mut i64; 8] {
        let (before, after) = (&mut self.before, &mut self.after);
        [
            &mut before.men,
            &mut before.women,
            &mut before.households,
            &mut after.men,
            &mut after.women,
            &mut after.households,
            &mut self.births,
            &mut self.deaths,
        ]
    }

    /// As a line of numbers.
    pub(super) fn text(mut self) -> String {
        let counts = [self.changes, self.batches, self.events].map(|count| count.to_string());
        let stands = self.numbers().map(|count| count.to_string());
        [counts.as_slice(), stands.as_slice()].concat().join(" ")
    }

    /// Of such a line.
    pub(super) fn read(text: &str) -> Self {
        let mut numbers = text.split(' ').map(|number| number.trim().parse::<i64>().unwrap());
        let mut next = || numbers.next().expect("as many numbers as were written");
        let mut made =
            Self { changes: next() as u64, batches: next() as u64, events: next() as u64, ..Self::default() };
        for number in made.numbers() {
            *number = next();
        }
        made
    }
}
