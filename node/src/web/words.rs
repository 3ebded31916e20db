//! Words of the field that several pages show.

use super::language::Language;
use crate::operations::accounts::{Right, Role};

/// A role as people call it.
pub(super) fn role(language: Language, role: Role) -> &'static str {
    match role {
        Role::Collaborator => language.pick("cộng tác viên", "collaborator"),
        Role::Officer => language.pick("cán bộ dân số", "officer"),
        Role::Operator => language.pick("người vận hành", "operator"),
        Role::Analyst => language.pick("người phân tích", "analyst"),
        Role::Auditor => language.pick("kiểm toán viên", "auditor"),
    }
}

/// What a role may do on these pages.
pub(super) fn role_meaning(language: Language, role: Role) -> &'static str {
    match role {
        Role::Collaborator => {
            language.pick("ghi hộ gia đình trong đơn vị", "records households of the own unit")
        }
        Role::Officer => language
            .pick("ghi, nhập tệp, xem số liệu và tình trạng", "records, imports, sees counts and status"),
        Role::Operator => language.pick(
            "vận hành nút, quản lý tài khoản, xem số liệu",
            "runs the node and its accounts, sees counts",
        ),
        Role::Analyst => language.pick("chỉ xem số liệu", "sees counts only"),
        Role::Auditor => {
            language.pick("xem nhật ký kiểm toán, tình trạng, số liệu", "reads the audit log, status, counts")
        }
    }
}

/// The entries of the navigation: address, Vietnamese, English, and the right that it takes.
pub(super) const PAGES: &[(&str, &str, &str, Right)] = &[
    ("/", "Tổng quan", "Overview", Right::ReadStatus),
    ("/units", "Đơn vị", "Units", Right::ReadStatus),
    ("/counts", "Số liệu", "Counts", Right::ReadCounts),
    ("/alerts", "Cảnh báo", "Alerts", Right::ReadStatus),
    ("/cases", "Chất lượng", "Quality", Right::ReadStatus),
    ("/accounts", "Tài khoản", "Accounts", Right::ManageAccounts),
];
