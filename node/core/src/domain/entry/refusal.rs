//! Why an entry is not taken.

use crate::domain::Reason;

/// Why an entry is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It breaks a rule that every tier applies.
    #[error("{}", .0.english())]
    Rule(Reason),
    /// The person is not in the register, died or left.
    #[error("no such resident person")]
    UnknownPerson,
    /// The household is not in the register or is closed.
    #[error("no such open household")]
    UnknownHousehold,
    /// The woman uses this method already: it would count as one more new user.
    #[error("the woman uses this method already")]
    MethodInUse,
    /// What concerns women only is recorded of a man.
    #[error("this is recorded of women only")]
    WomanExpected,
    /// The change to be voided is not the latest one of its persons.
    #[error("a later change builds on this one, void that one first")]
    VoidNotLatest,
}

impl Refusal {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rule(reason) => reason.code(),
            Self::UnknownPerson => "unknown_person",
            Self::UnknownHousehold => "unknown_household",
            Self::MethodInUse => "method_in_use",
            Self::WomanExpected => "woman_expected",
            Self::VoidNotLatest => "void_not_latest",
        }
    }

    /// The plain sentence in Vietnamese.
    pub fn vietnamese(self) -> &'static str {
        match self {
            Self::Rule(reason) => reason.vietnamese(),
            Self::UnknownPerson => "không có người này đang cư trú trong sổ",
            Self::UnknownHousehold => "không có hộ này đang mở trong sổ",
            Self::MethodInUse => "người này đang dùng biện pháp tránh thai đó",
            Self::WomanExpected => "nội dung này chỉ ghi cho phụ nữ",
            Self::VoidNotLatest => "đã có thay đổi sau đó, hãy hủy thay đổi sau trước",
        }
    }
}
