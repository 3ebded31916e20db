//! Words as people spell them: compared without case, tone marks, spaces and punctuation.

use danso_core::domain::{
    BirthPlace, Education, Ethnicity, HouseholdKind, Marital, Method, PregnancyOutcome, Reach, Residence,
    Screening, Sex, personal::tidy,
};

/// The key under which spellings of one word meet: NFC, lower case, Vietnamese marks taken off,
/// letters and digits only.
pub fn fold(text: &str) -> String {
    letters(&tidy(text)).collect()
}

/// The letters of [`fold`] for a text that is NFC already.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase).map(base_letter).filter(|letter| letter.is_alphanumeric())
}

/// Whether a known word (NFC) folds to `wanted`; allocates nothing.
pub(super) fn folds_to(word: &str, wanted: &str) -> bool {
    letters(word).eq(wanted.chars())
}

fn base_letter(letter: char) -> char {
    match letter {
        'à' | 'á' | 'ả' | 'ã' | 'ạ' | 'ă' | 'ằ' | 'ắ' | 'ẳ' | 'ẵ' | 'ặ' | 'â' | 'ầ' | 'ấ' | 'ẩ' | 'ẫ'
        | 'ậ' => 'a',
        'è' | 'é' | 'ẻ' | 'ẽ' | 'ẹ' | 'ê' | 'ề' | 'ế' | 'ể' | 'ễ' | 'ệ' => 'e',
        'ì' | 'í' | 'ỉ' | 'ĩ' | 'ị' => 'i',
        'ò' | 'ó' | 'ỏ' | 'õ' | 'ọ' | 'ô' | 'ồ' | 'ố' | 'ổ' | 'ỗ' | 'ộ' | 'ơ' | 'ờ' | 'ớ' | 'ở' | 'ỡ'
        | 'ợ' => 'o',
        'ù' | 'ú' | 'ủ' | 'ũ' | 'ụ' | 'ư' | 'ừ' | 'ứ' | 'ử' | 'ữ' | 'ự' => 'u',
        'ỳ' | 'ý' | 'ỷ' | 'ỹ' | 'ỵ' => 'y',
        'đ' => 'd',
        other => other,
    }
}

/// A coded list whose entries a cell names by code, Vietnamese or English word.
pub trait Listed: Copy + PartialEq + 'static {
    /// All entries.
    fn entries() -> impl Iterator<Item = Self>;
    /// The code.
    fn code(self) -> u8;
    /// The Vietnamese word, which danso writes.
    fn vietnamese(self) -> &'static str;
    /// The English word.
    fn english(self) -> &'static str;
    /// Other spellings seen in books.
    fn others(self) -> &'static [&'static str] {
        &[]
    }

    /// The entry that a cell names.
    fn read(cell: &str) -> Option<Self> {
        if let Some(as_written) = Self::entries().find(|entry| entry.vietnamese() == cell) {
            return Some(as_written);
        }
        let wanted = fold(cell);
        let code = wanted.parse::<u8>().ok();
        let means = |word: &&'static str| folds_to(word, &wanted);
        Self::entries().find(|entry| {
            code == Some(entry.code())
                || [entry.vietnamese(), entry.english()].iter().chain(entry.others()).any(means)
        })
    }

    /// The Vietnamese words of all entries, for a message.
    fn choices() -> String {
        Self::entries().map(Self::vietnamese).collect::<Vec<_>>().join(" / ")
    }
}

macro_rules! listed {
    ($($list:ident { $($entry:ident: $others:expr),* })+) => {$(
        impl Listed for $list {
            fn entries() -> impl Iterator<Item = Self> { Self::ALL.iter().copied() }
            fn code(self) -> u8 { $list::code(self) }
            fn vietnamese(self) -> &'static str { $list::vietnamese(self) }
            fn english(self) -> &'static str { self.word() }
            #[allow(unreachable_patterns)] // a list may name every entry
            fn others(self) -> &'static [&'static str] {
                match self { $(Self::$entry => &$others,)* _ => &[] }
            }
        }
    )+};
}

listed! {
    Sex { Male: ["M", "trai", "nam giới"], Female: ["F", "gái", "nữ giới"] }
    Residence {
        Present: ["thường trú", "có mặt"], Absent: ["tạm vắng"], Staying: ["tạm trú"]
    }
    Marital {
        NeverMarried: ["độc thân", "chưa vợ", "chưa chồng", "single"],
        Married: ["có vợ", "có chồng", "đã kết hôn", "kết hôn"],
        Divorced: ["đã ly hôn", "li hôn"],
        Widowed: ["góa vợ", "góa chồng"]
    }
    Education {
        None: ["chưa học", "mầm non", "mẫu giáo"],
        Primary: ["cấp 1"],
        LowerSecondary: ["trung học cơ sở", "cấp 2"],
        UpperSecondary: ["trung học phổ thông", "cấp 3"],
        Postgraduate: ["thạc sĩ", "tiến sĩ", "sau đại học"]
    }
    Method {
        Iud: ["vòng", "dụng cụ tử cung", "DCTC"],
        Condom: ["BCS"],
        Pill: ["thuốc uống", "thuốc viên"],
        Injection: ["thuốc tiêm tránh thai"],
        Implant: ["thuốc cấy tránh thai", "que cấy"],
        Other: ["khác"]
    }
    HouseholdKind { Family: ["gia đình"], Collective: ["tập thể"] }
    Reach {
        SameDistrict: ["cùng huyện"], SameProvince: ["cùng tỉnh", "trong tỉnh", "huyện khác"],
        OtherProvince: ["ngoài tỉnh"], Abroad: ["ngoài nước"]
    }
}

macro_rules! listed_here {
    ($($list:ident { $($entry:ident = $code:literal, $vi:literal, $en:literal, $others:expr;)+ })+) => {$(
        impl Listed for $list {
            fn entries() -> impl Iterator<Item = Self> { [$(Self::$entry,)+].into_iter() }
            fn code(self) -> u8 { match self { $(Self::$entry => $code,)+ } }
            fn vietnamese(self) -> &'static str { match self { $(Self::$entry => $vi,)+ } }
            fn english(self) -> &'static str { match self { $(Self::$entry => $en,)+ } }
            fn others(self) -> &'static [&'static str] { match self { $(Self::$entry => &$others,)+ } }
        }
    )+};
}

listed_here! {
    BirthPlace {
        Facility = 1, "cơ sở y tế", "facility", ["TYT", "trạm y tế", "bệnh viện", "nhà hộ sinh"];
        Home = 2, "tại nhà", "home", ["nhà", "ở nhà"];
        Elsewhere = 3, "nơi khác", "elsewhere", ["khác"];
    }
    PregnancyOutcome {
        Pregnant = 1, "mang thai", "pregnant", ["có thai"];
        Miscarried = 2, "sảy thai", "miscarried", ["sẩy thai", "thai lưu"];
        Ended = 3, "phá thai", "ended", [];
    }
    Screening {
        NotDone = 0, "không làm", "not_done", ["chưa làm", "không"];
        Normal = 1, "bình thường", "normal", ["âm tính"];
        Suspicious = 2, "nghi ngờ", "suspicious", ["dương tính", "nguy cơ cao"];
    }
}

/// Names of the ethnic groups in the order of their codes from 1; the last is the foreigner.
/// Source: the national list of ethnic groups (Decision 121-TCTK/PPCĐ of 1979).
const ETHNIC_GROUPS: [&str; 55] = [
    "Kinh",
    "Tày",
    "Thái",
    "Hoa",
    "Khơ-me",
    "Mường",
    "Nùng",
    "HMông",
    "Dao",
    "Gia-rai",
    "Ngái",
    "Ê-đê",
    "Ba-na",
    "Xơ-đăng",
    "Sán Chay",
    "Cơ-ho",
    "Chăm",
    "Sán Dìu",
    "Hrê",
    "Mnông",
    "Ra-glai",
    "Xtiêng",
    "Bru-Vân Kiều",
    "Thổ",
    "Giáy",
    "Cơ-tu",
    "Gié-Triêng",
    "Mạ",
    "Khơ-mú",
    "Co",
    "Ta-ôi",
    "Chơ-ro",
    "Kháng",
    "Xinh-mun",
    "Hà Nhì",
    "Chu-ru",
    "Lào",
    "La Chí",
    "La Ha",
    "Phù Lá",
    "La Hủ",
    "Lự",
    "Lô Lô",
    "Chứt",
    "Mảng",
    "Pà Thẻn",
    "Cơ Lao",
    "Cống",
    "Bố Y",
    "Si La",
    "Pu Péo",
    "Brâu",
    "Ơ Đu",
    "Rơ-măm",
    "Người nước ngoài",
];

impl Listed for Ethnicity {
    fn entries() -> impl Iterator<Item = Self> {
        (1..=55).filter_map(Self::from_code)
    }

    fn code(self) -> u8 {
        Self::code(self)
    }

    fn vietnamese(self) -> &'static str {
        ETHNIC_GROUPS.get(usize::from(Self::code(self)).wrapping_sub(1)).copied().unwrap_or_default()
    }

    fn english(self) -> &'static str {
        if Self::code(self) == 55 { "foreigner" } else { self.vietnamese() }
    }

    fn others(self) -> &'static [&'static str] {
        match Self::code(self) {
            1 => &["Việt"],
            4 => &["Hán"],
            5 => &["Khmer"],
            8 => &["Mông", "Mèo"],
            15 => &["Cao Lan", "Sán Chí"],
            23 => &["Vân Kiều", "Bru"],
            31 => &["Tà Ôi"],
            55 => &["nước ngoài"],
            _ => &[],
        }
    }

    fn choices() -> String {
        "Kinh / Tày / Thái / ... / mã 1-55".to_owned()
    }
}
