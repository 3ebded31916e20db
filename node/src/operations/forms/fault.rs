//! What is wrong in an imported file: line, column, value and the reason in both languages.

use super::columns::Column;
use danso_core::domain::entry::Refusal;
use std::fmt;

/// Longest part of a cell that a fault repeats, in characters.
const VALUE_CHARS_MAX: usize = 80;

/// One thing that is wrong in a file.
///
/// `value` and the sentences may hold personal data: they go to the officer's screen and report file only.
/// `Debug` therefore prints line, column and code alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    /// Physical line of the file, from 1; 0 where the rows did not come from a file.
    pub line: u64,
    /// The column, where one cell is to blame.
    pub column: Option<&'static Column>,
    /// The offending cell as written, control characters escaped, cut after 80 characters.
    pub value: String,
    /// What is wrong with it.
    pub cause: Cause,
}

impl Fault {
    /// A fault of a whole line.
    pub fn of_line(line: u64, cause: Cause) -> Self {
        Self { line, column: None, value: String::new(), cause }
    }

    /// A fault of one cell.
    pub fn of_cell(line: u64, column: &'static Column, value: &str, cause: Cause) -> Self {
        Self { line, column: Some(column), value: shown(value), cause }
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.cause.code()
    }

    /// The plain sentence in Vietnamese.
    pub fn vietnamese(&self) -> String {
        self.cause.vietnamese()
    }

    /// The plain sentence in English.
    pub fn english(&self) -> String {
        self.cause.english()
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column.map_or("-", |column| column.name);
        write!(f, "Fault({}:{column}: {})", self.line, self.code())
    }
}

/// A cell as it may be shown on a terminal: control and direction characters escaped, cut to a bound.
pub fn shown(value: &str) -> String {
    let mut text = String::new();
    for (index, letter) in value.chars().enumerate() {
        if index == VALUE_CHARS_MAX {
            text.push('…');
            break;
        }
        if is_invisible(letter) { text.extend(letter.escape_unicode()) } else { text.push(letter) }
    }
    text
}

/// Control characters, direction marks and characters of no width: none belongs in a form's cell.
pub fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Declares the causes with their stable codes and sentences; the sentences may use the fields.
macro_rules! causes {
    ($($name:ident $({ $($field:ident: $type:ty),+ })? = $code:literal, $vi:literal, $en:literal;)+) => {
        /// Why a file, line or cell is not taken. `Debug` prints the code alone: the fields may be personal.
        #[derive(Clone, PartialEq, Eq)]
        #[allow(missing_docs)] // the two sentences of each cause say what its fields are
        pub enum Cause {
            $(#[doc = concat!("`", $code, "`")] $name $({ $($field: $type),+ })?,)+
            /// The register refused the entry.
            Refused(Refusal),
        }

        impl Cause {
            /// Stable code.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name $({ $($field: _),+ })? => $code,)+
                    Self::Refused(refusal) => refusal.code(),
                }
            }

            /// The plain sentence in Vietnamese.
            #[allow(unused_variables, clippy::useless_format)] // a sentence may not need every field
            pub fn vietnamese(&self) -> String {
                match self {
                    $(Self::$name $({ $($field),+ })? => format!($vi),)+
                    Self::Refused(refusal) => refusal.vietnamese().to_owned(),
                }
            }

            /// The plain sentence in English.
            #[allow(unused_variables, clippy::useless_format)]
            pub fn english(&self) -> String {
                match self {
                    $(Self::$name $({ $($field),+ })? => format!($en),)+
                    Self::Refused(refusal) => refusal.to_string(),
                }
            }
        }
    };
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

causes! {
    FileEmpty = "file_empty",
        "tệp không có dòng tiêu đề cột", "the file has no header line";
    FileUtf16 = "file_utf16",
        "tệp ở dạng Unicode UTF-16, hãy lưu lại dưới dạng \"CSV UTF-8\"",
        "the file is UTF-16, save it as \"CSV UTF-8\"";
    FileWorkbook = "file_workbook",
        "tệp là sổ tính Excel hoặc tệp nén, hãy lưu lại dưới dạng \"CSV UTF-8\"",
        "the file is a workbook or an archive, save it as \"CSV UTF-8\"";
    ReadFailed = "file_read_failed",
        "không đọc tiếp được tệp từ dòng này", "the file could not be read from this line on";
    ColumnMissing = "column_missing",
        "thiếu cột bắt buộc trong dòng tiêu đề", "a required column is missing in the header";
    ColumnUnknown { nearest: &'static str } = "column_unknown",
        "không có cột này; cột gần giống nhất là \"{nearest}\"",
        "no such column; the nearest is \"{nearest}\"";
    ColumnTwice = "column_twice",
        "cột này có hai lần trong dòng tiêu đề", "this column stands twice in the header";
    ColumnsTooMany { max: usize } = "columns_too_many",
        "dòng tiêu đề có quá {max} cột", "the header has more than {max} columns";
    NotUtf8 = "line_not_utf8",
        "dòng này không phải chữ UTF-8 (có thể là TCVN3, VNI), hãy lưu lại tệp dưới dạng \"CSV UTF-8\"",
        "this line is not UTF-8 (TCVN3 or VNI, perhaps), save the file as \"CSV UTF-8\"";
    LineTooLong { max: usize } = "line_too_long",
        "dòng dài quá {max} byte", "the line is longer than {max} bytes";
    QuoteOpen = "quote_open",
        "dấu nháy kép mở mà không đóng đúng chỗ", "a double quote is opened and not closed where it should be";
    CellCount { expected: usize, found: usize } = "cell_count",
        "dòng có {found} ô, tiêu đề có {expected} cột", "the line has {found} cells, the header {expected} columns";
    ValueMissing = "value_missing",
        "ô bắt buộc bị bỏ trống", "a required cell is empty";
    NotForTable = "value_not_for_table",
        "cột này không thuộc bảng ghi ở cột table, hãy để trống", "the column does not belong to the row's table, leave it empty";
    InvisibleLetter = "invisible_letter",
        "ô có xuống dòng hoặc ký tự ẩn", "the cell holds a line break or an invisible character";
    TooLong { max: usize } = "text_too_long",
        "dài quá {max} ký tự", "longer than {max} characters";
    NotNumber { min: u64, max: u64 } = "not_a_number",
        "phải là số nguyên từ {min} đến {max}", "must be a whole number from {min} to {max}";
    NotInList { choices: String } = "not_in_list",
        "không có trong danh mục; được ghi: {choices}", "not in the list; allowed: {choices}";
    TableAmbiguous = "table_ambiguous",
        "bảng 6 gồm nhiều loại, hãy ghi: kết hôn, ly hôn hoặc thay đổi thông tin",
        "table 6 holds several kinds, write: marriage, divorce or correction";
    NotDate = "not_a_date",
        "phải là ngày/tháng/năm đủ 4 chữ số năm, ví dụ 05/09/1990", "must be dd/mm/yyyy with four digits of the year, or yyyy-mm-dd";
    NoSuchDay { day: u8, month: u8, year: u16 } = "no_such_day",
        "lịch không có ngày {day:02}/{month:02}/{year:04}", "the calendar has no {day:02}/{month:02}/{year:04}";
    HouseholdNumber { max: usize } = "household_number",
        "hộ số chỉ gồm chữ, số và dấu . / - , dài nhất {max} ký tự",
        "a household number holds letters, digits and . / - only, at most {max} characters";
    SubjectCode { max: usize } = "subject_code",
        "mã đối tượng (số thẻ BHYT) chỉ gồm chữ và số, dài nhất {max} ký tự",
        "a subject code holds letters and digits only, at most {max}";
    CitizenDigits = "citizen_number_digits",
        "số định danh phải đủ 12 chữ số (Excel có thể đã bỏ số 0 ở đầu, hãy để cột dạng văn bản)",
        "a citizen number has 12 digits (a spreadsheet may have dropped leading zeros, keep the column as text)";
    CitizenSex = "citizen_number_sex",
        "chữ số thứ 4 của số định danh không khớp với giới tính và thế kỷ sinh",
        "the 4th digit of the citizen number does not fit sex and century of birth";
    CitizenYear = "citizen_number_year",
        "chữ số thứ 5 và 6 của số định danh không khớp với năm sinh",
        "digits 5 and 6 of the citizen number do not fit the year of birth";
    Phone { max: usize } = "phone",
        "số điện thoại chỉ gồm số và dấu + . - ( ), dài nhất {max} ký tự",
        "a telephone number holds digits and + . - ( ) only, at most {max} characters";
    BirthDateDiffers = "birth_date_differs",
        "ngày sinh của trẻ khác với ngày xảy ra ở cột date", "the child's birth date differs from the row's date";
    NothingToCorrect = "nothing_to_correct",
        "dòng thay đổi thông tin không ghi giá trị mới nào", "a correction without any new value";
    ReferenceMissing = "reference_missing",
        "cần mã đối tượng, hoặc hộ số và họ tên", "needs a subject code, or a household number and a name";
    AlreadyRegisteredDifferently = "already_registered_differently",
        "người hoặc dòng này đã có trong sổ với nội dung khác; nếu cần sửa, hãy ghi vào bảng thay đổi thông tin",
        "this person or line is in the register with other content; to change it, record a correction";
    HouseholdDiffers = "household_differs",
        "địa bàn, loại hộ hoặc địa chỉ khác với các dòng trước của hộ này",
        "area, kind or address differs from the earlier lines of this household";
    HouseholdNotFound = "household_not_found",
        "trong sổ không có hộ số này", "no household of this number in the register";
    PersonNotFound = "person_not_found",
        "trong sổ không có người này đang cư trú", "no such resident person in the register";
    PersonAmbiguous { count: usize } = "person_ambiguous",
        "có {count} người trùng; hãy ghi thêm ngày sinh hoặc mã đối tượng",
        "{count} persons match; add the birth date or the subject code";
    PersonDiffers = "person_differs",
        "mã đối tượng này thuộc về người có hộ, họ tên hoặc ngày sinh khác",
        "the subject code belongs to a person of another household, name or birth date";
    UnitNotFound = "unit_not_found",
        "không có đơn vị mang mã này vào ngày đó", "no unit has this code on that date";
    ReachDiffers { vi: &'static str, en: &'static str } = "reach_differs",
        "đơn vị này là \"{vi}\", khác với phạm vi đã ghi", "this unit is \"{en}\", other than the reach written";
}
