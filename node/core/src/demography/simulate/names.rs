//! Vietnamese names: family, middle and given, with about the frequencies met in registers.

use super::dice::Dice;
use crate::domain::Sex;

/// Family names with their shares in per mille.
const FAMILY: [(&str, f64); 30] = [
    ("Nguyễn", 380.0),
    ("Trần", 110.0),
    ("Lê", 95.0),
    ("Phạm", 70.0),
    ("Hoàng", 36.0),
    ("Huỳnh", 15.0),
    ("Phan", 45.0),
    ("Vũ", 27.0),
    ("Võ", 12.0),
    ("Đặng", 21.0),
    ("Bùi", 20.0),
    ("Đỗ", 14.0),
    ("Hồ", 13.0),
    ("Ngô", 13.0),
    ("Dương", 10.0),
    ("Lý", 8.0),
    ("Đinh", 8.0),
    ("Trương", 10.0),
    ("Đoàn", 7.0),
    ("Lương", 7.0),
    ("Mai", 6.0),
    ("Trịnh", 6.0),
    ("Đào", 6.0),
    ("Cao", 5.0),
    ("Hà", 5.0),
    ("Tạ", 4.0),
    ("Chu", 3.0),
    ("Quách", 2.0),
    ("Tô", 2.0),
    ("Lâm", 3.0),
];

/// Middle names with weights for boys and for girls.
const MIDDLE: [(&str, f64, f64); 34] = [
    ("Văn", 30.0, 0.0),
    ("Thị", 0.0, 42.0),
    ("Đức", 8.0, 0.0),
    ("Hữu", 6.0, 0.0),
    ("Minh", 7.0, 4.0),
    ("Quang", 6.0, 0.0),
    ("Đình", 5.0, 0.0),
    ("Xuân", 5.0, 2.0),
    ("Công", 4.0, 0.0),
    ("Quốc", 4.0, 0.0),
    ("Ngọc", 4.0, 7.0),
    ("Anh", 2.0, 1.0),
    ("Thành", 3.0, 0.0),
    ("Tuấn", 3.0, 0.0),
    ("Gia", 3.0, 1.0),
    ("Bảo", 2.0, 2.0),
    ("Trọng", 2.0, 0.0),
    ("Mạnh", 2.0, 0.0),
    ("Viết", 2.0, 0.0),
    ("Thanh", 2.0, 4.0),
    ("Hoàng", 2.0, 1.0),
    ("Thu", 0.0, 4.0),
    ("Thùy", 0.0, 3.0),
    ("Phương", 0.0, 3.0),
    ("Hồng", 0.0, 3.0),
    ("Kim", 0.0, 3.0),
    ("Mỹ", 0.0, 2.0),
    ("Khánh", 1.0, 2.0),
    ("Diệu", 0.0, 1.0),
    ("Bích", 0.0, 2.0),
    ("Thị Thanh", 0.0, 3.0),
    ("Thị Thu", 0.0, 3.0),
    ("Thị Ngọc", 0.0, 3.0),
    ("Thị Kim", 0.0, 2.0),
];

/// Given names with weights for boys and for girls.
const GIVEN: [(&str, f64, f64); 66] = [
    ("Anh", 5.0, 5.0),
    ("Hùng", 6.0, 0.0),
    ("Dũng", 5.0, 0.0),
    ("Tuấn", 5.0, 0.0),
    ("Cường", 4.0, 0.0),
    ("Hải", 4.0, 1.0),
    ("Nam", 4.0, 0.0),
    ("Long", 4.0, 0.0),
    ("Minh", 4.0, 1.0),
    ("Sơn", 4.0, 0.0),
    ("Thắng", 4.0, 0.0),
    ("Trung", 3.0, 0.0),
    ("Tùng", 3.0, 0.0),
    ("Việt", 3.0, 0.0),
    ("Quân", 3.0, 0.0),
    ("Đạt", 3.0, 0.0),
    ("Huy", 4.0, 0.0),
    ("Khánh", 3.0, 1.0),
    ("Phúc", 3.0, 0.0),
    ("Bình", 3.0, 2.0),
    ("Thành", 4.0, 0.0),
    ("Tiến", 3.0, 0.0),
    ("Hiếu", 3.0, 0.0),
    ("Khoa", 2.0, 0.0),
    ("Kiên", 2.0, 0.0),
    ("Lâm", 2.0, 0.0),
    ("Phong", 2.0, 0.0),
    ("Quang", 2.0, 0.0),
    ("Tâm", 2.0, 3.0),
    ("Thịnh", 2.0, 0.0),
    ("Toàn", 2.0, 0.0),
    ("Vinh", 2.0, 0.0),
    ("Đông", 1.0, 0.0),
    ("Hòa", 1.0, 3.0),
    ("Ninh", 1.0, 0.0),
    ("Hà", 1.0, 5.0),
    ("Lan", 0.0, 5.0),
    ("Hương", 0.0, 6.0),
    ("Hoa", 0.0, 4.0),
    ("Mai", 0.0, 4.0),
    ("Linh", 0.0, 5.0),
    ("Nga", 0.0, 4.0),
    ("Hằng", 0.0, 4.0),
    ("Thảo", 0.0, 4.0),
    ("Trang", 0.0, 5.0),
    ("Thủy", 0.0, 4.0),
    ("Yến", 0.0, 3.0),
    ("Loan", 0.0, 3.0),
    ("Phượng", 0.0, 3.0),
    ("Nhung", 0.0, 3.0),
    ("Hạnh", 0.0, 3.0),
    ("Hồng", 0.0, 3.0),
    ("Huyền", 0.0, 3.0),
    ("Ngọc", 1.0, 4.0),
    ("Dung", 0.0, 3.0),
    ("Oanh", 0.0, 2.0),
    ("Vân", 0.0, 3.0),
    ("Xuân", 0.0, 2.0),
    ("Thúy", 0.0, 2.0),
    ("Quỳnh", 0.0, 3.0),
    ("Như", 0.0, 2.0),
    ("Trinh", 0.0, 2.0),
    ("Tuyết", 0.0, 2.0),
    ("Liên", 0.0, 2.0),
    ("Diễm", 0.0, 1.0),
    ("Ánh", 0.0, 2.0),
];

/// A name by its places in the lists; equal exactly when its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Family, middle and given name.
    Full(u8, u8, u8),
    /// A newborn that has no name yet: "Trai" or "Gái".
    Unnamed(Sex),
}

impl Name {
    /// Draws a name; the family name is kept where one is given.
    pub fn draw(dice: &mut Dice, sex: Sex, family: Option<u8>) -> Self {
        let family = family.unwrap_or_else(|| dice.weighted(FAMILY.iter().map(|(_, share)| *share)) as u8);
        let by_sex = |entry: &(&str, f64, f64)| if sex == Sex::Male { entry.1 } else { entry.2 };
        let middle = dice.weighted(MIDDLE.iter().map(by_sex)) as u8;
        let given = dice.weighted(GIVEN.iter().map(by_sex)) as u8;
        Self::Full(family, middle, given)
    }

    /// The family name's place in its list.
    pub fn family(self) -> Option<u8> {
        match self {
            Self::Full(family, ..) => Some(family),
            Self::Unnamed(_) => None,
        }
    }

    /// The name as written.
    pub fn text(self) -> String {
        match self {
            Self::Full(family, middle, given) => {
                let words = (FAMILY[usize::from(family)].0, MIDDLE[usize::from(middle)].0);
                format!("{} {} {}", words.0, words.1, GIVEN[usize::from(given)].0)
            }
            Self::Unnamed(Sex::Male) => "Trai".to_owned(),
            Self::Unnamed(Sex::Female) => "Gái".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::personal::{name_key, tidy};
    use std::collections::HashSet;

    #[test]
    fn two_names_are_equal_only_when_their_texts_are() {
        let families = FAMILY.iter().map(|entry| entry.0).collect::<HashSet<_>>();
        assert_eq!(families.len(), FAMILY.len());
        let mut ends = HashSet::new();
        for middle in MIDDLE {
            for given in GIVEN {
                assert!(
                    ends.insert(name_key(&format!("{} {}", middle.0, given.0))),
                    "{} {}",
                    middle.0,
                    given.0
                );
            }
        }
    }

    #[test]
    fn names_are_tidy_and_most_families_are_nguyen() {
        let mut dice = Dice::new(3, "");
        let names: Vec<String> =
            (0..4_000).map(|_| Name::draw(&mut dice, Sex::Female, None).text()).collect();
        assert!(names.iter().all(|name| *name == tidy(name)));
        let nguyen = names.iter().filter(|name| name.starts_with("Nguyễn ")).count();
        // 380 of 969 weights: expected 1,569, sigma 31.
        assert!(nguyen.abs_diff(1_569) < 124, "{nguyen}");
    }
}
