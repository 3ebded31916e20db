//! Power cut at any instant: a data folder copied file by file while it is written, and what was written last torn,
//! lost, old or half renamed. It opens with all that was acknowledged before, or says what to do.

use crate::scene::{data, files, open, options, record, settled, state};
use danso_node::store;
use danso_tests::{Dice, Recorder, Tree, folder, tree::central, unit, until, wait::moment};
use danso_tier_config::UnitId;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

/// Bytes that a disk writes or loses as a whole.
const SECTOR: u64 = 512;
/// Bytes at the end of sled's log that may not have reached the disk.
const UNSYNCED: u64 = 65_536;
/// Pause between two recordings.
const PAUSE: Duration = Duration::from_millis(30);

/// Part of the name of a hurt, see [`garbled_before_a_record`].
const ROTTEN: &str = ", before a whole record";

/// What was promised about a folder before it was copied.
struct Promised {
    /// The ledger's synced end.
    position: u64,
    /// Changes of the commune: recorded there, or signed for by a tier above.
    changes: u64,
}

/// Copies a folder's files one after another, in an order by chance, while they are written.
fn torn_copy(from: &Path, to: &Path, dice: &mut Dice) {
    let _ = fs::remove_dir_all(to);
    let mut all = files(from);
    while !all.is_empty() {
        let path = all.swap_remove(dice.below(all.len() as u64) as usize);
        let target = to.join(path.strip_prefix(from).unwrap());
        if target.ends_with("BALLAST") {
            continue;
        }
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        // A file may be gone meanwhile, as in any backup.
        let _ = fs::copy(&path, &target);
    }
}

/// Zeros, garbles or cuts what a file has behind `from`.
fn tear(path: &Path, from: u64, dice: &mut Dice) -> String {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let bytes = fs::read(path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
    let name = path.file_name().unwrap().display().to_string();
    if dice.below(4) == 0 {
        let length = from + dice.below((used + SECTOR).saturating_sub(from).max(1));
        file.set_len(length.min(bytes.len() as u64)).unwrap();
        return format!("{name} cut at {length}");
    }
    let garbled = dice.below(2) == 0;
    let mut torn = 0;
    for start in (from / SECTOR * SECTOR..used).step_by(SECTOR as usize) {
        if dice.below(3) > 0 {
            continue;
        }
        let start = start.max(from);
        let end = (start / SECTOR * SECTOR + SECTOR).min(bytes.len() as u64);
        let sector: Vec<u8> = (start..end).map(|_| if garbled { dice.number() as u8 } else { 0 }).collect();
        file.write_all_at(&sector, start).unwrap();
        torn += 1;
    }
    format!("{name}: {torn} sectors {} from {from}", if garbled { "garbled" } else { "zeroed" })
}

/// The number of so many bytes, little-endian.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let mut whole = [0; 8];
    whole[..length].copy_from_slice(bytes.get(at..at + length)?);
    Some(u64::from_le_bytes(whole))
}

/// Where the records of a ledger of one segment lie: behind a header of 32 bytes, the length of each at its beginning.
fn records(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut at, mut records) = (32, Vec::new());
    while let Some(length) = number(bytes, at, 4).filter(|length| *length > 0) {
        let end = at + length as usize;
        if end > bytes.len() {
            break;
        }
        records.push(at..end);
        at = end;
    }
    records
}

/// The end that the last whole record says was synced when it was written: at 17 of each record.
fn proven(bytes: &[u8]) -> u64 {
    let synced = records(bytes).into_iter().filter_map(|record| number(bytes, record.start + 17, 8));
    synced.max().unwrap_or(0)
}

/// Whether garbage lies before a whole record. That may as well be a synced one that rotted: it is never cut away.
fn garbled_before_a_record(before: &[u8], after: &[u8]) -> bool {
    let changed = before.iter().zip(after).position(|(before, after)| before != after && *after != 0);
    let whole = |record: Range<usize>| after.get(record.clone()) == Some(&before[record]);
    changed.is_some_and(|at| records(before).into_iter().any(|record| record.start > at && whole(record)))
}

/// One of the ways in which a power cut leaves a folder; gives its name.
fn hurt(copy: &Path, older: &Path, promised: &Promised, dice: &mut Dice) -> String {
    let index = copy.join("index");
    let segment = copy.join("ledger/00000001.ledger");
    let of_index: Vec<PathBuf> = files(&index).into_iter().filter(|path| path.is_file()).collect();
    match dice.below(9) {
        0 => "as copied".to_owned(),
        1 | 2 => {
            // Only what was never synced may be torn; a newer index would prove more of it.
            folder::put_back(&older.join("index"), &index);
            let before = fs::read(&segment).unwrap();
            let torn = tear(&segment, proven(&before).max(promised.position), dice);
            let rotten = garbled_before_a_record(&before, &fs::read(&segment).unwrap());
            format!("an older index, {torn}{}", if rotten { ROTTEN } else { "" })
        }
        3 => {
            let length = fs::metadata(index.join("db")).map_or(0, |db| db.len());
            tear(&index.join("db"), length.saturating_sub(UNSYNCED), dice)
        }
        4 => {
            let file = &of_index[dice.below(of_index.len() as u64) as usize];
            tear(file, 0, dice)
        }
        5 => {
            let gone = &of_index[dice.below(of_index.len() as u64) as usize];
            fs::remove_file(gone).unwrap();
            format!("{} is gone", gone.file_name().unwrap().display())
        }
        6 => {
            folder::put_back(&older.join("index"), &index);
            "an older index".to_owned()
        }
        7 => {
            fs::copy(older.join("ledger/00000001.ledger"), &segment).unwrap();
            "an older ledger".to_owned()
        }
        _ => half_renamed(copy, dice),
    }
}

/// What was being made when the power went.
fn half_renamed(copy: &Path, dice: &mut Dice) -> String {
    let whole = fs::read(copy.join("ledger/00000001.ledger")).unwrap();
    let part = dice.below(whole.len() as u64 / 64) as usize;
    fs::write(copy.join("ledger/00000002.ledger.new"), &whole[..part]).unwrap();
    fs::write(copy.join("FORMAT.new"), "dans").unwrap();
    fs::write(copy.join("AT-REST.new"), "danso at-r").unwrap();
    fs::write(copy.join("BALLAST"), "").unwrap();
    folder::copy(&copy.join("index"), &copy.join("index.new"));
    fs::create_dir_all(copy.join("index.verify/held")).unwrap();
    if dice.below(2) == 0 {
        fs::write(copy.join("index.doubt"), "").unwrap();
    }
    if dice.below(2) == 0 {
        fs::write(copy.join("ledger/00000002.ledger"), vec![0; part]).unwrap();
    }
    "half renamed".to_owned()
}

/// Opens a folder; gives its outcome's name, after all promises were looked at.
async fn outcome(tree: &Tree, at: UnitId, copy: &Path, promised: &Promised, how: &str) -> &'static str {
    let commune = unit("00001");
    let (found, report) = match state(tree, at, copy).await {
        Ok(found) => found,
        Err(error) => {
            let (code, message) = (error.code(), error.to_string());
            // A ledger that ends before what the index has seen of it is refused, a proof that it is older, and one that
            // may be rotten.
            assert_eq!(code, "ledger_damaged", "{how}: {message}");
            let cause = ["older ledger", "as copied late", ROTTEN].iter().any(|cause| how.contains(cause));
            assert!(cause, "{how}: {message}");
            assert!(message.contains("segment 00000001 is damaged at byte "), "{how}: {message}");
            return "refused";
        }
    };
    let changes = if at == commune { found.recording.sequence } else { found.changes(commune) };
    let old = how.contains("older ledger");
    assert!(
        old || changes >= promised.changes,
        "{how}: {} promised, {changes} found, {report:?}",
        promised.changes
    );
    let (store, _) = store::rebuild(options(tree, at, copy), &mut |_, _| ()).unwrap();
    let replayed = settled(&store).await;
    store.close().await;
    assert!(replayed == found, "{how}: {at} opened another state than a replay gives, {report:?}");
    if report.rebuilt_because.is_some() { "rebuilt" } else { "clean" }
}

/// Cuts the power of three nodes at work `rounds` times each.
async fn cut_power(rounds: u64) {
    let mut dice = Dice::thrown();
    let mut tree = Tree::three();
    tree.start_all().await;
    let commune = unit("00001");
    record(&tree, commune, 5).await;
    let (acknowledged, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let load = tokio::spawn(load(&tree, commune, Arc::clone(&acknowledged), Arc::clone(&stop)));
    let mut outcomes = BTreeMap::new();
    for at in [commune, unit("01"), central()] {
        let (copy, older) = (tree.path("copy"), tree.path("older"));
        torn_copy(&data(&tree, at), &older, &mut dice);
        let since = acknowledged.load(SeqCst);
        until("more is recorded", || acknowledged.load(SeqCst) > since).await;
        for round in 0..rounds {
            let promised = promised(&tree, at, commune, &acknowledged);
            torn_copy(&data(&tree, at), &copy, &mut dice);
            let how = hurt(&copy, &older, &promised, &mut dice);
            // The ledger may have been copied before an index that has seen more of it.
            let how = if how.starts_with("an older index") { how } else { format!("{how}, as copied late") };
            let how = format!("round {round} at {at}: {how}");
            let outcome = outcome(&tree, at, &copy, &promised, &how).await;
            *outcomes.entry(outcome).or_insert(0_u64) += 1;
        }
    }
    stop.store(true, SeqCst);
    load.await.unwrap();
    println!("{outcomes:?}, {} changes recorded meanwhile", acknowledged.load(SeqCst));
    assert!(outcomes.contains_key("clean") && outcomes.contains_key("rebuilt"), "{outcomes:?}");
    tree.stop_all().await;
}

fn promised(tree: &Tree, at: UnitId, commune: UnitId, acknowledged: &AtomicU64) -> Promised {
    let changes = if at == commune { acknowledged.load(SeqCst) } else { tree.changes(at, commune) };
    // After it: what was acknowledged lies before the position.
    Promised { position: tree.node(at).store.view().position.0, changes }
}

/// Records without pause until told to stop.
fn load(
    tree: &Tree,
    commune: UnitId,
    acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> impl Future<Output = ()> + use<> {
    let node = tree.node(commune);
    let mut recorder = Recorder::new(Arc::clone(&node));
    async move {
        while !stop.load(SeqCst) {
            recorder.household("2026-02-01").await;
            acknowledged.fetch_max(node.store.view().recording.sequence, SeqCst);
            moment(PAUSE).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_at_any_instant_loses_nothing_acknowledged_or_says_what_to_do() {
    cut_power(20).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; DANSO_ROUNDS says how many cuts at each of three nodes, 500 without it"]
async fn many_power_cuts_lose_nothing_acknowledged_or_say_what_to_do() {
    let rounds = std::env::var("DANSO_ROUNDS").map_or(500, |rounds| rounds.parse().unwrap());
    cut_power(rounds).await;
}

/// The steps of a folder's making, in their order; each is there or not, and the last one perhaps in part.
const MADE: &[&str] = &["LOCK", "AT-REST", "index", "ledger/00000001.ledger", "BALLAST", "FORMAT"];

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_at_the_first_creation_leaves_nothing_or_all() {
    let tree = Tree::three();
    let commune = unit("00001");
    let made = tree.path("made");
    let (fresh, _) = state(&tree, commune, &made).await.unwrap();
    let copy = tree.path("copy");
    for there in 0..=MADE.len() {
        for part in [None, Some(0), Some(1), Some(7)] {
            let _ = fs::remove_dir_all(&copy);
            fs::create_dir_all(copy.join("ledger")).unwrap();
            for name in &MADE[..there] {
                let (from, to) = (made.join(name), copy.join(name));
                if from.is_dir() {
                    folder::copy(&from, &to);
                } else {
                    fs::copy(&from, &to).unwrap();
                }
            }
            // What comes next is under its temporary name, and perhaps not whole.
            if let (Some(bytes), Some(next)) = (part, MADE.get(there)) {
                let whole = fs::read(made.join(next)).unwrap_or_default();
                let name = if *next == "index" { "index.doubt".to_owned() } else { format!("{next}.new") };
                fs::write(copy.join(name), &whole[..bytes.min(whole.len())]).unwrap();
            }
            let how = format!("{:?} and {part:?} of the next", &MADE[..there]);
            let (found, report) =
                state(&tree, commune, &copy).await.unwrap_or_else(|error| panic!("{how}: {error}"));
            assert!(found == fresh, "{how}: {report:?}");
            assert_eq!(files(&copy).iter().filter(|path| path.ends_with("FORMAT")).count(), 1, "{how}");
            // What was begun is complete: it opens again, and nothing is made anew.
            let (store, again) = open(&tree, commune, &copy).unwrap();
            assert_eq!((again.rebuilt_because, again.cut_bytes), (None, 0), "{how}");
            store.close().await;
        }
    }
}
