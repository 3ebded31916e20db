//! The valid encodings that fuzzing begins with: made by the tests, and kept as files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Beginning of the names of kept files that must be refused.
const REFUSED: &str = "refused-";

/// Variable of the environment with which encodings that a test makes are kept as files.
const KEEP: &str = "DANSO_FUZZ_KEEP";

fn folder_of(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// Keeps what a test makes, for a new target.
fn keep(target: &str, made: &[Vec<u8>]) {
    fs::create_dir_all(folder_of(target)).unwrap();
    for (place, bytes) in made.iter().enumerate() {
        fs::write(folder_of(target).join(format!("made-{place:02}.bin")), bytes).unwrap();
    }
}

/// The kept files of a target, by name.
pub fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder_of(target))
        .unwrap_or_else(|error| panic!("corpus of {target}: {error}"))
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files
}

/// What a target begins with: encodings made by the test, and its kept files.
///
/// `check` tells whether bytes decode. Everything made must; of the kept files all but those named
/// `refused-`: what a node has once written is read for ever, and what was once found broken stays refused.
pub fn bases(target: &str, made: Vec<Vec<u8>>, check: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    for (place, bytes) in made.iter().enumerate() {
        assert!(check(bytes), "{target}: encoding {place} made by the test does not decode");
    }
    if std::env::var_os(KEEP).is_some() {
        keep(target, &made);
    }
    let mut bases = made;
    for (name, bytes) in kept(target) {
        assert_eq!(check(&bytes), !name.starts_with(REFUSED), "{target}/{name}");
        bases.push(bytes);
    }
    bases
}
