//! Messages of the replication link to and from the core's types.

use crate::operations::{AcceptError, Watermark};
use danso_core::{
    chain::{AuditHead, Batch, BatchNumber, Digest, Head, Signed},
    replication::Carried,
};
use danso_proto::v1;
use danso_tier_config::{UnitId, limits};

/// A message that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or malformed")]
pub struct Malformed(pub &'static str);

/// A signed statement out of its message.
pub fn signed(message: v1::SignedStatement) -> Signed {
    Signed { bytes: message.statement.into(), signature: message.signature.into() }
}

/// A signed statement as a message.
pub fn signed_message(signed: &Signed) -> v1::SignedStatement {
    v1::SignedStatement { statement: signed.bytes.clone().into(), signature: signed.signature.clone().into() }
}

/// A batch out of its message, which has the whole header; frames are checked later, by size first.
pub fn batch(message: v1::Batch) -> Result<Batch, Malformed> {
    let frame = |bytes: Option<prost::bytes::Bytes>| bytes.map(Vec::from);
    let whole = message.header.filter(|_| !message.previous_left_out);
    Ok(Batch {
        header: signed(whole.ok_or(Malformed("batch header"))?),
        personal: frame(message.personal_frame),
        cores: frame(message.cores_frame),
        deltas: frame(message.deltas_frame),
        exclusions: message.exclusions.map(signed),
    })
}

/// A batch as a message.
pub fn batch_message(batch: Batch) -> v1::Batch {
    v1::Batch {
        header: Some(signed_message(&batch.header)),
        personal_frame: batch.personal.map(Into::into),
        cores_frame: batch.cores.map(Into::into),
        deltas_frame: batch.deltas.map(Into::into),
        exclusions: batch.exclusions.as_ref().map(signed_message),
        previous_left_out: false,
    }
}

/// A batch out of its message on a stream that has carried others.
pub fn carried_batch(mut message: v1::Batch, carried: &mut Carried) -> Result<Batch, Malformed> {
    let header = message.header.as_mut().ok_or(Malformed("batch header"))?;
    if message.previous_left_out {
        let whole = carried.whole(&header.statement).ok_or(Malformed("batch header"))?;
        header.statement = whole.into();
        message.previous_left_out = false;
    } else {
        carried.saw(&header.statement);
    }
    batch(message)
}

/// A batch as a message on a stream that has carried others, to a receiver that knows
/// [`limits::PROTOCOL_SHORT_HEADERS`].
pub fn carried_message(batch: Batch, carried: &mut Carried) -> v1::Batch {
    let short = carried.shorten(&batch.header.bytes);
    let mut message = batch_message(batch);
    if let (Some(short), Some(header)) = (short, message.header.as_mut()) {
        header.statement = short.into();
        message.previous_left_out = true;
    }
    message
}

/// A unit id out of its text.
pub fn unit(text: &str, what: &'static str) -> Result<UnitId, Malformed> {
    text.parse().map_err(|_| Malformed(what))
}

/// A head as a message.
pub fn head_message(origin: UnitId, head: &Head, acknowledged: BatchNumber) -> v1::Head {
    v1::Head {
        origin: origin.to_string(),
        number: head.number.0,
        hash: head.hash.0.to_vec().into(),
        acknowledged_number: acknowledged.0,
        ..v1::Head::default()
    }
}

/// Of which batches the parent asks for the names: origin, first and last.
pub fn names_missing(messages: &[v1::Head]) -> Result<Vec<(UnitId, BatchNumber, BatchNumber)>, Malformed> {
    let asked = messages.iter().filter(|head| head.names_missing_from > 0);
    asked
        .map(|head| {
            let (first, last) = (BatchNumber(head.names_missing_from), BatchNumber(head.names_missing_to));
            Ok((unit(&head.origin, "origin of a head")?, first, last))
        })
        .collect()
}

/// Heads out of their messages, bounded in number.
pub fn heads(messages: &[v1::Head]) -> Result<Vec<(UnitId, BatchNumber, Digest)>, Malformed> {
    if messages.len() > limits::HELLO_ORIGINS_MAX {
        return Err(Malformed("list of heads"));
    }
    messages
        .iter()
        .map(|head| {
            let hash = Digest::from_slice(&head.hash).ok_or(Malformed("hash of a head"))?;
            Ok((unit(&head.origin, "origin of a head")?, BatchNumber(head.number), hash))
        })
        .collect()
}

/// A heartbeat's watermarks, bounded in number.
pub fn watermarks(heartbeat: &v1::Heartbeat) -> Result<Vec<Watermark>, Malformed> {
    if heartbeat.watermarks.len() > limits::HELLO_ORIGINS_MAX {
        return Err(Malformed("list of watermarks"));
    }
    heartbeat
        .watermarks
        .iter()
        .map(|mark| {
            let origin = unit(&mark.origin, "origin of a watermark")?;
            Ok(Watermark { origin, number: mark.number, as_of_ms: mark.as_of_ms })
        })
        .collect()
}

/// A heartbeat as a message.
pub fn heartbeat_message(watermarks: &[Watermark], oldest_unsent_ms: u64, now_ms: u64) -> v1::Heartbeat {
    let watermarks = watermarks
        .iter()
        .map(|mark| v1::Watermark {
            origin: mark.origin.to_string(),
            number: mark.number,
            as_of_ms: mark.as_of_ms,
        })
        .collect();
    v1::Heartbeat { watermarks, oldest_unsent_ms, sent_at_ms: now_ms, ..v1::Heartbeat::default() }
}

/// A heartbeat that also says how far an audit log has come.
pub fn with_audit(heartbeat: v1::Heartbeat, head: AuditHead) -> v1::Heartbeat {
    v1::Heartbeat { audit_number: head.number, audit_hash: head.hash.0.to_vec().into(), ..heartbeat }
}

/// How far an audit log has come by a heartbeat; number 0 where it says nothing.
pub fn audit_head(heartbeat: &v1::Heartbeat) -> Result<AuditHead, Malformed> {
    if heartbeat.audit_number == 0 {
        return Ok(AuditHead::default());
    }
    let hash = Digest::from_slice(&heartbeat.audit_hash).ok_or(Malformed("hash of an audit entry"))?;
    Ok(AuditHead { number: heartbeat.audit_number, hash })
}

/// The refusal of a batch.
pub fn refusal_message(origin: Option<UnitId>, number: u64, error: &AcceptError) -> v1::Refusal {
    v1::Refusal {
        origin: origin.map(|origin| origin.to_string()).unwrap_or_default(),
        number,
        code: error.code().to_owned(),
        message: super::status::refusal_sentence(error),
        expected: error.expected().0,
    }
}
