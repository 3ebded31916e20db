//! The end of a ledger, acknowledged and gone from the disk: no check and no repair takes it for a tail that was torn.

use super::{
    super::{index::Index, *},
    options,
};
use crate::store::{at_rest::Vault, ledger::Position};
use danso_core::{
    chain::{Deed, Registration, Signed},
    domain::HouseholdId,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Writes so many records, before them the key that signs, and gives the end of the ledger.
async fn written(data: &Path, records: usize) -> Position {
    let Options { unit, key, .. } = options(data);
    let registration = Registration { unit, key: key.public().to_bytes(), registered_at_ms: 1 };
    let (store, _) = Store::open(options(data), &mut |_, _| ()).unwrap();
    if store.view().keys.is_empty() {
        let registration = Record::Registration(Signed::sign(&registration, &key));
        store.write(vec![registration.into()]).await.unwrap();
    }
    for _ in 0..records {
        let note = AuditNote::text("a test", Deed::PersonalWritten, "nothing", 1);
        store.write(vec![Record::Note(note).into()]).await.unwrap();
    }
    let end = store.view().position;
    store.close().await;
    end
}

fn segment(data: &Path) -> PathBuf {
    data.join("ledger/00000001.ledger")
}

/// Alters a bit of the last record; gives the file as it is then.
fn rotten(data: &Path) -> Vec<u8> {
    let mut bytes = fs::read(segment(data)).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last - 8] ^= 1;
    fs::write(segment(data), &bytes).unwrap();
    bytes
}

fn started(data: &Path) -> &'static str {
    Store::open(options(data), &mut |_, _| ()).err().unwrap().code()
}

fn rebuilt(data: &Path) -> &'static str {
    rebuild(options(data), &mut |_, _| ()).err().unwrap().code()
}

fn audited(data: &Path) -> &'static str {
    let Options { unit, key, .. } = options(data);
    let grounds = AuditGrounds { authority: key.public(), own: &[], is_above: &|_, _| false };
    verify_audit(data, unit, &grounds, &mut |_, _| ()).err().unwrap().code()
}

/// Sets the index back to what it was, but for the word that it was written up to `end` since.
fn set_back(data: &Path, former: &Path, end: Position) {
    fs::remove_dir_all(data.join("index")).unwrap();
    fs::rename(former, data.join("index")).unwrap();
    let vault = Arc::new(Vault::of_folder(data, None).unwrap());
    let index = Index::open(&data.join("index"), 1_048_576, &vault).unwrap();
    index.remove(keys::household(HouseholdId { unit: options(data).unit, serial: 1 }));
    index.flush_some(1, end).unwrap();
    index.close().unwrap();
}

fn copied(data: &Path, to: PathBuf) -> PathBuf {
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(data.join("index")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    to
}

#[tokio::test]
async fn a_new_index_is_not_made_over_a_ledger_whose_end_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    written(&data, 5).await;
    let before = rotten(&data);
    for _ in 0..2 {
        assert_eq!((started(&data), rebuilt(&data)), ("ledger_damaged", "ledger_damaged"));
        assert!(fs::read(segment(&data)).unwrap() == before, "nothing was cut");
        assert!(data.join("index").exists(), "what knows of the loss stays");
    }
    fs::remove_file(segment(&data)).unwrap();
    let missing = "ledger_missing_segment";
    assert_eq!((started(&data), rebuilt(&data)), (missing, missing));
    assert!(!segment(&data).exists());
}

#[tokio::test]
async fn checks_and_repairs_know_how_far_the_index_was_written_beyond_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    written(&data, 5).await;
    let former = copied(&data, folder.path().join("former"));
    let end = written(&data, 5).await;
    set_back(&data, &former, end);
    assert_eq!(verify(&options(&data), &mut |_, _| ()).unwrap().differences, Vec::<String>::new());
    let before = rotten(&data);
    let verified = verify(&options(&data), &mut |_, _| ()).err().map(|error| error.code());
    assert_eq!(verified, Some("ledger_damaged"));
    assert_eq!(
        (audited(&data), started(&data), rebuilt(&data)),
        ("ledger_damaged", "ledger_damaged", "ledger_damaged")
    );
    assert!(fs::read(segment(&data)).unwrap() == before, "nothing was cut");
}
