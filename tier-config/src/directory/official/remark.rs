//! The remarks of the official conversion table, read as relations.

use super::spelling::comparable;
use crate::directory::row::Relation;

/// The relation that a remark of the official table means, and whether it is a standard phrase.
pub(super) fn relation_of(remark: &str) -> Option<(Relation, bool)> {
    let key = comparable(remark);
    let standard = [
        ("nhập toàn bộ", Relation::Whole),
        ("nhập một phần", Relation::Part),
        ("giữ nguyên", Relation::Unchanged),
        ("nhập một phần diện tích", Relation::PartAreaOnly),
        ("nhập một phần diện tích, toàn bộ dân số", Relation::PartAreaWholePopulation),
        ("nhập một phần dân số", Relation::PartPopulation),
        ("nhập toàn bộ diện tích", Relation::WholeArea),
        ("đổi tên", Relation::Renamed),
        ("đổi loại hình", Relation::Retyped),
    ];
    if let Some((_, relation)) = standard.iter().find(|(phrase, _)| comparable(phrase) == key) {
        return Some((*relation, true));
    }
    let has = |phrase: &str| key.contains(&comparable(phrase));
    let relation = if has("sắp xếp toàn bộ huyện") {
        return Some((Relation::DistrictToSpecialZone, true));
    } else if has("sắp xếp toàn bộ xã") {
        Relation::Whole
    } else if has("một phần diện tích") && has("toàn bộ dân số") {
        Relation::PartAreaWholePopulation
    } else if has("một phần diện tích") {
        Relation::PartAreaOnly
    } else if has("một phần") || has("phần còn lại") {
        Relation::Part
    } else {
        return None;
    };
    Some((relation, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_phrases_and_their_slips_are_read() {
        for (remark, expected) in [
            ("Nhập toàn bộ", Some((Relation::Whole, true))),
            ("Nhập một  phần ", Some((Relation::Part, true))),
            ("Nhập một phần diện tích, toàn bộ dân số", Some((Relation::PartAreaWholePopulation, true))),
            ("Nhâp một phần diện tích", Some((Relation::PartAreaOnly, false))),
            ("Phần còn lại sau khi tách một phần vào xã Canh Vinh", Some((Relation::Part, false))),
            ("Đổi tên từ một phần Phường 15", Some((Relation::Part, false))),
            ("Đổi tên", Some((Relation::Renamed, true))),
            (
                "Sắp xếp toàn bộ huyện Lý Sơn thành đặc khu Lý Sơn",
                Some((Relation::DistrictToSpecialZone, true)),
            ),
            ("Sắp xếp toàn bộ xã Thổ Châu thành đặc khu Thổ Châu", Some((Relation::Whole, false))),
            ("", None),
            ("xem nghị quyết", None),
        ] {
            assert_eq!(relation_of(remark), expected, "{remark}");
        }
    }
}
