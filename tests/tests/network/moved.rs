//! A parent that moves to another address.

use super::{DANSO, import, in_the_end, linked, start_behind};
use danso_node::{
    host::{Host, Listener, Network, Opening, Socket, tcp},
    runtime,
};
use danso_tests::{
    Process, Tree, eventually,
    line::{Line, Quality},
    tree::central,
    unit, until,
};
use std::{
    fs, io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

/// The province's node at another address than the tree says.
async fn start_elsewhere(tree: &mut Tree, address: SocketAddr) {
    let province = unit("01");
    let mut config = tree.config(province);
    config.listen = address;
    let running = runtime::start(config, &mut |_, _| ()).await.unwrap();
    tree.running.insert(province, running);
}

/// An address of the tree that no node of it uses.
fn elsewhere(tree: &Tree) -> SocketAddr {
    let mut address = tree.address(unit("01"));
    address.set_port(address.port() + 100);
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_whose_node_file_names_the_new_address_links_and_sends_everything() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    tree.start(central()).await;
    let parent = tree.start(province).await;
    let file = tree.node_file(commune);
    let mut process = Process::start(DANSO, &file);
    until("the commune is linked", || parent.linked_children().contains_key(&commune)).await;
    drop(parent);
    let client = tree.client(commune).await;
    import(&client, 1, 2).await;
    until("its changes are at central", || tree.changes(central(), commune) == 8).await;

    tree.stop(province).await;
    let address = elsewhere(&tree);
    start_elsewhere(&mut tree, address).await;
    import(&client, 3, 2).await;
    eventually("the commune says that its parent is not where it looks", || async {
        let status = client.replication_status().await.unwrap();
        (!status.parent_connected && status.parent_error.starts_with("net_refused")).then_some(())
    })
    .await;
    let old = fs::read_to_string(&file).unwrap();
    let new = old.replace(&tree.address(province).to_string(), &address.to_string());
    assert_ne!(old, new);
    fs::write(&file, new).unwrap();
    process.kill();
    let _process = Process::start(DANSO, &file);
    until("what was recorded meanwhile is at central", || tree.changes(central(), commune) == 16).await;
    tree.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_moves_behind_the_same_address_is_found_without_a_restart() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    tree.start(central()).await;
    tree.start(province).await;
    let line = Line::open(tree.address(province), tree.address(province), Quality::default()).await;
    let child = start_behind(&mut tree, commune, line.address()).await;
    until("the commune is linked", || linked(&child)).await;
    tree.stop(province).await;
    let address = elsewhere(&tree);
    start_elsewhere(&mut tree, address).await;
    until("the commune has noticed", || !linked(&child)).await;
    import(&tree.client(commune).await, 1, 2).await;
    line.lead_to(address);
    in_the_end("it is linked again", 2, || linked(&child)).await;
    until("its changes are at central", || tree.changes(central(), commune) == 8).await;
    tree.stop_all().await;
}

/// The name of the province's computer.
const NAME: &str = "tinh.example.vn:7440";

/// The network of this computer, in which one name leads to an address that changes.
struct Named(Mutex<SocketAddr>);

impl Network for Named {
    fn listen(&self, address: SocketAddr) -> Opening<'_, Box<dyn Listener>> {
        Box::pin(async move { tcp().listen(address).await })
    }

    fn look_up<'a>(&'a self, address: &'a str) -> Opening<'a, Vec<SocketAddr>> {
        let known = (address == NAME).then(|| vec![*self.0.lock().unwrap()]);
        Box::pin(async move { known.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn connect(&self, target: SocketAddr) -> Opening<'_, Socket> {
        Box::pin(async move { tcp().connect(target).await })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_another_address_is_looked_up_anew_for_every_connection() {
    let mut tree = Tree::three();
    let (province, commune) = (unit("01"), unit("00001"));
    tree.start(central()).await;
    tree.start(province).await;
    let names = Arc::new(Named(Mutex::new(tree.address(province))));
    let mut config = tree.config(commune);
    config.parent.as_mut().unwrap().address = NAME.to_owned();
    let host = Host { network: Arc::clone(&names) as Arc<dyn Network>, ..Host::default() };
    let running = runtime::start_on(host, config, &mut |_, _| ()).await.unwrap();
    let child = Arc::clone(&running.node);
    tree.running.insert(commune, running);
    until("the commune is linked", || linked(&child)).await;

    tree.stop(province).await;
    let address = elsewhere(&tree);
    start_elsewhere(&mut tree, address).await;
    until("the commune has noticed", || !linked(&child)).await;
    import(&tree.client(commune).await, 1, 2).await;
    *names.0.lock().unwrap() = address;
    until("its changes are at central", || tree.changes(central(), commune) == 8).await;
    tree.stop_all().await;
}
