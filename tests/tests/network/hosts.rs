//! Central, province, district and communes as processes on hosts of their own.

use super::{DANSO, asked, import};
use danso_node::transport::client::NodeClient;
use danso_proto::v1::{HeadRow, HeadsRequest, ReplicationStatusAnswer};
use danso_tests::{
    Process, Tree, eventually,
    hosts::{Crossing, Host, inside},
    line::{Line, Quality},
    tree::central,
    unit,
};
use danso_tier_config::{Limits, UnitId};
use std::{collections::BTreeMap, fs, net::SocketAddr, path::PathBuf, time::Duration};

/// Patience with bad lines on a loaded machine.
const MINUTES: u64 = 5;

/// One unit's node on its host.
struct Node {
    unit: UnitId,
    host: Host,
    keys: PathBuf,
    process: Process,
}

impl Node {
    /// Starts a unit's node on a new host; `parent` is where it finds its parent.
    fn start(tree: &Tree, crossing: &Crossing, unit: UnitId, number: u8, parent: Option<String>) -> Self {
        let host = Host::build(crossing, number);
        let process = run(tree, &host, unit, parent);
        Self { unit, host, keys: tree.keys(unit), process }
    }

    async fn client(&self) -> NodeClient {
        eventually(&format!("{} answers", self.unit), || async {
            NodeClient::connect(&self.host.desk().to_string(), self.unit, &self.keys).await.ok()
        })
        .await
    }

    async fn head(&self, origin: UnitId) -> Option<HeadRow> {
        let answer = self.client().await.heads(HeadsRequest::default()).await.unwrap();
        answer.heads.into_iter().find(|head| head.origin == origin.to_string())
    }

    async fn status(&self) -> ReplicationStatusAnswer {
        self.client().await.replication_status().await.unwrap()
    }

    async fn has_child(&self, child: UnitId) -> bool {
        let status = self.status().await;
        status.children.iter().any(|row| row.unit == child.to_string() && row.connected)
    }
}

fn run(tree: &Tree, host: &Host, unit: UnitId, parent: Option<String>) -> Process {
    let mut config = tree.config(unit);
    config.listen = Host::listen();
    if let Some(above) = &mut config.parent {
        above.address = parent.expect("where the parent is");
    }
    let file = tree.home(unit).join("node.toml");
    fs::write(&file, config.to_toml(&tree.home(unit))).unwrap();
    host.start(DANSO, &file)
}

/// Runs a test's body inside namespaces, if there are any.
fn on_hosts(name: &str, body: impl Future<Output = ()>) {
    if inside(&format!("hosts::{name}")) {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(body);
    }
}

/// The chain of `origin` is the same at all of `nodes`; gives its changes.
async fn same_everywhere(origin: UnitId, nodes: &[&Node]) -> u64 {
    let mut found = BTreeMap::new();
    for node in nodes {
        let head = node.head(origin).await.unwrap();
        assert_eq!(head.held_code, "");
        found.insert((head.number, head.hash.to_vec()), head.changes);
    }
    assert_eq!(found.len(), 1, "{origin} differs");
    found.into_values().next().unwrap()
}

#[test]
fn lines_that_are_cut_narrow_and_lossy_lose_nothing() {
    on_hosts("lines_that_are_cut_narrow_and_lossy_lose_nothing", cut_narrow_and_lossy());
}

async fn cut_narrow_and_lossy() {
    let mut tree = Tree::four();
    tree.limits = Limits { backoff_max_ms: 2_000, ..Limits::default() };
    let crossing = Crossing::build();
    let (good, bad) = (unit("00001"), unit("00004"));
    let start = |unit, number, parent: Option<String>| Node::start(&tree, &crossing, unit, number, parent);
    let top = start(central(), 1, None);
    let province = start(unit("01"), 2, Some(top.host.address().to_string()));
    let district = start(unit("001"), 3, Some(province.host.address().to_string()));
    let near = start(good, 4, Some(district.host.address().to_string()));
    // Two seconds one way, by a proxy; 30 % lost and 16 kbit/s, by the kernel.
    let late = Quality { delay: Duration::from_secs(2), ..Quality::default() };
    let crossing_at = SocketAddr::new(Crossing::address(), 0);
    let line = Line::open(crossing_at, district.host.address(), late).await;
    let far = start(bad, 5, Some(line.address().to_string()));
    far.host.narrow(16);
    far.host.lose(30);
    import(&far.client().await, 1, 10).await;
    import(&near.client().await, 1, 10).await;
    let at_top = |origin, changes| {
        let top = &top;
        move || async move { top.head(origin).await.is_some_and(|head| head.changes == changes) }
    };
    asked("the good line delivers", MINUTES, at_top(good, 40)).await;

    // The line of the commune and that of the province go down: nobody is told.
    near.host.cut();
    province.host.cut();
    import(&near.client().await, 11, 5).await;
    asked("the commune notices", MINUTES, || async { !near.status().await.parent_connected }).await;
    asked("the district notices", MINUTES, || async { !district.has_child(good).await }).await;
    asked("central notices", MINUTES, || async { !top.has_child(unit("01")).await }).await;
    asked("the district notices above", MINUTES, || async { !district.status().await.parent_connected })
        .await;
    assert_eq!(top.head(good).await.unwrap().changes, 40);
    near.host.restore();
    province.host.restore();
    asked("what was recorded meanwhile is at central", MINUTES, at_top(good, 60)).await;
    asked("the bad line delivers", MINUTES, at_top(bad, 40)).await;
    asked("its receipts came back", MINUTES, || async {
        far.head(bad).await.is_some_and(|head| head.acknowledged_number == head.number)
    })
    .await;
    for (origin, own, changes) in [(good, &near, 60), (bad, &far, 40)] {
        assert_eq!(same_everywhere(origin, &[own, &district, &province, &top]).await, changes);
    }
    println!("{} bytes over the bad line, {} connections", line.carried(), line.opened());
    for mut node in [top, province, district, near, far] {
        assert!(node.process.runs(), "{} ended by itself", node.unit);
        node.process.kill();
    }
}
