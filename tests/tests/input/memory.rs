//! Files of random rows, without line ends, and larger than the memory that there is.

use crate::limited::{MIB, Office};
use danso_tests::Dice;
use std::{
    fs::File,
    io::{BufWriter, Write},
};

const HEADER: &str = "area,household,line,name,sex,birth_date,ethnicity,education,marital,residence";

/// Letters out of which names are made: also such that nobody should write.
const LETTERS: [&str; 24] = [
    "a", "n", "h", "Đ", "ễ", "ộ", "e\u{301}", "🌸", " ", " ", "'", "=", "<", "&", "\u{202e}", "\0", "\u{1b}",
    "%", "đ", "g", "t", "i", "H", "y",
];

/// A row of chance: mostly one that can be, now and then one that cannot.
fn row(dice: &mut Dice, number: u64) -> String {
    let mut name: String = (0..2 + dice.below(20)).map(|_| LETTERS[dice.below(14) as usize]).collect();
    match dice.below(40) {
        0 => name = LETTERS[dice.below(24) as usize].repeat(dice.below(400) as usize),
        1 => return "x,".repeat(dice.below(3_000) as usize) + "x",
        2 => return format!("1,{number},\"{name}"),
        3 => name.push_str(LETTERS[14 + dice.below(3) as usize]),
        _ => {}
    }
    let (day, month, year) = (1 + dice.below(31), 1 + dice.below(12), 1930 + dice.below(100));
    let sex = ["nam", "nữ"][dice.below(2) as usize];
    format!(
        "{},{},{},B {name},{sex},{day:02}/{month:02}/{year},1,1,1,1",
        1 + number / 4 % 9,
        number / 4,
        number % 4 + 1
    )
}

/// FAULTS 16: done, or refused clearly, never killed for memory.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_random_rows_are_imported_or_refused_within_512_mib() {
    let mut office = Office::open(512 * MIB).await;
    let mut dice = Dice::thrown();
    let rows: Vec<String> = (0..10_000).map(|number| row(&mut dice, number + 4)).collect();
    let file = office.file("random.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    let first = office.import(512 * MIB, &file);
    assert_eq!(first.exit, Some(3), "{}", first.stderr);
    let (recorded, refused) = (first.number("recorded"), first.number("refused"));
    assert_eq!((first.number("rows"), recorded + refused), (10_000, 10_000));
    assert!(recorded > 5_000 && refused > 500, "{recorded} recorded, {refused} refused");
    let again = office.import(512 * MIB, &file);
    assert_eq!((again.number("recorded"), again.number("already known")), (0, recorded));
    office.is_well();
}

/// Writes a file of about `bytes`: lines of 60,000 letters, one without an end for half of it, a good row last.
fn write_huge(office: &Office, bytes: u64) -> std::path::PathBuf {
    let path = office.tree.path("huge.csv");
    let mut out = BufWriter::new(File::create(&path).unwrap());
    let (line, good) = ("x".repeat(60_000), "1,27,1,Nguyễn Văn Hòa,nam,05/09/1975,1,1,1,1");
    writeln!(out, "{HEADER}").unwrap();
    for _ in 0..bytes / 2 / 60_000 {
        writeln!(out, "{line}").unwrap();
    }
    for _ in 0..bytes / 2 / 60_000 {
        write!(out, "{line}").unwrap();
    }
    write!(out, "\n{good}\n").unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
    path
}

async fn a_huge_file_is_read_within(bytes: u64, limit: u64) {
    let mut office = Office::open(limit).await;
    let imported = office.import(limit, &write_huge(&office, bytes));
    let lines = bytes / 2 / 60_000;
    assert_eq!(imported.exit, Some(3), "{}", imported.stderr);
    assert_eq!((imported.number("rows"), imported.number("recorded")), (lines + 2, 1));
    assert_eq!(imported.codes()[..2], ["cell_count", "cell_count"]);
    let report = std::fs::read_to_string(office.tree.path("huge.csv.faults.csv")).unwrap();
    assert_eq!(report.matches("line_too_long").count(), 1);
    office.is_well();
}

/// The command and the node each have less memory than the file is large.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_larger_than_the_memory_is_imported() {
    a_huge_file_is_read_within(160 * MIB, 128 * MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes 300 MB"]
async fn a_file_of_300_mb_is_imported() {
    a_huge_file_is_read_within(300 * MIB, 128 * MIB).await;
}

/// Beyond the limit of a file, and a source without end: refused by the command before or while it is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_beyond_the_limit_is_refused_and_so_is_what_is_no_file() {
    let mut office = Office::open(256 * MIB).await;
    let sparse = office.tree.path("sparse.csv");
    File::create(&sparse).unwrap().set_len(danso_tier_config::limits::IMPORT_BYTES_MAX as u64 + 1).unwrap();
    let folder = office.tree.path("keys-are-no-book");
    std::fs::create_dir(&folder).unwrap();
    for (path, code) in [(sparse, "file_too_large"), (folder, "file_unreadable")] {
        let refused = office.import(64 * MIB, &path);
        assert_eq!((refused.exit, refused.stdout.as_str()), (Some(1), ""));
        assert!(refused.stderr.starts_with(&format!("error[{code}]")), "{}", refused.stderr);
    }
    office.is_well();
}
