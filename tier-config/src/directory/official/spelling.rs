//! Vietnamese names made comparable: spaces, letter case, composed letters and the place of tone marks.

use super::super::kind::Kind;
use unicode_normalization::UnicodeNormalization;

/// The five tone marks as combining characters: grave, acute, tilde, hook above, dot below.
const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];

/// Apostrophes as different keyboards write them: Đắk R’Măng and Đắk R'Măng.
const APOSTROPHES: [char; 4] = ['\u{2019}', '\u{2018}', '\u{2bc}', '`'];

/// The text in composed letters (NFC), with single spaces and none at its ends.
pub fn tidy(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A key that is equal for names that differ only in letter case, spaces, composition, apostrophe or the
/// place of a tone mark in its syllable (Hòa and Hoà, Thủy and Thuỷ, Thụy and Thuỵ). For comparing, not for showing.
pub fn comparable(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 8);
    let mut tone = None;
    for c in name.nfd().flat_map(char::to_lowercase) {
        if TONES.contains(&c) {
            tone = Some(c);
        } else if c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c) {
            key.push(c);
        } else {
            key.extend(tone.take());
            if APOSTROPHES.contains(&c) {
                key.push('\'');
            } else if !c.is_whitespace() {
                key.push(c);
            } else if !key.is_empty() && !key.ends_with(' ') {
                key.push(' ');
            }
        }
    }
    key.extend(tone);
    key.truncate(key.trim_end().len());
    key
}

/// The kind and the tidy full name with the kind's word as the law writes it: `xã Bắc Sơn` is `Xã Bắc Sơn`.
pub(super) fn full_name(name: &str) -> Option<(Kind, String)> {
    let name = tidy(name);
    let (kind, rest) = Kind::split_name(&name)?;
    let mut letters = kind.as_str().chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    Some((kind, format!("{first}{} {rest}", letters.as_str())))
}

/// How two different names of one unit differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// Two spellings of one name, a missing kind, or a Roman number.
    Spelling,
    /// The same name with another kind.
    Kind,
    /// Names that are not alike, or another number.
    Name,
}

/// Likeness from which two names count as two spellings of one.
const LIKENESS_MIN: f64 = 0.5;

/// How two names differ whose [`comparable`] keys are not equal.
pub(super) fn difference(a: &str, b: &str) -> Difference {
    let (a_kind, a_rest) = Kind::split_name(a).map_or((None, a), |(kind, rest)| (Some(kind), rest));
    let (b_kind, b_rest) = Kind::split_name(b).map_or((None, b), |(kind, rest)| (Some(kind), rest));
    let (a_key, b_key) = (arabic(a_rest), arabic(b_rest));
    if a_key == b_key {
        let other = a_kind.is_some() && b_kind.is_some() && a_kind != b_kind;
        return if other { Difference::Kind } else { Difference::Spelling };
    }
    // "Phường Đúc" beside "Phường Phường Đúc".
    if comparable(a) == b_key || comparable(b) == a_key {
        return Difference::Spelling;
    }
    let numbers = |key: &str| key.chars().filter(char::is_ascii_digit).collect::<String>();
    let bare = |key: &str| -> String {
        key.chars().filter(|c| !TONES.contains(c)).nfc().filter(|c| c.is_alphanumeric()).collect()
    };
    let likeness = strsim::normalized_levenshtein(&bare(&a_key), &bare(&b_key));
    let spelling = numbers(&a_key) == numbers(&b_key) && likeness >= LIKENESS_MIN;
    if spelling { Difference::Spelling } else { Difference::Name }
}

/// The comparable key with a Roman number at its end in digits: "Hòa Tú II" is "Hòa Tú 2".
fn arabic(rest: &str) -> String {
    const ROMAN: [&str; 10] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"];
    let key = comparable(rest);
    let (head, last) = key.rsplit_once(' ').unwrap_or(("", &key));
    match ROMAN.iter().zip(1..).find(|(roman, _)| **roman == last) {
        Some((_, number)) => format!("{head} {number}").trim_start().to_owned(),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_place_of_a_tone_mark_does_not_matter() {
        for (a, b) in [
            ("Xã Hòa An", "Xã Hoà An"),
            ("Phường Thủy Xuân", "phường  Thuỷ Xuân "),
            ("Xã Thụy Anh", "Xã Thuỵ Anh"),
            ("Xã Hóa Quỳ", "Xã Hoá Quỳ"),
            ("Xã Đại Áng", "Xã Đại áng"),
            ("Thị Trấn Óc Eo", "Thị trấn Óc Eo"),
            ("Xã Bắc Sơn", "xã Bắc Sơn\n"),
            ("Hòa", "Ho\u{61}\u{300}"),
        ] {
            assert_eq!(comparable(a), comparable(b), "{a} and {b}");
        }
    }

    #[test]
    fn other_tones_letters_and_numbers_stay_apart() {
        for (a, b) in [
            ("Hoa", "Hòa"),
            ("Hoá", "Hòa"),
            ("Ha Long", "Hạ Long"),
            ("Phường 4", "Phường IV"),
            ("Tân", "Tấn"),
            ("Sơn", "Son"),
            ("A Vương", "Avương"),
            ("Xà Phìn", "Sà Phìn"),
        ] {
            assert_ne!(comparable(a), comparable(b), "{a} and {b}");
        }
    }

    #[test]
    fn spellings_kinds_and_other_names_are_told_apart() {
        for (a, b, expected) in [
            ("Xã Sà Phìn", "Xã Xà Phìn", Difference::Spelling),
            ("Thị trấn Nông trường Liên Sơn", "Thị trấn NT Liên Sơn", Difference::Spelling),
            ("Phường IV", "Phường 4", Difference::Spelling),
            ("Xã Hòa Tú 2", "Xã Hòa Tú II", Difference::Spelling),
            ("Phường Đúc", "Phường Phường Đúc", Difference::Spelling),
            ("Xuân Quang 3", "Xã Xuân Quang 3", Difference::Spelling),
            ("Thi trấn Ngan Dừa", "Thị trấn Ngan Dừa", Difference::Spelling),
            ("Phường Tiên Sơn", "Xã Tiên Sơn", Difference::Kind),
            ("Phường 14", "Phường 15", Difference::Name),
            ("Phường V", "Phường 4", Difference::Name),
            ("Xã Phú Hòa 1", "Xã Phú Hòa 2", Difference::Name),
            ("Xã Đặng Xá", "Xã Cổ Bi", Difference::Name),
            ("Xã Cường", "Xã Dũng", Difference::Name),
            ("Xã Xá Nhè", "Xã Sáng Nhè", Difference::Spelling),
        ] {
            assert_eq!(difference(a, b), expected, "{a} and {b}");
            assert_eq!(difference(b, a), expected, "{b} and {a}");
        }
        assert_eq!(comparable("Xã Đắk R’Măng"), comparable("Xã Đắk R'Măng"));
    }

    #[test]
    fn a_name_gets_its_kind_as_the_law_writes_it() {
        assert_eq!(full_name("xã  Bắc Sơn"), Some((Kind::Commune, "Xã Bắc Sơn".to_owned())));
        assert_eq!(full_name("Thị Trấn Óc Eo"), Some((Kind::Township, "Thị trấn Óc Eo".to_owned())));
        assert_eq!(full_name("đặc khu Côn Đảo\n"), Some((Kind::SpecialZone, "Đặc khu Côn Đảo".to_owned())));
        assert_eq!(full_name("Khu vực bãi bồi ven biển"), None);
    }

    proptest! {
        #[test]
        fn comparing_ignores_composition_and_case(name in "[A-ZÀ-ỹa-z ]{0,24}") {
            let decomposed: String = name.nfd().collect();
            prop_assert_eq!(comparable(&name), comparable(&decomposed));
            prop_assert_eq!(comparable(&name), comparable(&tidy(&name)));
        }
    }
}
