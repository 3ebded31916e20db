//! What can be counted and by what, with the words and spellings of questions and answers.

use super::Cuboid;
use crate::domain::{HouseholdKind, Method, Reach, Residence, Sex};
use danso_tier_config::limits;

/// Declares a list of words with the codes that `statistics.proto` gives them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $word:literal, $meaning:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $meaning] $variant,)+ }

        impl $name {
            /// All entries in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number that `statistics.proto` gives it.
            pub fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The entry of a code of `statistics.proto`; `None` for any other, 0 among them.
            pub fn from_code(code: i32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The stable English word, used in questions and as a column's name.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The entry of a stable English word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What is counted.
    Measure {
        Population = 1, "population", "Usually resident persons at a month's end.";
        Households = 2, "households", "Households that have members, at a month's end.";
        MarriedWomen = 3, "married_women", "Married women at a month's end; aged 15-49 unless a filter on age says otherwise.";
        Births = 4, "births", "Live births within months.";
        Deaths = 5, "deaths", "Deaths within months.";
        Marriages = 6, "marriages", "Residents who married within months.";
        Divorces = 7, "divorces", "Residents who divorced within months.";
        Arrivals = 8, "arrivals", "Persons who moved in within months.";
        Departures = 9, "departures", "Persons who moved out within months.";
        ContraceptionStarts = 10, "contraception_starts", "Methods begun within months.";
        ContraceptionStops = 11, "contraception_stops", "Methods stopped within months.";
    }
}

words! {
    /// By what is counted.
    Dimension {
        Unit = 1, "unit", "The unit asked for, spelled with its key in the question.";
        Month = 2, "month", "The month, `2026-03`.";
        Sex = 3, "sex", "`male`, `female`; of the child, for births.";
        AgeGroup = 4, "age_group", "Five-year age groups `0-4` to `80+`; the mother's, for births.";
        Age = 5, "age", "Completed years `0` to `129`, `130+`; the mother's, for births.";
        Residence = 6, "residence", "`present`, `absent`, `staying`.";
        HouseholdSize = 7, "household_size", "Members, `1` to `254`, `255+`.";
        Method = 8, "method", "Contraceptive method, `none` where none is in use.";
        BirthOrder = 9, "birth_order", "Nth live child of the mother, `1` to `19`, `20+`.";
        Reach = 10, "reach", "How far a move went: `same_district` to `abroad`.";
        InfantDays = 11, "infant_days", "Completed days of a dead infant's life, `none` for all others.";
        HouseholdKind = 12, "household_kind", "`family`, `collective`.";
    }
}

impl Measure {
    /// The cuboid that answers it.
    pub fn cuboid(self) -> Cuboid {
        Cuboid::ALL[self as usize]
    }

    /// Whether it is a state at a month's end; else events within months.
    pub fn is_stock(self) -> bool {
        self.cuboid().is_stock()
    }

    /// Whether it can be counted by a dimension.
    pub fn has(self, dimension: Dimension) -> bool {
        use Dimension as D;
        match dimension {
            D::Unit | D::Month => true,
            D::Age | D::AgeGroup => self != Self::Households,
            D::Sex => !matches!(
                self,
                Self::Households | Self::MarriedWomen | Self::ContraceptionStarts | Self::ContraceptionStops
            ),
            D::Residence => self == Self::Population,
            D::HouseholdSize | D::HouseholdKind => self == Self::Households,
            D::Method => {
                matches!(self, Self::MarriedWomen | Self::ContraceptionStarts | Self::ContraceptionStops)
            }
            D::BirthOrder => self == Self::Births,
            D::Reach => matches!(self, Self::Arrivals | Self::Departures),
            D::InfantDays => self == Self::Deaths,
        }
    }
}

/// Years of an age group.
const GROUP_YEARS: u32 = 5;
/// First age of the last, open age group.
const GROUP_LAST: u32 = 80;
/// The last age with a row of its own; it stands for that age and above.
pub(super) const AGE_LAST: u32 = limits::AGE_YEARS_MAX as u32;

/// The part of a cell that a dimension's value follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The age that follows from the field `birth` and a month.
    Age,
    /// The field `sex`.
    Sex,
    /// The field `listed`.
    Listed,
    /// The field `number`.
    Number,
}

impl Dimension {
    /// What its value in a cell follows from; `None` for units and months, which are no part of a cell.
    pub(super) fn source(self) -> Option<Source> {
        match self {
            Self::Unit | Self::Month => None,
            Self::Age | Self::AgeGroup => Some(Source::Age),
            Self::Sex => Some(Source::Sex),
            Self::Residence | Self::Method | Self::Reach | Self::HouseholdKind => Some(Source::Listed),
            Self::HouseholdSize | Self::BirthOrder | Self::InfantDays => Some(Source::Number),
        }
    }

    /// The code of a value of its source, below [`Dimension::codes`]; the last stands for all above.
    pub(super) fn code_of(self, value: u32) -> u32 {
        let code = if self == Self::AgeGroup { value / GROUP_YEARS } else { value };
        code.min(self.codes() - 1)
    }

    /// How many codes its values have, from 0; some lists leave 0 unused.
    pub(super) fn codes(self) -> u32 {
        match self {
            Self::Unit | Self::Month => 1,
            Self::Sex => Sex::ALL.len() as u32 + 1,
            Self::AgeGroup => GROUP_LAST / GROUP_YEARS + 1,
            Self::Age => AGE_LAST + 1,
            Self::Residence => Residence::ALL.len() as u32 + 1,
            Self::HouseholdSize => u32::from(limits::HOUSEHOLD_SIZE_CELL_MAX) + 1,
            Self::Method => Method::ALL.len() as u32 + 1,
            Self::BirthOrder => u32::from(limits::BIRTH_ORDER_CELL_MAX) + 1,
            Self::Reach => Reach::ALL.len() as u32 + 1,
            Self::InfantDays => u32::from(limits::INFANT_DAYS_CELL_MAX) + 2,
            Self::HouseholdKind => HouseholdKind::ALL.len() as u32 + 1,
        }
    }

    /// The spelling of a code in an answer's row.
    pub(super) fn spell(self, code: u32) -> String {
        let last = code + 1 == self.codes();
        let listed = code as u8;
        let word = match self {
            Self::Unit | Self::Month => None,
            Self::AgeGroup if last => return format!("{GROUP_LAST}+"),
            Self::AgeGroup => {
                return format!("{}-{}", code * GROUP_YEARS, (code + 1) * GROUP_YEARS - 1);
            }
            Self::Age | Self::HouseholdSize | Self::BirthOrder if last => return format!("{code}+"),
            Self::Age | Self::HouseholdSize | Self::BirthOrder => return code.to_string(),
            Self::InfantDays if code > 0 => return (code - 1).to_string(),
            Self::InfantDays => Some("none"),
            Self::Method if code == 0 => Some("none"),
            Self::Sex => Sex::from_code(listed).map(Sex::word),
            Self::Residence => Residence::from_code(listed).map(Residence::word),
            Self::Method => Method::from_code(listed).map(Method::word),
            Self::Reach => Reach::from_code(listed).map(Reach::word),
            Self::HouseholdKind => HouseholdKind::from_code(listed).map(HouseholdKind::word),
        };
        word.unwrap_or_default().to_owned()
    }

    /// The codes of an accepted value: first and last, both included.
    pub(super) fn codes_of(self, text: &str) -> Option<(u32, u32)> {
        let top = self.codes() - 1;
        let one = |code: Option<u8>| code.map(|code| (u32::from(code), u32::from(code)));
        match self {
            Self::Unit | Self::Month => None,
            Self::Sex => one(Sex::from_word(text).map(Sex::code)),
            Self::Residence => one(Residence::from_word(text).map(Residence::code)),
            Self::Method | Self::InfantDays if text == "none" => Some((0, 0)),
            Self::Method => one(Method::from_word(text).map(Method::code)),
            Self::Reach => one(Reach::from_word(text).map(Reach::code)),
            Self::HouseholdKind => one(HouseholdKind::from_word(text).map(HouseholdKind::code)),
            Self::Age | Self::HouseholdSize | Self::BirthOrder => range(text, top),
            Self::InfantDays => range(text, top - 1).map(|(first, last)| (first + 1, last + 1)),
            Self::AgeGroup => {
                let (first, last) = range(text, AGE_LAST)?;
                let ends = last == AGE_LAST || last % GROUP_YEARS == GROUP_YEARS - 1 && last < GROUP_LAST;
                let starts = first % GROUP_YEARS == 0 && first <= GROUP_LAST;
                (starts && ends).then(|| (first / GROUP_YEARS, (last / GROUP_YEARS).min(top)))
            }
        }
    }
}

/// The numbers of `15`, `15-49` or `80+`, both ends included; none above `top`.
fn range(text: &str, top: u32) -> Option<(u32, u32)> {
    let number = |text: &str| {
        let plain = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten().filter(|number| *number <= top)
    };
    let (first, last) = if let Some(first) = text.strip_suffix('+') {
        (number(first)?, top)
    } else if let Some((first, last)) = text.split_once('-') {
        (number(first)?, number(last)?)
    } else {
        (number(text)?, number(text)?)
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_lead_back() {
        for measure in Measure::ALL {
            assert_eq!(Measure::from_word(measure.word()), Some(*measure));
            assert_eq!(Measure::from_code(measure.code()), Some(*measure));
            assert_eq!(i32::from(measure.cuboid().code()), measure.code());
            assert_eq!(measure.word().replace('_', ""), format!("{:?}", measure.cuboid()).to_lowercase());
        }
        for dimension in Dimension::ALL {
            assert_eq!(Dimension::from_word(dimension.word()), Some(*dimension));
            assert_eq!(Dimension::from_code(dimension.code()), Some(*dimension));
        }
        assert_eq!(Measure::from_code(0), None);
        assert_eq!(Dimension::from_word("AGE"), None);
    }

    #[test]
    fn ranges_and_open_ends_are_read() {
        let codes = |dimension: Dimension, text| dimension.codes_of(text);
        assert_eq!(codes(Dimension::Age, "15-49"), Some((15, 49)));
        assert_eq!(codes(Dimension::Age, "80+"), Some((80, 130)));
        assert_eq!(codes(Dimension::AgeGroup, "15-49"), Some((3, 9)));
        assert_eq!(codes(Dimension::AgeGroup, "80+"), Some((16, 16)));
        assert_eq!(codes(Dimension::AgeGroup, "60+"), Some((12, 16)));
        assert_eq!(codes(Dimension::InfantDays, "0-27"), Some((1, 28)));
        assert_eq!(codes(Dimension::HouseholdSize, "7+"), Some((7, 255)));
    }
}
