//! The figures of Viet Nam in 2019-2020 that a simulated commune is drawn from.
//!
//! Population by age and sex 2020: United Nations, World Population Prospects 2019, CC BY 3.0 IGO.
//! Fertility by age 2019 and death rates 2015-2020: World Population Prospects 2024, CC BY 3.0 IGO.
//! Census of 1 April 2019 and GSO 2019: sex ratio 99.1, TFR 2.09, CDR 6.3 ‰, sex ratio at birth 111.5.

use crate::domain::{Education, Method, Reach, Sex};

/// Girls and women by five-year age group 0-4 ... 95-99, 100+, in thousands.
const WOMEN: [f64; 21] = [
    3727.629, 3581.342, 3364.138, 3136.022, 3320.02, 4205.672, 4158.118, 3848.234, 3508.287, 3272.305,
    2960.411, 2711.511, 2318.81, 1672.277, 987.156, 703.519, 562.519, 416.16, 195.571, 72.544, 18.084,
];
/// Boys and men by the same groups, in thousands.
const MEN: [f64; 21] = [
    4164.842, 4004.759, 3734.036, 3364.847, 3500.183, 4363.621, 4278.909, 3915.663, 3525.539, 3266.831,
    2907.946, 2530.1, 2012.144, 1339.456, 664.802, 422.995, 298.067, 193.013, 79.054, 25.681, 5.766,
];
/// Men per 100 women, census 2019.
pub(super) const SEX_RATIO: f64 = 99.1;
/// Boys per 100 girls at birth, census 2019.
pub(super) const SEX_RATIO_AT_BIRTH: f64 = 111.5;

/// Births per 1000 women and year by age 15-19 ... 45-49: the UN's pattern of 2019 at TFR 2.09.
const FERTILITY: [f64; 7] = [37.87, 124.11, 130.62, 81.39, 37.49, 5.72, 0.80];

/// Deaths per person and year by age 0, 1-4, 5-9 ... 95-99, 100+ (UN 2015-2020), women.
const DEATHS_WOMEN: [f64; 22] = [
    0.013_053, 0.001_215, 0.000_421, 0.000_339, 0.000_524, 0.000_733, 0.000_859, 0.000_940, 0.001_116,
    0.001_631, 0.002_128, 0.003_302, 0.004_482, 0.007_306, 0.012_674, 0.022_170, 0.038_780, 0.068_647,
    0.114_680, 0.183_706, 0.280_149, 0.437_038,
];
/// The same, men.
const DEATHS_MEN: [f64; 22] = [
    0.019_125, 0.001_581, 0.001_327, 0.000_952, 0.001_797, 0.002_601, 0.002_668, 0.002_893, 0.003_212,
    0.004_025, 0.005_222, 0.008_105, 0.010_959, 0.017_378, 0.027_553, 0.043_970, 0.072_071, 0.117_475,
    0.189_392, 0.289_822, 0.440_714, 0.597_581,
];
/// The UN's rates give 7.29 ‰ on the age structure above; the census of 2019 found 6.3 ‰.
const DEATHS_SCALE: f64 = 6.3 / 7.29;

/// Five-year age group of an age in years, 0 to 20.
pub(super) fn age_group(age: f64) -> usize {
    ((age / 5.0) as usize).min(20)
}

/// Persons of a sex by five-year age group; only their proportions matter.
pub(super) fn persons_by_age(sex: Sex) -> &'static [f64; 21] {
    match sex {
        Sex::Female => &WOMEN,
        Sex::Male => &MEN,
    }
}

/// Births per woman and year at an age; 0 outside 15-49.
pub(super) fn fertility(age: f64) -> f64 {
    if (15.0..50.0).contains(&age) { FERTILITY[(age / 5.0) as usize - 3] / 1000.0 } else { 0.0 }
}

/// Deaths per person and year at an age.
pub(super) fn mortality(sex: Sex, age: f64) -> f64 {
    let rates = match sex {
        Sex::Female => &DEATHS_WOMEN,
        Sex::Male => &DEATHS_MEN,
    };
    let group = if age < 1.0 { 0 } else { age_group(age) + 1 };
    rates[group] * DEATHS_SCALE
}

/// Probability that somebody of this age has ever married: logistic in age, mean age (SMAM) 23.2 and 27.
pub(super) fn ever_married(sex: Sex, age: f64) -> f64 {
    let (from, mean, spread, ceiling) = match sex {
        Sex::Female => (18.0, 23.2, 2.6, 0.95),
        Sex::Male => (20.0, 27.0, 3.0, 0.98),
    };
    if age < from { 0.0 } else { ceiling / (1.0 + ((mean - age) / spread).exp()) }
}

/// Yearly probability that a never-married person of this age marries, the hazard behind [`ever_married`].
pub(super) fn first_marriage(sex: Sex, age: f64) -> f64 {
    let now = ever_married(sex, age);
    if age > 45.0 { 0.004 } else { (ever_married(sex, age + 1.0) - now).max(0.0) / (1.0 - now) }
}

/// Share of the ever-married of this age whose spouse died.
pub(super) fn widowed(sex: Sex, age: f64) -> f64 {
    match sex {
        Sex::Female => ((age - 40.0) / 62.0).clamp(0.0, 0.8).powf(1.4),
        Sex::Male => ((age - 45.0) / 75.0).clamp(0.0, 0.6).powf(1.8),
    }
}

/// Share of married women of this age who use a method; about 0.73 in all.
pub(super) fn method_use(age: f64) -> f64 {
    match age as u32 {
        15..=19 => 0.38,
        20..=24 => 0.58,
        25..=29 => 0.70,
        30..=34 => 0.78,
        35..=44 => 0.82,
        45..=49 => 0.66,
        _ => 0.0,
    }
}

/// Methods with their shares among users.
pub(super) const METHODS: [(Method, f64); 8] = [
    (Method::Iud, 0.46),
    (Method::MaleSterilisation, 0.002),
    (Method::FemaleSterilisation, 0.028),
    (Method::Condom, 0.18),
    (Method::Pill, 0.20),
    (Method::Injection, 0.02),
    (Method::Implant, 0.015),
    (Method::Other, 0.095),
];

/// How far moves go.
pub(super) const REACHES: [(Reach, f64); 4] = [
    (Reach::SameDistrict, 0.35),
    (Reach::SameProvince, 0.25),
    (Reach::OtherProvince, 0.385),
    (Reach::Abroad, 0.015),
];

/// Ethnic groups by code of the national list (1 Kinh ... 9 Dao) with their shares.
pub(super) const ETHNICITIES: [(u8, f64); 9] =
    [(1, 0.85), (2, 0.025), (3, 0.025), (4, 0.01), (5, 0.018), (6, 0.02), (7, 0.014), (8, 0.02), (9, 0.018)];

/// Adults' highest education: for those born before 1960, 1960-1984, and later.
pub(super) const EDUCATION: [[f64; 8]; 3] = [
    [0.12, 0.42, 0.30, 0.08, 0.03, 0.01, 0.035, 0.005],
    [0.03, 0.22, 0.40, 0.18, 0.05, 0.03, 0.085, 0.005],
    [0.01, 0.09, 0.28, 0.32, 0.06, 0.07, 0.16, 0.01],
];

/// What a child of this age attends; `None` where it is no longer decided by age.
pub(super) fn schooling(age: f64) -> Option<Education> {
    match age as u32 {
        0..=5 => Some(Education::None),
        6..=10 => Some(Education::Primary),
        11..=14 => Some(Education::LowerSecondary),
        15..=17 => Some(Education::UpperSecondary),
        _ => None,
    }
}
