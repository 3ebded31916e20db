//! The import of official lists, on small lists that hold one trouble each.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use danso_tier_config::{
    Date, Directory, Faults, Relation,
    directory::official::{self, Oddity, Report},
};

const BEFORE: &str = "\u{feff}Mã,Tên,Tên Tiếng Anh,Cấp,Mã QH,Quận Huyện,Mã TP,Tỉnh / Thành Phố\r
00001,Xã Hoà An,,Xã,001,Huyện Một,01,Tỉnh Đông\r
00004,Xã Bình,,Xã,001,Huyện Một,01,Tỉnh Đông\r
00007,Xã Cường,,Xã,002,Huyện Hai,02,Tỉnh Tây\r
00010,Phường 4,,Phường,002,Huyện Hai,02,Tỉnh Tây\r
";
const DISTRICTS: &str = "\u{feff}Mã,Tên,Tên Tiếng Anh,Cấp,Mã TP,Tỉnh / Thành Phố
001,Huyện Một,,Huyện,01,Tỉnh Đông
002,Huyện Hai,,Huyện,02,Tỉnh Tây
003,Huyện Đảo,,Huyện,02,Tỉnh Tây
";
const AFTER: &str = "code,name,kind,province_code,province_name
00001,Xã Hòa An,Xã,01,Tỉnh Đông Tây
00010,Phường Mới,Phường,01,Tỉnh Đông Tây
00020,Đặc khu Đảo,Đặc khu,01,Tỉnh Đông Tây
";
const TABLE: &str = "Đơn vị hành chính từ ngày 01/7/2025,,,Đơn vị hành chính trước ngày 01/7/2025,,,,,
\"Tỉnh, thành phố\",Tên Xã mới,Mã Xã mới,Tên Xã cũ,Mã Xã cũ,Ghi chú,Quận/huyện,Tỉnh cũ,
ĐÔNG TÂY,,,,,,,,
Tỉnh Đông Tây (01),Xã Hòa An,00001,Xã Hòa An,00001,Nhập toàn bộ,Huyện Một (001),Tỉnh Đông (01),
Tỉnh Đông Tây (01),Xã Hòa An,00001,Xã Bình,00004,Nhập một phần,Huyện Một (001),Tỉnh Đông (01),
Tỉnh Đông Tây (01),Phường Mới,00010,Xã Bình,00004,Nhập một phần ,Huyện Một (001),Tỉnh Đông (01),
Tỉnh Đông Tây (01),Phường Mới,00010,Xã Cường,00007,Nhập toàn bộ,Huyện Hai (002),Tỉnh Tây (02),
Tỉnh Đông Tây (01),\"Phường Mới
\",00010,Phường 4,00010,Nhập toàn bộ,Huyện Hai (002),Tỉnh Tây (02),
Tỉnh Đông Tây (01),Đặc khu Đảo,00020,,,Sắp xếp toàn bộ huyện Đảo thành đặc khu Đảo,Huyện Đảo (003),Tỉnh Tây (02),
";

fn import(table: &str) -> Result<(Directory, Report), Faults> {
    official::import(&[("before", BEFORE), ("districts", DISTRICTS), ("after", AFTER), ("table", table)])
}

/// (oddity, line, code, repaired) of the findings after a replacement in the table.
fn findings(from: &str, to: &str) -> Vec<(Oddity, usize, String, bool)> {
    assert!(TABLE.contains(from), "{from}");
    let (_, report) = import(&TABLE.replacen(from, to, 1)).unwrap();
    let fields = |found: official::Finding| (found.oddity, found.line, found.unit_code, found.repaired);
    report.findings.into_iter().map(fields).collect()
}

fn found(oddity: Oddity, line: usize, code: &str, repaired: bool) -> (Oddity, usize, String, bool) {
    (oddity, line, code.to_owned(), repaired)
}

#[test]
fn clean_lists_give_both_trees_and_no_finding() {
    let (directory, report) = import(TABLE).unwrap();
    assert_eq!(report, Report::default(), "{report}");
    let count = |on: &str, tier| directory.at(on.parse::<Date>().unwrap()).units_of_tier(tier).len();
    assert_eq!((count("2025-06-30", "commune"), count("2025-06-30", "district")), (4, 3));
    assert_eq!((count("2025-07-01", "commune"), count("2025-07-01", "district")), (3, 0));
    let edges: Vec<_> = directory
        .lineage()
        .iter()
        .map(|edge| format!("{} {} {}", edge.predecessor.code, edge.successor.code, edge.relation))
        .collect();
    assert_eq!(
        edges,
        [
            "00001 00001 whole",
            "00004 00001 part",
            "00004 00010 part",
            "00007 00010 whole",
            "00010 00010 whole",
            "003 00020 district_to_special_zone",
            "01 01 whole",
            "02 01 whole"
        ]
    );
}

#[test]
fn the_order_and_names_of_files_do_not_matter() {
    let other = official::import(&[("d", TABLE), ("c", AFTER), ("b", DISTRICTS), ("a", BEFORE)]).unwrap();
    assert_eq!(other, import(TABLE).unwrap());
}

#[test]
fn a_name_of_the_same_district_shows_a_wrong_code() {
    // "Xã Cường" with the code of "Phường 4": there is one Cường in that district.
    let row = "Xã Cường,00007,Nhập toàn bộ";
    let wrong = findings(row, "Xã Cường,00010,Nhập toàn bộ");
    assert_eq!(wrong, [found(Oddity::NameCodeMismatch, 7, "00010", true)]);
    let unknown = findings(row, "Xã Cường,00099,Nhập toàn bộ");
    assert_eq!(unknown, [found(Oddity::CodeUnknown, 7, "00099", true)]);
    for code in ["00010", "00099"] {
        let (repaired, _) =
            import(&TABLE.replacen("Xã Cường,00007", &format!("Xã Cường,{code}"), 1)).unwrap();
        assert_eq!(repaired, import(TABLE).unwrap().0);
    }
}

#[test]
fn a_name_alone_never_joins() {
    // No "Xã Dũng" in the district: the code stays, and someone must look.
    let unlike = findings("Xã Cường,00007", "Xã Dũng,00007");
    assert_eq!(unlike, [found(Oddity::NameCodeMismatch, 7, "00007", false)]);
    // The name exists in another district only.
    let elsewhere = findings("Xã Cường,00007", "Xã Hòa An,00007");
    assert_eq!(elsewhere, [found(Oddity::NameCodeMismatch, 7, "00007", false)]);
    // Neither code nor name: the row is left out, and what that leaves open is told as well.
    let neither = findings("Xã Cường,00007", "Xã Dũng,00099");
    assert_eq!(
        neither,
        [
            found(Oddity::OldWithoutSuccessor, 0, "00007", false),
            found(Oddity::CodeUnknown, 7, "00099", false)
        ]
    );
}

#[test]
fn another_number_is_another_name() {
    assert_eq!(
        findings("Phường 4,00010", "Phường 5,00010"),
        [found(Oddity::NameCodeMismatch, 8, "00010", false)]
    );
    assert_eq!(findings("Phường 4,00010", "Phường IV,00010"), [found(Oddity::Spelling, 8, "00010", true)]);
    assert_eq!(findings("Phường 4,00010", "Xã 4,00010"), [found(Oddity::KindMismatch, 8, "00010", false)]);
}

#[test]
fn other_provinces_districts_and_codes_are_found() {
    let row = "Huyện Hai (002),Tỉnh Tây (02),\nTỉnh Đông Tây (01),\"";
    let province = findings(row, "Huyện Hai (002),Tỉnh Tây (01),\nTỉnh Đông Tây (01),\"");
    assert_eq!(province, [found(Oddity::ProvinceMismatch, 7, "00007", true)]);
    let district = findings(row, "Huyện Hai (001),Tỉnh Tây (02),\nTỉnh Đông Tây (01),\"");
    assert_eq!(district, [found(Oddity::DistrictMismatch, 7, "00007", true)]);
    let new_province = findings("Tỉnh Đông Tây (01),Xã Hòa An", "Tỉnh Đông Tây (03),Xã Hòa An");
    assert_eq!(new_province, [found(Oddity::ProvinceMismatch, 4, "00001", true)]);
    let new_code = findings("Đặc khu Đảo,00020", "Đặc khu Đảo,00021");
    assert_eq!(new_code, [found(Oddity::CodeUnknown, 10, "00021", true)]);
}

#[test]
fn remarks_and_components_are_told() {
    let shore =
        "Tỉnh Đông Tây (01),Xã Hòa An,00001,Khu vực bãi bồi,,Nhập toàn bộ,Huyện Một (001),Tỉnh Đông (01),\n";
    let (directory, report) = import(&format!("{TABLE}{shore}")).unwrap();
    assert_eq!(report.of(Oddity::ComponentNotUnit).count(), 1);
    assert_eq!(directory, import(TABLE).unwrap().0);
    assert_eq!(
        findings("Nhập một phần ,", "Phần còn lại của xã Bình,"),
        [found(Oddity::RemarkReworded, 6, "00010", true)]
    );
    let faults = import(&TABLE.replacen("Nhập một phần ,", "xem nghị quyết,", 1)).unwrap_err();
    assert_eq!((faults.0[0].line, faults.0[0].code), (6, "value-form"));
}

#[test]
fn people_who_go_nowhere_or_twice_are_found() {
    assert_eq!(
        findings("Xã Cường,00007,Nhập toàn bộ", "Xã Cường,00007,Nhập một phần diện tích"),
        [found(Oddity::OldWithoutSuccessor, 7, "00007", false)]
    );
    assert_eq!(
        findings("Xã Bình,00004,Nhập một phần,", "Xã Bình,00004,Nhập toàn bộ,"),
        [found(Oddity::TransferConflict, 5, "00004", false)]
    );
    let (_, report) = import(&format!("{TABLE}{}\n", TABLE.lines().nth(3).unwrap())).unwrap();
    assert_eq!(report.of(Oddity::RowDuplicate).count(), 1);
    let without = TABLE.replace("Đặc khu Đảo,00020", "Phường Mới,00010");
    let (_, report) = import(&without).unwrap();
    assert_eq!(report.of(Oddity::NewWithoutPredecessor).next().unwrap().unit_code, "00020");
}

#[test]
fn faults_of_the_lists_are_told_together() {
    let after = AFTER.replace("00001,", "0000x,").replace("Phường Mới,", "Mới,");
    let faults = official::import(&[("before", BEFORE), ("after", &after), ("table", TABLE)]).unwrap_err();
    let told: Vec<_> = faults.0.iter().map(|fault| (fault.file.as_str(), fault.line, fault.code)).collect();
    assert_eq!(told, [("after", 2, "value-form"), ("after", 3, "value-form")], "{faults}");
    let twice = BEFORE.replace("00004,", "00001,");
    let faults = official::import(&[("before", &twice), ("after", AFTER), ("table", TABLE)]).unwrap_err();
    assert_eq!((faults.0[0].line, faults.0[0].code), (3, "unit-duplicate"));
}

#[test]
fn missing_unknown_and_doubled_lists_are_refused() {
    let code = |files: &[(&str, &str)]| official::import(files).unwrap_err().0[0].code;
    assert_eq!(code(&[("before", BEFORE), ("after", AFTER)]), "list-missing");
    assert_eq!(code(&[("strange", "a,b,c\n1,2,3\n")]), "list-unknown");
    assert_eq!(code(&[("empty", "")]), "list-unknown");
    assert_eq!(code(&[("a", AFTER), ("b", AFTER)]), "list-duplicate");
    let (_, report) = official::import(&[("before", BEFORE), ("after", AFTER), ("table", TABLE)]).unwrap();
    assert_eq!(report.of(Oddity::ListNotGiven).count(), 1);
    assert_eq!(report.of(Oddity::CodeUnknown).count(), 1);
}

#[test]
fn a_later_change_of_kind_without_a_known_date_is_left_open() {
    let table = TABLE.replace("Phường Mới", "Xã Mới");
    let (directory, report) = import(&table).unwrap();
    let open: Vec<_> = report.unrepaired().map(|found| found.unit_code.as_str()).collect();
    assert_eq!(open, ["00010"], "{report}");
    assert_eq!(directory.rows_of("00010@2025-07-01".parse().unwrap()).len(), 1);
    assert_eq!(directory.predecessors("00010@2025-07-01".parse().unwrap())[0].relation, Relation::Part);
}

#[test]
fn the_kind_of_dong_nai_changes_on_its_day() {
    let (after, table) = (AFTER.replace(",01,Tỉnh Đông Tây", ",75,Thành phố Đồng Nai"), TABLE);
    let table = table.replace("Tỉnh Đông Tây (01)", "Tỉnh Đồng Nai (75)").replace("Phường Mới", "Xã Mới");
    let files = [("before", BEFORE), ("districts", DISTRICTS), ("after", after.as_str()), ("table", &table)];
    let (directory, report) = official::import(&files).unwrap();
    assert_eq!(report, Report::default(), "{report}");
    let name = |id: &str, on: &str| {
        let view = directory.at(on.parse::<Date>().unwrap());
        view.name(id.parse().unwrap()).map(ToOwned::to_owned)
    };
    assert_eq!(name("75@2025-07-01", "2026-04-29").as_deref(), Some("Tỉnh Đồng Nai"));
    assert_eq!(name("75@2025-07-01", "2026-04-30").as_deref(), Some("Thành phố Đồng Nai"));
    assert_eq!(name("00010@2025-07-01", "2026-04-29").as_deref(), Some("Xã Mới"));
    assert_eq!(name("00010@2025-07-01", "2026-04-30").as_deref(), Some("Phường Mới"));
}
