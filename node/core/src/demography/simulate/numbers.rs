//! Insurance, citizen and telephone numbers that are unique in the commune and look like real ones.

use super::dice::Dice;
use crate::domain::Sex;
use danso_tier_config::Date;

/// Ten digits of the insurance number.
const SUBJECT_RANGE: u64 = 10_000_000_000;
/// Persons of one commune that get an insurance number apart from every other commune's.
const SUBJECTS_PER_UNIT: u64 = 100_000;
/// Odd and no multiple of 5, so that multiplying by it permutes the numbers of any count of digits.
const STRIDE: u64 = 7_390_853_717;
/// Six last digits of a citizen number.
const CITIZEN_RANGE: u64 = 1_000_000;
/// Slots of communes within a province and year of birth; commune codes of a province lie close together.
const CITIZEN_SLOTS: u64 = 600;

/// Gives out numbers. Communes with other codes get other numbers (up to 100,000 persons each).
pub(super) struct Numbers {
    unit: u64,
    province: u8,
    given: u64,
    by_year: Vec<u16>,
}

impl Numbers {
    /// Numbers of a commune; a code without digits counts by its bytes.
    pub fn new(unit_code: &str, province: u8) -> Self {
        let unit = unit_code.parse().unwrap_or_else(|_| {
            unit_code.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(131) + u64::from(byte))
        });
        Self { unit, province, given: 0, by_year: vec![0; 1_000] }
    }

    /// The next insurance number, ten digits.
    pub fn subject(&mut self) -> u64 {
        let serial = (self.unit % SUBJECTS_PER_UNIT) * SUBJECTS_PER_UNIT + self.given;
        self.given += 1;
        ((u128::from(serial) * u128::from(STRIDE)) % u128::from(SUBJECT_RANGE)) as u64
    }

    /// The next citizen number of this sex and year of birth, twelve digits: 0, province, century and
    /// sex, two digits of the year, six digits. Decree 137/2015/NĐ-CP, Article 13.
    pub fn citizen(&mut self, sex: Sex, birth: Date, dice: &mut Dice) -> u64 {
        let (year, ..) = birth.parts();
        let century = (u64::from(year.unsigned_abs()) / 100).saturating_sub(19).min(4);
        let century_and_sex = century * 2 + u64::from(sex == Sex::Female);
        let year = u64::from(year.unsigned_abs()) % 100;
        let cell = century_and_sex * 100 + year;
        let given = &mut self.by_year[cell as usize];
        let slot = (self.unit / 3) % CITIZEN_SLOTS * (CITIZEN_RANGE / CITIZEN_SLOTS);
        // The shift by cell keeps first-born of different years from sharing their last digits.
        let serial = ((slot + u64::from(*given)) * STRIDE + cell * 611_953) % CITIZEN_RANGE;
        *given += 1;
        let birthplace = if dice.chance(0.1) { 1 + dice.below(96) as u64 } else { u64::from(self.province) };
        ((birthplace * 10 + century_and_sex) * 100 + year) * CITIZEN_RANGE + serial
    }
}

/// An insurance number as written, empty where there is none.
pub(super) fn subject_text(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| format!("{number:010}"))
}

/// A citizen number as written, empty where there is none.
pub(super) fn citizen_text(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| format!("{number:012}"))
}

/// A mobile number as written.
pub(super) fn phone(dice: &mut Dice) -> String {
    let prefix = dice.one_of(&["090", "091", "096", "097", "098", "032", "035", "038", "070", "088"]);
    format!("{prefix}{:07}", dice.below(10_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_never_repeat_within_or_between_communes() {
        let mut dice = Dice::new(1, "");
        let birth: Date = "1987-05-03".parse().unwrap();
        let (mut subjects, mut citizens) = (HashSet::new(), HashSet::new());
        for code in ["31117", "31120"] {
            let mut numbers = Numbers::new(code, 92);
            for _ in 0..1_500 {
                assert!(subjects.insert(numbers.subject()));
                assert!(citizens.insert(numbers.citizen(Sex::Female, birth, &mut dice)));
            }
        }
    }

    #[test]
    fn a_citizen_number_tells_century_sex_and_year() {
        let mut dice = Dice::new(1, "");
        let mut numbers = Numbers::new("31117", 92);
        let mut text =
            |sex, birth: &str| citizen_text(Some(numbers.citizen(sex, birth.parse().unwrap(), &mut dice)));
        for (sex, birth, expected) in [
            (Sex::Female, "1987-05-03", "187"),
            (Sex::Male, "1987-05-03", "087"),
            (Sex::Female, "2012-01-31", "312"),
            (Sex::Male, "2000-12-31", "200"),
        ] {
            let number = text(sex, birth);
            assert_eq!((number.len(), &number[..1], &number[3..6]), (12, "0", expected));
        }
    }
}
