//! Files as offices hand them in: encodings, delimiters, quotes, and what is wrong with them.

use super::{HEADER, book, places, register, register_faults};
use crate::operations::forms::{Fault, register_rows};
use danso_core::domain::{Ethnicity, Marital, Residence, Sex};
use danso_tier_config::limits;
use std::io::{self, Read};

const HEAD: &str = "1,27,1,Nguyễn Văn Hòa,nam,05/09/1975,Kinh,THPT,đang kết hôn,thường trú có mặt";
const WIFE: &str = "1,27,2,Trần Thị Lan,nữ,1978-02-01,1,3,married,present";

#[test]
fn every_way_to_save_a_file_gives_the_same_rows() {
    let plain = book(&[HEAD, WIFE]);
    let rows: Vec<_> = register(&plain).into_iter().map(|row| row.unwrap().content).collect();
    assert_eq!(rows[0].person.name, "Nguyễn Văn Hòa");
    assert_eq!(rows[0].person.birth_date.to_string(), "1975-09-05");
    assert_eq!((rows[1].person.sex, rows[1].person.marital), (Sex::Female, Marital::Married));
    assert_eq!((rows[1].person.ethnicity, rows[1].residence), (Ethnicity::KINH, Residence::Present));
    let decomposed = plain.replace("Hòa", "Ho\u{300}a").replace("nữ", "nu\u{31b}\u{303}");
    for other in [
        plain.replace('\n', "\r\n"),
        format!("\u{feff}{plain}"),
        plain.replace(',', ";"),
        plain.replace(',', "\t").replace('\n', "\r\n"),
        plain.trim_end().to_owned(),
        format!("# chú thích, có dấu phẩy\n\n\"# một, hai\",,\n{plain}\n,,,,,,,,,\n\r\n"),
        plain.replace("Trần Thị Lan", "\"Trần Thị Lan\""),
        plain.replace("Trần Thị Lan", "  Trần  Thị\u{a0}Lan "),
        plain.replace('\n', ",,\n"),
        decomposed,
    ] {
        let again: Vec<_> = register(&other).into_iter().map(|row| row.unwrap().content).collect();
        assert_eq!(again, rows, "{other}");
    }
}

#[test]
fn headers_are_known_in_vietnamese_without_marks_case_and_spaces() {
    let header = "ĐỊA BÀN SỐ,Hộ số,STT,Họ và tên,gioi_tinh,Ngày sinh (dd/mm/yyyy),Dan Toc,trình độ học vấn,\
                  tình trạng hôn nhân,\"Tình trạng\ncư trú\"";
    let rows = register(format!("{header}\n{HEAD}\n"));
    let row = rows[0].as_ref().unwrap();
    assert_eq!((row.line, row.content.area), (3, 1));
}

#[test]
fn missing_unknown_and_double_columns_are_listed_at_once_and_nothing_is_read() {
    let faults = register_rows("area,household,hộ số,naem,sex\n1,2,3,4,5\n".as_bytes()).err().unwrap();
    assert_eq!(
        places(&faults),
        [
            (1, "household", "column_twice"),
            (1, "", "column_unknown"),
            (1, "line", "column_missing"),
            (1, "name", "column_missing"),
            (1, "birth_date", "column_missing"),
            (1, "ethnicity", "column_missing"),
            (1, "education", "column_missing"),
            (1, "marital", "column_missing"),
            (1, "residence", "column_missing"),
        ]
    );
    assert_eq!(faults[1].english(), "no such column; the nearest is \"name\"");
    assert_eq!(faults[1].value, "naem");
}

#[test]
fn files_that_are_not_csv_in_utf8_are_named() {
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(HEADER.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(register_faults(&utf16), [(1, "", "file_utf16")]);
    assert_eq!(register_faults(&utf16[2..]), [(1, "", "file_utf16")]);
    assert_eq!(register_faults(b"PK\x03\x04rest of a workbook"), [(1, "", "file_workbook")]);
    assert_eq!(register_faults(""), [(1, "", "file_empty")]);
    assert_eq!(register_faults("\u{feff}\r\n# only this\r\n"), [(3, "", "file_empty")]);
}

#[test]
fn a_line_that_is_not_utf8_is_named_and_the_others_go_on() {
    let mut bytes = book(&[HEAD]).into_bytes();
    bytes.extend(b"1,28,1,Nguy\xd4n,nam,01/01/1980,1,1,1,1\n");
    bytes.extend(book(&[WIFE]).lines().nth(1).unwrap().bytes());
    assert_eq!(register_faults(&bytes), [(3, "", "line_not_utf8")]);
    assert_eq!(register(&bytes).iter().filter(|row| row.is_ok()).count(), 2);
}

#[test]
fn all_faults_of_a_row_are_found_with_line_column_and_value() {
    let bad = "0,27,x,,nan,30/02/1990,99,THPT,?,thường trú";
    let rows = register(book(&[HEAD, bad]));
    let faults = rows[1].as_ref().unwrap_err();
    assert_eq!(
        places(faults),
        [
            (3, "area", "not_a_number"),
            (3, "line", "not_a_number"),
            (3, "name", "value_missing"),
            (3, "sex", "not_in_list"),
            (3, "birth_date", "no_such_day"),
            (3, "ethnicity", "not_in_list"),
            (3, "marital", "not_in_list"),
        ]
    );
    assert_eq!(faults[3].value, "nan");
    assert_eq!(faults[3].vietnamese(), "không có trong danh mục; được ghi: nam / nữ");
    assert_eq!(faults[4].vietnamese(), "lịch không có ngày 30/02/1990");
}

#[test]
fn dates_are_the_books_or_iso_and_nothing_else() {
    let code = |date: &str| {
        let found = register_faults(book(&[&HEAD.replace("05/09/1975", date)]));
        found.first().map_or("", |fault| fault.2)
    };
    for good in ["05/09/1975", "5/9/1975", "05-09-1975", "5.9.1975", "1975-09-05", "29/02/2000"] {
        assert_eq!(code(good), "", "{good}");
    }
    for shapeless in ["1975", "09/1975", "05/09/75", "75-09-05", "05/09/1975 00:00", "1/2/3/4", "a/b/1975"] {
        assert_eq!(code(shapeless), "not_a_date", "{shapeless}");
    }
    for impossible in ["30/02/1990", "29/02/1900", "31/04/2000", "13/13/2000", "0/1/2000", "01/01/0000"] {
        assert_eq!(code(impossible), "no_such_day", "{impossible}");
    }
}

#[test]
fn a_citizen_number_fits_sex_and_birth_or_is_refused() {
    let with = |number: &str| {
        register_faults(format!("{HEADER},citizen_number\n{HEAD},{number}\n"))
            .first()
            .map_or("", |fault| fault.2)
    };
    assert_eq!(with("001075012345"), "");
    assert_eq!(with(""), "");
    assert_eq!(with("001175012345"), "citizen_number_sex");
    assert_eq!(with("001275012345"), "citizen_number_sex");
    assert_eq!(with("001076012345"), "citizen_number_year");
    for wrong in ["1075012345", "1.07501E+11", "00107501234a", "٠٠١٠٧٥٠١٢٣٤٥"] {
        assert_eq!(with(wrong), "citizen_number_digits", "{wrong}");
    }
}

#[test]
fn codes_phones_and_methods_are_checked() {
    let header = format!("{HEADER},subject_code,phone,method");
    let with = |rest: &str| register_faults(format!("{header}\n{HEAD},{rest}\n"));
    assert_eq!(with("GD4010123456789,'+84 912 345 678,"), []);
    assert_eq!(with("GD40101234567890,,"), [(2, "subject_code", "subject_code")]);
    assert_eq!(with("GĐ4,,"), [(2, "subject_code", "subject_code")]);
    assert_eq!(with(",nhà bên,"), [(2, "phone", "phone")]);
    assert_eq!(with(",,vòng"), [(2, "method", "method_holder")]);
}

#[test]
fn invisible_letters_are_refused_and_shown_escaped() {
    for (name, shown) in [
        ("Ho\u{202e}a", "Ho\\u{202e}a"),
        ("Hoa\u{1b}[31m", "Hoa\\u{1b}[31m"),
        ("\"Hoa\nLan\"", "Hoa\\u{a}Lan"),
        ("Ho\u{200b}a", "Ho\\u{200b}a"),
    ] {
        let rows = register(book(&[&HEAD.replace("Nguyễn Văn Hòa", name), WIFE]));
        let faults = rows[0].as_ref().unwrap_err();
        assert_eq!(places(faults), [(2, "name", "invisible_letter")]);
        assert_eq!(faults[0].value, shown);
        assert!(rows[1].is_ok());
    }
}

#[test]
fn names_are_taken_up_to_their_limit_and_kept_as_they_are() {
    let named = |name: &str| register(book(&[&HEAD.replace("Nguyễn Văn Hòa", name)])).remove(0);
    let longest = "ễ".repeat(limits::NAME_CHARS_MAX);
    assert_eq!(named(&longest).unwrap().content.person.name, longest);
    let too_long = named(&"ễ".repeat(10_000)).unwrap_err();
    assert_eq!(places(&too_long), [(2, "name", "text_too_long")]);
    assert!(too_long[0].value.chars().count() <= 81);
    for odd in ["<script>alert(1)</script>", "Lan 🌸", "H'Hen Niê"] {
        assert_eq!(named(odd).unwrap().content.person.name, odd);
    }
}

#[test]
fn debug_of_a_fault_shows_no_value() {
    let rows = register(book(&["1,27,1,Nguyễn Bí Mật,x,30/02/1990,1,1,1,1"]));
    let text = format!("{:?}", rows[0]);
    assert_eq!(text, "Err([Fault(2:sex: not_in_list), Fault(2:birth_date: no_such_day)])");
}

#[test]
fn an_unclosed_quote_costs_its_own_line_only() {
    for bad in [HEAD.replace("Nguyễn", "\"Nguyễn"), HEAD.replace("Nguyễn Văn", "\"Nguyễn\" Văn")] {
        let bytes = book(&[HEAD, &bad, WIFE, &WIFE.replace("Trần Thị Lan", "\"Trần, Lan\"")]);
        assert_eq!(register_faults(&bytes), [(3, "", "quote_open")], "{bad}");
        let lines: Vec<u64> = register(&bytes).into_iter().flatten().map(|row| row.line).collect();
        assert_eq!(lines, [2, 4, 5]);
    }
}

#[test]
fn lines_are_physical_also_after_a_cell_with_line_breaks() {
    let bytes = book(&[&HEAD.replace("Nguyễn Văn Hòa", "\"Nguyễn\nVăn\nHòa\""), "1,2", WIFE]);
    let found = register_faults(&bytes);
    assert_eq!(found, [(2, "name", "invisible_letter"), (5, "", "cell_count")]);
    assert_eq!(register(&bytes)[2].as_ref().unwrap().line, 6);
}

#[test]
fn a_line_beyond_the_limit_is_skipped_and_named() {
    let long = format!("1,27,1,{}", "x".repeat(3 * limits::CSV_LINE_BYTES_MAX));
    assert_eq!(register_faults(book(&[HEAD, &long, WIFE])), [(3, "", "line_too_long")]);
    assert_eq!(register(book(&[HEAD, &long, WIFE])).len(), 3);
    assert_eq!(register_faults("x".repeat(limits::CSV_LINE_BYTES_MAX + 1)), [(1, "", "line_too_long")]);
}

#[test]
fn row_900_of_a_thousand_is_named_and_the_others_are_read() {
    let mut lines: Vec<String> =
        (1..=1000).map(|line| HEAD.replace(",27,1,", &format!(",27,{line},"))).collect();
    lines[898] = lines[898].replace("05/09/1975", "05/09/75");
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let bytes = book(&lines);
    assert_eq!(register_faults(&bytes), [(900, "birth_date", "not_a_date")]);
    assert_eq!(register(&bytes).iter().filter(|row| row.is_ok()).count(), 999);
}

/// A source that breaks after some bytes.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::Error::other("line dropped")) } else { self.0.read(out) }
    }
}

#[test]
fn a_source_that_breaks_off_is_a_fault_at_its_line_and_the_end() {
    let text = book(&[HEAD, WIFE]);
    let rows: Vec<_> = register_rows(Broken(text.as_bytes())).unwrap().collect();
    assert_eq!(rows.len(), 3);
    let faults: Vec<Fault> = rows.into_iter().filter_map(Result::err).flatten().collect();
    assert_eq!(places(&faults), [(4, "", "file_read_failed")]);
}

#[test]
fn any_bytes_are_read_to_the_end_without_a_panic() {
    let alphabet: &[&[u8]] = &[
        b"\"",
        b"\"\"",
        b",",
        b";",
        b"\n",
        b"\r\n",
        b"#",
        b"'",
        b"=",
        b"\xff",
        b"\0",
        "ễ".as_bytes(),
        b"1",
        HEAD.as_bytes(),
        HEADER.as_bytes(),
    ];
    for seed in 0..2_000_u64 {
        let mut state = seed;
        let mut bytes = Vec::new();
        if seed % 2 == 0 {
            bytes.extend_from_slice(HEADER.as_bytes());
            bytes.push(b'\n');
        }
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend_from_slice(alphabet[(state >> 33) as usize % alphabet.len()]);
        }
        let breaks = bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        if let Ok(rows) = register_rows(bytes.as_slice()) {
            for row in rows {
                let line = row.map_or_else(|faults| faults[0].line, |row| row.line);
                assert!((1..=breaks + 1).contains(&line), "seed {seed}");
            }
        }
    }
}
