//! The import against the official lists themselves, where they are on this machine.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use danso_tier_config::{
    Date, Directory, Kind, Relation, UnitId,
    directory::official::{self, Oddity, Report},
};
use std::{path::Path, sync::LazyLock};

const RAW: [&str; 5] = [
    "units/gso_communes_before_downloaded_2025-07-18.csv",
    "units/gso_districts_before.csv",
    "units/communes_after_2026-07-25.csv",
    "units/cv915_CTK-CSCL_province_codes.csv",
    "mapping/gso_conversion_table_new_old_2025-07.csv",
];

/// The texts of data files, or `None` with a loud line where they are not on this machine.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn texts(names: &[&str]) -> Option<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !folder.is_dir() {
        eprintln!("SKIPPED: the official lists are not at {}", folder.display());
        return None;
    }
    let read = |name: &&str| ((*name).to_owned(), std::fs::read_to_string(folder.join(name)).unwrap());
    Some(names.iter().map(read).collect())
}

fn import(names: &[&str]) -> Option<(Directory, Report)> {
    let texts = texts(names)?;
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Some(official::import(&files).unwrap())
}

static OFFICIAL: LazyLock<Option<(Directory, Report)>> = LazyLock::new(|| import(&RAW));

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn id(text: &str) -> UnitId {
    text.parse().unwrap()
}

#[test]
fn both_trees_have_their_official_counts() {
    let Some((directory, _)) = &*OFFICIAL else { return };
    let (before, after) = (directory.at(date("2025-06-30")), directory.at(date("2025-07-01")));
    let count = |tier| (before.units_of_tier(tier).len(), after.units_of_tier(tier).len());
    assert_eq!(count("central"), (1, 1));
    assert_eq!(count("province"), (63, 34));
    assert_eq!(count("district"), (696, 0));
    assert_eq!(count("commune"), (10_035, 3_321));
    assert_eq!(before.leaves_below(Directory::country()).len(), 10_035);
    assert_eq!(after.leaves_below(Directory::country()).len(), 3_321);
    assert_eq!(after.children(id("01@2025-07-01")).len(), 126);
    let kinds = |on: &str, kind| {
        let view = directory.at(date(on));
        view.units().filter(|unit| unit.kind == kind).count()
    };
    for (on, communes, wards, cities) in [("2025-07-01", 2_621, 687, 6), ("2026-04-30", 2_611, 697, 7)] {
        assert_eq!(kinds(on, Kind::Commune), communes, "xã on {on}");
        assert_eq!(kinds(on, Kind::Ward), wards, "phường on {on}");
        assert_eq!(kinds(on, Kind::SpecialZone), 13, "đặc khu on {on}");
        assert_eq!(kinds(on, Kind::City), cities, "thành phố on {on}");
    }
    assert_eq!(directory.at(date("2026-04-29")).name(id("75@2025-07-01")), Some("Tỉnh Đồng Nai"));
    assert_eq!(directory.at(date("2026-04-30")).name(id("75@2025-07-01")), Some("Thành phố Đồng Nai"));
}

#[test]
fn lineage_is_complete_and_has_the_official_relations() {
    let Some((directory, report)) = &*OFFICIAL else { return };
    for commune in directory.at(date("2025-06-30")).units_of_tier("commune") {
        assert!(!directory.successors(commune).is_empty(), "{commune} went nowhere");
    }
    for commune in directory.at(date("2025-07-01")).units_of_tier("commune") {
        assert!(!directory.predecessors(commune).is_empty(), "{commune} came from nowhere");
    }
    let commune = |edge: &&danso_tier_config::Lineage| edge.successor.code.as_str().len() == 5;
    let count = |relation| {
        directory.lineage().iter().filter(commune).filter(|edge| edge.relation == relation).count()
    };
    // The table has 9,465 whole; one of them is the shore that is no unit.
    assert_eq!(count(Relation::Whole), 9_464);
    assert_eq!(count(Relation::Part), 826);
    assert_eq!(count(Relation::Unchanged), 127);
    assert_eq!(count(Relation::PartAreaOnly), 83);
    assert_eq!(count(Relation::PartAreaWholePopulation), 58);
    assert_eq!(count(Relation::DistrictToSpecialZone), 5);
    assert_eq!(count(Relation::PartPopulation), 2);
    assert_eq!(count(Relation::Renamed), 2);
    assert_eq!(count(Relation::Retyped), 2);
    assert_eq!(count(Relation::WholeArea), 1);
    let provinces: Vec<_> =
        directory.lineage().iter().filter(|edge| edge.successor.code.as_str().len() == 2).collect();
    assert_eq!(provinces.len(), 63);
    let unchanged = provinces.iter().filter(|edge| edge.relation == Relation::Unchanged);
    let codes: Vec<_> = unchanged.map(|edge| edge.successor.code.to_string()).collect();
    assert_eq!(codes, ["01", "04", "11", "12", "14", "20", "22", "38", "40", "42", "46"]);
    for oddity in [
        Oddity::OldWithoutSuccessor,
        Oddity::NewWithoutPredecessor,
        Oddity::TransferConflict,
        Oddity::RowDuplicate,
        Oddity::ListNotGiven,
    ] {
        assert_eq!(report.of(oddity).count(), 0, "{oddity:?}");
    }
}

/// Codes of the findings of one kind, in the order of the table.
fn codes(report: &Report, oddity: Oddity, file: &str) -> Vec<String> {
    report.of(oddity).filter(|found| found.file == file).map(|found| found.unit_code.clone()).collect()
}

#[test]
fn the_ten_known_wrong_cells_are_found_and_set_right() {
    let Some((directory, report)) = &*OFFICIAL else { return };
    let table = RAW[4];
    assert_eq!(codes(report, Oddity::NameCodeMismatch, table), ["00553", "01615", "02485"]);
    assert_eq!(codes(report, Oddity::CodeUnknown, table), ["06970"; 5]);
    assert_eq!(codes(report, Oddity::ProvinceMismatch, table), ["27691", "30781"]);
    // Two communes that the table calls phường and the old list still xã: for someone to look at.
    let open: Vec<_> = report.unrepaired().map(|found| (found.oddity, found.unit_code.as_str())).collect();
    assert_eq!(open, [(Oddity::KindMismatch, "13369"), (Oddity::KindMismatch, "22267")], "{report}");
    let edge = |old: &str, new: &str| {
        let new = id(&format!("{new}@2025-07-01"));
        directory.successors(id(&format!("{old}@2004-07-08"))).iter().any(|edge| edge.successor == new)
    };
    for (old, new) in [("00556", "00562"), ("01651", "01648"), ("02482", "02494")] {
        assert!(edge(old, new), "{old} went into {new}");
    }
    for old in ["06970", "06973", "06982", "06988", "06886"] {
        assert!(edge(old, "06978"), "{old} went into 06978");
    }
    assert!(!edge("00553", "00562") && !edge("01615", "01648") && !edge("02485", "02494"));
    let long_an = directory.at(date("2025-06-30"));
    assert!(long_an.is_below(id("27691@2004-07-08"), id("80@2004-07-08")));
    assert!(long_an.is_below(id("30781@2004-07-08"), id("91@2004-07-08")));
}

#[test]
fn the_other_oddities_are_found() {
    let Some((directory, report)) = &*OFFICIAL else { return };
    assert_eq!(codes(report, Oddity::ComponentNotUnit, RAW[4]), ["14698"]);
    assert_eq!(codes(report, Oddity::KindCase, RAW[2]), ["06325"]);
    assert_eq!(codes(report, Oddity::KindMismatch, RAW[0]), ["15061", "27046", "27076"]);
    assert_eq!(directory.name(id("06325@2025-07-01")), Some("Xã Bắc Sơn"));
    let spelt = codes(report, Oddity::Spelling, RAW[4]);
    for code in ["00736", "04621", "12664", "19780", "25462"] {
        assert!(spelt.iter().any(|found| found == code), "{code}");
    }
    // Hòa and Hoà are no oddity.
    assert!(!spelt.iter().any(|found| found == "00172"));
}

#[test]
fn real_units_have_their_real_fate() {
    let Some((directory, _)) = &*OFFICIAL else { return };
    let fate = |old: &str| {
        let edges = directory.successors(id(old)).iter();
        edges.map(|edge| format!("{} {}", edge.successor.code, edge.relation)).collect::<Vec<_>>()
    };
    assert_eq!(fate("09886@2004-07-08"), ["00634 part", "00637 part", "09877 part", "09886 part"]);
    assert_eq!(
        fate("00316@2004-07-08"),
        [
            "00316 part_area_whole_population",
            "00337 part_area_only",
            "00364 part_area_only",
            "00643 part_area_only"
        ]
    );
    assert_eq!(fate("30781@2004-07-08"), ["30781 unchanged"]);
    assert_eq!(fate("318@2004-07-08"), ["11948 district_to_special_zone"]);
    assert_eq!(fate("27@2004-07-08"), ["24 whole"]);
    assert_eq!(directory.predecessors(id("00070@2025-07-01")).len(), 14);
    // The code 24 was Bắc Giang and is Bắc Ninh; the date decides.
    let meant = |on: &str| directory.find("24", "province", date(on)).and_then(|id| directory.name(id));
    assert_eq!(meant("2025-06-30"), Some("Tỉnh Bắc Giang"));
    assert_eq!(meant("2025-07-01"), Some("Tỉnh Bắc Ninh"));
}

#[test]
fn raw_and_derived_lists_give_the_same_units_and_lineage() {
    let Some((raw, _)) = &*OFFICIAL else { return };
    for crosswalk in ["mapping/crosswalk_2025-07-01.csv", "mapping/crosswalk_2025-07-01_corrected.csv"] {
        let names = ["units/communes_before_2025-06-30.csv", RAW[1], RAW[2], RAW[3], crosswalk];
        let Some((derived, report)) = import(&names) else { return };
        assert!(derived == *raw, "{crosswalk} gives another directory");
        let wrong = codes(&report, Oddity::NameCodeMismatch, crosswalk).len();
        assert_eq!(wrong, if crosswalk.contains("corrected") { 0 } else { 3 });
    }
}

#[test]
fn the_imported_directory_survives_its_own_csv() {
    let Some((directory, _)) = &*OFFICIAL else { return };
    let text = directory.to_csv();
    let again = Directory::read_csv(&text, "units.csv").unwrap();
    assert!(again == *directory);
    assert!(again.to_csv() == text);
}
