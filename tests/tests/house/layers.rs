//! Imports point down the layers; each outside crate stays in its layer; the core is pure.

use crate::source::{code_of, names_after, names_crate, names_word, report, root, shown, sources};
use std::path::Path;

/// Layers of a source folder and what each may import, besides itself.
const CORE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("chain", &["domain"]),
    ("replication", &["chain", "domain"]),
    ("rollup", &["chain", "domain"]),
    ("demography", &["chain", "domain"]),
];
const NODE: &[(&str, &[&str])] = &[
    ("host", &[]),
    ("store", &["host"]),
    ("operations", &["store", "host"]),
    ("wire", &["operations", "store"]),
    ("transport", &["wire", "operations", "store", "host"]),
    ("web", &["wire", "operations", "store"]),
    ("runtime", &["web", "transport", "wire", "operations", "store", "host"]),
    ("cli", &["runtime", "web", "transport", "wire", "operations", "store", "host"]),
];

/// Crates that one layer of the node keeps to itself.
const CRATES: &[(&str, &[&str])] = &[
    ("sled", &["store"]),
    ("rustls", &["transport"]),
    ("tokio_rustls", &["transport"]),
    ("rcgen", &["transport"]),
    ("x509_parser", &["transport"]),
    ("hyper_util", &["transport", "web"]),
    ("tonic", &["transport", "wire"]),
    ("tonic_health", &["transport"]),
    ("tonic_reflection", &["transport"]),
    ("axum", &["web"]),
    ("hyper", &["web"]),
    ("maud", &["web"]),
    ("pulldown_cmark", &["web"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("indicatif", &["cli"]),
    ("sd_notify", &["runtime"]),
];
/// What `wire` may name of tonic.
const WIRE_TONIC: &[&str] = &["Code", "Status", "metadata"];
/// What the pure part and the configuration's types never name.
const IMPURE: &[&str] =
    &["tokio", "sled", "tonic", "rustls", "getrandom", "SystemTime", "Instant", "thread_rng", "tempfile"];
const IMPURE_STD: &[&str] = &["fs", "net", "time", "thread", "process", "env"];

/// The layer of a file: the first folder or file below `folder`.
fn layer_of(path: &Path, folder: &str) -> String {
    let below = path.strip_prefix(root().join(folder)).unwrap();
    below.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// How many `super::` lead from a file to the root of its crate.
fn depth(path: &Path, folder: &str) -> usize {
    let below = path.strip_prefix(root().join(folder)).unwrap();
    below.components().count() - usize::from(below.ends_with("mod.rs"))
}

fn layer_faults(folder: &str, layers: &[(&str, &[&str])]) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in sources(folder) {
        let (layer, code) = (layer_of(&path, folder), code_of(&text));
        let Some((_, below)) = layers.iter().find(|(name, _)| *name == layer) else {
            if !["lib", "main"].contains(&layer.as_str()) {
                faults.push(format!("{}: {layer} is no layer", shown(&path)));
            }
            continue;
        };
        let up = "super::".repeat(depth(&path, folder));
        for name in
            names_after(&code, "crate").into_iter().chain(names_after(&code, up.trim_end_matches("::")))
        {
            let known = layers.iter().any(|(known, _)| *known == name);
            if known && name != layer && !below.contains(&name.as_str()) {
                faults.push(format!("{}: {layer} imports {name}", shown(&path)));
            }
        }
    }
    faults
}

#[test]
fn imports_point_down_the_layers() {
    let mut faults = layer_faults("node/core/src", CORE);
    faults.extend(layer_faults("node/src", NODE));
    for (path, text) in sources("node/src").into_iter().filter(|(path, _)| path.ends_with("main.rs")) {
        for name in names_after(&code_of(&text), "danso_node").iter().filter(|name| *name != "cli") {
            faults.push(format!("{}: main imports {name}", shown(&path)));
        }
    }
    let above: &[(&str, &[&str])] = &[
        ("proto/src", &["danso_tier_config", "danso_core", "danso_node"]),
        ("tier-config/src", &["danso_proto", "danso_core", "danso_node"]),
        ("node/core/src", &["danso_proto", "danso_node"]),
    ];
    for (folder, crates) in above {
        for (path, text) in sources(folder) {
            let code = code_of(&text);
            let named = crates.iter().filter(|name| names_crate(&code, name));
            faults.extend(named.map(|name| format!("{}: imports {name}", shown(&path))));
        }
    }
    report(&faults);
}

#[test]
fn each_outside_crate_is_named_in_its_layer_only() {
    let mut faults = Vec::new();
    for (path, text) in sources("node/src") {
        let (layer, code) = (layer_of(&path, "node/src"), code_of(&text));
        for (name, layers) in CRATES {
            if names_crate(&code, name) && !layers.contains(&layer.as_str()) {
                faults.push(format!("{}: {layer} names {name}", shown(&path)));
            }
        }
        if layer == "wire" {
            let more =
                names_after(&code, "tonic").into_iter().filter(|name| !WIRE_TONIC.contains(&name.as_str()));
            faults.extend(more.map(|name| format!("{}: wire names tonic::{name}", shown(&path))));
        }
    }
    report(&faults);
}

#[test]
fn the_core_is_pure() {
    let mut faults = Vec::new();
    for (path, text) in sources("node/core/src") {
        let code = code_of(&text);
        let words = IMPURE.iter().filter(|word| names_word(&code, word)).map(ToString::to_string);
        let std = names_after(&code, "std").into_iter().filter(|name| IMPURE_STD.contains(&name.as_str()));
        faults.extend(words.chain(std).map(|name| format!("{}: names {name}", shown(&path))));
    }
    report(&faults);
}
