//! The personal part of a change: what names a person. Never logged, never in an error.

use super::identity::{HouseholdId, PersonId};
use danso_tier_config::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What names one person. Texts are NFC.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFacts {
    /// Full name (họ và tên); "Trai" or "Gái" until a newborn has one.
    pub name: String,
    /// Exact date of birth, where known.
    pub birth_date: Option<Date>,
    /// Relation to the head of household (quan hệ với chủ hộ).
    pub relation: String,
    /// Subject code: health-insurance number (mã đối tượng, số thẻ BHYT).
    pub subject_code: String,
    /// Personal identification number (số định danh cá nhân), 12 digits.
    pub citizen_number: String,
    /// Telephone.
    pub phone: String,
}

/// What names one household. Texts are NFC.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseholdFacts {
    /// Household number within the commune's A0 books (hộ số).
    pub number: String,
    /// Address.
    pub address: String,
}

/// The personal part of one change.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// Facts of persons that the change names.
    pub persons: Vec<(PersonId, PersonFacts)>,
    /// Facts of households that the change names.
    pub households: Vec<(HouseholdId, HouseholdFacts)>,
    /// Free text.
    pub note: String,
}

impl Personal {
    /// What names a person here.
    pub fn of_person(&self, id: PersonId) -> Option<&PersonFacts> {
        self.persons.iter().find(|(named, _)| *named == id).map(|(_, facts)| facts)
    }

    /// What names a household here.
    pub fn of_household(&self, id: HouseholdId) -> Option<&HouseholdFacts> {
        self.households.iter().find(|(named, _)| *named == id).map(|(_, facts)| facts)
    }
}

macro_rules! hidden {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(withheld)"))
            }
        }
    )+};
}

hidden!(PersonFacts, HouseholdFacts, Personal);

/// A text as it is stored: NFC, trimmed, inner white space single.
pub fn tidy(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The key under which two spellings of a name meet: NFC, lower case, tone marks kept.
pub fn name_key(name: &str) -> String {
    tidy(name).to_lowercase().nfc().collect()
}

/// The key of a name for those who type without marks: [`name_key`] without tone and vowel marks, `đ` as `d`.
pub fn plain_key(name: &str) -> String {
    let unmarked = name_key(name).nfd().filter(|letter| !is_combining_mark(*letter)).collect::<String>();
    unmarked.replace('đ', "d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_names_are_one() {
        assert_eq!(tidy("  Nguye\u{302}\u{303}n  Thị Hòa "), "Nguyễn Thị Hòa");
        assert_eq!(name_key("NGUYỄN THỊ HÒA"), name_key("Nguyễn thị hòa"));
    }

    #[test]
    fn personal_parts_do_not_print() {
        let facts = PersonFacts { name: "Nguyễn Thị Hòa".into(), ..PersonFacts::default() };
        let personal = Personal { note: "Hòa".into(), ..Personal::default() };
        assert!(!format!("{facts:?} {personal:?}").contains("Hòa"));
    }
}
