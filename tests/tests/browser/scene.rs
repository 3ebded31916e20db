//! A tree whose nodes serve pages, with an account of every role.

use super::http::Visit;
use danso_core::domain::Sex;
use danso_node::operations::{
    Actor, Manager,
    accounts::{AccountName, Role},
};
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};
use danso_tier_config::UnitId;
use std::net::SocketAddr;
use zeroize::Zeroizing;

pub const PASSWORD: &str = "chín con trâu đen";
/// A name that no page may show.
pub const PERSON: &str = "Nguyễn Thị Bí Mật";

/// Central, a province and two communes; the pages of the province and of the first commune are open.
pub struct Scene {
    pub tree: Tree,
    pub province: UnitId,
    pub commune: UnitId,
    pub address: SocketAddr,
    pub commune_address: SocketAddr,
}

impl Scene {
    /// The tree with some people in the first commune, counted at the province.
    pub async fn new() -> Self {
        Self::without(&[]).await
    }

    /// The same, some units of it not started.
    pub async fn without(silent: &[UnitId]) -> Self {
        let mut tree = Tree::three();
        tree.limits.late_after_ms = 3_600_000;
        let (province, commune) = (unit("01"), unit("00001"));
        let (address, commune_address) = (tree.open_web(province), tree.open_web(commune));
        for at in [central(), province, commune, unit("00004")] {
            if !silent.contains(&at) {
                tree.start(at).await;
            }
        }
        let mut scene = Self { tree, province, commune, address, commune_address };
        scene.people(7).await;
        for role in Role::ALL {
            scene.account(role.as_str(), role, province).await;
        }
        scene
    }

    /// Registers a household of so many people in the first commune, and waits until the province has them.
    pub async fn people(&mut self, count: usize) {
        let mut recorder = Recorder::new(self.tree.node(self.commune));
        let before = self.tree.changes(self.province, self.commune);
        let home = recorder.household("2026-01-01").await;
        for number in 0..count {
            let sex = if number % 2 == 0 { Sex::Female } else { Sex::Male };
            let birth = format!("{}-05-05", 1950 + number * 11);
            recorder.register("2026-01-01", home, person(PERSON, sex, &birth)).await;
        }
        let arrived = before + count as u64 + 1;
        until("the people are at the province", || self.tree.changes(self.province, self.commune) >= arrived)
            .await;
    }

    /// Adds an account with [`PASSWORD`] at the province.
    pub async fn account(&self, name: &str, role: Role, of: UnitId) {
        let node = self.tree.node(self.province);
        let by = Manager { actor: Actor::local(), scope: self.province };
        let name: AccountName = name.parse().unwrap();
        node.add_account(by, name, role, of, Zeroizing::new(PASSWORD.to_owned())).await.unwrap();
    }

    /// Somebody without a session at the province.
    pub fn visit(&self) -> Visit {
        Visit::new(self.address)
    }

    /// Somebody who has signed in at the province.
    pub async fn signed_in(&self, name: &str) -> Visit {
        let mut visit = self.visit();
        let answer = visit.post("/sign-in", &[("name", name), ("password", PASSWORD), ("to", "/")]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{}", answer.body);
        visit
    }
}
