//! Fuzz targets: every decoder that takes bytes from outside, on valid encodings edited and on bytes from
//! nowhere. Run for a second each by `cargo test`; deeper by hand.
//!
//! | file | targets | decoders |
//! |---|---|---|
//! | `batches.rs` | `forwarded_with_something_changed`, `signed_by_a_hostile_origin` | `Signed::verify` of a header, `check_link`, `open` under each policy, `judge` |
//! | `changes.rs` | `core`, `personal`, `delta_leaves` | `Core::decode`, `Personal::decode`, `decode_leaves`; verdict and deltas of what decodes |
//! | `frames.rs` | `leaf`, `frame`, `bomb` | `PersonalLeaf::decode`, `read_frame`: bounds of what unpacks |
//! | `statements.rs` | `statement`, `forgery` | `Signed::decode_trusted` of every kind, `origin_of`, `key_subject`, `examine`, `AuditHead::check`, `unpack_directory`; `Signed::verify` |
//! | `messages.rs` | `from_child`, `from_parent`, `question` | `ChildMessage`, `ParentMessage`, `CountRequest`, then `wire::link` and `wire::statistics` |
//! | `files.rs` | `node_file`, `directory` | `NodeConfig::parse`, `Directory::read_csv`, alone and within a signed version |
//! | `forms.rs` | `register`, `events` | the A0 and P0 files: `register_rows`, `event_rows`, imported into a register |
//! | `names.rs` | `texts`, `certificate` | unit codes and ids, dates, months, lasting ids; identities and their certificates |
//! | `tokens.rs` | `token` | `InvitationToken`, `Accounts::check`, `EnrolmentRecord`, `AccountRecord` |
//! | `services.rs` | `service_request`, `service_answer`, `word`, `certificate_request` | messages of all other services, `wire::register`, words and records of requests and accounts, requests for certificates |
//! | `lists.rs` | `official_lists`, `hierarchy` | `official::import`, `Hierarchy::parse` |
//! | `keys.rs` | `key_folder`, `ledger_keys`, `issuer` | `Keys::read`, `runtime::keys::read`, `Authority::open_issuer` |
//! | `disk.rs` | `ledger_record`, `sealed_record`, `sealed_value`, `at_rest_file`, `at_rest_key`, `index_row` | `foreign::read_record`, `foreign::is_row`, `Vault`, `AtRestKey::read` |
//! | `segments.rs` | `segment` | `ledger::verify`, `Ledger::open` |
//! | `copies.rs` | `sealed_file`, `backup_manifest`, `backup_key` | `Unsealer`, `backup::decode_manifest`, `BackupKey::read` |
//! | `edits.rs`, `corpus.rs`, `desk.rs` | | scripts of edits, kept encodings, a register in memory |
//!
//! Not fuzzed here: TLS and HTTP/2 (rustls, h2), and pages of sled: what those make of bytes is theirs; tests
//! with altered folders and raw connections cover what follows.
//!
//! A new decoder gets a `check(&[u8]) -> bool` (does it decode, and does everything hold that must?), a folder
//! in `corpus/` with a few valid encodings (`DANSO_FUZZ_KEEP=1` writes those that the test makes), a test of two
//! lines like those of `changes.rs`, and a row above.
//!
//! What every check asks beyond "no panic": what decodes is encoded and decoded again to the same; an
//! encoding is never longer than what it was decoded from (a message never twice as long), so memory is
//! bounded by what came; no byte is left over; nothing that was changed verifies.
//!
//! A failure prints the input and `BOLERO_RANDOM_SEED=...`; with that variable set, the same input comes first.
//! An input worth keeping goes into `corpus/<target>/` (named `refused-` when it must not decode).
//!
//! Longer: `BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test -p danso-tests --test fuzz` runs each target for ten
//! minutes; a name at the end runs one, `-- --nocapture` shows how often each was executed. Guided by coverage (libFuzzer, needs `cargo install cargo-bolero`):
//! `cargo bolero test -p danso-tests --rustc-bootstrap -T 10m --corpus-dir target/fuzz/core/corpus
//! --crashes-dir target/fuzz/core/crashes changes::core`; without the two folders it makes a `__fuzz__` beside
//! these files, which git ignores.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

/// Runs a check on inputs of a type for a second, or as long as the environment says.
macro_rules! fuzz {
    ($input:ty, $check:expr) => {
        bolero::check!()
            .with_type::<$input>()
            .with_test_time(std::time::Duration::from_secs(1))
            .for_each($check)
    };
}

mod batches;
mod changes;
mod copies;
mod corpus;
mod desk;
mod disk;
mod edits;
mod files;
mod forms;
mod frames;
mod keys;
mod lists;
mod messages;
mod names;
mod segments;
mod services;
mod statements;
mod tokens;
