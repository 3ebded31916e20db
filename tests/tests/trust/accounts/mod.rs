//! Accounts at real nodes: people sign in without a certificate, roles see their own subtree, passes end.
//!
//! | file | holds |
//! |---|---|
//! | `signing_in.rs` | sign-ins, wrong passwords, sessions and tokens that end, a restart |
//! | `scopes.rs` | what each role may, and that nobody sees beyond the own subtree |
//! | `secrets.rs` | the whole way by command; passwords and tokens are in no file and no log |

mod scopes;
mod secrets;
mod signing_in;

use danso_core::{chain::AuditEntry, domain::Sex};
use danso_node::{
    operations::Node,
    transport::client::{ClientError, NodeClient},
};
use danso_proto::v1::{
    AddAccountRequest, ChangeAccountRequest, CountRequest, MakeTokenRequest, Measure, Program,
    change_account_request::Change, make_token_request::Holder,
};
use danso_tests::{Recorder, Tree, entries::person, tree::central, unit, until};
use danso_tier_config::UnitId;

const PASSWORD: &str = "chín con trâu đen";

/// Whoever asks the node of `at` with a session or token, or as a guest.
async fn by(tree: &Tree, at: UnitId, token: Option<&str>) -> NodeClient {
    let (address, authority) = (tree.address(at).to_string(), tree.keys(at).join("ca.crt"));
    NodeClient::connect_with_token(&address, at, &authority, token).await.unwrap()
}

/// Adds an account with [`PASSWORD`], by order of `operator`.
async fn add(operator: &NodeClient, name: &str, role: &str, unit: &str) -> Result<(), ClientError> {
    let request = AddAccountRequest {
        name: name.to_owned(),
        role: role.to_owned(),
        unit: unit.to_owned(),
        password: PASSWORD.to_owned(),
    };
    operator.add_account(request).await
}

/// Signs in with [`PASSWORD`] and asks on with the session, over the same connection.
async fn signed_in(tree: &Tree, at: UnitId, name: &str) -> NodeClient {
    let guest = by(tree, at, None).await;
    let session = guest.sign_in(name, PASSWORD).await.unwrap().session;
    guest.with_token(&session).unwrap()
}

fn program(name: &str, role: &str, unit: &str) -> MakeTokenRequest {
    let program = Program { name: name.to_owned(), role: role.to_owned(), unit: unit.to_owned() };
    MakeTokenRequest {
        holder: Some(Holder::Program(program)), label: "báo cáo tháng".to_owned(), days: 30
    }
}

fn token_of(account: &str) -> MakeTokenRequest {
    let holder = Some(Holder::Account(account.to_owned()));
    MakeTokenRequest { holder, label: "máy ở nhà".to_owned(), days: 1 }
}

fn change(name: &str, change: Change) -> ChangeAccountRequest {
    ChangeAccountRequest { name: name.to_owned(), change: Some(change) }
}

fn population(units: &[&str]) -> CountRequest {
    CountRequest {
        measure: Measure::Population.into(),
        units: units.iter().map(ToString::to_string).collect(),
        month_from: "2026-03".to_owned(),
        ..CountRequest::default()
    }
}

/// Persons counted, or the code of the refusal.
async fn counted(client: &NodeClient, units: &[&str]) -> Result<i64, String> {
    let answer = client.count(population(units)).await.map_err(|error| error.code)?;
    Ok(answer.rows[0].count)
}

fn code<T>(outcome: Result<T, ClientError>) -> String {
    outcome.map_or_else(|error| error.code, |_| "ok".to_owned())
}

/// Two provinces with a commune each, where three persons and one live, counted at central.
async fn two_provinces() -> Tree {
    let mut tree = Tree::two_provinces();
    tree.start_all().await;
    for (code, people) in [("00001", 3), ("00040", 1)] {
        let mut recorder = Recorder::new(tree.node(unit(code)));
        let home = recorder.household("2026-01-01").await;
        for _ in 0..people {
            recorder.register("2026-01-01", home, person("Nguyễn Văn Bình", Sex::Male, "1990-05-05")).await;
        }
    }
    let arrived =
        || tree.changes(central(), unit("00001")) == 4 && tree.changes(central(), unit("00040")) == 2;
    until("all changes are at central", arrived).await;
    tree
}

/// The audit log of a node: actor, deed, subject.
fn audit(node: &Node) -> Vec<(String, String, String)> {
    let entries = node.store.audit_entries(1, 10_000).unwrap();
    let entry = |signed: &danso_core::chain::Signed| -> AuditEntry { signed.decode_trusted().unwrap() };
    let row = |entry: AuditEntry| (entry.actor, entry.deed.as_str().to_owned(), entry.subject);
    entries.iter().map(entry).map(row).collect()
}

fn noted(node: &Node, actor: &str, deed: &str, subject: &str) -> usize {
    let same = |row: &&(String, String, String)| row.0 == actor && row.1 == deed && row.2.contains(subject);
    audit(node).iter().filter(same).count()
}
