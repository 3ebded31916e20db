//! A country with an authority in each tier: central, two provinces, a district each, communes.

use super::{Bounds, CLIENT, Keys, Node, Root, SERVER, good, unit};
use crate::host::Clock;
use crate::transport::{
    authority::{Authority, Issued, request, write_issuer},
    tls::{Grounds, Identity, Trust},
};
use danso_tier_config::{Directory, Hierarchy, Kind, Unit, UnitId};
use std::{sync::Arc, time::SystemTime};
use tempfile::TempDir;

/// A second province, and a district of each.
pub(super) const SIBLING: &str = "02@2004-07-08";
pub(super) const DISTRICT: &str = "001@2004-07-08";
pub(super) const SIBLING_DISTRICT: &str = "002@2004-07-08";
/// A commune of the first district that has ended.
pub(super) const ENDED: &str = "00007@2004-07-08";

fn row(id: &str, tier: &str, parent: UnitId) -> Unit {
    let (kind, tiers) =
        (if tier == "commune" { "xã" } else { tier }, Hierarchy::shipped("four-tier").unwrap());
    let kind = match kind {
        "province" => Kind::Province,
        "district" => Kind::RuralDistrict,
        _ => Kind::Commune,
    };
    Directory::simple_unit(unit(id), id, kind, &tiers.tier(tier).unwrap().name, Some(parent))
}

/// The units, with the commune `CLIENT` in a district.
pub(super) fn directory(district: &str) -> Arc<Directory> {
    let central = Hierarchy::shipped("four-tier").unwrap().tier("central").unwrap().name.clone();
    let top = Directory::country();
    let mut rows = vec![Directory::simple_unit(top, "Việt Nam", Kind::Central, &central, None)];
    for (province, district) in [(SERVER, DISTRICT), (SIBLING, SIBLING_DISTRICT)] {
        rows.push(row(province, "province", top));
        rows.push(row(district, "district", unit(province)));
    }
    rows.push(row(CLIENT, "commune", unit(district)));
    rows.push(Unit {
        valid_to: Some("2025-06-30".parse().unwrap()),
        ..row(ENDED, "commune", unit(DISTRICT))
    });
    Arc::new(Directory::from_rows(rows, Vec::new()).unwrap())
}

/// The authority of a unit in a folder of its own, as enrolment makes it.
pub(super) struct Tier {
    pub(super) authority: Authority,
    pub(super) chain_pem: String,
    pub(super) key_pem: String,
    _folder: TempDir,
}

impl Tier {
    pub(super) fn below(parent: &Authority, of: &str, path_length: u8) -> Self {
        let (key_pem, csr) = request().unwrap();
        let chain_pem = parent.issue_authority(unit(of), path_length, &csr, good()).unwrap();
        Self::of(chain_pem, key_pem)
    }

    pub(super) fn of(chain_pem: String, key_pem: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_issuer(folder.path(), &chain_pem, &key_pem).unwrap();
        let authority = Authority::open_issuer(folder.path()).unwrap();
        Self { authority, chain_pem, key_pem, _folder: folder }
    }

    /// A node whose key was made where it stays.
    pub(super) fn node(&self, of: &str) -> Issued {
        let (key_pem, csr) = request().unwrap();
        let certificate_pem = self.authority.issue_node_csr(&csr, unit(of), &[], good()).unwrap();
        Issued { identity: Identity::Node(unit(of)), certificate_pem, key_pem }
    }
}

pub(super) struct Country {
    pub(super) root: Root,
    pub(super) province: Tier,
    pub(super) district: Tier,
    pub(super) sibling: Tier,
    pub(super) trust: Trust,
}

impl Country {
    pub(super) fn new() -> Self {
        let root = Root::new();
        let province = Tier::below(&root.authority, SERVER, 1);
        let district = Tier::below(&province.authority, DISTRICT, 0);
        let sibling = Tier::below(&root.authority, SIBLING, 1);
        let trust = Trust::new(grounds(DISTRICT), Clock::default());
        Self { root, province, district, sibling, trust }
    }

    /// Keys that are checked by the directory.
    pub(super) fn keys(&self, issued: &Issued) -> Keys {
        let folder = tempfile::tempdir().unwrap();
        issued.write(folder.path(), self.root.pem()).unwrap();
        Keys::read_with(folder.path(), SystemTime::now(), &self.trust).unwrap()
    }

    /// Keys that know no directory and present what these would refuse.
    pub(super) fn blind_keys(&self, issued: &Issued) -> Keys {
        super::keys(issued, self.root.pem(), SystemTime::now())
    }

    /// The keys of the province's node, from the root.
    pub(super) fn server(&self) -> Keys {
        self.keys(&self.root.node(SERVER, good()))
    }

    pub(super) async fn start(&self) -> Node {
        Node::start(self.server().server(), Bounds::default()).await
    }
}

pub(super) fn grounds(district: &str) -> Grounds {
    Grounds { directory: Some(directory(district)), ..Grounds::default() }
}
