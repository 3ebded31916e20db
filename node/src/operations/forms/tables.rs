//! The tables of the P0 sheet, as the `table` column names them.

use super::{
    fault::Cause,
    spelling::{fold, folds_to},
};

macro_rules! tables {
    ($($table:ident = $number:expr, $vi:literal, $word:literal, $others:expr;)+) => {
        /// A table of the P0 sheet; its table 6 is three here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Table { $(#[doc = $vi] $table,)+ }

        impl Table {
            /// All tables in the order of the sheet.
            pub const ALL: &[Self] = &[$(Self::$table,)+];

            /// Stable English word.
            pub fn word(self) -> &'static str { match self { $(Self::$table => $word,)+ } }
            /// Vietnamese name, which danso writes.
            pub fn vietnamese(self) -> &'static str { match self { $(Self::$table => $vi,)+ } }
            /// Number on the sheet.
            pub fn number(self) -> u8 { match self { $(Self::$table => $number,)+ } }
            fn others(self) -> &'static [&'static str] { match self { $(Self::$table => &$others,)+ } }
        }
    };
}

tables! {
    Birth = 1, "trẻ sinh ra", "birth", ["sinh", "trẻ mới sinh", "khai sinh"];
    NewbornScreening = 2, "sàng lọc sơ sinh", "newborn_screening", ["SLSS"];
    Death = 3, "người chết", "death", ["chết", "tử vong"];
    Arrival = 4, "chuyển đến", "arrival", ["chuyển đến từ xã khác", "nhập cư"];
    Departure = 5, "chuyển đi", "departure", ["chuyển đi khỏi xã", "xuất cư"];
    Marriage = 6, "kết hôn", "marriage", [];
    Divorce = 6, "ly hôn", "divorce", ["li hôn"];
    Correction = 6, "thay đổi thông tin", "correction", ["thay đổi thông tin cơ bản", "đính chính"];
    MethodStart = 7, "mới sử dụng BPTT", "method_start", ["mới dùng BPTT", "bắt đầu BPTT"];
    MethodStop = 8, "thôi sử dụng BPTT", "method_stop", ["thôi dùng BPTT", "thôi BPTT"];
    Pregnancy = 9, "thai sản", "pregnancy", ["mang thai"];
    PrenatalScreening = 10, "sàng lọc trước sinh", "prenatal_screening", ["SLTS"];
    ElderlyCheck = 11, "người cao tuổi khám sức khỏe", "elderly_check", ["khám người cao tuổi", "NCT khám sức khỏe"];
}

impl Table {
    /// The table that a cell names by word or number.
    pub fn read(cell: &str) -> Result<Self, Cause> {
        let wanted = fold(cell);
        let number = wanted.trim_start_matches("bang").parse::<u8>().ok();
        if number == Some(6) {
            return Err(Cause::TableAmbiguous);
        }
        let named = |table: &Self| {
            number == Some(table.number())
                || [table.word(), table.vietnamese()]
                    .iter()
                    .chain(table.others())
                    .any(|word| folds_to(word, &wanted))
        };
        Self::ALL.iter().copied().find(named).ok_or_else(|| Cause::NotInList {
            choices: Self::ALL.iter().map(|table| table.vietnamese()).collect::<Vec<_>>().join(" / "),
        })
    }
}
