//! The tables of columns and words are unambiguous, and templates explain every column.

use crate::operations::forms::{
    Delimiter, Form, Style, Table, event_rows, fold, register_rows, spelling::Listed, template,
};
use danso_core::domain::{
    BirthPlace, Education, Ethnicity, HouseholdKind, Marital, Method, PregnancyOutcome, Reach, Residence,
    Screening, Sex,
};
use std::collections::BTreeMap;

#[test]
fn no_header_means_two_columns() {
    for form in [Form::Register, Form::Events] {
        let mut seen = BTreeMap::new();
        for column in form.columns() {
            let headers = [column.name, column.title].into_iter().chain(column.aliases.iter().copied());
            for header in headers {
                let other = seen.insert(fold(header), column.name);
                assert!(other.is_none_or(|other| other == column.name), "{header} is also {other:?}");
            }
        }
    }
}

fn assert_unambiguous<T: Listed + std::fmt::Debug>() {
    let mut seen: BTreeMap<String, u8> = BTreeMap::new();
    for entry in T::entries() {
        let code = entry.code().to_string();
        let words = [entry.vietnamese(), entry.english(), &code];
        for word in words.into_iter().chain(entry.others().iter().copied()) {
            assert_eq!(T::read(word), Some(entry), "{word}");
            let other = seen.insert(fold(word), entry.code());
            assert!(other.is_none_or(|other| other == entry.code()), "{word} is also {other:?}");
        }
    }
}

#[test]
fn every_word_of_every_list_means_one_entry() {
    assert_unambiguous::<Sex>();
    assert_unambiguous::<Residence>();
    assert_unambiguous::<Marital>();
    assert_unambiguous::<Education>();
    assert_unambiguous::<Method>();
    assert_unambiguous::<HouseholdKind>();
    assert_unambiguous::<Reach>();
    assert_unambiguous::<Ethnicity>();
    assert_unambiguous::<BirthPlace>();
    assert_unambiguous::<PregnancyOutcome>();
    assert_unambiguous::<Screening>();
    assert_eq!(Sex::read("NU"), Some(Sex::Female));
    assert_eq!(Sex::read("02"), Some(Sex::Female));
    assert_eq!(Education::read("Trung học cơ sở"), Some(Education::LowerSecondary));
    assert_eq!(Sex::read("khác"), None);
}

#[test]
fn tables_are_named_by_word_or_number_and_six_is_ambiguous() {
    for table in Table::ALL {
        assert_eq!(Table::read(table.word()), Ok(*table));
        assert_eq!(Table::read(table.vietnamese()), Ok(*table));
    }
    assert_eq!(Table::read("3"), Ok(Table::Death));
    assert_eq!(Table::read("Bảng 11"), Ok(Table::ElderlyCheck));
    assert_eq!(Table::read("6").unwrap_err().code(), "table_ambiguous");
    assert_eq!(Table::read("12").unwrap_err().code(), "not_in_list");
}

#[test]
fn a_template_explains_every_column_and_imports_as_an_empty_file() {
    for delimiter in [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab] {
        for form in [Form::Register, Form::Events] {
            let text = template(form, Style { delimiter, ..Style::default() });
            let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
            assert_eq!(lines.len(), form.columns().len() + 1);
            for (line, column) in lines.iter().zip(form.columns()) {
                assert!(line.starts_with(&format!("# {}: ", column.name)), "{line}");
                assert!(!line.contains([',', ';', '\t', '"']), "a spreadsheet would split {line}");
            }
            let rows = match form {
                Form::Register => register_rows(text.as_bytes()).unwrap().count(),
                Form::Events => event_rows(text.as_bytes()).unwrap().count(),
            };
            assert_eq!(rows, 0);
        }
    }
}

#[test]
fn the_examples_of_the_a0_columns_make_a_row() {
    let columns = Form::Register.columns();
    let header: Vec<&str> = columns.iter().map(|column| column.title).collect();
    let example: Vec<&str> = columns.iter().map(|column| column.example).collect();
    let text = format!("{}\n{}\n", header.join(";"), example.join(";"));
    assert_eq!(super::register_faults(&text), []);
    assert_eq!(super::register(&text).len(), 1);
}
