//! Erasure: an erased person is named nowhere, whatever happened to a tier meanwhile.
//!
//! | file | holds |
//! |---|---|
//! | `scene.rs` | the people, the tree, the search of folders |
//! | `everywhere.rs` | no file of any tier names the person; the commands |
//! | `together.rs` | records of the ledger that name others, too |
//! | `closed.rs` | households that are closed since |
//! | `later.rs` | tiers that were away, set back, locked or killed |
//! | `refusals.rs` | what may not be erased, and orders that nobody may give |

mod closed;
mod everywhere;
mod later;
mod refusals;
mod scene;
mod together;
