//! A tree that grew as a real one does: a root, then invitations, with the program itself.

use crate::{Tree, tree::central};
use danso_node::{
    operations::Actor,
    transport::{
        authority::{Authority, Validity, request_with},
        tls::Keys,
    },
};
use danso_tier_config::{Directory, UnitId};
use std::{
    fs,
    ops::{Deref, DerefMut},
    process::{Command, Output},
    time::{Duration, SystemTime},
};

/// What the program said when it failed.
#[derive(Debug)]
pub struct Said {
    /// The stable code.
    pub code: String,
    /// All of stderr.
    pub text: String,
}

/// A tree without throw-away keys.
pub struct Grown {
    tree: Tree,
    danso: &'static str,
}

impl Deref for Grown {
    type Target = Tree;
    fn deref(&self) -> &Tree {
        &self.tree
    }
}

impl DerefMut for Grown {
    fn deref_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }
}

impl Grown {
    /// The four tiers of [`Tree::four`], of which only central has keys, and runs. `danso` is the program.
    pub async fn four(danso: &'static str) -> Self {
        Self::of(Tree::four(), danso).await
    }

    /// The same for [`Tree::two_provinces`].
    pub async fn two_provinces(danso: &'static str) -> Self {
        Self::of(Tree::two_provinces(), danso).await
    }

    async fn of(tree: Tree, danso: &'static str) -> Self {
        let mut grown = Self { tree, danso };
        for row in grown.directory.rows() {
            fs::remove_dir_all(grown.keys(row.id)).unwrap();
        }
        let config = grown.node_file(central()).display().to_string();
        let root = grown.path("root").display().to_string();
        grown.run(&["authority", "init", "--config", &config, "--root", &root]).unwrap();
        grown.start(central()).await;
        grown
    }

    /// Runs the program.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Said> {
        let Output { status, stdout, stderr } = Command::new(self.danso).args(arguments).output().unwrap();
        if status.success() {
            return Ok(String::from_utf8(stdout).unwrap());
        }
        let text = String::from_utf8(stderr).unwrap();
        let code = text.split("error[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
        Err(Said { code: code.to_owned(), text })
    }

    /// The parent of a unit.
    pub fn parent_of(&self, unit: UnitId) -> UnitId {
        let row = self.directory.unit(unit).unwrap();
        row.parent.unwrap_or_else(Directory::country)
    }

    /// Fingerprint of the root.
    pub fn root(&self) -> [u8; 32] {
        Keys::read(&self.keys(central()), SystemTime::now()).unwrap().root_fingerprint()
    }

    /// An invitation by the running parent.
    pub async fn invite(&self, unit: UnitId, replaces_key: bool) -> String {
        let parent = self.node(self.parent_of(unit));
        let invited = parent.invite(unit, 24, replaces_key, self.root(), &Actor::local()).await;
        invited.unwrap().0.expose()
    }

    /// Enrols with a given invitation.
    pub fn enrol_with(&self, unit: UnitId, token: &str) -> Result<String, Said> {
        fs::create_dir_all(self.home(unit)).unwrap();
        let config = self.node_file(unit).display().to_string();
        let arguments = ["enrol", "--config", &config, "--token", token];
        // Off the async threads: the parent serves in this process.
        tokio::task::block_in_place(|| self.run(&arguments))
    }

    /// Invites and enrols a unit whose parent runs.
    pub async fn enrol(&self, unit: UnitId) -> Result<String, Said> {
        self.enrol_as(unit, false).await
    }

    /// The same, perhaps with a new ledger key.
    pub async fn enrol_as(&self, unit: UnitId, replaces_key: bool) -> Result<String, Said> {
        let token = self.invite(unit, replaces_key).await;
        self.enrol_with(unit, &token)
    }

    /// `danso rebuild --from-parent` of a stopped node.
    pub fn rebuild_from_parent(&self, unit: UnitId) -> String {
        let config = self.node_file(unit).display().to_string();
        let arguments = ["rebuild", "--from-parent", "--config", &config];
        tokio::task::block_in_place(|| self.run(&arguments)).unwrap()
    }

    /// `danso verify` of a stopped node.
    pub fn verify(&self, unit: UnitId) -> String {
        let config = self.node_file(unit).display().to_string();
        tokio::task::block_in_place(|| self.run(&["verify", "--config", &config])).unwrap()
    }

    /// Puts a certificate in place that is almost over; gives its bytes.
    pub fn shorten_certificate(&self, unit: UnitId) -> Vec<u8> {
        let keys = self.keys(unit);
        let issuer = Authority::open_issuer(&self.keys(self.parent_of(unit))).unwrap();
        let request = request_with(&fs::read_to_string(keys.join("node.key")).unwrap()).unwrap();
        let long_ago = SystemTime::now() - Duration::from_hours(100 * 24);
        let chain = issuer.issue_node_csr(&request, unit, &[], Validity::days(long_ago, 101)).unwrap();
        fs::write(keys.join("node.crt"), &chain).unwrap();
        chain.into_bytes()
    }
}
