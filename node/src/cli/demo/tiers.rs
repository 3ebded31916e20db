//! The two small countries: units with their real names and ids.

use clap::ValueEnum;
use danso_tier_config::{Directory, Hierarchy, Unit, directory::kind::Kind};

/// Which of the two hierarchies is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tiers {
    /// Commune, district, province, central
    Four,
    /// Commune, province, central, as since 2025-07-01
    Three,
}

/// Code, full name, tier and the place of the parent in the list, from the top down.
type Row = (&'static str, &'static str, &'static str, usize);

/// Units as they were until 2025-06-30; their ids are those that `danso directory import` gives them.
const FOUR: &[Row] = &[
    ("01", "Thành phố Hà Nội", "province", 0),
    ("001", "Quận Ba Đình", "district", 1),
    ("00001", "Phường Phúc Xá", "commune", 2),
    ("00004", "Phường Trúc Bạch", "commune", 2),
    ("002", "Quận Hoàn Kiếm", "district", 1),
    ("00037", "Phường Phúc Tân", "commune", 5),
    ("00040", "Phường Đồng Xuân", "commune", 5),
];

/// Units as they are since 2025-07-01.
const THREE: &[Row] = &[
    ("01", "Thành phố Hà Nội", "province", 0),
    ("00004", "Phường Ba Đình", "commune", 1),
    ("00008", "Phường Ngọc Hà", "commune", 1),
    ("00070", "Phường Hoàn Kiếm", "commune", 1),
    ("00082", "Phường Cửa Nam", "commune", 1),
];

impl Tiers {
    /// The hierarchy.
    pub fn hierarchy(self) -> Hierarchy {
        Hierarchy::shipped(self.profile()).expect("the program ships this profile")
    }

    /// The name of its profile.
    pub fn profile(self) -> &'static str {
        match self {
            Self::Four => "four-tier",
            Self::Three => "three-tier",
        }
    }

    /// All units, the top first and every unit before those below it.
    pub fn units(self) -> Vec<Unit> {
        let (rows, from) = match self {
            Self::Four => (FOUR, "2004-07-08"),
            Self::Three => (THREE, "2025-07-01"),
        };
        let hierarchy = self.hierarchy();
        let tier = |name: &str| &hierarchy.tier(name).expect("a tier of this profile").name;
        let top = Directory::country();
        let mut units = vec![Directory::simple_unit(top, "Việt Nam", Kind::Central, tier("central"), None)];
        for (code, name, of, above) in rows {
            let id = format!("{code}@{from}").parse().expect("a unit id");
            let (kind, _) = Kind::split_name(name).expect("a name that begins with its kind");
            let parent = units[*above].id;
            units.push(Directory::simple_unit(id, name, kind, tier(of), Some(parent)));
        }
        units
    }
}
