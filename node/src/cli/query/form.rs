//! The words of measures, dimensions, filters and units on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use danso_core::rollup::{Accept, Dimension, Measure};
use danso_proto::v1;
use danso_tier_config::{UnitCode, UnitId};

/// Accepts a measure by its stable word.
pub(super) fn measure() -> impl TypedValueParser<Value = Measure> {
    let words = PossibleValuesParser::new(Measure::ALL.iter().map(|measure| measure.word()));
    words.map(|word| Measure::from_word(&word).expect("clap knows these words only"))
}

/// Accepts a dimension by its stable word.
pub(super) fn dimension() -> impl TypedValueParser<Value = Dimension> {
    let words = PossibleValuesParser::new(Dimension::ALL.iter().map(|dimension| dimension.word()));
    words.map(|word| Dimension::from_word(&word).expect("clap knows these words only"))
}

/// Accepted values of one dimension, `sex=female` or `age=0-4,60+`, each of them checked.
pub(super) fn filter(text: &str) -> Result<v1::Filter, String> {
    let (word, values) =
        text.split_once('=').ok_or("expected DIMENSION=VALUE[,VALUE...], as in age=15-49")?;
    let known = || Dimension::ALL.iter().map(|dimension| dimension.word()).collect::<Vec<_>>().join(", ");
    let dimension =
        Dimension::from_word(word).ok_or_else(|| format!("no dimension {word}, there are {}", known()))?;
    let values: Vec<String> = values.split(',').map(str::to_owned).collect();
    for value in &values {
        Accept::parse(dimension, value).map_err(|error| format!("{value:?}: {error}"))?;
    }
    Ok(v1::Filter { dimension: dimension.code(), values })
}

/// A unit by its id or its bare code.
pub(super) fn unit(text: &str) -> Result<String, String> {
    let fine = text.parse::<UnitId>().is_ok() || text.parse::<UnitCode>().is_ok();
    fine.then(|| text.to_owned())
        .ok_or_else(|| "expected a code, 00004, or an id, 00004@2025-07-01".to_owned())
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn filters_are_read_with_all_their_values() {
        let read = filter("age=15-19,80+").unwrap();
        assert_eq!(read.dimension(), v1::Dimension::Age);
        assert_eq!(read.values, ["15-19", "80+"]);
        for wrong in ["age", "age=", "age=x", "ages=5", "month=2026-03", "sex=female,"] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn units_are_codes_or_ids() {
        assert_eq!(unit("00004"), Ok("00004".to_owned()));
        assert_eq!(unit("01@2025-07-01"), Ok("01@2025-07-01".to_owned()));
        for wrong in ["", "01@", "01@2025-02-30", "Hà Nội"] {
            assert!(unit(wrong).is_err(), "{wrong}");
        }
    }
}
