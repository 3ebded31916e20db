//! Compiles the `.proto` files with protox, so that no `protoc` is needed.

use prost::Message;
use std::{env, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["replication", "downward", "statistics", "intake", "operations"];
    let paths: Vec<String> = files.iter().map(|name| format!("danso/v1/{name}.proto")).collect();
    println!("cargo:rerun-if-changed=danso");
    let descriptors = protox::compile(&paths, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("danso.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
