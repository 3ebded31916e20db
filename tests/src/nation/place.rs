//! The folder of a nation: directory, keys, node files, and what is done.

use super::{Made, Plan, Province, plan::CommunePlan};
use crate::tree::{central, kind, own_address};
use danso_core::chain::{Digest, LedgerKey, Registration, Signed};
use danso_node::{
    runtime::keys,
    transport::authority::{Authority, Validity},
};
use danso_tier_config::{Directory, Hierarchy, Limits, NodeConfig, Parent, Unit, UnitId};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The hierarchy of today.
const HIERARCHY: &str = "three-tier";
/// Days for which the certificates are good.
const DAYS: u32 = 30;

/// Where a nation lies.
pub struct Place {
    /// What is made here.
    pub plan: Plan,
    folder: PathBuf,
    address: Ipv4Addr,
    /// The key of the authority, which stands for every commune's key.
    authority: LedgerKey,
}

/// Replaces a file as a whole: a kill leaves the old one or the new one.
fn write(path: &Path, text: &str) {
    let next = path.with_extension("next");
    fs::write(&next, text).unwrap();
    fs::rename(next, path).unwrap();
}

impl Place {
    /// Opens the folder of a plan, or makes it. A folder of another plan is refused.
    pub fn open(plan: Plan, folder: &Path) -> Self {
        let said = folder.join("plan.txt");
        fs::create_dir_all(folder).unwrap();
        let authority = folder.join("authority");
        if let Ok(found) = fs::read_to_string(&said) {
            assert_eq!(found, plan.words(), "the folder holds another nation");
        } else {
            let _ = fs::remove_dir_all(&authority);
            Authority::create(&authority, SystemTime::now()).unwrap();
            keys::create_authority(&authority).unwrap();
            write(&said, &plan.words());
        }
        let authority = keys::read_authority(&authority).unwrap();
        let place = Self { plan, folder: folder.to_owned(), address: own_address(), authority };
        write(&place.path("directory.csv"), &place.directory().to_csv());
        for unit in place.nodes() {
            place.make_keys(unit);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The units that have nodes: central and the provinces.
    fn nodes(&self) -> impl Iterator<Item = UnitId> {
        std::iter::once(central()).chain(self.plan.provinces.iter().map(|province| province.unit))
    }

    fn directory(&self) -> Directory {
        let hierarchy = Hierarchy::shipped(HIERARCHY).unwrap();
        let tier = |name: &str| hierarchy.tier(name).unwrap().name.clone();
        let row = |id: UnitId, name: String, of: &str, parent: Option<UnitId>| {
            Directory::simple_unit(id, &name, kind(of), &tier(of), parent)
        };
        let mut rows: Vec<Unit> = vec![row(central(), "Việt Nam".to_owned(), "central", None)];
        for province in &self.plan.provinces {
            rows.push(row(
                province.unit,
                format!("Tỉnh {}", province.unit.code),
                "province",
                Some(central()),
            ));
            rows.extend(province.communes.iter().map(|commune| {
                row(commune.unit, format!("Xã {}", commune.unit.code), "commune", Some(province.unit))
            }));
        }
        Directory::from_rows(rows, Vec::new()).unwrap()
    }

    fn make_keys(&self, unit: UnitId) {
        let (authority, keys) = (self.path("authority"), self.keys(unit));
        let done = keys.join("done");
        if done.exists() {
            return;
        }
        let _ = fs::remove_dir_all(&keys);
        fs::create_dir_all(&keys).unwrap();
        let issuer = Authority::open(&authority).unwrap();
        let node_keys = issuer.issue_node(unit, &[], Validity::days(SystemTime::now(), DAYS)).unwrap();
        node_keys.write(&keys, issuer.certificate_pem()).unwrap();
        keys::create_node(&authority, &keys, unit, 1).unwrap();
        fs::write(done, "").unwrap();
    }

    /// The ledger key of a commune.
    pub(super) fn key_of(&self, commune: &CommunePlan) -> LedgerKey {
        let said = format!("{}{}", self.plan.words(), commune.unit);
        LedgerKey::from_seed(&Digest::of(&[said.as_bytes()]).0)
    }

    /// The authority's word for it.
    pub(super) fn registration_of(&self, commune: &CommunePlan) -> Signed {
        let key = self.key_of(commune).public().to_bytes();
        Signed::sign(&Registration { unit: commune.unit, key, registered_at_ms: 1 }, &self.authority)
    }

    /// The folder of a unit's node.
    pub fn home(&self, unit: UnitId) -> PathBuf {
        self.path(&unit.code.to_string())
    }

    /// The keys of a unit's node.
    pub fn keys(&self, unit: UnitId) -> PathBuf {
        self.home(unit).join("keys")
    }

    /// Where a unit's node listens.
    pub fn address(&self, unit: UnitId) -> SocketAddr {
        let at = self.nodes().position(|node| node == unit).expect("a node of the plan");
        (self.address, 7_440 + at as u16).into()
    }

    /// A unit's node file as a value.
    pub fn config(&self, unit: UnitId) -> NodeConfig {
        let top = unit == central();
        let hierarchy = Hierarchy::shipped(HIERARCHY).unwrap();
        let parent = Parent { unit: central(), address: self.address(central()).to_string() };
        let tier = hierarchy.tier(if top { "central" } else { "province" }).unwrap().name.clone();
        NodeConfig {
            unit,
            tier,
            profile: HIERARCHY.to_owned(),
            hierarchy,
            data: self.home(unit).join("data"),
            directory: self.path("directory.csv"),
            listen: self.address(unit),
            names: Vec::new(),
            parent: (!top).then_some(parent),
            keys: self.keys(unit),
            at_rest: None,
            web: None,
            policy_up: None,
            personal_months: None,
            limits: Limits { backoff_first_ms: 20, backoff_max_ms: 200, ..Limits::default() },
        }
    }

    /// Writes a unit's node file and gives its path.
    pub fn node_file(&self, unit: UnitId) -> PathBuf {
        let path = self.home(unit).join("node.toml");
        write(&path, &self.config(unit).to_toml(&self.home(unit)));
        path
    }

    fn note(&self, province: &Province, what: &str) -> PathBuf {
        self.home(province.unit).join(what)
    }

    /// What was made of a province whose store was filled.
    pub(super) fn made_if_filled(&self, province: &Province) -> Option<Made> {
        fs::read_to_string(self.note(province, "made.txt")).ok().map(|text| Made::read(&text))
    }

    /// What was made of a province.
    pub fn made(&self, province: &Province) -> Made {
        self.made_if_filled(province).expect("the province was filled")
    }

    /// From now on the province's store is filled, and its month waits.
    pub(super) fn filled(&self, province: &Province, made: &Made, month: &[u8]) {
        fs::write(self.note(province, "month.batches"), month).unwrap();
        write(&self.note(province, "made.txt"), &made.text());
    }

    /// The month's batches of a province's communes.
    pub(super) fn month(&self, province: &Province) -> Vec<u8> {
        fs::read(self.note(province, "month.batches")).unwrap()
    }

    /// Whether central has signed for all that the province's communes registered.
    pub fn is_linked(&self, province: &Province) -> bool {
        self.note(province, "linked.txt").exists()
    }

    /// From now on it has; the province's data go. `took` is kept for the table: milliseconds of time and of
    /// central's processor (of the last attempt, where one was killed), central's highest memory in bytes.
    pub(super) fn linked(&self, province: &Province, took: [u64; 3]) {
        write(&self.note(province, "linked.txt"), &took.map(|number| number.to_string()).join(" "));
        self.drop_data(province);
    }

    /// A province's data go.
    pub(super) fn drop_data(&self, province: &Province) {
        let _ = fs::remove_dir_all(self.config(province.unit).data);
    }

    /// What all links took so far: the times added up, the highest memory.
    pub(super) fn took(&self) -> [u64; 3] {
        let linked = self.plan.provinces.iter().filter(|province| self.is_linked(province));
        linked.fold([0; 3], |sum, province| {
            let text = fs::read_to_string(self.note(province, "linked.txt")).unwrap();
            let mut numbers = text.split(' ').map(|number| number.parse::<u64>().unwrap());
            let mut next = || numbers.next().unwrap();
            [sum[0] + next(), sum[1] + next(), sum[2].max(next())]
        })
    }
}
