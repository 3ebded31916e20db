//! The formula guard: a cell that a spreadsheet would run gets a leading apostrophe, which reading takes off.
//!
//! A text that has apostrophes before a formula sign gets one more, so writing and reading are inverse.

/// Whether a spreadsheet would run the cell but for its leading apostrophes.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The cell as written to a file.
pub fn put(cell: String) -> String {
    if is_formula(&cell) { format!("'{cell}") } else { cell }
}

/// The cell as it was before [`put`].
pub(super) fn strip(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}
