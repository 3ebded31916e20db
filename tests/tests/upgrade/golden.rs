//! Data folders that earlier programs wrote, kept for good in `golden/`: this program opens them, finds everything
//! they hold, and goes on. How one is made at each change of a format: `golden/README.md`.

use crate::{arrived, book, client, household, import, record, verified};
use danso_node::transport::client::ImportFile;
use danso_proto::v1::ImportForm;
use danso_tests::{Process, Tree, eventually, packed, tree::central, unit};
use danso_tier_config::UnitId;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

/// A golden folder: the data of a commune and its province, the ledger keys of all three nodes, and what the program
/// that wrote them said of them.
struct Golden {
    /// The format of the index's rows.
    format: u8,
    packed: &'static [u8],
    /// What `danso verify` printed of the commune and of the province.
    commune: &'static str,
    province: &'static str,
}

/// The format that this program writes.
const TODAY: u8 = 6;

const GOLDEN: &[Golden] = &[
    Golden {
        format: 2,
        packed: include_bytes!("golden/format-2.zst"),
        commune: include_str!("golden/format-2.commune.txt"),
        province: include_str!("golden/format-2.province.txt"),
    },
    Golden {
        format: 3,
        packed: include_bytes!("golden/format-3.zst"),
        commune: include_str!("golden/format-3.commune.txt"),
        province: include_str!("golden/format-3.province.txt"),
    },
    Golden {
        format: 4,
        packed: include_bytes!("golden/format-4.zst"),
        commune: include_str!("golden/format-4.commune.txt"),
        province: include_str!("golden/format-4.province.txt"),
    },
    Golden {
        format: 5,
        packed: include_bytes!("golden/format-5.zst"),
        commune: include_str!("golden/format-5.commune.txt"),
        province: include_str!("golden/format-5.province.txt"),
    },
];

/// Households of four of the golden book, children born into it, and of all these one died and one was erased.
const HOUSEHOLDS: u64 = 12;
const BORN: u64 = 3;
const ERASED: u64 = 5;

/// Files of the keys that belong to the data; certificates expire and are made anew.
const KEPT_KEYS: [&str; 4] = ["ledger.key", "ledger.registration", "authority.pub", "at-rest.key"];
/// Files of a data folder that every start makes again.
const NOT_KEPT: [&str; 2] = ["BALLAST", "LOCK"];
/// Preallocated segments are mostly zeros.
const PLAIN_BYTES_MAX: usize = 256 << 20;
/// Largest golden folder, packed.
const PACKED_BYTES_MAX: usize = 300_000;

fn units() -> [UnitId; 3] {
    [central(), unit("01"), unit("00001")]
}

/// What a command of the program prints of a node.
fn said(danso: &str, tree: &Tree, at: UnitId, words: &[&str]) -> String {
    said_to(danso, tree, at, words, "")
}

/// The same with lines on stdin.
fn said_to(danso: &str, tree: &Tree, at: UnitId, words: &[&str], lines: &str) -> String {
    let mut command = Command::new(danso);
    command.args(words).arg("--config").arg(tree.node_file(at));
    let run = || {
        let pipes = (Stdio::piped(), Stdio::piped(), Stdio::piped());
        let mut child = command.stdin(pipes.0).stdout(pipes.1).stderr(pipes.2).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = tokio::task::block_in_place(run);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// Births and a death in households of the book.
fn events() -> ImportFile {
    let header = include_str!("../../../deploy/examples/events-example.csv").lines().next().unwrap();
    let columns = header.split(',').count();
    let row = |cells: &[(&str, String)]| {
        let mut row = vec![String::new(); columns];
        for (name, value) in cells {
            row[header.split(',').position(|column| column == *name).unwrap()].clone_from(value);
        }
        row.join(",")
    };
    let text = |text: &str| text.to_owned();
    let birth = |household: u64| {
        row(&[
            ("table", text("trẻ sinh ra")),
            ("date", text("10/03/2026")),
            ("household", household.to_string()),
            ("name", format!("Nguyễn Gia Bảo {household}")),
            ("relation", text("con")),
            ("sex", text("nam")),
            ("ethnicity", text("Kinh")),
            ("mother_birth_date", text("03/03/1995")),
            ("birth_order", text("1")),
            ("birth_place", text("cơ sở y tế")),
        ])
    };
    let death = row(&[
        ("table", text("người chết")),
        ("date", text("20/03/2026")),
        ("household", text("2")),
        ("name", text("Nguyễn Văn 2 1")),
        ("birth_date", text("03/06/1959")),
        ("sex", text("nam")),
    ]);
    let rows = (1..=BORN).map(birth).chain([death]);
    let content = rows.fold(format!("{header}\n"), |text, row| text + &row + "\n");
    ImportFile { form: ImportForm::Events, as_of: None, content: content.into_bytes().into() }
}

/// Waits until a node that runs as a process has nothing that its parent has not signed for.
async fn settled(tree: &Tree, at: UnitId, changes: u64) {
    eventually("everything is signed for", || async {
        let client = client(tree, at).await;
        let (info, status) = (client.node_info().await.ok()?, client.replication_status().await.ok()?);
        let held = info.unsealed == 0 && info.last_sequence >= changes;
        let heads = !status.units.is_empty() && status.units.iter().all(|unit| unit.number > 0);
        (held && heads && status.unacknowledged_batches == 0 && status.parent_connected).then_some(())
    })
    .await;
}

/// Makes the golden folder of the program in `DANSO_GOLDEN`, see `golden/README.md`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes new golden files; it is run by hand when a format changes"]
async fn make() {
    let danso =
        std::env::var("DANSO_GOLDEN").expect("DANSO_GOLDEN names the program that is to write the folder");
    let out =
        PathBuf::from(std::env::var("DANSO_GOLDEN_OUT").expect("DANSO_GOLDEN_OUT names path and prefix"));
    let tree = Tree::three();
    let [top, province, commune] = units();
    let mut processes = units().map(|at| Process::start(&danso, &tree.node_file(at)));
    let recorded = client(&tree, commune).await.import(book(1, HOUSEHOLDS), &mut |_| ()).await.unwrap();
    assert_eq!(recorded.recorded, 4 * HOUSEHOLDS);
    let events = client(&tree, commune).await.import(events(), &mut |_| ()).await.unwrap();
    assert_eq!((events.recorded, events.refused), (BORN + 1, 0));
    let words = ["user", "add", "canbo", "--role", "officer", "--unit", "00001", "--password-stdin"];
    said_to(&danso, &tree, commune, &words, "nhà xanh bên sông 7\nnhà xanh bên sông 7\n");
    let person = format!("{commune}/{ERASED}");
    said(
        &danso,
        &tree,
        commune,
        &["request", "open", "--request", "YC-1", "--person", &person, "--kind", "delete"],
    );
    said(&danso, &tree, commune, &["erase", "--request", "YC-1", &person]);
    said(&danso, &tree, commune, &["person", "find", "bao"]);
    settled(&tree, commune, 1).await;
    settled(&tree, province, 0).await;
    for process in processes.iter_mut().rev() {
        process.signal("TERM");
        assert!(process.wait().success());
    }
    let staged = tree.path("golden");
    for at in [top, province, commune] {
        let (from, to) = (tree.keys(at), staged.join(at.to_string()).join("keys"));
        fs::create_dir_all(&to).unwrap();
        for name in KEPT_KEYS.iter().filter(|name| from.join(name).exists()) {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
    for (at, name) in [(province, "province"), (commune, "commune")] {
        let text = said(&danso, &tree, at, &["verify"]);
        fs::write(format!("{}.{name}.txt", out.display()), text).unwrap();
        let data = staged.join(at.to_string()).join("data");
        danso_tests::folder::copy(&tree.home(at).join("data"), &data);
    }
    let packed = packed::pack(&staged, &NOT_KEPT);
    assert!(packed.len() <= PACKED_BYTES_MAX, "{} bytes", packed.len());
    fs::write(format!("{}.zst", out.display()), packed).unwrap();
}

fn digest<'a>(report: &'a str, name: &str) -> &'a str {
    report.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim()
}

/// Whether a stopped folder has the digests that were told of it.
fn same(tree: &Tree, at: UnitId, told: &str) {
    let report = verified(tree, at);
    assert_eq!(report.tallies.to_string(), digest(told, "tallies"), "{at}");
    assert_eq!(report.heads.to_string(), digest(told, "heads"), "{at}");
    assert_eq!(report.batches.to_string(), digest(told, "batches"), "{at}");
}

fn found(tree: &Tree, at: UnitId, name: &str) -> String {
    said(crate::DANSO, tree, at, &["person", "find", name])
}

async fn opens_and_goes_on(golden: &Golden) {
    let mut tree = Tree::three();
    let [top, province, commune] = units();
    packed::unpack(golden.packed, PLAIN_BYTES_MAX, tree.folder.path());

    // Opened alone, they are what they were.
    let report = danso_node::store::Store::open(
        danso_node::runtime::store_options(&tree.config(commune)).unwrap(),
        &mut |_, _| (),
    );
    let (store, report) = report.unwrap();
    assert_eq!(
        (report.cut_bytes, report.rebuilt_because.is_some()),
        (0, golden.format < TODAY),
        "{report:?}"
    );
    store.close().await;
    // Somebody was erased, and rows named persons then: an index of that time is not kept beside the new one.
    assert!(!tree.home(commune).join("data/index.damaged").exists());
    tree.start(province).await;
    tree.stop_all().await;
    same(&tree, commune, golden.commune);
    same(&tree, province, golden.province);

    // What they hold is found: register, events, names, accounts, audit log, erasure.
    let node = tree.start(commune).await;
    let residents = 4 * HOUSEHOLDS + BORN - 1;
    assert_eq!(node.store.view().recording.persons, residents, "one died");
    assert_eq!(found(&tree, commune, "nguyen gia bao").matches("Nguyễn Gia Bảo").count() as u64, BORN);
    let users = said(crate::DANSO, &tree, commune, &["user", "list"]);
    assert!(users.contains("canbo") && users.contains("officer"), "{users}");
    let person = format!("{commune}/{ERASED}");
    let erased = said(crate::DANSO, &tree, commune, &["person", "show", &person]);
    assert!(!erased.contains("Nguyễn Văn"), "{erased}");
    let audit = said(crate::DANSO, &tree, commune, &["audit", "verify"]);
    assert!(!audit.is_empty());

    // It goes on: a new book, an upgraded province, and a central that is new and gets everything.
    let before = node.store.view().recording.sequence;
    tree.start(top).await;
    tree.start(province).await;
    let known = import(&tree, commune, 1, HOUSEHOLDS).await.unwrap();
    assert_eq!(known.already_known, 4 * HOUSEHOLDS, "also who was erased");
    import(&tree, commune, 1_000, 3).await.unwrap();
    record(&node, household(7_777)).await.unwrap();
    let recorded = node.store.view().recording.sequence;
    assert!(recorded > before + 12);
    arrived(&tree, province, commune, recorded).await;
    arrived(&tree, top, commune, recorded).await;
    let counted = |at| Arc::clone(&tree.node(at)).store.view().tallies.digest();
    assert_eq!(counted(commune), counted(top));
    drop(node);
    tree.stop_all().await;
    for at in units() {
        verified(&tree, at);
    }
    assert!(Path::new(&tree.home(commune).join("data/VERSION")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_earlier_formats_open_and_go_on() {
    for golden in GOLDEN {
        println!("the golden folder of format {}", golden.format);
        assert!(golden.packed.len() <= PACKED_BYTES_MAX);
        opens_and_goes_on(golden).await;
    }
}
