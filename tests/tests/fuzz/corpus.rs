//! The valid encodings that fuzzing begins with: made by the tests, and kept as files.

use std::{fs, path::Path};

/// Beginning of the names of kept files that must be refused.
const REFUSED: &str = "refused-";

/// The kept files of a target, by name.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
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
    let mut bases = made;
    for (name, bytes) in kept(target) {
        assert_eq!(check(&bytes), !name.starts_with(REFUSED), "{target}/{name}");
        bases.push(bytes);
    }
    bases
}
