//! Errors as gRPC statuses: a plain sentence, and the stable code in the metadata `danso-code`.

use crate::{
    operations::{
        AcceptError, OfficeError, QueryError, RecordError, RegisterError, ReleaseError,
        accounts::AccountError,
    },
    store::StoreError,
};
use tonic::{Code, Status, metadata::MetadataValue};

/// Metadata key of the stable code.
pub const CODE_KEY: &str = "danso-code";

/// A status with a stable code.
pub fn status(grpc: Code, code: &str, message: impl Into<String>) -> Status {
    let mut status = Status::new(grpc, message);
    if let Ok(value) = MetadataValue::try_from(code) {
        status.metadata_mut().insert(CODE_KEY, value);
    }
    status
}

/// The stable code of a status; its gRPC code's name where it carries none.
pub fn code_of(status: &Status) -> String {
    let carried = status.metadata().get(CODE_KEY).and_then(|value| value.to_str().ok());
    carried.map_or_else(|| format!("grpc_{:?}", status.code()).to_lowercase(), str::to_owned)
}

/// The status of a question that has no answer.
pub fn of_query(error: &QueryError) -> Status {
    let grpc = match error {
        QueryError::UnknownUnit { .. } => Code::NotFound,
        QueryError::OutsideSubtree { .. } | QueryError::OutsideScope { .. } => Code::PermissionDenied,
        _ => Code::InvalidArgument,
    };
    status(grpc, error.code(), error.to_string())
}

/// The status of a sign-in, token or order about accounts that was refused.
pub fn of_account(error: &AccountError) -> Status {
    use AccountError as Error;
    let grpc = match error {
        Error::SigninRefused | Error::TokenUnknown | Error::TokenExpired { .. } | Error::TokenRevoked => {
            Code::Unauthenticated
        }
        Error::Disabled => Code::PermissionDenied,
        Error::Exists { .. } => Code::AlreadyExists,
        Error::Unknown { .. } => Code::NotFound,
        Error::Full | Error::TokensFull | Error::SigninDelayed { .. } | Error::SigninBusy => {
            Code::ResourceExhausted
        }
        Error::Name
        | Error::Role
        | Error::PasswordWeak(_)
        | Error::TokenDays { .. }
        | Error::TokenLabel { .. } => Code::InvalidArgument,
        Error::Record { .. } => Code::Internal,
    };
    status(grpc, error.code(), error.to_string())
}

/// The status of an order about accounts that was not carried out.
pub fn of_office(error: &OfficeError) -> Status {
    match error {
        OfficeError::Account(error) => of_account(error),
        OfficeError::Unit(error) => of_query(error),
        OfficeError::Store(error) => of_store(error),
        OfficeError::OutsideSubtree { .. } | OfficeError::NotOwn => {
            status(Code::PermissionDenied, error.code(), error.to_string())
        }
    }
}

/// The status of a store that failed.
pub fn of_store(error: &StoreError) -> Status {
    let grpc = match error.code() {
        "disk_full" | "disk_low" => Code::ResourceExhausted,
        "store_retry" => Code::Aborted,
        "parent_ahead" => Code::FailedPrecondition,
        _ => Code::Internal,
    };
    let message = match grpc {
        Code::Internal => "the node's store failed, see its log".to_owned(),
        _ => error.to_string(),
    };
    status(grpc, error.code(), message)
}

/// The status of an entry that was not recorded.
pub fn of_record(error: &RecordError) -> Status {
    match error {
        RecordError::Store(error) => of_store(error),
        RecordError::Refused(_) => status(Code::InvalidArgument, error.code(), error.to_string()),
        RecordError::NotRecording | RecordError::ChainHeld => {
            status(Code::FailedPrecondition, error.code(), error.to_string())
        }
    }
}

/// The status of a release that was not made.
pub fn of_release(error: &ReleaseError) -> Status {
    match error {
        ReleaseError::Store(error) => of_store(error),
        ReleaseError::MonthOpen { .. } => status(Code::OutOfRange, error.code(), error.to_string()),
        ReleaseError::Unchanged { .. } => status(Code::AlreadyExists, error.code(), error.to_string()),
        _ => status(Code::FailedPrecondition, error.code(), error.to_string()),
    }
}

/// The status of registrations that were not taken.
pub fn of_register(error: &RegisterError) -> Status {
    match error {
        RegisterError::NotSigned(_) => {
            status(Code::PermissionDenied, "registration_signature", error.to_string())
        }
        RegisterError::Store(error) => of_store(error),
    }
}

/// The sentence that goes to a child whose batch was refused; poorer than the log's.
pub fn refusal_sentence(error: &AcceptError) -> String {
    match error {
        AcceptError::Store(_) => "the parent could not store the batch".to_owned(),
        other => other.to_string(),
    }
}
