//! What the demo lays out on disk: the units with their nodes' folders, keys and files.

use super::{folder::Folder, tiers::Tiers};
use crate::{
    cli::{
        failure::Failure,
        files::{self, Access},
    },
    operations::now_ms,
    runtime::keys,
    transport::{
        authority::{Authority, Validity},
        tls::Role,
    },
};
use danso_tier_config::{Directory, Limits, NodeConfig, Parent, Unit, UnitId};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    time::SystemTime,
};

/// Days for which the demo's certificates are good.
const CERTIFICATE_DAYS: u32 = 30;

/// One node of the demo.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Its unit.
    pub unit: Unit,
    /// Steps below the top.
    pub depth: usize,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its folder: `keys`, `data`, `node.toml`, `log.txt`.
    pub home: PathBuf,
}

impl Site {
    /// The unit's id.
    pub fn id(&self) -> UnitId {
        self.unit.id
    }

    /// The node's file.
    pub fn node_file(&self) -> PathBuf {
        self.home.join("node.toml")
    }

    /// The node's keys.
    pub fn keys(&self) -> PathBuf {
        self.home.join("keys")
    }

    /// Where its log goes.
    pub fn log(&self) -> PathBuf {
        self.home.join("log.txt")
    }
}

/// All nodes and keys of the demo, the top first and every unit before those below it.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The nodes.
    pub sites: Vec<Site>,
    tiers: Tiers,
    folder: PathBuf,
}

impl Layout {
    /// Chooses units, folders and ports; writes nothing.
    pub fn plan(tiers: Tiers, folder: &Folder, port: Option<u16>) -> Result<Self, Failure> {
        let folder = folder.path().to_owned();
        let units = tiers.units();
        let addresses = addresses(units.len(), port)?;
        let mut sites: Vec<Site> = Vec::new();
        for (unit, address) in units.into_iter().zip(addresses) {
            let depth =
                sites.iter().find(|site| Some(site.id()) == unit.parent).map_or(0, |above| above.depth + 1);
            let home = folder.join("nodes").join(format!("{}-{}", unit.tier, unit.id.code));
            sites.push(Site { unit, depth, address, home });
        }
        Ok(Self { sites, tiers, folder })
    }

    /// Writes directory, authority, everyone's keys and the nodes' files.
    pub fn make(&self) -> Result<(), Failure> {
        let units = self.sites.iter().map(|site| site.unit.clone()).collect();
        let directory = Directory::from_rows(units, Vec::new())?;
        let csv = directory.to_csv();
        files::write(&self.directory(), Access::Anyone, |out| out.write_all(csv.as_bytes()))?;
        let (now, authority) = (SystemTime::now(), self.folder.join("authority"));
        let root = Authority::create(&authority, now)?;
        keys::create_authority(&authority)?;
        let validity = Validity::days(now, CERTIFICATE_DAYS);
        for site in &self.sites {
            root.issue_node(site.id(), &[], validity)?.write(&site.keys(), root.certificate_pem())?;
            keys::create_node(&authority, &site.keys(), site.id(), now_ms())?;
            let above = self.sites.iter().find(|above| Some(above.id()) == site.unit.parent);
            self.write_node_file(site, above.map(|above| above.address))?;
        }
        let people = [
            (Role::Analyst, self.analyst()),
            (Role::Auditor, self.auditor()),
            (Role::Operator, self.operator()),
        ];
        for (role, folder) in people {
            root.issue_person(role, self.sites[0].id(), validity)?.write(&folder, root.certificate_pem())?;
        }
        Ok(())
    }

    /// Writes a node's file with its parent at `above`.
    pub fn write_node_file(&self, site: &Site, above: Option<SocketAddr>) -> Result<(), Failure> {
        let parent = site.unit.parent.zip(above);
        let config = NodeConfig {
            unit: site.id(),
            tier: site.unit.tier.clone(),
            profile: self.tiers.profile().to_owned(),
            hierarchy: self.tiers.hierarchy(),
            data: site.home.join("data"),
            directory: self.directory(),
            listen: site.address,
            names: Vec::new(),
            parent: parent.map(|(unit, address)| Parent { unit, address: address.to_string() }),
            keys: site.keys(),
            at_rest: None,
            web: None,
            policy_up: None,
            personal_months: None,
            limits: limits(),
        };
        let text = config.to_toml(&site.home);
        files::write(&site.node_file(), Access::Anyone, |out| out.write_all(text.as_bytes()))
    }

    /// The list of units.
    pub fn directory(&self) -> PathBuf {
        self.folder.join("directory.csv")
    }

    /// Folder of the imported files.
    pub fn books(&self) -> PathBuf {
        self.folder.join("books")
    }

    /// Keys of somebody who sees how far every node has come, and what is counted.
    pub fn auditor(&self) -> PathBuf {
        self.folder.join("people").join("auditor")
    }

    /// Keys of a person who may read at every node.
    pub fn analyst(&self) -> PathBuf {
        self.folder.join("people").join("analyst")
    }

    /// Keys of the person who runs central.
    pub fn operator(&self) -> PathBuf {
        self.folder.join("people").join("operator")
    }

    /// The places of the nodes that record.
    pub fn communes(&self) -> Vec<usize> {
        let bottom = self.tiers.hierarchy().bottom().name.clone();
        (0..self.sites.len()).filter(|at| self.sites[*at].unit.tier == bottom).collect()
    }

    /// The places of the recording nodes at or below a node.
    pub fn communes_below(&self, at: usize) -> Vec<usize> {
        let top = self.sites[at].id();
        self.communes().into_iter().filter(|commune| self.lineage(*commune).contains(&top)).collect()
    }

    /// The commune whose line is cut, and the place of its parent.
    pub fn cut(&self) -> (usize, usize) {
        let commune = *self.communes().last().expect("there are communes");
        let parent = self.sites[commune].unit.parent;
        let above = self.sites.iter().position(|site| Some(site.id()) == parent);
        (commune, above.expect("a commune has a parent"))
    }

    /// A unit and all above it.
    fn lineage(&self, at: usize) -> Vec<UnitId> {
        let above = |site: &&Site| self.sites.iter().find(|other| Some(other.id()) == site.unit.parent);
        std::iter::successors(Some(&self.sites[at]), above).map(Site::id).collect()
    }
}

/// Limits under which things happen while one looks on.
fn limits() -> Limits {
    Limits {
        heartbeat_ms: 200,
        backoff_first_ms: 50,
        backoff_max_ms: 500,
        late_after_ms: 3_000,
        pull_interval_ms: 500,
        ..Limits::default()
    }
}

/// Loopback addresses: from a base port on, or free ones.
fn addresses(count: usize, base: Option<u16>) -> Result<Vec<SocketAddr>, Failure> {
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if let Some(base) = base {
        let ports: Vec<u16> = (base..=u16::MAX).take(count).collect();
        if ports.len() < count {
            return Err(Failure::Usage(format!("no {count} ports follow {base}")));
        }
        return Ok(ports.into_iter().map(at).collect());
    }
    // All are held until the last is known, so no two are the same.
    let free = || -> std::io::Result<Vec<SocketAddr>> {
        let held = (0..count).map(|_| TcpListener::bind(at(0))).collect::<Result<Vec<_>, _>>()?;
        held.iter().map(TcpListener::local_addr).collect()
    };
    free().map_err(|error| Failure::told("listen_failed", format!("no free port on this computer: {error}")))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn both_hierarchies_have_four_communes_and_one_that_is_cut() {
        for (tiers, count, above) in [(Tiers::Four, 8, "002"), (Tiers::Three, 6, "01")] {
            let folder = Folder::temporary().unwrap();
            let layout = Layout::plan(tiers, &folder, Some(7_400)).unwrap();
            assert_eq!(layout.sites.len(), count);
            assert_eq!(layout.communes().len(), 4);
            assert_eq!(layout.communes_below(0), layout.communes());
            let (commune, parent) = layout.cut();
            assert_eq!(layout.sites[parent].id().code.as_str(), above);
            assert!(layout.communes_below(parent).contains(&commune));
            assert_eq!(layout.sites[1].address.port(), 7_401);
        }
    }

    #[test]
    fn node_files_read_back_and_the_directory_is_right() {
        let folder = Folder::temporary().unwrap();
        let layout = Layout::plan(Tiers::Four, &folder, None).unwrap();
        layout.make().unwrap();
        for site in &layout.sites {
            let config = NodeConfig::load(&site.node_file()).unwrap();
            assert_eq!((config.unit, config.listen), (site.id(), site.address));
            assert_eq!(config.parent.map(|parent| parent.unit), site.unit.parent);
        }
    }
}
