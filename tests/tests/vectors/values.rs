//! The values from which the vectors are made; none of them may change.

use danso_core::{
    chain::{
        AuditEntry, BatchNumber, Deed, Digest, DirectoryVersion, ErasedLeaf, ErasureDone, ErasureOrder,
        Exclusions, Grantor, Head, Header, KeyClaim, KeyGrant, LedgerKey, Quarantined, Receipt, Registration,
        Release, ReleaseRow, Revocation, Revocations, Revoked, Signed, Statement,
    },
    domain::{
        Area, BirthPlace, Core, Education, Ethnicity, Event, HouseholdChange, HouseholdId, HouseholdKind,
        HouseholdState, Marital, PersonChange, PersonId, PersonState, Reason, RecordedAt, Residence,
        Sequence, Sex,
    },
};
use danso_node::store::{ChainRow, View};
use danso_tier_config::UnitId;

pub fn unit(text: &str) -> UnitId {
    text.parse().unwrap()
}

pub fn origin() -> UnitId {
    unit("31117@2025-07-01")
}

pub fn parent() -> UnitId {
    unit("311@2025-07-01")
}

pub fn key(seed: u8) -> LedgerKey {
    LedgerKey::from_seed(&[seed; 32])
}

pub fn hash(byte: u8) -> Digest {
    Digest([byte; 32])
}

pub fn header() -> Header {
    Header {
        origin: origin(),
        number: BatchNumber(300),
        first: Sequence(70_000),
        changes: 1_000,
        previous: hash(1),
        personal_root: hash(2),
        cores_root: hash(3),
        tallies_root: hash(4),
        recorded_from: RecordedAt::from_millis(1_770_000_000_000),
        recorded_to: RecordedAt::from_millis(1_770_000_360_000),
        key: key(10).public().id(),
    }
}

pub fn quarantined() -> Vec<Quarantined> {
    vec![
        Quarantined { sequence: Sequence(70_001), reason: Reason::ALL[0] },
        Quarantined { sequence: Sequence(70_900), reason: *Reason::ALL.last().unwrap() },
    ]
}

pub fn receipt() -> Receipt {
    Receipt {
        parent: parent(),
        origin: origin(),
        number: BatchNumber(300),
        hash: hash(5),
        quarantined: quarantined(),
        accepted_at_ms: 1_770_000_400_000,
    }
}

pub fn exclusions() -> Exclusions {
    Exclusions {
        tier_unit: parent(),
        origin: origin(),
        number: BatchNumber(300),
        hash: hash(5),
        quarantined: quarantined(),
        deltas: vec![vec![1, 2, 3], Vec::new()],
    }
}

pub fn registration() -> Registration {
    let key = key(10).public().to_bytes();
    Registration { unit: origin(), key, registered_at_ms: 1_750_000_000_000 }
}

pub fn claim() -> KeyClaim {
    KeyClaim {
        unit: origin(),
        key: key(11).public().to_bytes(),
        replaces: Some(key(10).public().id()),
        after: BatchNumber(300),
        hash: hash(5),
        claimed_at_ms: 1_770_000_500_000,
    }
}

pub fn grant(grantor: Grantor) -> KeyGrant {
    KeyGrant { claim: Signed::sign(&claim(), &key(11)), grantor, granted_at_ms: 1_770_000_500_001 }
}

pub fn revocations() -> Revocations {
    let entry = |what, reason: &str| Revocation { what, reason: reason.to_owned(), at_ms: 1_770_000_600_000 };
    let node = |after| Revoked::Node { unit: origin(), issued_until_ms: 1_769_000_000_000, after };
    Revocations {
        issuer: parent(),
        version: 3,
        issued_at_ms: 1_770_000_600_001,
        entries: vec![
            entry(node(Some(BatchNumber(300))), "máy bị mất"),
            entry(node(None), "thay máy"),
            entry(Revoked::Certificate { serial: [7; 16] }, "cấp nhầm"),
        ],
    }
}

pub fn person() -> PersonId {
    PersonId { unit: origin(), serial: 4_711 }
}

pub fn erasure_order() -> ErasureOrder {
    let leaf = |number, sequence| ErasedLeaf {
        number: BatchNumber(number),
        sequence: Sequence(sequence),
        hash: hash(6),
    };
    ErasureOrder {
        origin: origin(),
        request: "2026-0017".to_owned(),
        person: person(),
        leaves: vec![leaf(1, 12), leaf(300, 70_001)],
        ordered_at_ms: 1_770_000_700_000,
    }
}

pub fn erasure_done() -> ErasureDone {
    ErasureDone {
        tier_unit: parent(),
        origin: origin(),
        order: Digest::of(&[&Signed::sign(&erasure_order(), &key(10)).bytes]),
        erased: 2,
        done_at_ms: 1_770_000_800_000,
    }
}

pub fn audit() -> AuditEntry {
    AuditEntry {
        unit: origin(),
        number: 129,
        previous: hash(7),
        at_ms: 1_770_000_900_000,
        actor: "account hoa.nguyen".to_owned(),
        deed: Deed::PersonalRead,
        subject: format!("person {}", person()),
        key: key(11).public().id(),
    }
}

pub fn directory() -> DirectoryVersion {
    DirectoryVersion {
        issuer: unit("VN@1945-09-02"),
        version: 2,
        issued_at_ms: 1_770_001_000_000,
        csv_zstd: b"a frame of one leaf".to_vec(),
    }
}

pub fn release() -> Release {
    let row = |value: Option<f64>| ReleaseRow {
        unit: origin(),
        indicator: "cbr".to_owned(),
        formula: "cbr/1".to_owned(),
        numerator: 13.0,
        denominator: 1_000.5,
        value,
        expected: 2,
        reported: 1,
    };
    Release {
        issuer: unit("VN@1945-09-02"),
        number: 5,
        month: "2026-01".parse().unwrap(),
        revision: 2,
        issued_at_ms: 1_770_001_100_000,
        heads: hash(8),
        rows: vec![row(Some(12.993_503_248_375_811)), row(None)],
    }
}

/// Name, seed of the signer and statement of every vector.
pub fn statements() -> Vec<(&'static str, u8, Signed)> {
    fn one<T: Statement>(name: &'static str, seed: u8, statement: &T) -> (&'static str, u8, Signed) {
        (name, seed, Signed::sign(statement, &key(seed)))
    }
    vec![
        one("header", 10, &header()),
        one("receipt", 2, &receipt()),
        one("exclusions", 2, &exclusions()),
        one("registration", 1, &registration()),
        one("claim", 11, &claim()),
        one("grant by the former key", 10, &grant(Grantor::Former)),
        one("grant by a unit above", 2, &grant(Grantor::Unit(parent()))),
        one("grant by the authority", 1, &grant(Grantor::Authority)),
        one("revocations", 2, &revocations()),
        one("erasure order", 10, &erasure_order()),
        one("erasure done", 2, &erasure_done()),
        one("audit entry", 11, &audit()),
        one("directory version", 3, &directory()),
        one("release", 3, &release()),
    ]
}

pub fn birth() -> Core {
    let unit = origin();
    let household = HouseholdId { unit, serial: 1 };
    let child = PersonState {
        household,
        sex: Sex::Female,
        birth: "2026-01".parse().unwrap(),
        ethnicity: Ethnicity::KINH,
        education: Education::None,
        marital: Marital::NeverMarried,
        residence: Residence::Present,
        method: None,
    };
    let home = |size| Some(HouseholdState { area: Area(1), kind: HouseholdKind::Family, size });
    Core {
        recorded_at: RecordedAt::from_millis(1_770_000_000_000),
        effective_on: "2026-01-15".parse().unwrap(),
        area: Area(1),
        event: Event::Born { order: 1, mother_birth: "1995-05".parse().unwrap(), place: BirthPlace::Home },
        persons: vec![PersonChange { id: person(), before: None, after: Some(child) }],
        households: vec![HouseholdChange { id: household, before: home(1), after: home(2) }],
    }
}

pub fn heads_digest() -> Digest {
    let mut view = View::default();
    for (of, number, byte) in [(origin(), 300, 5), (unit("00004@2025-07-01"), 1, 9)] {
        let head = Head { number: BatchNumber(number), hash: hash(byte), ..Head::default() };
        view.chains.insert(of, ChainRow { head, ..ChainRow::default() });
    }
    view.heads_digest(view.chains.keys().copied().collect::<Vec<_>>())
}
