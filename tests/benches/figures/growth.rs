//! How cost grows: time and memory against the number of changes, units, months and children, each at five sizes.
//!
//! A province takes forged chains of its communes over real links, verifies, stores and counts them; each size is a
//! process of its own on a folder of its own. One size grows, the others stay.

use crate::{
    old_pc::megabytes,
    pipeline::{client, process},
    plot::{Curve, Plot, exponent, short, straight},
    samples::{line, percentile},
};
use danso_core::{
    chain::{Receipt, strip},
    domain::{Core, Event},
};
use danso_node::transport::{
    authority::{Authority, Validity},
    client::NodeClient,
};
use danso_proto::v1::{CountRequest, Measure};
use danso_tests::{
    Process, Tree,
    forge::{ChildLink, Forger},
    unit,
};
use danso_tier_config::{Directory, Limits, Month, Policy, UnitId};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// Changes of a forged batch.
const BATCH: u64 = 100;
const QUERIES: usize = 300;
/// Batches on their way on one link before their receipts are awaited.
const TOGETHER: usize = 16;

/// What a province is given.
#[derive(Clone, Copy)]
struct Load {
    communes: usize,
    /// Batches of each commune.
    batches: u64,
    /// Months over which the births are spread.
    months: i32,
}

/// What it took.
struct Cost {
    accepted: Duration,
    /// Memory with every link open and nothing sent.
    linked_megabytes: f64,
    megabytes: f64,
    /// Population of the province.
    whole: Duration,
    /// Population of each commune.
    each: Duration,
    start: Duration,
    megabytes_started: f64,
}

pub async fn run(folder: &Path) {
    let base = Load { communes: 4, batches: 160, months: 12 };
    let changes: Vec<Load> = [40, 80, 160, 320, 640].map(|batches| Load { batches, ..base }).into();
    let size = |load: &Load| (load.communes as u64 * load.batches * BATCH) as f64;
    axis(folder, "changes", "changes of four communes, twelve months", &changes, size).await;
    let units: Vec<Load> =
        [25, 50, 100, 200, 400].map(|communes| Load { communes, batches: 8, months: 12 }).into();
    axis(folder, "units", "communes below one province, 800 changes each", &units, |load| {
        load.communes as f64
    })
    .await;
    let months: Vec<Load> = [12, 24, 48, 96, 192].map(|months| Load { batches: 48, months, ..base }).into();
    axis(folder, "months", "months over which 19,200 changes lie", &months, |load| f64::from(load.months))
        .await;
    let children: Vec<Load> = [16, 32, 64, 128, 256]
        .map(|communes| Load { communes, batches: 512 / communes as u64, months: 12 })
        .into();
    axis(folder, "children", "linked children that bring 51,200 changes together", &children, |load| {
        load.communes as f64
    })
    .await;
}

async fn axis(folder: &Path, name: &str, what: &str, loads: &[Load], size: impl Fn(&Load) -> f64) {
    let sizes: Vec<f64> = loads.iter().map(size).collect();
    let mut costs = Vec::new();
    for load in loads {
        costs.push(cost(*load).await);
    }
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let curve = |name: &str, of: &dyn Fn(&Cost) -> f64| Curve {
        name: name.to_owned(),
        values: costs.iter().map(of).collect(),
    };
    let mut curves = vec![
        curve("accepting all of it, ms", &|cost| millis(cost.accepted)),
        curve("memory after it, MB", &|cost| cost.megabytes),
        curve("start, ms", &|cost| millis(cost.start)),
        curve("memory after a start, MB", &|cost| cost.megabytes_started),
        curve("population of the province, ms", &|cost| millis(cost.whole)),
        curve("population of each commune, ms", &|cost| millis(cost.each)),
    ];
    if loads.windows(2).any(|pair| pair[0].communes != pair[1].communes) {
        curves
            .insert(2, curve("memory, every child linked, nothing sent, MB", &|cost| cost.linked_megabytes));
    }
    for curve in &curves {
        let (fixed, each) = straight(&sizes, &curve.values);
        let values: Vec<String> = curve.values.iter().map(|value| short(*value)).collect();
        let power = exponent(&sizes, &curve.values);
        let fit = format!("power {power:.2}; {} and {each:.2e} each", short(fixed));
        line(&format!("{name}: {} at {sizes:?}", curve.name), &format!("{}; {fit}", values.join(", ")));
    }
    let title = format!("Cost and the number of {name}");
    Plot { title, size: what.to_owned(), sizes, curves }.write(folder, name);
}

fn province() -> UnitId {
    unit("01")
}

fn commune(number: usize) -> UnitId {
    unit(&format!("{:05}", 10_000 + number))
}

async fn cost(load: Load) -> Cost {
    let tree = country(load.communes);
    let mut node = process(&tree, province());
    let asking = client(&tree, province()).await;
    let mut links = Vec::new();
    for number in 0..load.communes {
        let child = commune(number);
        let (link, _) = ChildLink::open(&tree, child, province(), &[child]).await;
        links.push((link, Forger::new(&tree, child)));
    }
    let linked_megabytes = megabytes(&node, "status", "VmRSS");
    let mut accepted = Duration::ZERO;
    let mut left = load.batches;
    while left > 0 {
        let together = left.min(TOGETHER as u64);
        left -= together;
        for (link, forger) in &mut links {
            let batches: Vec<_> = (0..together).map(|_| forged(forger, load.months)).collect();
            let since = Instant::now();
            for batch in &batches {
                link.send_batch(batch).await;
            }
            while !signed_for(link, forger).await {}
            accepted += since.elapsed();
        }
    }
    let whole = asked(&asking, false).await;
    let each = asked(&asking, true).await;
    let after = megabytes(&node, "status", "VmRSS");
    drop(links);
    let (start, megabytes_started) = started_again(&tree, &mut node).await;
    Cost { accepted, linked_megabytes, megabytes: after, whole, each, start, megabytes_started }
}

/// Waits for a receipt; whether it is for the latest batch, and with it for all before.
async fn signed_for(link: &mut ChildLink, forger: &Forger) -> bool {
    link.receipt().await.decode_trusted::<Receipt>().unwrap().number >= forger.head.number
}

/// The next batch of a commune: its births lie in all months in turn.
fn forged(forger: &mut Forger, months: i32) -> danso_core::chain::Batch {
    let changes: Vec<_> = (0..BATCH)
        .map(|n| {
            let mut core = forger.birth(forger.head.next.0 + n);
            move_to(&mut core, -((forger.head.next.0 + n) as i32 % months));
            forger.named(&core)
        })
        .collect();
    let batch = strip(forger.seal(&changes), Policy::Names);
    forger.follow(&batch);
    batch
}

/// Moves a forged birth by months, with mother and child.
fn move_to(core: &mut Core, months: i32) {
    let month: Month = core.effective_on.month().plus(months);
    core.effective_on = month.first_day();
    if let Event::Born { mother_birth, .. } = &mut core.event {
        *mother_birth = mother_birth.plus(months);
    }
    for child in core.persons.iter_mut().filter_map(|person| person.after.as_mut()) {
        child.birth = month;
    }
}

async fn asked(client: &NodeClient, by_commune: bool) -> Duration {
    let request = CountRequest {
        measure: Measure::Population.into(),
        by_tier: if by_commune { "commune" } else { "province" }.to_owned(),
        month_from: "2026-01".to_owned(),
        ..CountRequest::default()
    };
    let mut samples = Vec::new();
    for _ in 0..QUERIES {
        let since = Instant::now();
        client.count(request.clone()).await.unwrap();
        samples.push(since.elapsed());
    }
    percentile(&mut samples, 50)
}

async fn started_again(tree: &Tree, node: &mut Process) -> (Duration, f64) {
    node.kill();
    let since = Instant::now();
    *node = process(tree, province());
    client(tree, province()).await.node_info().await.unwrap();
    (since.elapsed(), megabytes(node, "status", "VmRSS"))
}

/// One province with so many communes.
fn country(communes: usize) -> Tree {
    let mut tree = Tree::three();
    let like = tree.directory.unit(unit("00001")).unwrap().clone();
    let more = (0..communes).map(|number| {
        let name = format!("Xã số {number}");
        Directory::simple_unit(commune(number), &name, like.kind, &like.tier, like.parent)
    });
    let rows = tree.directory.rows().iter().cloned().chain(more).collect();
    tree.directory = Directory::from_rows(rows, Vec::new()).unwrap();
    fs::write(tree.path("directory.csv"), tree.directory.to_csv()).unwrap();
    tree.limits = Limits::default();
    let issuer = Authority::open(&tree.path("authority")).unwrap();
    for number in 0..communes {
        let (unit, keys) = (commune(number), tree.keys(commune(number)));
        fs::create_dir_all(&keys).unwrap();
        let certified = issuer.issue_node(unit, &[], Validity::days(SystemTime::now(), 30)).unwrap();
        certified.write(&keys, issuer.certificate_pem()).unwrap();
        danso_node::runtime::keys::create_node(&tree.path("authority"), &keys, unit, 1).unwrap();
    }
    tree
}
