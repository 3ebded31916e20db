//! Compiles the `.proto` files with protox, so that no `protoc` is needed.

use prost::Message;
use std::{env, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "replication",
        "downward",
        "statistics",
        "intake",
        "operations",
        "lag",
        "enrolment",
        "accounts",
        "chains",
        "keys",
        "audit",
        "register",
        "copies",
    ];
    let paths: Vec<String> = files.iter().map(|name| format!("danso/v1/{name}.proto")).collect();
    println!("cargo:rerun-if-changed=danso");
    let descriptors = protox::compile(&paths, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("danso.v1.bin"), descriptors.encode_to_vec())?;
    // Messages with a password, a token or what names a person: their `Debug` is written by hand and shows nothing.
    let secret = [
        "SignInRequest",
        "SignInAnswer",
        "AddAccountRequest",
        "SetPasswordRequest",
        "MakeTokenAnswer",
        "FindPersonsRequest",
        "PersonLine",
        "GetPersonAnswer",
    ];
    let secret = secret.map(|name| format!("danso.v1.{name}"));
    tonic_prost_build::configure()
        .codec_path("crate::codec::BoundedCodec")
        .bytes(".")
        .skip_debug(secret)
        .compile_fds(descriptors)?;
    Ok(())
}
