//! Vietnamese names made comparable: spaces, letter case, composed letters and the place of tone marks.

use super::super::kind::Kind;
use unicode_normalization::UnicodeNormalization;

/// The five tone marks as combining characters: grave, acute, tilde, hook above, dot below.
const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];

/// The text in composed letters (NFC), with single spaces and none at its ends.
pub fn tidy(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A key that is equal for names that differ only in letter case, spaces, composition or the place of a
/// tone mark in its syllable (Hòa and Hoà, Thủy and Thuỷ, Thụy and Thuỵ). For comparing, not for showing.
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
            if !c.is_whitespace() {
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

/// How alike two names are, 0 to 1, tone marks and case aside.
pub(super) fn likeness(a: &str, b: &str) -> f64 {
    let bare = |name: &str| name.nfd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect();
    let (a, b): (String, String) = (bare(a), bare(b));
    strsim::normalized_levenshtein(&a, &b)
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
