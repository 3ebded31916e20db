//! Files from hostile or clumsy hands: other encodings, workbooks and archives, endless lines and rows, cells
//! that would run or deceive, days that are none.

use super::{HEADER, book, desk::MemoryDesk, places, register, register_faults};
use crate::operations::forms::{Style, import_register, register_rows, write_register};
use danso_core::domain::form::RegisterRow;
use danso_tier_config::limits;
use std::{
    cell::Cell,
    io::{self, Read},
};

const HEAD: &str = "1,27,1,Nguyễn Văn Hòa,nam,05/09/1975,Kinh,THPT,đang kết hôn,thường trú có mặt";
const NAME: &str = "Nguyễn Văn Hòa";

/// Headers as a Vietnamese spreadsheet has them.
const TITLES: &str = "Địa bàn số,Hộ số,STT,Họ và tên,Giới tính,Ngày sinh,Dân tộc,Trình độ học vấn,\
                      Tình trạng hôn nhân,Tình trạng cư trú";

fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes_of).collect()
}

#[test]
fn utf16_is_named_in_both_orders_with_and_without_its_mark() {
    let text = format!("{TITLES}\r\n{HEAD}\r\n");
    for bytes_of in [u16::to_le_bytes, u16::to_be_bytes] {
        for text in [format!("\u{feff}{text}"), text.clone(), book(&[HEAD])] {
            assert_eq!(register_faults(utf16(&text, bytes_of)), [(1, "", "file_utf16")]);
        }
    }
}

/// "Nguyễn Thị Hòa" in the encodings before Unicode.
const OLD_ENCODINGS: [&[u8]; 4] = [
    b"Nguy\xd4n Th\xde H\xdfa",       // TCVN3
    b"Nguye\xe3n Th\xf2 Ho\xf8a",     // VNI
    b"Nguy\xea\xden Thi\xf2 Ho\xcca", // Windows-1258
    b"Nguy\xean Thi H\xf2a",          // Latin-1
];

#[test]
fn lines_and_headers_in_old_encodings_are_named_and_never_guessed() {
    for name in OLD_ENCODINGS {
        let (before, after) = HEAD.split_once(NAME).unwrap();
        let line = [before.as_bytes(), name, after.as_bytes()].concat();
        let file = [book(&[HEAD]).as_bytes(), &line, b"\n", HEAD.as_bytes()].concat();
        assert_eq!(register_faults(&file), [(3, "", "line_not_utf8")]);
        assert_eq!(register(&file).iter().filter(|row| row.is_ok()).count(), 2);
        let header = [HEADER.as_bytes(), b",", name, b"\n", HEAD.as_bytes()].concat();
        assert_eq!(register_faults(header), [(1, "", "line_not_utf8")]);
    }
}

/// Zeros without end, and how many of them were taken.
struct Endless<'a> {
    start: &'a [u8],
    taken: &'a Cell<usize>,
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = if self.start.is_empty() { io::repeat(0).read(out)? } else { self.start.read(out)? };
        self.taken.set(self.taken.get() + count);
        Ok(count)
    }
}

#[test]
fn workbooks_and_archives_are_refused_by_their_first_bytes_and_never_unpacked() {
    for start in [
        &b"PK\x03\x04\x14\0\x06\0"[..],  // .xlsx, .ods, .zip
        b"PK\x05\x06",                   // an empty .zip
        b"PK\x07\x08",                   // .zip in parts
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a", // .xls
        b"\x1f\x8b\x08",                 // .gz
        b"\x28\xb5\x2f\xfd",             // .zst
        b"7z\xbc\xaf\x27\x1c",           // .7z
        b"Rar!\x1a\x07",                 // .rar
        b"\xfd7zXZ\0",                   // .xz
        b"BZh91AY",                      // .bz2
    ] {
        let taken = Cell::new(0);
        let refused = register_rows(Endless { start, taken: &taken }).err().unwrap();
        assert_eq!(places(&refused), [(1, "", "file_workbook")], "{start:?}");
        assert!(taken.get() <= 64 * 1_024, "{start:?}: {} bytes were read", taken.get());
    }
}

/// A source that gives one byte at a time, as a slow line does.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = out.len().min(1);
        self.0.read(&mut out[..count])
    }
}

#[test]
fn what_a_file_is_does_not_depend_on_how_its_bytes_arrive() {
    let codes = |bytes: &[u8]| match register_rows(Dribble(bytes)) {
        Err(faults) => places(&faults),
        Ok(rows) => rows.filter_map(Result::err).flat_map(|faults| places(&faults)).collect(),
    };
    assert_eq!(codes(format!("\u{feff}{}", book(&[HEAD])).as_bytes()), []);
    assert_eq!(codes(b"PK\x03\x04 and so on"), [(1, "", "file_workbook")]);
    assert_eq!(codes(&utf16(&book(&[HEAD]), u16::to_le_bytes)), [(1, "", "file_utf16")]);
    assert_eq!(codes(b"\xef\xbb"), [(1, "", "line_not_utf8")]);
    assert_eq!(codes(b"P"), register_faults("P"));
    assert_eq!(codes(b""), [(1, "", "file_empty")]);
}

#[test]
fn a_line_of_a_hundred_megabytes_and_a_million_columns_cost_their_own_line_only() {
    let million = format!("1,27,1{}\n", ",x".repeat(1_000_000));
    let start = format!("{HEADER}\n{HEAD}\n{million}{HEAD}\n1,27,");
    let endless = io::repeat(b'x').take(100 << 20);
    let end = format!("\n{HEAD}\n");
    let source = start.as_bytes().chain(endless).chain(end.as_bytes());
    let rows: Vec<_> = register_rows(source).unwrap().collect();
    let lines: Vec<u64> = rows.iter().flatten().map(|row| row.line).collect();
    assert_eq!(lines, [2, 4, 6]);
    let faults: Vec<_> = rows.into_iter().filter_map(Result::err).flatten().collect();
    assert_eq!(places(&faults), [(3, "", "line_too_long"), (5, "", "line_too_long")]);
    // The same without an end of line at all.
    let refused = register_rows(io::repeat(b'x').take(100 << 20)).err().unwrap();
    assert_eq!(places(&refused), [(1, "", "line_too_long")]);
}

#[test]
fn a_header_of_thousands_of_columns_is_one_fault() {
    let most = limits::CSV_COLUMNS_MAX;
    let header = |columns: usize| format!("{}\n", vec!["x"; columns].join(","));
    assert_eq!(register_faults(header(most)).len(), most + HEADER.split(',').count());
    for columns in [most + 1, 30_000] {
        assert_eq!(register_faults(header(columns)), [(1, "", "columns_too_many")]);
    }
    // Empty ones at the end, as spreadsheets leave them, count as well: a row may be as wide as its header.
    let wide = format!("{HEADER}{}\n{HEAD}\n", ",".repeat(most));
    assert_eq!(register_faults(wide), [(1, "", "columns_too_many")]);
}

#[test]
fn control_letters_and_marks_that_deceive_are_refused_and_shown_escaped() {
    for (letter, shown) in [
        ('\0', "\\u{0}"),
        ('\u{7f}', "\\u{7f}"),
        ('\u{85}', "\\u{85}"),
        ('\u{9b}', "\\u{9b}"),
        ('\u{ad}', "\\u{ad}"),
        ('\u{34f}', "\\u{34f}"),
        ('\u{61c}', "\\u{61c}"),
        ('\u{180e}', "\\u{180e}"),
        ('\u{200d}', "\\u{200d}"),
        ('\u{2028}', "\\u{2028}"),
        ('\u{202e}', "\\u{202e}"),
        ('\u{2066}', "\\u{2066}"),
        ('\u{feff}', "\\u{feff}"),
        ('\u{fffc}', "\\u{fffc}"),
        ('\u{e0041}', "\\u{e0041}"),
    ] {
        let rows = register(book(&[&HEAD.replace("Hòa", &format!("H{letter}òa")), HEAD]));
        let faults = rows[0].as_ref().unwrap_err();
        assert_eq!(places(faults), [(2, "name", "invisible_letter")], "{letter:?}");
        assert_eq!(faults[0].value, format!("Nguyễn Văn H{shown}òa"));
        assert!(rows[1].is_ok());
    }
}

fn rows_of(file: &[u8]) -> Vec<RegisterRow> {
    register(file).into_iter().map(|row| row.unwrap().content).collect()
}

#[test]
fn names_that_would_run_somewhere_are_texts_and_come_back_as_they_were() {
    for (cell, name) in [
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("+84 Hòa", "+84 Hòa"),
        ("-1+1", "-1+1"),
        ("@SUM(A1:A9)", "@SUM(A1:A9)"),
        ("'=1+1", "=1+1"),
        ("''=1+1", "'=1+1"),
        ("\"=HYPERLINK(\"\"http://a.b\"\",\"\"Hòa\"\")\"", "=HYPERLINK(\"http://a.b\",\"Hòa\")"),
        ("\"O\"\"Hòa; \"\"\"\"\"", "O\"Hòa; \"\""),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("'; DROP TABLE persons; --", "'; DROP TABLE persons; --"),
        ("Hòa 👩🏽 🌸", "Hòa 👩🏽 🌸"),
        ("H'Hen Niê", "H'Hen Niê"),
        ("${jndi:ldap://a}{{7*7}}%n%s", "${jndi:ldap://a}{{7*7}}%n%s"),
    ] {
        let rows = rows_of(book(&[&HEAD.replace(NAME, cell)]).as_bytes());
        assert_eq!(rows[0].person.name, name);
        let mut written = Vec::new();
        write_register(&rows, Style::default(), &mut written).unwrap();
        assert_eq!(rows_of(&written), rows);
        let records = csv::ReaderBuilder::new().has_headers(false).from_reader(&written[3..]).into_records();
        for cell in records.flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "a spreadsheet would run {cell}");
        }
    }
}

#[test]
fn composed_and_decomposed_names_are_one_person() {
    let composed = book(&[HEAD]);
    let decomposed = composed.replace("Nguyễn Văn Hòa", "Nguye\u{302}\u{303}n Va\u{306}n Ho\u{300}a");
    assert_ne!(composed, decomposed);
    assert_eq!(rows_of(composed.as_bytes()), rows_of(decomposed.as_bytes()));
    let mut desk = MemoryDesk::new();
    let mut import = |text: &str| {
        let rows = register_rows(text.as_bytes()).unwrap();
        import_register(&mut desk, "2025-07-01".parse().unwrap(), rows, &mut |_| ()).counts
    };
    assert_eq!(import(&composed).recorded, 1);
    assert_eq!((import(&decomposed).already_known, import(&decomposed).recorded), (1, 0));
}

#[test]
fn days_that_are_none_and_days_to_come_are_refused_each_with_its_code() {
    let born = |date: &str| {
        let file = book(&[&HEAD.replace("05/09/1975", date)]);
        let rows = register_rows(file.as_bytes()).unwrap();
        let summary =
            import_register(&mut MemoryDesk::new(), "2025-07-01".parse().unwrap(), rows, &mut |_| ());
        assert_eq!(summary.counts.recorded + summary.counts.refused, 1, "{date}");
        summary.faults.first().map(|fault| (fault.column.unwrap().name, fault.code()))
    };
    for (date, code) in [
        ("30/02/1990", "no_such_day"),
        ("29/02/1900", "no_such_day"),
        ("29/02/2023", "no_such_day"),
        ("31/04/2000", "no_such_day"),
        ("00/01/2000", "no_such_day"),
        ("01/13/2000", "no_such_day"),
        ("01/01/0000", "no_such_day"),
        ("31/12/9999", "no_such_day"),
        ("05/09/75", "not_a_date"),
        ("75-09-05", "not_a_date"),
        ("05/09/19750", "not_a_date"),
        ("27642", "not_a_date"), // the day's number in a spreadsheet
        ("5 tháng 9 năm 1975", "not_a_date"),
        ("-5/09/1975", "not_a_date"),
        ("05/09/١٩٧٥", "not_a_date"),
        ("02/07/2025", "birth_after_event"),
        ("05/09/2075", "birth_after_event"),
        ("31/12/5000", "birth_after_event"),
        ("01/01/0001", "age_impossible"),
        ("05/09/1875", "age_impossible"),
    ] {
        assert_eq!(born(date), Some(("birth_date", code)), "{date}");
    }
    assert_eq!(born("29/02/2024"), None);
}

/// One row in nearly a million is broken: its line and column are named, all others are taken.
#[test]
#[ignore = "half a minute; the same with a thousand rows is in reading.rs"]
fn row_900_000_of_a_million_is_named_and_the_others_are_read() {
    let line = |number: u32| {
        let date = if number == 899_999 { "05/09/75" } else { "05/09/1975" };
        HEAD.replace(",27,1,", &format!(",{},{},", number / 5, 1 + number % 5)).replace("05/09/1975", date)
    };
    let lines = (1..=999_999).map(|number| line(number) + "\n").collect::<String>();
    let rows = register_rows(HEADER.as_bytes().chain(&b"\n"[..]).chain(lines.as_bytes())).unwrap();
    let (mut good, mut faults) = (0, Vec::new());
    for row in rows {
        match row {
            Ok(_) => good += 1,
            Err(found) => faults.extend(found),
        }
    }
    assert_eq!((good, places(&faults)), (999_998, vec![(900_000, "birth_date", "not_a_date")]));
}
