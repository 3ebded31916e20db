//! The demographic state of a person and of a household: all that counting looks at.

use super::identity::HouseholdId;
use danso_tier_config::Month;
use serde::{Deserialize, Serialize};

/// Declares a coded list: an enum with the code and the Vietnamese and English word of each entry.
macro_rules! coded_list {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $vi:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[doc = concat!("`", $en, "`")] $variant,)+ }

        impl $name {
            /// All entries in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code written in forms and files.
            pub fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The entry of a code, `None` where the list has none.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The Vietnamese word.
            pub fn vietnamese(self) -> &'static str {
                match self { $(Self::$variant => $vi,)+ }
            }

            /// The stable English word, used in queries and answers.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $en,)+ }
            }

            /// The entry of a stable English word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($en => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

coded_list! {
    /// Sex (giới tính).
    Sex {
        Male = 1, "nam", "male";
        Female = 2, "nữ", "female";
    }
}

coded_list! {
    /// Residence status (tình trạng cư trú); all three count as usually resident.
    Residence {
        Present = 1, "thường trú có mặt", "present";
        Absent = 2, "tạm vắng dưới 6 tháng", "absent";
        Staying = 3, "tạm trú từ 6 tháng", "staying";
    }
}

coded_list! {
    /// Marital status (tình trạng hôn nhân).
    Marital {
        NeverMarried = 1, "chưa kết hôn", "never_married";
        Married = 2, "đang kết hôn", "married";
        Divorced = 3, "ly hôn", "divorced";
        Widowed = 4, "góa", "widowed";
    }
}

coded_list! {
    /// Highest education (trình độ học vấn).
    Education {
        None = 1, "chưa đi học", "none";
        Primary = 2, "tiểu học", "primary";
        LowerSecondary = 3, "THCS", "lower_secondary";
        UpperSecondary = 4, "THPT", "upper_secondary";
        Vocational = 5, "trung cấp", "vocational";
        College = 6, "cao đẳng", "college";
        University = 7, "đại học", "university";
        Postgraduate = 8, "trên đại học", "postgraduate";
    }
}

coded_list! {
    /// Contraceptive method (biện pháp tránh thai); 1 to 7 are modern.
    Method {
        Iud = 1, "vòng tránh thai", "iud";
        MaleSterilisation = 2, "triệt sản nam", "male_sterilisation";
        FemaleSterilisation = 3, "triệt sản nữ", "female_sterilisation";
        Condom = 4, "bao cao su", "condom";
        Pill = 5, "thuốc uống tránh thai", "pill";
        Injection = 6, "thuốc tiêm", "injection";
        Implant = 7, "thuốc cấy", "implant";
        Other = 8, "biện pháp khác", "other";
    }
}

coded_list! {
    /// Kind of household (loại hộ).
    HouseholdKind {
        Family = 1, "hộ gia đình", "family";
        Collective = 2, "hộ tập thể", "collective";
    }
}

coded_list! {
    /// How far a move went; decides at which tiers it is a migration.
    Reach {
        SameDistrict = 1, "trong huyện", "same_district";
        SameProvince = 2, "huyện khác trong tỉnh", "same_province";
        OtherProvince = 3, "tỉnh khác", "other_province";
        Abroad = 4, "nước ngoài", "abroad";
    }
}

/// Ethnic group: 1-54 of the national list (1 Kinh), 55 foreigner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ethnicity(u8);

impl Ethnicity {
    /// The Kinh majority.
    pub const KINH: Self = Self(1);

    /// The group of a code 1-55.
    pub fn from_code(code: u8) -> Option<Self> {
        (1..=55).contains(&code).then_some(Self(code))
    }

    /// The code, 1-55 once it came through [`Ethnicity::from_code`]; rules refuse any other from a peer.
    pub fn code(self) -> u8 {
        self.0
    }
}

/// Number of a collaborator's area (địa bàn) within the commune, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Area(pub u16);

/// What counting needs of one usually resident person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonState {
    /// The household the person lives in.
    pub household: HouseholdId,
    /// Sex.
    pub sex: Sex,
    /// Month of birth; the exact day is personal.
    pub birth: Month,
    /// Ethnic group.
    pub ethnicity: Ethnicity,
    /// Highest education.
    pub education: Education,
    /// Marital status.
    pub marital: Marital,
    /// Residence status.
    pub residence: Residence,
    /// Method in use by the woman or her husband, recorded with the woman.
    pub method: Option<Method>,
}

/// What counting needs of one household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HouseholdState {
    /// The area it belongs to.
    pub area: Area,
    /// Family or collective.
    pub kind: HouseholdKind,
    /// Usually resident members.
    pub size: u16,
}
