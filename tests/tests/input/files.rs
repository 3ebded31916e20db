//! Files that are no CSV in UTF-8, and rows that cannot be: each refused with its code, and nothing recorded.

use crate::limited::{Imported, MIB, Office};
use danso_tests::eventually;

const HEADER: &str = "area,household,line,name,sex,birth_date,ethnicity,education,marital,residence";
const ROW: &str = "1,27,1,Nguyễn Văn Hòa,nam,05/09/1975,1,1,1,1";
const NAME: &str = "Nguyễn Văn Hòa";

fn with_name(name: &[u8]) -> Vec<u8> {
    let (before, after) = ROW.split_once(NAME).unwrap();
    [HEADER.as_bytes(), b"\n", before.as_bytes(), name, after.as_bytes(), b"\n"].concat()
}

fn with_date(date: &str) -> Vec<u8> {
    format!("{HEADER}\n{}\n", ROW.replace("05/09/1975", date)).into_bytes()
}

fn utf16(bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{HEADER}\r\n{ROW}\r\n").encode_utf16().flat_map(bytes_of).collect()
}

/// A workbook's beginning before 32 MB that would unpack to gigabytes.
fn packed_bomb() -> Vec<u8> {
    [
        &b"PK\x03\x04\x14\0\x08\0\x08\0"[..],
        &[0; 16],
        b"\x13\0\0\0xl/worksheets/sheet1.xml",
        &vec![0; 32 << 20],
    ]
    .concat()
}

fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("utf16-le.csv", utf16(u16::to_le_bytes), "file_utf16"),
        ("utf16-be.csv", utf16(u16::to_be_bytes), "file_utf16"),
        ("tcvn3.csv", with_name(b"Nguy\xd4n Th\xde H\xdfa"), "line_not_utf8"),
        ("vni.csv", with_name(b"Nguye\xe3n Th\xf2 Ho\xf8a"), "line_not_utf8"),
        ("windows-1258.csv", with_name(b"Nguy\xea\xden Thi\xf2 Ho\xcca"), "line_not_utf8"),
        ("latin-1.csv", with_name(b"Nguy\xean Thi H\xf2a"), "line_not_utf8"),
        ("bomb.xlsx", packed_bomb(), "file_workbook"),
        ("bomb.csv", packed_bomb(), "file_workbook"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "file_workbook"),
        ("book.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "file_workbook"),
        ("empty.csv", Vec::new(), "file_empty"),
        ("missing.csv", b"area,household\n1,2\n".to_vec(), "column_missing"),
        ("wide.csv", [HEADER.as_bytes(), &b",x".repeat(30_000), b"\n"].concat(), "columns_too_many"),
        ("million.csv", [&with_date("05/09/75")[..], &b"x,".repeat(1_000_000), b"\n"].concat(), "not_a_date"),
        ("nul.csv", with_name(b"H\0a"), "invisible_letter"),
        ("escape.csv", with_name(b"H\x1b[2Ja"), "invisible_letter"),
        ("bidi.csv", with_name("H\u{202e}a".as_bytes()), "invisible_letter"),
        ("long.csv", with_name("ễ".repeat(10_000).as_bytes()), "text_too_long"),
        ("february.csv", with_date("30/02/1990"), "no_such_day"),
        ("leap.csv", with_date("29/02/1900"), "no_such_day"),
        ("zero.csv", with_date("01/01/0000"), "no_such_day"),
        ("late.csv", with_date("31/12/9999"), "no_such_day"),
        ("future.csv", with_date("05/09/4000"), "birth_after_event"),
        ("short.csv", with_date("05/09/75"), "not_a_date"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_file_is_refused_with_its_code_and_nothing_is_recorded() {
    let mut office = Office::open(256 * MIB).await;
    for (name, content, code) in cases() {
        let imported = office.import(128 * MIB, &office.file(name, content));
        assert_eq!((imported.exit, imported.codes().first()), (Some(3), Some(&code)), "{name}: {imported:?}");
        assert_eq!((imported.number("recorded"), imported.number("last change")), (0, 0), "{name}");
        let shown: Vec<char> = imported.stderr.chars().filter(|letter| letter.is_control()).collect();
        assert!(shown.iter().all(|letter| *letter == '\n'), "{name}: {:?}", imported.stderr);
    }
    // As the same row is taken in every way that offices save it.
    let good = format!("{HEADER}\n{ROW}\n");
    for (name, content) in [
        ("good.csv", good.clone()),
        ("semicolons.csv", good.replace(',', ";")),
        ("marked.csv", format!("\u{feff}{}", good.replace('\n', "\r\n"))),
    ] {
        let imported = office.import(128 * MIB, &office.file(name, content));
        assert_eq!((imported.exit, imported.number("refused")), (Some(0), 0), "{name}: {imported:?}");
        assert_eq!(imported.number("last change"), 2, "{name}");
    }
    office.is_well();
}

/// FAULTS 51: nobody, and one person.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_unit_counts_nobody_and_one_person_is_one() {
    let mut office = Office::open(256 * MIB).await;
    let counted = |office: &Office| {
        let words = ["query", "count", "--measure", "population", "--month", "2026-03", "--group-by", "sex"];
        let answer = office.danso(128 * MIB, &[&words[..], &["--format", "csv"]].concat());
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8(answer.stdout).unwrap().lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counted(&office), Vec::<String>::new());
    let file = office.file("one.csv", format!("{HEADER}\n{ROW}\n"));
    let words =
        ["import".as_ref(), "register".as_ref(), file.as_os_str(), "--as-of".as_ref(), "2026-01-01".as_ref()];
    assert!(office.danso(128 * MIB, &words).status.success());
    let rows = eventually("it is counted", async || {
        let rows = counted(&office);
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains("male") && rows[0].ends_with(",1"), "{rows:?}");
    office.is_well();
}

/// FAULTS 57: all or nothing, where the user chooses so.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_file_is_recorded_or_nothing_of_it() {
    let mut office = Office::open(256 * MIB).await;
    let second = ROW.replace("27,1,", "27,2,").replace(NAME, "Trần Thị Lan").replace("nam", "nữ");
    // The last row is refused by a rule of the register, the two before it are good; the second needs the first.
    let last = ROW.replace("27,1,", "28,1,").replace("05/09/1975", "05/09/4000");
    let broken = office.file("broken.csv", format!("{HEADER}\n{ROW}\n{second}\n{last}\n"));
    let import = |file: &std::path::Path| {
        let words = ["import".as_ref(), "register".as_ref(), file.as_os_str(), "--all-or-nothing".as_ref()];
        Imported::of(&office.danso(128 * MIB, &words))
    };
    let refused = import(&broken);
    assert_eq!((refused.exit, refused.codes()), (Some(3), vec!["birth_after_event"]), "{refused:?}");
    assert_eq!((refused.number("rows"), refused.number("refused")), (3, 1));
    assert_eq!((refused.number("recorded"), refused.number("last change")), (0, 0));
    assert!(refused.stderr.contains("nothing was recorded"), "{refused:?}");
    // Without the broken row all of it, once.
    let good = office.file("good.csv", format!("{HEADER}\n{ROW}\n{second}\n"));
    let taken = import(&good);
    assert_eq!(
        (taken.exit, taken.number("recorded"), taken.number("last change")),
        (Some(0), 2, 3),
        "{taken:?}"
    );
    let again = import(&good);
    assert_eq!((again.exit, again.number("already known"), again.number("last change")), (Some(0), 2, 3));
    office.is_well();
}
