//! A small country: directory, authority, keys, node files, running nodes.

use danso_core::chain::LedgerKey;
use danso_node::{
    host::Host,
    operations::Node,
    runtime::{self, Running, keys},
    transport::authority::{Authority, Validity},
};
use danso_tier_config::{
    Directory, Hierarchy, Limits, NodeConfig, Parent, Policy, Unit, UnitId, Web, WebSecurity,
};
use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::SystemTime,
};
use tempfile::TempDir;

/// A unit id of the test country, valid since 2025-07-01.
pub fn unit(code: &str) -> UnitId {
    format!("{code}@2025-07-01").parse().unwrap()
}

/// The top of every tree.
pub fn central() -> UnitId {
    Directory::country()
}

static TREES: AtomicU8 = AtomicU8::new(1);

/// An address of the loopback net that no other test uses.
pub(crate) fn own_address() -> Ipv4Addr {
    let process = std::process::id();
    let tree = TREES.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::new(127, 1 + (process >> 8) as u8 % 254, process as u8, tree)
}

/// A tree of nodes. Stops nothing by itself; the folders go with it.
pub struct Tree {
    pub folder: TempDir,
    pub directory: Directory,
    pub hierarchy: String,
    pub limits: Limits,
    pub policies: BTreeMap<UnitId, Policy>,
    /// What `[web]` says in the files of these units.
    pub webs: BTreeMap<UnitId, Web>,
    pub running: BTreeMap<UnitId, Running>,
    address: Ipv4Addr,
}

const FOUR: &[(&str, &str, &str, &str)] = &[
    // code, name, tier, parent code
    ("01", "Thành phố Hà Nội", "province", "VN"),
    ("001", "Quận Ba Đình", "district", "01"),
    ("002", "Quận Hoàn Kiếm", "district", "01"),
    ("00001", "Phường Phúc Xá", "commune", "001"),
    ("00004", "Phường Trúc Bạch", "commune", "001"),
    ("00037", "Phường Phúc Tân", "commune", "002"),
    ("00040", "Phường Đồng Xuân", "commune", "002"),
];

const SIXTEEN: &[(&str, &str, &str, &str)] = &[
    ("01", "Thành phố Hà Nội", "province", "VN"),
    ("02", "Tỉnh Tuyên Quang", "province", "VN"),
    ("001", "Quận Ba Đình", "district", "01"),
    ("002", "Quận Hoàn Kiếm", "district", "01"),
    ("003", "Thành phố Tuyên Quang", "district", "02"),
    ("004", "Huyện Na Hang", "district", "02"),
    ("00001", "Phường Phúc Xá", "commune", "001"),
    ("00004", "Phường Trúc Bạch", "commune", "001"),
    ("00037", "Phường Phúc Tân", "commune", "002"),
    ("00040", "Phường Đồng Xuân", "commune", "002"),
    ("00043", "Phường Minh Xuân", "commune", "003"),
    ("00046", "Phường Phan Thiết", "commune", "003"),
    ("00049", "Xã Năng Khả", "commune", "004"),
    ("00052", "Xã Thanh Tương", "commune", "004"),
    ("00055", "Xã Yên Hoa", "commune", "004"),
];

const THREE: &[(&str, &str, &str, &str)] = &[
    ("01", "Thành phố Hà Nội", "province", "VN"),
    ("00001", "Phường Phúc Xá", "commune", "01"),
    ("00004", "Phường Trúc Bạch", "commune", "01"),
];

const TWO_PROVINCES: &[(&str, &str, &str, &str)] = &[
    ("01", "Thành phố Hà Nội", "province", "VN"),
    ("02", "Tỉnh Tuyên Quang", "province", "VN"),
    ("00001", "Phường Phúc Xá", "commune", "01"),
    ("00040", "Phường Minh Xuân", "commune", "02"),
];

pub(crate) fn kind(tier: &str) -> danso_tier_config::Kind {
    use danso_tier_config::Kind;
    let text = match tier {
        "province" => "thành phố",
        "district" => "quận",
        "commune" => "phường",
        _ => "trung ương",
    };
    text.parse::<Kind>().unwrap()
}

fn directory(hierarchy: &Hierarchy, units: &[(&str, &str, &str, &str)]) -> Directory {
    let tier = |name: &str| hierarchy.tier(name).unwrap().name.clone();
    let id = |code: &str| if code == "VN" { central() } else { unit(code) };
    let mut rows: Vec<Unit> =
        vec![Directory::simple_unit(central(), "Việt Nam", kind("central"), &tier("central"), None)];
    rows.extend(units.iter().map(|(code, name, of, parent)| {
        Directory::simple_unit(id(code), name, kind(of), &tier(of), Some(id(parent)))
    }));
    Directory::from_rows(rows, Vec::new()).unwrap()
}

impl Tree {
    /// One central, one province, two districts, four communes.
    pub fn four() -> Self {
        Self::new("four-tier", FOUR)
    }

    /// One central, one province, two communes.
    pub fn three() -> Self {
        Self::new("three-tier", THREE)
    }

    /// One central, two provinces with a commune each.
    pub fn two_provinces() -> Self {
        Self::new("three-tier", TWO_PROVINCES)
    }

    /// One central, two provinces, four districts, nine communes, in a folder below `place`; certificates are
    /// good around `now`.
    pub fn sixteen(place: &Path, now: SystemTime) -> Self {
        Self::made("four-tier", SIXTEEN, tempfile::tempdir_in(place).unwrap(), now)
    }

    fn new(hierarchy: &str, units: &[(&str, &str, &str, &str)]) -> Self {
        Self::made(hierarchy, units, tempfile::tempdir().unwrap(), SystemTime::now())
    }

    fn made(hierarchy: &str, units: &[(&str, &str, &str, &str)], folder: TempDir, now: SystemTime) -> Self {
        let directory = directory(&Hierarchy::shipped(hierarchy).unwrap(), units);
        let all: Vec<UnitId> = directory.rows().iter().map(|row| row.id).collect();
        Self::of_directory(hierarchy, directory, &all, folder, now)
    }

    /// A tree of a whole directory, with keys for some of its units.
    pub(crate) fn of_directory(
        hierarchy: &str,
        directory: Directory,
        keyed: &[UnitId],
        folder: TempDir,
        now: SystemTime,
    ) -> Self {
        let authority = folder.path().join("authority");
        Authority::create(&authority, now).unwrap();
        keys::create_authority(&authority).unwrap();
        let limits = Limits {
            heartbeat_ms: 100,
            backoff_first_ms: 20,
            backoff_max_ms: 200,
            late_after_ms: 3_000,
            pull_interval_ms: 200,
            ..Limits::default()
        };
        let tree = Self {
            directory,
            hierarchy: hierarchy.to_owned(),
            limits,
            policies: BTreeMap::new(),
            webs: BTreeMap::new(),
            running: BTreeMap::new(),
            address: own_address(),
            folder,
        };
        for unit in keyed {
            tree.make_keys(*unit, now);
        }
        fs::write(tree.path("directory.csv"), tree.directory.to_csv()).unwrap();
        tree
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of a unit's node: `keys`, `data`, `node.toml`.
    pub fn home(&self, unit: UnitId) -> PathBuf {
        self.path(&unit.to_string())
    }

    pub fn keys(&self, unit: UnitId) -> PathBuf {
        self.home(unit).join("keys")
    }

    fn make_keys(&self, unit: UnitId, now: SystemTime) {
        let (authority, folder) = (self.path("authority"), self.keys(unit));
        fs::create_dir_all(&folder).unwrap();
        let issuer = Authority::open(&authority).unwrap();
        let keys = issuer.issue_node(unit, &[], Validity::days(now, 30)).unwrap();
        keys.write(&folder, issuer.certificate_pem()).unwrap();
        keys::create_node(&authority, &folder, unit, 1).unwrap();
    }

    /// The secret ledger key of a unit, for tests that forge.
    pub fn ledger_key(&self, unit: UnitId) -> LedgerKey {
        keys::read_secret(&self.keys(unit)).unwrap()
    }

    /// Where a unit's node listens.
    pub fn address(&self, unit: UnitId) -> SocketAddr {
        let place = self.directory.rows().iter().position(|row| row.id == unit).unwrap();
        (self.address, 7_440 + place as u16).into()
    }

    /// Lets a unit's node serve pages, plainly on loopback, from its next start on; gives where.
    pub fn open_web(&mut self, unit: UnitId) -> SocketAddr {
        let address = (self.address, self.address(unit).port() + 100).into();
        self.webs.insert(unit, Web { address, security: WebSecurity::Plain });
        address
    }

    /// A unit's node file as a value.
    pub fn config(&self, unit: UnitId) -> NodeConfig {
        let row = self.directory.unit(unit).unwrap();
        let home = self.home(unit);
        let parent =
            row.parent.map(|parent| Parent { unit: parent, address: self.address(parent).to_string() });
        NodeConfig {
            unit,
            tier: row.tier.clone(),
            profile: self.hierarchy.clone(),
            hierarchy: Hierarchy::shipped(&self.hierarchy).unwrap(),
            data: home.join("data"),
            directory: self.path("directory.csv"),
            listen: self.address(unit),
            names: Vec::new(),
            parent,
            keys: home.join("keys"),
            at_rest: None,
            web: self.webs.get(&unit).cloned(),
            policy_up: self.policies.get(&unit).copied(),
            personal_months: None,
            limits: self.limits.clone(),
        }
    }

    /// Writes a unit's node file and gives its path.
    pub fn node_file(&self, unit: UnitId) -> PathBuf {
        let path = self.home(unit).join("node.toml");
        fs::write(&path, self.config(unit).to_toml(&self.home(unit))).unwrap();
        path
    }

    /// Starts a unit's node inside this process.
    pub async fn start(&mut self, unit: UnitId) -> Arc<Node> {
        self.start_on(unit, Host::default()).await
    }

    /// The same on a given computer.
    pub async fn start_on(&mut self, unit: UnitId, host: Host) -> Arc<Node> {
        let running = runtime::start_on(host, self.config(unit), &mut |_, _| ()).await.unwrap();
        let node = Arc::clone(&running.node);
        self.running.insert(unit, running);
        node
    }

    /// Starts all nodes, the top first.
    pub async fn start_all(&mut self) {
        let mut units: Vec<UnitId> = self.directory.rows().iter().map(|row| row.id).collect();
        let depth = |unit: &UnitId| self.directory.at(unit.valid_from).ancestors(*unit).len();
        units.sort_by_key(depth);
        for unit in units {
            self.start(unit).await;
        }
    }

    /// Stops a unit's node in good order.
    pub async fn stop(&mut self, unit: UnitId) {
        if let Some(running) = self.running.remove(&unit) {
            running.stop().await;
        }
    }

    /// Stops all nodes.
    pub async fn stop_all(&mut self) {
        for (_, running) in std::mem::take(&mut self.running) {
            running.stop().await;
        }
    }

    /// A running node.
    pub fn node(&self, unit: UnitId) -> Arc<Node> {
        Arc::clone(&self.running[&unit].node)
    }

    /// Number of the latest batch of `origin` that the node of `at` holds.
    pub fn head(&self, at: UnitId, origin: UnitId) -> u64 {
        self.node(at).store.view().chains.get(&origin).map_or(0, |chain| chain.head.number.0)
    }

    /// All changes of `origin` counted or quarantined at the node of `at`.
    pub fn changes(&self, at: UnitId, origin: UnitId) -> u64 {
        self.node(at).store.view().chains.get(&origin).map_or(0, |chain| chain.head.next.0 - 1)
    }
}

/// All bytes of all files below a folder, for tests that search them.
pub fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(all_bytes(&path));
        } else {
            bytes.extend(fs::read(&path).unwrap());
        }
    }
    bytes
}
