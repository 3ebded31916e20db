//! Rows of the P0 tables: what each table needs and what belongs to another.

use super::{event_faults, events};
use danso_core::domain::form::EventForm;

#[test]
fn a_p0_cell_of_another_table_is_refused() {
    let text = "table,date,household,name,method,new_name\nngười chết,12/03/2025,27,Hòa,vòng,Lan\n";
    assert_eq!(
        event_faults(text),
        [(2, "method", "value_not_for_table"), (2, "new_name", "value_not_for_table")]
    );
}

#[test]
fn a_p0_row_says_what_its_table_needs() {
    let header = "table,date,household,name,subject_code,sex,ethnicity,birth_date,week,method";
    let text = format!(
        "{header}\n1,12/03/2025,27,Gái,,nữ,Kinh,13/03/2025,,\n10,12/03/2025,,Lan,,,,,13,\n7,,27,Lan,,,,,,\n\
         6,12/03/2025,27,Lan,,,,,,\nđính chính,12/03/2025,27,Lan,,,,,,\n"
    );
    assert_eq!(
        event_faults(&text),
        [
            (2, "mother_birth_date", "value_missing"),
            (2, "birth_order", "value_missing"),
            (2, "birth_date", "birth_date_differs"),
            (3, "household", "reference_missing"),
            (3, "week", "not_in_list"),
            (4, "date", "value_missing"),
            (4, "method", "value_missing"),
            (5, "table", "table_ambiguous"),
            (6, "new_name", "nothing_to_correct"),
        ]
    );
    let death = events("bảng số;ngày;mã đối tượng\n3;01/02/2025;gd1\n").remove(0).unwrap().content;
    assert!(matches!(death.event, EventForm::Death(person) if person.subject_code == "GD1"));
}
