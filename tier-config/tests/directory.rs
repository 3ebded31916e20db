//! The dated directory: questions on a boundary date, its CSV form, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use danso_tier_config::{Date, Directory, Faults, Hierarchy, Kind, Relation, UnitId};
use proptest::prelude::*;

const SMALL: &str = "\
unit,code,name,kind,tier,parent,valid_from,valid_to,predecessors
VN@1945-09-02,VN,Việt Nam,trung ương,central,,1945-09-02,,
01@2004-07-08,01,Thành phố Hà Nội,thành phố,province,VN@1945-09-02,2004-07-08,2025-06-30,
01@2025-07-01,01,Thành phố Hà Nội,thành phố,province,VN@1945-09-02,2025-07-01,,01@2004-07-08:unchanged
001@2004-07-08,001,Quận Ba Đình,quận,district,01@2004-07-08,2004-07-08,2025-06-30,
00004@2004-07-08,00004,Phường Trúc Bạch,phường,commune,001@2004-07-08,2004-07-08,2025-06-30,
00013@2004-07-08,00013,Phường Quán Thánh,phường,commune,001@2004-07-08,2004-07-08,2025-06-30,
00004@2025-07-01,00004,Xã Ba Đình,xã,commune,01@2025-07-01,2025-07-01,2026-04-29,00004@2004-07-08:whole;00013@2004-07-08:part
00004@2025-07-01,00004,Phường Ba Đình,phường,commune,01@2025-07-01,2026-04-30,,
";

fn read(text: &str) -> Result<Directory, Faults> {
    Directory::read_csv(text, "units.csv")
}

fn id(text: &str) -> UnitId {
    text.parse().unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn texts(ids: &[UnitId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn the_boundary_date_decides_who_stands_where() {
    let directory = read(SMALL).unwrap();
    let (before, after) = (directory.at(date("2025-06-30")), directory.at(date("2025-07-01")));
    let old = id("00004@2004-07-08");
    assert_eq!(texts(&before.ancestors(old)), ["001@2004-07-08", "01@2004-07-08", "VN@1945-09-02"]);
    assert_eq!(texts(&after.ancestors(id("00004@2025-07-01"))), ["01@2025-07-01", "VN@1945-09-02"]);
    assert_eq!(texts(&before.children(id("001@2004-07-08"))), ["00004@2004-07-08", "00013@2004-07-08"]);
    assert_eq!(texts(&after.children(Directory::country())), ["01@2025-07-01"]);
    assert_eq!(before.leaves_below(Directory::country()).len(), 2);
    assert_eq!(texts(&after.leaves_below(Directory::country())), ["00004@2025-07-01"]);
    assert_eq!(texts(&before.leaves_below(old)), ["00004@2004-07-08"]);
    assert!(after.leaves_below(old).is_empty());
    assert!(before.is_below(old, id("01@2004-07-08")) && !before.is_below(old, old));
    assert!(before.is_within(old, old) && !after.is_within(old, old));
    assert!(!after.is_below(old, id("01@2004-07-08")));
    assert_eq!(before.units_of_tier("district").len(), 1);
    assert!(after.units_of_tier("district").is_empty());
    assert_eq!(texts(&after.roots()), ["VN@1945-09-02"]);
    assert_eq!(directory.at(date("1900-01-01")).roots(), []);
    assert_eq!(before.subtree(Directory::country()).len(), 5);
}

#[test]
fn a_unit_keeps_its_id_through_a_new_name() {
    let directory = read(SMALL).unwrap();
    let unit = id("00004@2025-07-01");
    assert_eq!(directory.at(date("2026-04-29")).name(unit), Some("Xã Ba Đình"));
    assert_eq!(directory.at(date("2026-04-30")).unit(unit).unwrap().kind, Kind::Ward);
    assert_eq!(directory.name(unit), Some("Phường Ba Đình"));
    assert_eq!(directory.rows_of(unit).len(), 2);
    let days = directory.boundary_dates();
    assert_eq!(days.last(), Some(&date("2026-04-30")));
    assert_eq!(days.len(), 4);
}

#[test]
fn a_code_is_found_by_tier_and_date() {
    let directory = read(SMALL).unwrap();
    let find = |code, tier, on: &str| directory.find(code, tier, date(on)).map(|id| id.to_string());
    assert_eq!(find("00004", "commune", "2025-06-30").as_deref(), Some("00004@2004-07-08"));
    assert_eq!(find("00004", "commune", "2025-07-01").as_deref(), Some("00004@2025-07-01"));
    assert_eq!(find("00004", "district", "2025-07-01"), None);
    assert_eq!(find("not a code", "commune", "2025-07-01"), None);
}

#[test]
fn lineage_and_last_parents_outlive_a_unit() {
    let directory = read(SMALL).unwrap();
    let (old, new) = (id("00013@2004-07-08"), id("00004@2025-07-01"));
    let edges = directory.predecessors(new);
    assert_eq!(edges.iter().map(|edge| edge.relation).collect::<Vec<_>>(), [Relation::Whole, Relation::Part]);
    assert_eq!(directory.successors(old)[0].successor, new);
    assert_eq!(directory.successors(new), []);
    let today = directory.at(date("2026-11-21"));
    assert_eq!(today.parent(old), None);
    assert_eq!(today.last_parent(old), Some(id("001@2004-07-08")));
    assert_eq!(directory.last_parent(old), Some(id("001@2004-07-08")));
    assert_eq!(directory.at(date("2004-07-07")).last_parent(old), None);
    assert_eq!(directory.valid_to(old), Some(date("2025-06-30")));
    assert_eq!(directory.valid_to(new), None);
}

#[test]
fn the_csv_form_is_stable_whatever_the_order_of_rows() {
    let directory = read(SMALL).unwrap();
    let (header, rows) = SMALL.split_once('\n').unwrap();
    let reversed: Vec<&str> = rows.lines().rev().collect();
    let shuffled = read(&format!("\u{feff}{header}\r\n{}\r\n", reversed.join("\r\n"))).unwrap();
    assert_eq!(shuffled, directory);
    assert_eq!(shuffled.to_csv(), directory.to_csv());
    assert_eq!(read(&directory.to_csv()).unwrap(), directory);
}

#[test]
fn a_subset_keeps_what_stands_above() {
    let directory = read(SMALL).unwrap();
    let subset = directory.subset(&[id("00004@2025-07-01"), id("99@2025-07-01")]);
    let ids: Vec<_> = subset.rows().iter().map(|unit| unit.id.to_string()).collect();
    assert_eq!(ids, ["00004@2025-07-01", "00004@2025-07-01", "01@2025-07-01", "VN@1945-09-02"]);
    assert_eq!(subset.at(date("2025-07-01")).leaves_below(Directory::country()).len(), 1);
    assert_eq!(read(&subset.to_csv()).unwrap(), subset);
}

/// (line, key, code) of the faults after a replacement in the small directory.
fn faults_after(from: &str, to: &str) -> Vec<(usize, String, &'static str)> {
    assert!(SMALL.contains(from), "{from}");
    let faults = read(&SMALL.replacen(from, to, 1)).unwrap_err();
    faults.0.into_iter().map(|fault| (fault.line, fault.key, fault.code)).collect()
}

#[test]
fn each_broken_rule_has_its_own_fault() {
    for (from, to, line, key, code) in [
        ("unit,code", "unit,kode", 1, "", "csv-columns"),
        ("phường,commune,001", "phuong,commune,001", 6, "kind", "value-form"),
        ("00013@2004-07-08,00013", "00013@2004-07-08,00012", 7, "code", "value-form"),
        ("quận,district", "quận,distrikt", 5, "tier", "tier-unknown"),
        (
            "commune,001@2004-07-08,2004-07-08,2025-06-30",
            "commune,002@2004-07-08,2004-07-08,2025-06-30",
            6,
            "parent",
            "unit-parent",
        ),
        (
            "commune,001@2004-07-08,2004-07-08,2025-06-30",
            "commune,001@2004-07-08,2004-07-08,2025-07-30",
            6,
            "parent",
            "unit-parent",
        ),
        (
            "commune,001@2004-07-08,2004-07-08,2025-06-30",
            "commune,,2004-07-08,2025-06-30",
            6,
            "parent",
            "unit-parent",
        ),
        ("district,01@2004-07-08", "district,00004@2004-07-08", 5, "parent", "unit-parent"),
        ("2026-04-30,,", "2026-04-29,,", 9, "unit", "unit-duplicate"),
        ("2026-04-30,,", "2026-05-01,,", 9, "valid_from", "unit-period"),
        ("2025-07-01,2026-04-29,", "2025-07-02,2026-04-29,", 8, "valid_from", "unit-period"),
        ("00013@2004-07-08:part", "00013@2004-07-08:some", 8, "predecessors", "value-form"),
        ("00013@2004-07-08:part", "00013@2004-07-08", 8, "predecessors", "value-form"),
        ("00013@2004-07-08:part", "00014@2004-07-08:part", 8, "predecessors", "unit-lineage"),
        ("00013@2004-07-08:part", "00004@2004-07-08:part", 8, "predecessors", "unit-lineage"),
        ("Phường Quán Thánh", "", 7, "name", "value-form"),
        (",2026-04-30,,\n", ",2026-04-30,\n", 9, "", "csv-form"),
    ] {
        let found = faults_after(from, to);
        assert!(found.contains(&(line, key.to_owned(), code)), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn a_unit_above_itself_is_a_cycle() {
    let found = faults_after("district,01@2004-07-08", "district,00004@2004-07-08");
    let cycles: Vec<_> = found.iter().filter(|fault| fault.2 == "unit-cycle").map(|fault| fault.0).collect();
    assert_eq!(cycles, [5, 6]);
    let own = faults_after("district,01@2004-07-08", "district,001@2004-07-08");
    assert!(own.contains(&(5, "parent".to_owned(), "unit-cycle")), "{own:?}");
}

#[test]
fn one_code_means_one_unit_of_a_tier_on_a_day() {
    let second = "00004@2024-01-01,00004,Xã Khác,xã,commune,001@2004-07-08,2024-01-01,2025-06-30,\n";
    let faults = read(&format!("{SMALL}{second}")).unwrap_err();
    assert_eq!(
        faults.0.iter().map(|fault| (fault.line, fault.code)).collect::<Vec<_>>(),
        [(10, "code-overlap")]
    );
    let other_tier = second.replace("commune,001", "district,01");
    assert!(read(&format!("{SMALL}{other_tier}")).is_ok());
}

#[test]
fn many_faults_are_told_together() {
    let text = SMALL.replace("quận,district", "quan,district").replace("Phường Quán Thánh", "");
    let faults = read(&text).unwrap_err();
    assert!(faults.with_code("value-form").count() >= 2, "{faults}");
    assert!(faults.0.windows(2).all(|pair| pair[0].line <= pair[1].line));
}

#[test]
fn own_hierarchies_bring_their_own_tiers() {
    let profile = "name = \"own\"\n[[tier]]\nname = \"hamlet\"\nrecords = true\nup = \"names\"\n\
                   [[tier]]\nname = \"island\"\n";
    let own = Hierarchy::parse(profile, "own.toml").unwrap();
    let text = "unit,code,name,kind,tier,parent,valid_from,valid_to,predecessors\n\
                A@2025-07-01,A,Đảo,đặc khu,island,,2025-07-01,,\n\
                B@2025-07-01,B,Thôn,xã,hamlet,A@2025-07-01,2025-07-01,,\n";
    assert!(read(text).unwrap_err().with_code("tier-unknown").count() == 2);
    let directory = Directory::read_csv_in(text, "units.csv", &[own]).unwrap();
    assert_eq!(texts(&directory.at(date("2025-07-01")).leaves_below(id("A@2025-07-01"))), ["B@2025-07-01"]);
}

/// A directory of four tiers with the given parents: each number chooses among the units above.
fn grown(provinces: usize, districts: &[usize], communes: &[usize]) -> Directory {
    let unit = |code: String, kind, tier: &str, parent: Option<UnitId>| {
        let id = id(&format!("{code}@2004-07-08"));
        Directory::simple_unit(id, "Đơn vị", kind, &tier.parse().unwrap(), parent)
    };
    let mut units = vec![unit("VN".to_owned(), Kind::Central, "central", None)];
    let above = |units: &[danso_tier_config::Unit], tier: &str, choice: usize| {
        let all: Vec<UnitId> = units.iter().filter(|unit| unit.tier == *tier).map(|unit| unit.id).collect();
        Some(all[choice % all.len()])
    };
    for i in 0..provinces {
        let parent = above(&units, "central", 0);
        units.push(unit(format!("{i:02}"), Kind::Province, "province", parent));
    }
    for (i, choice) in districts.iter().enumerate() {
        let parent = above(&units, "province", *choice);
        units.push(unit(format!("{i:03}"), Kind::RuralDistrict, "district", parent));
    }
    for (i, choice) in communes.iter().enumerate() {
        let parent = above(&units, "district", *choice);
        units.push(unit(format!("{i:05}"), Kind::Commune, "commune", parent));
    }
    Directory::from_rows(units, Vec::new()).unwrap()
}

proptest! {
    #[test]
    fn the_tree_is_the_same_from_above_and_from_below(
        provinces in 1..5usize,
        districts in prop::collection::vec(0..9usize, 1..8),
        communes in prop::collection::vec(0..9usize, 1..20),
    ) {
        let directory = grown(provinces, &districts, &communes);
        let view = directory.at(date("2010-01-01"));
        let root = view.roots()[0];
        prop_assert_eq!(view.leaves_below(root).len(), communes.len());
        prop_assert_eq!(view.subtree(root).len(), view.units().count());
        for unit in view.units() {
            let ancestors = view.ancestors(unit.id);
            for other in view.units() {
                prop_assert_eq!(view.is_below(unit.id, other.id), ancestors.contains(&other.id));
            }
            for child in view.children(unit.id) {
                prop_assert_eq!(view.parent(child), Some(unit.id));
            }
            let direct: usize = view.children(unit.id).iter().map(|child| view.leaves_below(*child).len()).sum();
            if unit.tier != *"commune" {
                prop_assert_eq!(view.leaves_below(unit.id).len(), direct);
            }
        }
        prop_assert_eq!(&read(&directory.to_csv()).unwrap(), &directory);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,60}", at in 0..SMALL.len()) {
        if SMALL.is_char_boundary(at) {
            let _ = read(&format!("{}{text}{}", &SMALL[..at], &SMALL[at..]));
        }
    }
}
