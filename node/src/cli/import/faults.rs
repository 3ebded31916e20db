//! Refused rows on the officer's screen and in the report file, in both languages.

use crate::{
    cli::{
        failure::Failure,
        files::{self, Access},
        sheet::{Sheet, Side},
    },
    operations::forms::{Form, guarded, shown},
};
use danso_proto::v1::ImportFault;
use std::path::Path;

/// Most refused rows shown on the screen.
const SHOWN_MAX: usize = 20;

/// The first faults, for the screen.
pub(super) fn table(faults: &[ImportFault]) -> String {
    let columns =
        [("line", Side::Right), ("column", Side::Left), ("value", Side::Left), ("reason", Side::Left)];
    let mut sheet = Sheet::new(columns);
    for fault in faults.iter().take(SHOWN_MAX) {
        let reason = format!("{} / {} [{}]", fault.reason_vi, fault.reason_en, fault.code);
        sheet.push([fault.line.to_string(), fault.column.clone(), shown(&fault.value), reason]);
    }
    let more = faults.len().saturating_sub(SHOWN_MAX);
    let rest = if more == 0 { String::new() } else { format!("and {more} more / còn {more} lỗi nữa\n") };
    format!("\n{}{rest}", sheet.table())
}

/// Writes all faults as CSV with the byte order mark that Excel needs, in the columns of
/// [`forms::write_faults`](crate::operations::forms::write_faults). Only the owner may read it.
pub(super) fn write(path: &Path, form: Form, faults: &[ImportFault]) -> Result<(), Failure> {
    files::write(path, Access::Owner, |out| {
        out.write_all("\u{feff}".as_bytes())?;
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["line", "column", "column_vi", "value", "code", "reason_vi", "reason_en"])?;
        for fault in faults {
            let title = form.column(&fault.column).map_or("", |column| column.title);
            let line = fault.line.to_string();
            let cells =
                [&line, &fault.column, title, &fault.value, &fault.code, &fault.reason_vi, &fault.reason_en];
            writer.write_record(cells.map(|cell| guarded(cell.to_owned())))?;
        }
        writer.flush()
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fault(line: u64) -> ImportFault {
        ImportFault {
            line,
            column: "birth_date".to_owned(),
            value: "=1+1\u{1b}".to_owned(),
            code: "value_missing".to_owned(),
            reason_vi: "ô bắt buộc bị bỏ trống".to_owned(),
            reason_en: "a required cell is empty".to_owned(),
        }
    }

    #[test]
    fn the_screen_shows_the_first_and_counts_the_rest() {
        let faults: Vec<ImportFault> = (1..=23).map(fault).collect();
        let text = table(&faults);
        assert_eq!(text.lines().count(), 1 + 1 + SHOWN_MAX + 1);
        assert_eq!(text.lines().last(), Some("and 3 more / còn 3 lỗi nữa"));
        assert!(text.contains("\\u{1b}") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("ô bắt buộc bị bỏ trống / a required cell is empty [value_missing]"), "{text}");
    }

    #[test]
    fn the_report_is_private_and_runs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a0.csv.faults.csv");
        write(&path, Form::Register, &[fault(1), fault(2)]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("\u{feff}line,column,"), "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[1][3], "'=1+1\u{1b}");
        assert_eq!(&rows[1][6], "a required cell is empty");
    }
}
