//! Compiles the runbooks into the program: a node explains its codes without a line and without a manual.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/runbooks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages: Vec<(String, String)> = fs::read_dir(&folder)
        .expect("the repository holds deploy/runbooks")
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| {
            let code = path.file_stem().expect("a page has a name").to_string_lossy().into_owned();
            (code, fs::read_to_string(&path).expect("a page can be read"))
        })
        // An index of pages is none itself.
        .filter(|(code, text)| text.starts_with(&format!("# {code}\n")))
        .collect();
    pages.sort();
    let mut table = String::from("[\n");
    for (code, text) in pages {
        writeln!(table, "({code:?}, {text:?}),").expect("writing to memory cannot fail");
    }
    table.push(']');
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("runbooks.rs");
    fs::write(out, table).expect("the folder of the build can be written");
}
