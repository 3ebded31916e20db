//! What is wrong in a file that people write, said with file, line and key, all of it at once.

use std::fmt;

/// One fault of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file as the person named it.
    pub file: String,
    /// Line in the file, from 1; 0 where no line is to blame (a missing file).
    pub line: usize,
    /// The key or column.
    pub key: String,
    /// What is wrong and what is expected, in plain words.
    pub message: String,
    /// Stable code, the name of a page in `deploy/runbooks/`.
    pub code: &'static str,
}

impl Fault {
    /// A short line in Vietnamese for the officer who meets this fault.
    pub fn vietnamese(&self) -> &'static str {
        match self.code {
            "file-unreadable" => "không đọc được tệp",
            "toml-syntax" => "tệp viết sai cú pháp",
            "key-unknown" => "tên mục không có trong danh sách",
            "key-missing" => "thiếu mục bắt buộc",
            "value-type" | "value-form" => "giá trị viết sai dạng",
            "value-range" => "giá trị ngoài khoảng cho phép",
            "parent-missing" => "thiếu đơn vị cấp trên",
            "parent-needless" => "cấp cao nhất không có cấp trên",
            "retention-records" => "cấp ghi nhận giữ toàn bộ dữ liệu của mình",
            "policy-laxer" => "chính sách chỉ được chặt hơn quy định của hệ thống",
            "hierarchy-unknown" => "không có hệ thống cấp này",
            "tier-unknown" => "không có cấp này trong hệ thống",
            "csv-form" | "csv-columns" => "bảng CSV sai cột hoặc sai dạng",
            "unit-duplicate" | "code-overlap" => "đơn vị hoặc mã bị trùng",
            "unit-parent" => "đơn vị cấp trên không đúng",
            "unit-cycle" => "các đơn vị làm cấp trên của nhau thành vòng",
            "unit-period" => "thời gian hiệu lực không đúng",
            "unit-lineage" => "đơn vị tiền thân không đúng",
            "web-address" => "địa chỉ của trang theo dõi trùng với địa chỉ khác",
            "web-insecure" => "không thể vừa có chứng chỉ vừa tắt mã hóa",
            "list-missing" => "thiếu một danh sách cần có",
            "list-unknown" => "không nhận ra danh sách này",
            _ => "dữ liệu không đúng",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// All faults found, at least one, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// The faults with a code, for tests and for grouping.
    pub fn with_code<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a Fault> {
        self.0.iter().filter(move |fault| fault.code == code)
    }

    /// `Ok(value)` when nothing was found, else all faults sorted by file and line.
    pub(crate) fn none_or<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(self)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Collects faults while one file is read.
#[derive(Debug)]
pub(crate) struct Collector<'a> {
    file: &'a str,
    pub(crate) faults: Faults,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(file: &'a str) -> Self {
        Self { file, faults: Faults::default() }
    }

    pub(crate) fn add(&mut self, line: usize, key: &str, code: &'static str, message: impl Into<String>) {
        let (file, key) = (self.file.to_owned(), key.to_owned());
        self.faults.0.push(Fault { file, line, key, message: message.into(), code });
    }

    pub(crate) fn none_or<T>(self, value: T) -> Result<T, Faults> {
        self.faults.none_or(value)
    }
}

/// The known word nearest to a misspelt one, when it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
