//! Rows of tallies: what is written is read back, however often it grew, split and shrank.

use crate::store::{
    at_rest::Vault,
    index::{Index, Reflected},
    keys,
    view::View,
};
use danso_core::{
    domain::Sex,
    rollup::{Cell, Delta, RowId},
};
use danso_tier_config::{Month, UnitId, limits};
use std::{path::Path, sync::Arc};

fn unit() -> UnitId {
    "00004@2025-07-01".parse().unwrap()
}

fn open(folder: &Path) -> Index {
    let vault = Arc::new(Vault::of_folder(folder, None).unwrap());
    Index::open(&folder.join("index"), 1_048_576, &vault).unwrap()
}

/// Infants' deaths by days of life: hundreds of cells of one row.
fn deaths(days: std::ops::Range<u16>, amount: i64) -> Vec<Delta> {
    let month: Month = "2025-07".parse().unwrap();
    let cell = |days| Cell::Deaths { sex: Sex::Male, birth: month, infant_days: Some(days) };
    days.map(|days| Delta { month, cell: cell(days), amount }).collect()
}

fn count(view: &mut View, index: &Index, deltas: &[Delta]) {
    view.count(unit(), deltas);
    for delta in deltas {
        index.mark(RowId::of(unit(), delta.month, delta.cell));
    }
    assert!(index.unflushed() > 0);
    let reflected = Reflected { position: 1, tallies_check: view.tallies_check };
    index.flush(reflected, &index.rows_of(&view.tallies).unwrap()).unwrap();
    assert_eq!(index.unflushed(), 0);
}

/// The pieces in the index, and that they hold what the view does.
fn pieces(view: &View, index: &Index) -> usize {
    let mut read = View::default();
    read.load_tallies(index).unwrap();
    assert_eq!((&read.tallies, read.tallies_check), (&view.tallies, view.tallies_check));
    index.scan(keys::TALLIES).unwrap().len()
}

#[test]
fn a_row_in_pieces_shrinks_and_leaves_none_behind() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let mut view = View::default();
    count(&mut view, &index, &deaths(0..366, i64::MAX / 2));
    assert!(pieces(&view, &index) > 366 * 12 / limits::INDEX_TALLIES_BYTES_MAX);
    index.close().unwrap();
    drop(index);
    let index = open(folder.path());
    count(&mut view, &index, &deaths(5..366, -(i64::MAX / 2)));
    assert_eq!(pieces(&view, &index), 1);
    count(&mut view, &index, &deaths(0..5, -(i64::MAX / 2)));
    assert_eq!((pieces(&view, &index), view.tallies_check), (0, 0));
}
