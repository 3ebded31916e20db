//! The first indicators of a unit and a closed month, each with its formula and its source.
//!
//! Rates are **annualised**: the denominator is the person-years lived in the month,
//! `mean(population at start, population at end) × days of the month / days of the year`.
//! So months of 28 and 31 days compare, and numerators and denominators of months and units add up.
//! Formulas: `DOMAIN.md` 2.1; the mean of start and end is the register's choice of average population.

use danso_tier_config::Month;

/// Counts of one unit in one closed month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonthFigures {
    /// Usual residents at the end of the month before.
    pub population_start: i64,
    /// Usual residents at the end of the month.
    pub population_end: i64,
    /// Live births of boys in the month.
    pub births_male: i64,
    /// Live births of girls in the month.
    pub births_female: i64,
    /// Deaths in the month.
    pub deaths: i64,
}

impl MonthFigures {
    /// Live births of both sexes.
    pub fn births(&self) -> i64 {
        self.births_male + self.births_female
    }

    /// Person-years lived in `month`: mean of start and end × days of the month / days of the year.
    pub fn person_years(&self, month: Month) -> f64 {
        let mean = (self.population_start + self.population_end) as f64 / 2.0;
        let days = |first: Month, months: i32| {
            f64::from(first.plus(months).first_day().days() - first.first_day().days())
        };
        let january = month.plus(1 - i32::from(month.month()));
        mean * days(month, 1) / days(january, 12)
    }
}

/// An indicator of a unit and a closed month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indicator {
    /// Dân số: usual residents at the end of the month, `P`.
    Population,
    /// Số trẻ sinh ra: live births in the month, `B`.
    Births,
    /// Số người chết: deaths in the month, `D`.
    Deaths,
    /// Tỷ suất sinh thô (CBR): `B / person-years × 1000`.
    CrudeBirthRate,
    /// Tỷ suất chết thô (CDR): `D / person-years × 1000`.
    CrudeDeathRate,
    /// Tỷ số giới tính khi sinh (SRB): `live-born boys / live-born girls × 100`.
    SexRatioAtBirth,
    /// Tỷ suất tăng tự nhiên (NIR): `(B − D) / person-years × 1000`.
    NaturalIncrease,
}

impl Indicator {
    /// All indicators in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Population,
        Self::Births,
        Self::Deaths,
        Self::CrudeBirthRate,
        Self::CrudeDeathRate,
        Self::SexRatioAtBirth,
        Self::NaturalIncrease,
    ];

    /// The stable word used in releases, queries and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::Births => "births",
            Self::Deaths => "deaths",
            Self::CrudeBirthRate => "cbr",
            Self::CrudeDeathRate => "cdr",
            Self::SexRatioAtBirth => "srb",
            Self::NaturalIncrease => "natural_increase",
        }
    }

    /// The indicator of a stable word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|indicator| indicator.word() == word)
    }

    /// Stable id of the formula; its number rises when the formula changes.
    pub fn formula_id(self) -> &'static str {
        match self {
            Self::Population => "population/1",
            Self::Births => "births/1",
            Self::Deaths => "deaths/1",
            Self::CrudeBirthRate => "cbr/1",
            Self::CrudeDeathRate => "cdr/1",
            Self::SexRatioAtBirth => "srb/1",
            Self::NaturalIncrease => "natural_increase/1",
        }
    }

    /// The name in Vietnamese, as on the report forms.
    pub fn vietnamese(self) -> &'static str {
        match self {
            Self::Population => "dân số",
            Self::Births => "số trẻ sinh ra",
            Self::Deaths => "số người chết",
            Self::CrudeBirthRate => "tỷ suất sinh thô",
            Self::CrudeDeathRate => "tỷ suất chết thô",
            Self::SexRatioAtBirth => "tỷ số giới tính khi sinh",
            Self::NaturalIncrease => "tỷ suất tăng dân số tự nhiên",
        }
    }

    /// The unit of the value: `person`, `‰` per year, or `boys/100 girls`.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Population | Self::Births | Self::Deaths => "person",
            Self::CrudeBirthRate | Self::CrudeDeathRate | Self::NaturalIncrease => "‰",
            Self::SexRatioAtBirth => "boys/100 girls",
        }
    }

    /// What `numerator / denominator` is multiplied by.
    pub fn scale(self) -> f64 {
        match self {
            Self::Population | Self::Births | Self::Deaths => 1.0,
            Self::CrudeBirthRate | Self::CrudeDeathRate | Self::NaturalIncrease => 1000.0,
            Self::SexRatioAtBirth => 100.0,
        }
    }

    /// The indicator's value for one month's figures.
    pub fn value(self, month: Month, figures: &MonthFigures) -> Value {
        let births = figures.births() as f64;
        let deaths = figures.deaths as f64;
        let (numerator, denominator) = match self {
            Self::Population => (figures.population_end as f64, 1.0),
            Self::Births => (births, 1.0),
            Self::Deaths => (deaths, 1.0),
            Self::CrudeBirthRate => (births, figures.person_years(month)),
            Self::CrudeDeathRate => (deaths, figures.person_years(month)),
            Self::SexRatioAtBirth => (figures.births_male as f64, figures.births_female as f64),
            Self::NaturalIncrease => (births - deaths, figures.person_years(month)),
        };
        Value::of(self, numerator, denominator)
    }
}

/// One indicator's value with what it was computed from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// Which indicator.
    pub indicator: Indicator,
    /// Events or persons.
    pub numerator: f64,
    /// Person-years for rates, girls for the sex ratio, 1 for counts.
    pub denominator: f64,
    /// `numerator / denominator × scale`; `None` where the denominator is zero.
    pub value: Option<f64>,
}

impl Value {
    /// The value of a numerator and a denominator, for example of sums over units or months.
    pub fn of(indicator: Indicator, numerator: f64, denominator: f64) -> Self {
        let value = (denominator != 0.0).then(|| numerator / denominator * indicator.scale());
        Self { indicator, numerator, denominator, value }
    }
}

/// All indicators of one unit and closed month, in the order of [`Indicator::ALL`].
pub fn indicators(month: Month, figures: &MonthFigures) -> Vec<Value> {
    Indicator::ALL.iter().map(|indicator| indicator.value(month, figures)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-3, "{found}, expected {expected}");
    }

    fn value(indicator: Indicator, month_text: &str, figures: &MonthFigures) -> f64 {
        indicator.value(month(month_text), figures).value.unwrap()
    }

    const COMMUNE: MonthFigures = MonthFigures {
        population_start: 30_000,
        population_end: 30_100,
        births_male: 23,
        births_female: 20,
        deaths: 17,
    };

    #[test]
    fn rates_equal_the_hand_computed_ones() {
        // 30,050 × 31 / 365 = 2,552.1918 person-years.
        close(COMMUNE.person_years(month("2025-07")), 2_552.191_8);
        close(value(Indicator::CrudeBirthRate, "2025-07", &COMMUNE), 16.848_3);
        close(value(Indicator::CrudeDeathRate, "2025-07", &COMMUNE), 6.660_9);
        close(value(Indicator::NaturalIncrease, "2025-07", &COMMUNE), 10.187_3);
        close(value(Indicator::SexRatioAtBirth, "2025-07", &COMMUNE), 115.0);
    }

    #[test]
    fn counts_are_the_figures_themselves() {
        close(value(Indicator::Population, "2025-07", &COMMUNE), 30_100.0);
        close(value(Indicator::Births, "2025-07", &COMMUNE), 43.0);
        close(value(Indicator::Deaths, "2025-07", &COMMUNE), 17.0);
    }

    #[test]
    fn february_of_a_leap_year_weighs_29_of_366_days() {
        let figures = MonthFigures { population_start: 366_000, population_end: 366_000, ..COMMUNE };
        close(figures.person_years(month("2024-02")), 29_000.0);
        let common = MonthFigures { population_start: 365_000, population_end: 365_000, ..COMMUNE };
        close(common.person_years(month("2025-02")), 28_000.0);
    }

    #[test]
    fn twelve_equal_months_make_one_year_of_persons() {
        let figures = MonthFigures { population_start: 500, population_end: 500, ..COMMUNE };
        let sum: f64 = (0..12).map(|step| figures.person_years(month("2025-01").plus(step))).sum();
        assert!((sum - 500.0).abs() < 1e-9);
    }

    #[test]
    fn a_zero_denominator_gives_no_value() {
        let empty = MonthFigures::default();
        for found in indicators(month("2025-07"), &empty) {
            let expected = (found.indicator.unit() == "person").then_some(0.0);
            assert_eq!(found.value, expected);
        }
        let boys_only = MonthFigures { births_female: 0, ..COMMUNE };
        assert_eq!(Indicator::SexRatioAtBirth.value(month("2025-07"), &boys_only).value, None);
    }

    #[test]
    fn words_and_formula_ids_name_one_indicator_each() {
        for indicator in Indicator::ALL {
            assert_eq!(Indicator::from_word(indicator.word()), Some(indicator));
            assert!(indicator.formula_id().starts_with(indicator.word()));
        }
        assert_eq!(Indicator::from_word("CBR"), None);
    }
}
