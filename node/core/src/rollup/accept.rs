//! Which values of a dimension a question accepts.

use super::{
    dimension::{AGE_LAST, Dimension},
    question::CountError,
};

/// Accepted values of one dimension: a value or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    first: u32,
    last: u32,
}

impl Accept {
    /// The values that `text` accepts: spelled as in an answer's row, numbers also as ranges `15-49`, `80+`.
    ///
    /// A range of age groups begins and ends where groups do. Units and months are asked for by the
    /// question itself and cannot be filtered.
    pub fn parse(dimension: Dimension, text: &str) -> Result<Self, CountError> {
        if matches!(dimension, Dimension::Unit | Dimension::Month) {
            return Err(CountError::FilterDimension { dimension });
        }
        let codes = dimension.codes_of(text);
        codes.map(|(first, last)| Self { first, last }).ok_or(CountError::FilterValue { dimension })
    }

    /// Ages within both ends, in completed years.
    pub fn ages(first: u32, last: u32) -> Self {
        Self { first: first.min(AGE_LAST), last: last.min(AGE_LAST) }
    }

    /// Whether it accepts the value of a code.
    pub(super) fn has(self, code: u32) -> bool {
        (self.first..=self.last).contains(&code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_accepted_for_its_own_code_alone() {
        for dimension in Dimension::ALL.iter().filter(|d| !matches!(d, Dimension::Unit | Dimension::Month)) {
            let used = |code: &u32| !dimension.spell(*code).is_empty();
            for code in (0..dimension.codes()).filter(used) {
                let accept = Accept::parse(*dimension, &dimension.spell(code)).unwrap();
                let accepted: Vec<u32> = (0..dimension.codes()).filter(|code| accept.has(*code)).collect();
                assert_eq!(accepted, [code], "{dimension:?}");
            }
        }
    }

    #[test]
    fn other_spellings_are_refused_by_dimension() {
        let faulty = [
            (Dimension::Sex, "Male"),
            (Dimension::Age, "49-15"),
            (Dimension::Age, "+5"),
            (Dimension::Age, "131"),
            (Dimension::Age, ""),
            (Dimension::Age, "-"),
            (Dimension::AgeGroup, "16-19"),
            (Dimension::AgeGroup, "15-18"),
            (Dimension::AgeGroup, "80-84"),
            (Dimension::AgeGroup, "85+"),
            (Dimension::InfantDays, "367"),
            (Dimension::Method, "0"),
        ];
        for (dimension, text) in faulty {
            assert_eq!(Accept::parse(dimension, text), Err(CountError::FilterValue { dimension }), "{text}");
        }
        let dimension = Dimension::Month;
        assert_eq!(Accept::parse(dimension, "2026-03"), Err(CountError::FilterDimension { dimension }));
    }
}
