//! Findings in words, Vietnamese and English, each with what to run and where.

use super::{
    findings::{Finding, Grounds, Severity},
    standing::UnitStanding,
};
use danso_core::replication::DiskSpace;
use danso_tier_config::UnitId;

/// What is said of a unit, with what the sentence names beside the unit itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// This node has no line to its parent.
    ParentNotConnected,
    /// Nothing was ever heard of it.
    NeverLinked,
    /// Its line is not open.
    NoContact { silent_ms: u64 },
    /// Its chain goes no further at a tier.
    Held { at: UnitId },
    /// A tier above says something else of it.
    NotConfirmed,
    /// Its figures are old.
    Behind { age_ms: u64 },
    /// Batches of it were refused.
    Refused,
    /// More of its changes are not counted.
    QuarantineGrowing { more: u64 },
    /// Its disk is nearly full.
    DiskLow { disk: DiskSpace },
    /// Its certificate ends.
    CertificateEnds { days: i32 },
    /// It runs without the key at rest.
    AtRestLocked,
    /// Its clock is off.
    ClockOff { offset_ms: i64 },
    /// Batches came without names.
    NamesMissing,
    /// It runs an earlier version than this node.
    SoftwareOlder,
}

/// A command that shows more on the computer of the unit.
const STATUS: &str = "danso status --config node.toml";
const CHECK: &str = "danso config check node.toml";
const INSPECT: &str = "danso chain inspect --config node.toml";

impl Said {
    /// The finding, in words.
    pub fn finding(self, severity: Severity, unit: &UnitStanding, grounds: &Grounds) -> Finding {
        let (vietnamese, english) = self.sentences(unit, grounds);
        let (place, command) = self.advice(unit);
        Finding { code: self.code_of(unit), severity, vietnamese, english, place, command }
    }

    fn code_of(self, unit: &UnitStanding) -> String {
        let fixed = match self {
            Self::ParentNotConnected if !unit.link_code.is_empty() => return unit.link_code.clone(),
            Self::Held { .. } => return unit.held_code.clone(),
            Self::NotConfirmed => return unit.confirmation_code.clone(),
            other => other.code(),
        };
        fixed.to_owned()
    }

    fn code(self) -> &'static str {
        match self {
            Self::ParentNotConnected | Self::NoContact { .. } => "no_contact",
            Self::NeverLinked => "unit_never_linked",
            Self::Held { .. } => "origin_held",
            Self::NotConfirmed => "not_confirmed",
            Self::Behind { .. } => "unit_behind",
            Self::Refused => "batches_refused",
            Self::QuarantineGrowing { .. } => "quarantine_growing",
            Self::DiskLow { .. } => "disk_low",
            Self::CertificateEnds { .. } => "certificate_ends_soon",
            Self::AtRestLocked => "at_rest_locked",
            Self::ClockOff { .. } => "clock_off",
            Self::NamesMissing => "names_missing",
            Self::SoftwareOlder => "software_older",
        }
    }

    /// On whose computer what is typed first.
    fn advice(self, unit: &UnitStanding) -> (UnitId, String) {
        let here = unit.unit;
        let waits_at = unit.waiting.as_ref().map_or(here, |waiting| waiting.from);
        let above = unit.parent.unwrap_or(here);
        let (place, command) = match self {
            Self::NeverLinked | Self::CertificateEnds { .. } if unit.parent.is_some() => {
                return (above, format!("danso invite {here} --config node.toml"));
            }
            Self::ParentNotConnected | Self::CertificateEnds { .. } => (here, CHECK),
            Self::NeverLinked
            | Self::NoContact { .. }
            | Self::QuarantineGrowing { .. }
            | Self::NamesMissing => (here, STATUS),
            Self::NotConfirmed => (above, STATUS),
            Self::Behind { .. } => (waits_at, STATUS),
            Self::Held { at } => (at, INSPECT),
            Self::Refused => (above, INSPECT),
            Self::DiskLow { .. } => (here, "df -h"),
            Self::AtRestLocked => (here, "ls -l keys/at-rest.key"),
            Self::ClockOff { .. } => (here, "timedatectl"),
            Self::SoftwareOlder => (here, "danso --version"),
        };
        (place, command.to_owned())
    }

    /// What is wrong, in Vietnamese and in English.
    fn sentences(self, unit: &UnitStanding, grounds: &Grounds) -> (String, String) {
        match self {
            Self::ParentNotConnected | Self::NeverLinked | Self::NoContact { .. } | Self::Behind { .. } => {
                self.of_the_way(unit)
            }
            Self::Held { .. } | Self::NotConfirmed | Self::Refused | Self::QuarantineGrowing { .. } => {
                self.of_the_chain(unit)
            }
            _ => self.of_the_computer(unit, grounds),
        }
    }

    fn of_the_way(self, unit: &UnitStanding) -> (String, String) {
        let name = &unit.name;
        let by_code = |before: &str, after: &str| match unit.link_code.as_str() {
            "" => String::new(),
            code => format!("{before}{code}{after}"),
        };
        match self {
            Self::ParentNotConnected => (
                format!("{name} không nối được với cấp trên{}.", by_code(" (", ")")),
                format!("{name} has no line to the tier above{}.", by_code(" (", ")")),
            ),
            Self::NeverLinked => {
                (format!("{name} chưa bao giờ nối vào hệ thống."), format!("{name} has never been linked."))
            }
            Self::NoContact { silent_ms } => (
                format!(
                    "{name} mất liên lạc {}{}.",
                    ago(silent_ms).0,
                    by_code("; đường nối dừng với mã ", "")
                ),
                format!(
                    "{name} has not been in contact for {}{}.",
                    ago(silent_ms).1,
                    by_code("; its line ended with ", "")
                ),
            ),
            Self::Behind { age_ms } => {
                let (vi, en) = ago(age_ms);
                let (hop_vi, hop_en) = unit.waiting.as_ref().map_or_else(Default::default, |at| {
                    let (from, to) = (&at.from_name, &at.to_name);
                    (format!(", chờ ở chặng {from} → {to}"), format!(", waiting at the hop {from} → {to}"))
                });
                let changes = unit.changes_behind;
                (
                    format!("Số liệu của {name} chậm {vi}; biết còn thiếu {changes} thay đổi{hop_vi}."),
                    format!(
                        "The figures of {name} are {en} old; {changes} changes are known to be missing{hop_en}."
                    ),
                )
            }
            _ => Default::default(),
        }
    }

    fn of_the_chain(self, unit: &UnitStanding) -> (String, String) {
        let name = &unit.name;
        let last_code = || unit.last_refused.as_ref().map(|(_, code)| code.clone()).unwrap_or_default();
        match self {
            Self::Held { at } => (
                format!("Sổ của {name} bị giữ lại tại {at}: {}.", unit.held_code),
                format!("The chain of {name} is held at {at}: {}.", unit.held_code),
            ),
            Self::NotConfirmed => (
                format!("Một cấp ở trên không xác nhận sổ của {name}: {}.", unit.confirmation_code),
                format!("A tier above does not confirm the chain of {name}: {}.", unit.confirmation_code),
            ),
            Self::Refused => (
                format!("{} lô của {name} bị từ chối, lần cuối với mã {}.", unit.refused, last_code()),
                format!(
                    "{} batches of {name} were refused, the last one with {}.",
                    unit.refused,
                    last_code()
                ),
            ),
            Self::QuarantineGrowing { more } => (
                format!(
                    "Thêm {more} thay đổi của {name} không được tính trong một ngày qua, tất cả {}.",
                    unit.quarantined
                ),
                format!(
                    "{more} more changes of {name} are not counted since a day ago, {} in all.",
                    unit.quarantined
                ),
            ),
            _ => Default::default(),
        }
    }

    fn of_the_computer(self, unit: &UnitStanding, grounds: &Grounds) -> (String, String) {
        let name = &unit.name;
        match self {
            Self::DiskLow { disk } => {
                let (free, size) = (bytes(disk.free_bytes), bytes(disk.size_bytes));
                (
                    format!("Đĩa của {name} sắp đầy: còn {free} trên {size}."),
                    format!("The disk of {name} is nearly full: {free} of {size} left."),
                )
            }
            Self::CertificateEnds { days } if days < 0 => (
                format!("Chứng chỉ của {name} đã hết hạn {} ngày.", days.unsigned_abs()),
                format!("The certificate of {name} ended {} days ago.", days.unsigned_abs()),
            ),
            Self::CertificateEnds { days } => (
                format!("Chứng chỉ của {name} còn {days} ngày và chưa được gia hạn."),
                format!("The certificate of {name} ends in {days} days and was not renewed."),
            ),
            Self::AtRestLocked => (
                format!("{name} chạy không có khóa mã hóa: không đọc, không ghi được tên."),
                format!("{name} runs without its key at rest: names are neither read nor recorded."),
            ),
            Self::ClockOff { offset_ms } => {
                let (vi, en) = ago(offset_ms.unsigned_abs());
                let (side_vi, side_en) =
                    if offset_ms > 0 { ("nhanh", "ahead") } else { ("chậm", "behind") };
                (
                    format!("Đồng hồ của {name} {side_vi} {vi}."),
                    format!("The clock of {name} is {en} {side_en}."),
                )
            }
            Self::NamesMissing => {
                let (first, last) = unit.names_missing;
                (
                    format!("Có lô từ {first} đến {last} của {name} thiếu phần tên."),
                    format!("Some of the batches {first} to {last} of {name} came without names."),
                )
            }
            Self::SoftwareOlder => (
                format!("{name} chạy {}, ở đây là {}.", unit.software, grounds.software),
                format!("{name} runs {}, this node {}.", unit.software, grounds.software),
            ),
            _ => Default::default(),
        }
    }
}

/// A time in its largest unit, in Vietnamese and in English.
fn ago(ms: u64) -> (String, String) {
    let (number, vietnamese, english) = match ms / 1_000 {
        seconds @ 0..60 => (seconds, "giây", "s"),
        seconds @ 60..3_600 => (seconds / 60, "phút", "min"),
        seconds @ 3_600..172_800 => (seconds / 3_600, "giờ", "h"),
        seconds => (seconds / 86_400, "ngày", "days"),
    };
    (format!("{number} {vietnamese}"), format!("{number} {english}"))
}

/// Bytes in the unit of three digits at most.
fn bytes(count: u64) -> String {
    match count {
        0..1_048_576 => format!("{} KB", count / 1_024),
        1_048_576..1_073_741_824 => format!("{} MB", count / 1_048_576),
        1_073_741_824..10_737_418_240 => {
            format!("{}.{} GB", count / 1_073_741_824, count % 1_073_741_824 * 10 / 1_073_741_824)
        }
        _ => format!("{} GB", count / 1_073_741_824),
    }
}
