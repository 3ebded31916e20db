//! Counts at central through real TLS gRPC: a province by sex and age group.

use crate::{
    pipeline::{client, import, process, wait_for},
    samples::{commune, line, millis, percentile},
};
use danso_proto::v1::{CountRequest, Dimension, ImportForm, Measure};
use danso_tests::{Process, Tree, tree::central, unit};
use std::time::Instant;

const QUERIES: usize = 2_000;
const CLIENTS: usize = 8;

pub async fn run() {
    let tree = Tree::three();
    let way = [central(), unit("01"), unit("00001"), unit("00004")];
    let _processes: Vec<Process> = way.iter().map(|unit| process(&tree, *unit)).collect();
    for (code, seed) in [("00001", 1), ("00004", 2)] {
        let (_, register, events) = commune(code, 30_000, 24, seed);
        let below = client(&tree, unit(code)).await;
        import(&below, ImportForm::Register, &register, Some("2024-01-01")).await;
        let total = import(&below, ImportForm::Events, &events, None).await;
        let top = client(&tree, central()).await;
        wait_for(&top, unit(code), total).await;
    }
    let request = CountRequest {
        measure: Measure::Population.into(),
        by_tier: "province".to_owned(),
        month_from: "2025-12".to_owned(),
        group_by: vec![Dimension::Sex.into(), Dimension::AgeGroup.into()],
        ..CountRequest::default()
    };
    let top = client(&tree, central()).await;
    let mut samples = Vec::new();
    for _ in 0..QUERIES {
        let since = Instant::now();
        top.count(request.clone()).await.unwrap();
        samples.push(since.elapsed());
    }
    let what = "count of a province (two communes of 30,000) by sex and age group through TLS";
    line(&format!("{what}, p50"), &millis(percentile(&mut samples, 50)));
    line(&format!("{what}, p99"), &millis(percentile(&mut samples, 99)));
    let since = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let one = client(&tree, central()).await;
        let request = request.clone();
        clients.push(tokio::spawn(async move {
            for _ in 0..QUERIES / CLIENTS {
                one.count(request.clone()).await.unwrap();
            }
        }));
    }
    for one in clients {
        one.await.unwrap();
    }
    let rate = QUERIES as f64 / since.elapsed().as_secs_f64();
    line("the same from eight clients", &format!("{rate:.0} a second"));
}
