//! Requests and answers of every service as tonic decodes them, the words in them, and requests for certificates.

use crate::{corpus::bases, edits::Script, messages::decoded};
use danso_core::domain::requests::{RequestId, RequestKind};
use danso_node::{
    operations::{
        accounts::{AccountName, PasswordHash, Role, TokenId},
        requests::{RequestDeed, RequestRecord, Requests},
    },
    transport::authority::{Authority, AuthorityError, Validity, key_of_request, request},
    wire::{copies, link, register, status::code_of},
};
use danso_proto::v1;
use danso_tests::unit;
use prost::Message;
use std::{panic::AssertUnwindSafe, time::SystemTime};
use tonic::Status;

/// Decodes bytes as each of the messages, and tells whether any of them is one.
macro_rules! any_of {
    ($bytes:expr; $($message:ident)+) => {{
        let mut found = 0;
        $(found += usize::from(decoded::<v1::$message>($bytes).is_some());)+
        found > 0
    }};
}

fn check_request(bytes: &[u8]) -> bool {
    check_register(bytes);
    check_backup(bytes);
    any_of! { bytes;
        SignInRequest AddAccountRequest ChangeAccountRequest SetPasswordRequest MakeTokenRequest
        RevokeTokenRequest ShowAuditRequest LiftAnchorRequest InspectRequest ResolveRequest ReleasesRequest
        DirectoryRequest EnrolBegin EnrolRequest RenewRequest InviteRequest RevokeRequest IssuePersonRequest
        ImportChunk PublishReleaseRequest FindPersonsRequest GetPersonRequest EraseRequest OpenRequestRequest
        ListRequestsRequest ChangeRequestRequest RecoverRequest ListUnitsRequest HeadsRequest
        IndicatorsRequest ReplicationStatusRequest BackupRequest ExportBundleRequest BundleChunk
    }
}

fn check_answer(bytes: &[u8]) -> bool {
    if let Some(part) = decoded::<v1::RecoveredBatch>(bytes)
        && let Some(Ok(batch)) = part.batch.clone().map(link::batch)
    {
        assert_eq!(Some(link::batch_message(batch)), part.batch);
    }
    if let Some(welcome) = decoded::<v1::Welcome>(bytes) {
        let asked = welcome.heads.iter().filter(|head| head.names_missing_from > 0).count();
        assert!(link::names_missing(&welcome.heads).map_or(true, |names| names.len() == asked));
    }
    any_of! { bytes;
        SignInAnswer WhoAmIAnswer ListAccountsAnswer ListTokensAnswer MakeTokenAnswer AuditPage
        VerifyAuditAnswer ListAnchorsAnswer InspectAnswer ResolveAnswer EnrolTerms EnrolAnswer RenewAnswer
        InviteAnswer RevokeAnswer ListRevocationsAnswer IssuePersonAnswer ImportProgress RotateKeyAnswer
        NodeInfoAnswer ReplicationStatusAnswer MetersAnswer PublishReleaseAnswer FindPersonsAnswer
        GetPersonAnswer EraseAnswer PersonRequest ListRequestsAnswer RecoveredBatch CountAnswer
        ListUnitsAnswer HeadsAnswer IndicatorsAnswer BackupAnswer ExportBundleAnswer ImportBundleAnswer
    }
}

/// A refusal is told with a code of its own, in a sentence that repeats nothing of what came.
fn check_status(status: &Status) {
    assert!(!code_of(status).starts_with("grpc_"), "{status:?}");
    assert!(status.message().chars().count() < 200 && !status.message().chars().any(char::is_control));
}

fn check_backup(bytes: &[u8]) {
    use v1::backup_request::Message as Asked;
    match decoded::<v1::BackupRequest>(bytes).and_then(|asked| asked.message) {
        Some(Asked::Begin(begin)) => {
            if let Ok(held) = copies::held(&begin.held) {
                let again: Vec<_> = held.iter().map(copies::held_message).collect();
                assert_eq!(again, begin.held);
            }
        }
        Some(Asked::Pieces(list)) => {
            if let Ok(pieces) = copies::pieces(list.pieces) {
                let again = pieces.iter().map(copies::piece_message).collect();
                assert_eq!(copies::pieces(again), Ok(pieces));
            }
        }
        None => {}
    }
}

fn check_register(bytes: &[u8]) {
    let today = "2026-11-21".parse().unwrap();
    if let Some(open) = decoded::<v1::OpenRequestRequest>(bytes) {
        let id = register::request_id(&open.id);
        assert!(id.as_ref().map_or(true, |id| id.as_str() == open.id));
        let refused = [
            id.err(),
            register::person(&open.person).err(),
            register::request_kind(&open.kind).err(),
            register::received_on(&open.received_on, today).err(),
        ];
        refused.iter().flatten().for_each(check_status);
    }
    if let Some(find) = decoded::<v1::FindPersonsRequest>(bytes)
        && let Err(status) = register::question(find.question)
    {
        check_status(&status);
    }
    if let Some(change) = decoded::<v1::ChangeRequestRequest>(bytes)
        && let Err(status) = register::deed(change.change)
    {
        check_status(&status);
    }
}

fn requests() -> Vec<Vec<u8>> {
    let person = "00001@2025-07-01/12".to_owned();
    let invitation = "an invitation".to_owned();
    let find = v1::find_persons_request::Question::Name("nguyễn thị".to_owned());
    vec![
        v1::SignInRequest { name: "lan.nt".to_owned(), password: "rất bí mật".to_owned() }.encode_to_vec(),
        v1::EnrolRequest {
            invitation,
            node_request: request().unwrap().1.into(),
            names: vec!["10.0.0.1".to_owned()],
            ..v1::EnrolRequest::default()
        }
        .encode_to_vec(),
        v1::FindPersonsRequest { max: 20, question: Some(find) }.encode_to_vec(),
        v1::OpenRequestRequest {
            id: "2026/17".to_owned(),
            person,
            kind: "delete".to_owned(),
            received_on: "2026-11-02".to_owned(),
        }
        .encode_to_vec(),
        v1::ImportChunk {
            form: 1,
            as_of: "2026-01-01".to_owned(),
            data: b"area,household\n".to_vec().into(),
            total_bytes: 15,
            check_only: false,
        }
        .encode_to_vec(),
    ]
}

#[test]
fn service_request() {
    let bases = bases("service_request", requests(), check_request);
    fuzz!(Script, |script| {
        check_request(&script.bytes(&bases));
    });
}

#[test]
fn service_answer() {
    let line = v1::PersonLine { id: "00001@2025-07-01/12".to_owned(), ..v1::PersonLine::default() };
    let head = v1::Head { origin: unit("00001").to_string(), names_missing_from: 3, ..v1::Head::default() };
    let made = vec![
        v1::FindPersonsAnswer { persons: vec![line] }.encode_to_vec(),
        v1::Welcome { heads: vec![head], window_batches: 32, ..v1::Welcome::default() }.encode_to_vec(),
    ];
    let bases = bases("service_answer", made, check_answer);
    fuzz!(Script, |script| {
        check_answer(&script.bytes(&bases));
    });
}

/// Whether bytes are a word that a request, a certificate or a command may name, or a record of requests.
fn check_word(bytes: &[u8]) -> bool {
    let record = RequestRecord::decode(bytes);
    if let Some(record) = &record {
        assert_eq!(RequestRecord::decode(&record.encode()).as_ref(), Some(record));
        // Whatever was kept can be taken in, in any order.
        let requests = Requests::replayed([record, record]);
        let opened = matches!(record.deed, RequestDeed::Opened { .. });
        assert_eq!(requests.all().count(), usize::from(opened));
        for request in requests.all() {
            let _ = (request.due(), request.overdue(record.on));
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return record.is_some() };
    let same = |written: Option<String>| {
        assert!(written.as_deref().is_none_or(|written| written == text));
        written.is_some()
    };
    let hash = text.parse::<PasswordHash>().ok();
    if let Some(hash) = &hash {
        assert_eq!(hash.to_string().parse::<PasswordHash>().unwrap().to_string(), hash.to_string());
    }
    let token = text.parse::<TokenId>().ok();
    assert!(token.is_none_or(|token| token.to_string().eq_ignore_ascii_case(text)));
    let name = text.parse::<AccountName>().ok();
    assert!(name.as_ref().is_none_or(|name| name.to_string().parse::<AccountName>().as_ref() == Ok(name)));
    [
        record.is_some(),
        hash.is_some(),
        token.is_some(),
        name.is_some(),
        same(text.parse::<RequestId>().ok().map(|id| id.to_string())),
        same(text.parse::<RequestKind>().ok().map(|kind| kind.to_string())),
        same(text.parse::<Role>().ok().map(|role| role.to_string())),
    ]
    .contains(&true)
}

#[test]
fn word() {
    let opened = RequestRecord {
        id: "2026/17".parse().unwrap(),
        on: "2026-11-02".parse().unwrap(),
        deed: RequestDeed::Opened {
            person: "00001@2025-07-01/12".parse().unwrap(),
            kind: "delete".parse().unwrap(),
            received_on: "2026-11-01".parse().unwrap(),
        },
    };
    let extended =
        RequestRecord { deed: RequestDeed::Extended { reason: "hồ sơ cũ".to_owned() }, ..opened.clone() };
    let salt = "c2FsdHNhbHRzYWx0c2FsdA";
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${}", "A".repeat(43));
    assert!(hash.parse::<PasswordHash>().is_ok());
    let mut made = vec![opened.encode(), extended.encode(), hash.into_bytes()];
    made.extend(["lan.nt", "officer", "2026/17", "0123456789abcdef"].map(|word| word.as_bytes().to_vec()));
    let bases = bases("word", made, check_word);
    fuzz!(Script, |script| {
        check_word(&script.bytes(&bases));
    });
}

/// Whether bytes are a request for a certificate. What is issued names the unit that was decided, whatever the
/// request names.
fn check_certificate_request(bytes: &[u8], authority: &Authority) -> bool {
    let issued = authority.issue_node_csr(bytes, unit("00001"), &[], Validity::days(SystemTime::now(), 1));
    match (key_of_request(bytes), issued) {
        (Ok(key), Ok(pem)) => {
            assert!(key.len() == 65 && pem.starts_with("-----BEGIN CERTIFICATE"));
            true
        }
        (Err(error), Err(AuthorityError::Request { .. })) => {
            assert!(error.code() == "authority_request" && error.to_string().len() < 200);
            false
        }
        (_, issued) => panic!("{:?}", issued.err()),
    }
}

#[test]
fn certificate_request() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let check = |bytes: &[u8]| check_certificate_request(bytes, &authority);
    let bases = bases("certificate_request", vec![request().unwrap().1], check);
    // A key pair has no state that a panic could leave half-changed.
    let authority = AssertUnwindSafe(authority);
    fuzz!(Script, |script| {
        check_certificate_request(&script.bytes(&bases), &authority);
    });
}

#[test]
fn a_refused_name_of_megabytes_is_repeated_in_short() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), SystemTime::now()).unwrap();
    let days = Validity::days(SystemTime::now(), 1);
    let names = ["x\n".repeat(1 << 20)];
    let refused = authority.issue_node_csr(&request().unwrap().1, unit("00001"), &names, days).unwrap_err();
    assert_eq!(refused.code(), "authority_name");
    let sentence = refused.to_string();
    assert!(sentence.len() < 400 && !sentence.chars().any(char::is_control), "{} bytes", sentence.len());
}
