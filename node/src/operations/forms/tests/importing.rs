//! Rows against the register: what goes in, what is known, what is refused and named.

use super::{HEADER, book, desk::MemoryDesk, places};
use crate::operations::forms::{Counts, Summary, event_rows, import_events, import_register, register_rows};
use danso_core::domain::{Education, Sex};
use danso_tier_config::{Date, limits};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn take_register(desk: &mut MemoryDesk, text: &str) -> Summary {
    import_register(desk, day("2025-07-01"), register_rows(text.as_bytes()).unwrap(), &mut |_| ())
}

fn take_events(desk: &mut MemoryDesk, text: &str) -> Summary {
    import_events(desk, event_rows(text.as_bytes()).unwrap(), &mut |_| ())
}

fn counts(rows: u64, recorded: u64, already_known: u64, refused: u64) -> Counts {
    Counts { rows, recorded, already_known, refused }
}

const HOUSEHOLD: [&str; 3] = [
    "1,27,1,Nguyễn Văn Hòa,nam,05/09/1975,Kinh,THPT,đang kết hôn,thường trú có mặt",
    "1,27,2,Trần Thị Lan,nữ,01/02/1978,Kinh,THCS,đang kết hôn,thường trú có mặt",
    "1,27,3,Nguyễn Thị Mai,nữ,11/11/2003,Kinh,đại học,chưa kết hôn,tạm vắng",
];

fn stocked() -> MemoryDesk {
    let mut desk = MemoryDesk::new();
    assert_eq!(take_register(&mut desk, &book(&HOUSEHOLD)).counts, counts(3, 3, 0, 0));
    desk
}

#[test]
fn a_file_imported_twice_adds_nothing_also_on_another_day_and_in_another_form() {
    let mut desk = stocked();
    let changes = desk.sequence;
    let again = book(&HOUSEHOLD).replace(',', ";").replace('\n', "\r\n").replace("THPT", "4");
    let rows = register_rows(again.as_bytes()).unwrap();
    let summary = import_register(&mut desk, day("2025-12-31"), rows, &mut |_| ());
    assert_eq!((summary.counts, desk.sequence), (counts(3, 0, 3, 0), changes));
    assert_eq!(summary.faults, []);
}

#[test]
fn a_household_is_opened_once_with_all_its_members() {
    let desk = stocked();
    let sizes: Vec<u16> = desk.households().map(|home| home.size).collect();
    assert_eq!((sizes, desk.residents(), desk.sequence), (vec![3], 3, 4));
}

#[test]
fn good_rows_go_in_and_a_corrected_file_adds_only_the_rest() {
    let mut desk = MemoryDesk::new();
    let broken = HOUSEHOLD[1].replace("01/02/1978", "30/02/1978");
    let summary = take_register(&mut desk, &book(&[HOUSEHOLD[0], &broken, HOUSEHOLD[2]]));
    assert_eq!(summary.counts, counts(3, 2, 0, 1));
    assert_eq!(places(&summary.faults), [(3, "birth_date", "no_such_day")]);
    assert_eq!(take_register(&mut desk, &book(&HOUSEHOLD)).counts, counts(3, 1, 2, 0));
    assert_eq!(desk.residents(), 3);
}

#[test]
fn the_same_line_or_person_with_other_content_is_refused() {
    let mut desk = stocked();
    let renamed = HOUSEHOLD[2].replace("Mai", "Mây");
    let moved_line = HOUSEHOLD[2].replace("27,3,", "27,9,").replace("đại học", "THPT");
    let summary = take_register(&mut desk, &book(&[&renamed, &moved_line]));
    assert_eq!(
        places(&summary.faults),
        [(2, "line", "already_registered_differently"), (3, "name", "already_registered_differently")]
    );
    assert_eq!(desk.residents(), 3);
}

#[test]
fn a_number_that_is_taken_is_refused_and_the_same_person_is_known() {
    let mut desk = MemoryDesk::new();
    let header = format!("{HEADER},subject_code,citizen_number");
    let person = format!("{},GD1,001178000001", HOUSEHOLD[1]);
    let text = |lines: &[&str]| format!("{header}\n{}\n", lines.join("\n"));
    assert_eq!(take_register(&mut desk, &text(&[&person])).counts, counts(1, 1, 0, 0));
    let other_line = person.replace("27,2,", "27,5,");
    assert_eq!(take_register(&mut desk, &text(&[&other_line])).counts, counts(1, 0, 1, 0));
    let elsewhere = person.replace("1,27,2,", "1,28,1,");
    let by_number = elsewhere.replace("GD1", "").replace(",28,1,", ",29,1,");
    let summary = take_register(&mut desk, &text(&[&elsewhere, &by_number]));
    assert_eq!(
        places(&summary.faults),
        [
            (2, "subject_code", "already_registered_differently"),
            (3, "citizen_number", "already_registered_differently"),
        ]
    );
    assert_eq!(summary.faults[0].value, "GD1");
    assert_eq!(desk.households().count(), 1, "a refused person opens no household");
}

#[test]
fn unnamed_twins_are_two_persons() {
    let mut desk = MemoryDesk::new();
    let twin = |line: u16| format!("1,27,{line},Gái,nữ,01/06/2025,Kinh,1,1,1");
    assert_eq!(take_register(&mut desk, &book(&[&twin(4), &twin(5)])).counts, counts(2, 2, 0, 0));
}

#[test]
fn later_rows_of_a_household_must_agree_on_it() {
    let mut desk = MemoryDesk::new();
    let text = "area,household,household_kind,address,line,name,sex,birth_date,ethnicity,education,marital,residence\n\
        1,9,,Xóm Đình,1,An,nam,01/01/1980,1,1,1,1\n\
        1,9,,,2,Bình,nam,01/01/1981,1,1,1,1\n\
        1,9,,xóm  đình,3,Cúc,nữ,01/01/1982,1,1,1,1\n\
        2,9,,,4,Dung,nữ,01/01/1983,1,1,1,1\n\
        1,9,hộ tập thể,,5,Em,nữ,01/01/1984,1,1,1,1\n\
        1,9,,Xóm Chùa,6,Giang,nữ,01/01/1985,1,1,1,1\n";
    let summary = take_register(&mut desk, text);
    assert_eq!(summary.counts, counts(6, 3, 0, 3));
    assert_eq!(
        places(&summary.faults),
        [
            (5, "area", "household_differs"),
            (6, "household_kind", "household_differs"),
            (7, "address", "household_differs"),
        ]
    );
}

#[test]
fn impossible_ages_are_refused_before_a_household_is_opened() {
    let mut desk = MemoryDesk::new();
    let unborn = HOUSEHOLD[0].replace("05/09/1975", "02/07/2025");
    let ancient = HOUSEHOLD[0].replace("05/09/1975", "05/09/1875");
    let summary = take_register(&mut desk, &book(&[&unborn, &ancient]));
    assert_eq!(
        places(&summary.faults),
        [(2, "birth_date", "birth_after_event"), (3, "birth_date", "age_impossible")]
    );
    assert_eq!(desk.sequence, 0);
}

#[test]
fn a_full_desk_ends_the_run_and_the_rest_goes_in_later() {
    let mut desk = MemoryDesk::new();
    desk.room = 3;
    let summary = take_register(&mut desk, &book(&HOUSEHOLD));
    assert_eq!((summary.counts, summary.halted_at), (counts(2, 2, 0, 0), Some(4)));
    desk.room = u64::MAX;
    assert_eq!(take_register(&mut desk, &book(&HOUSEHOLD)).counts, counts(3, 1, 2, 0));
}

#[test]
fn progress_hears_of_every_row_and_faults_are_listed_up_to_their_limit() {
    let bad = "0,27,1,A,x,01/01/1980,1,1,1,1\n".repeat(limits::IMPORT_FAULTS_MAX);
    let text = format!("{HEADER}\n{bad}");
    let mut heard = Vec::new();
    let rows = register_rows(text.as_bytes()).unwrap();
    let summary = import_register(&mut MemoryDesk::new(), day("2025-07-01"), rows, &mut |counts| {
        heard.push(counts.rows);
    });
    assert_eq!(heard, (1..=limits::IMPORT_FAULTS_MAX as u64).collect::<Vec<_>>());
    assert_eq!(summary.faults.len(), limits::IMPORT_FAULTS_MAX);
    assert_eq!(summary.faults_unlisted, limits::IMPORT_FAULTS_MAX as u64);
}

#[test]
fn an_event_imported_twice_is_known_and_order_matters() {
    let mut desk = stocked();
    let text = "table,date,household,name\nkết hôn,01/08/2025,27,nguyễn thị mai\nly hôn,01/09/2025,27,Nguyễn Thị Mai\n";
    assert_eq!(take_events(&mut desk, text).counts, counts(2, 2, 0, 0));
    let changes = desk.sequence;
    assert_eq!(take_events(&mut desk, text).counts, counts(2, 0, 2, 0));
    assert_eq!(desk.sequence, changes);
    let twice = "table,date,household,name\n5,01/10/2025,27,Nguyễn Thị Mai\n5,01/10/2025,27,Nguyễn Thị Mai\n"
        .replace("name\n", "name,reach\n")
        .replace("Mai\n", "Mai,tỉnh khác\n");
    assert_eq!(take_events(&mut desk, &twice).counts, counts(2, 1, 1, 0));
}

#[test]
fn an_event_must_name_exactly_one_resident() {
    let mut desk = stocked();
    let twin = "1,27,4,Gái,nữ,01/06/2025,Kinh,1,1,1\n1,27,5,Gái,nữ,01/06/2025,Kinh,1,1,1";
    let coded = format!("{HEADER},subject_code\n1,30,1,Lê Văn Tám,nam,01/01/1960,1,1,2,1,GD8\n");
    take_register(&mut desk, &book(&[twin]));
    take_register(&mut desk, &coded);
    let text = "table,date,household,name,birth_date,subject_code\n\
        chết,01/08/2025,99,Nguyễn Thị Mai,,\n\
        chết,01/08/2025,27,Nguyễn Thị May,,\n\
        chết,01/08/2025,27,Nguyễn Thị Mai,12/11/2003,\n\
        chết,01/08/2025,27,Gái,,\n\
        chết,01/08/2025,,,,GD9\n\
        chết,01/08/2025,,Lê Văn Chín,,GD8\n\
        chết,01/08/2025,27,,,GD8\n\
        chết,01/08/2025,30,Lê Văn Tám,01/01/1960,gd8\n\
        chết,02/08/2025,30,Lê Văn Tám,,\n";
    let summary = take_events(&mut desk, text);
    assert_eq!(
        places(&summary.faults),
        [
            (2, "household", "household_not_found"),
            (3, "name", "person_not_found"),
            (4, "name", "person_not_found"),
            (5, "name", "person_ambiguous"),
            (6, "subject_code", "person_not_found"),
            (7, "subject_code", "person_differs"),
            (8, "subject_code", "person_differs"),
            (10, "name", "person_not_found"),
        ]
    );
    assert_eq!(summary.counts, counts(9, 1, 0, 8));
}

#[test]
fn what_a_rule_refuses_is_named_with_its_column() {
    let mut desk = stocked();
    let text = "table,date,household,name,sex,ethnicity,mother_birth_date,birth_order,method\n\
        kết hôn,01/08/2025,27,Trần Thị Lan,,,,,\n\
        kết hôn,01/08/2085,27,Nguyễn Thị Mai,,,,,\n\
        sinh,01/08/2025,27,Gái,nữ,1,01/01/2020,1,\n\
        7,01/08/2025,27,Nguyễn Văn Hòa,,,,,BCS\n\
        8,01/08/2025,27,Trần Thị Lan,,,,,\n\
        sinh,01/08/2025,27,Gái,nữ,1,01/02/1978,2,\n";
    let summary = take_events(&mut desk, text);
    assert_eq!(
        places(&summary.faults),
        [
            (2, "table", "marital_transition"),
            (3, "date", "effective_in_future"),
            (4, "mother_birth_date", "mother_age"),
            (5, "table", "method_holder"),
            (6, "table", "method_holder"),
        ]
    );
    assert_eq!((summary.counts.recorded, desk.residents()), (1, 4));
}

#[test]
fn an_arrival_opens_a_new_household_and_checks_the_unit() {
    let mut desk = stocked();
    let header = "table,date,household,name,sex,birth_date,ethnicity,education,marital,area,reach,other_unit";
    let arrival = |rest: &str| format!("chuyển đến,01/08/2025,{rest}\n");
    let text = [
        format!("{header}\n"),
        arrival("40,Phạm Văn Sơn,nam,01/01/1990,1,4,1,3,tỉnh khác,31117"),
        arrival("40,Phạm Thị Hà,nữ,01/01/1992,1,4,1,,tỉnh khác,"),
        arrival("40,Phạm Thị Hè,nữ,01/01/1992,1,4,1,2,tỉnh khác,"),
        arrival("41,Phạm Thị Hé,nữ,01/01/1992,1,4,1,2,tỉnh khác,00008"),
        arrival("41,Phạm Thị Hẹ,nữ,01/01/1992,1,4,1,2,tỉnh khác,77777"),
        arrival("27,Nguyễn Thị Mai,nữ,11/11/2003,1,4,1,,tỉnh khác,"),
        arrival("42,Phạm Thị Hẻ,nữ,01/01/2042,1,4,1,2,tỉnh khác,"),
    ]
    .concat();
    let summary = take_events(&mut desk, &text);
    assert_eq!(
        places(&summary.faults),
        [
            (4, "area", "household_differs"),
            (5, "reach", "reach_differs"),
            (6, "other_unit", "unit_not_found"),
            (7, "name", "already_registered_differently"),
            (8, "birth_date", "birth_after_event"),
        ]
    );
    assert_eq!(desk.households().map(|home| (home.area.0, home.size)).collect::<Vec<_>>(), [(1, 3), (3, 2)]);
}

#[test]
fn a_correction_changes_what_it_names_and_keeps_the_rest() {
    let mut desk = stocked();
    let text = "table,date,household,name,new_name,new_birth_date,new_sex,new_education\n\
        thay đổi thông tin,01/08/2025,27,Nguyễn Thị Mai,Nguyễn Văn Mai,12/11/2003,nam,trên đại học\n\
        thay đổi thông tin,02/08/2025,27,Nguyễn Văn Hòa,,,,cao đẳng\n";
    assert_eq!(take_events(&mut desk, text).counts, counts(2, 2, 0, 0));
    let mai = desk.find(|facts| facts.name == "Nguyễn Văn Mai").unwrap();
    assert_eq!(mai.facts.birth_date, Some(day("2003-11-12")));
    assert_eq!((mai.state.sex, mai.state.education), (Sex::Male, Education::Postgraduate));
    let head = desk.find(|facts| facts.name == "Nguyễn Văn Hòa").unwrap();
    assert_eq!((head.state.sex, head.state.education), (Sex::Male, Education::College));
    assert_eq!(take_register(&mut desk, &book(&HOUSEHOLD)).counts, counts(3, 0, 3, 0), "still known");
}
