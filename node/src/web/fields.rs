//! What a form or an address carries, by name.

use super::failure::Failure;
use axum::{
    extract::{Form, FromRequest, FromRequestParts, Query, Request},
    http::{StatusCode, request::Parts},
    response::IntoResponse as _,
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The fields of a form that was posted.
pub(super) struct Fields(BTreeMap<String, Zeroizing<String>>);

impl Fields {
    /// A field without spaces around it; `web_form` where it is missing.
    pub fn text(&mut self, name: &str) -> Result<String, Failure> {
        Ok(self.secret(name)?.trim().to_owned())
    }

    /// A field exactly as typed.
    pub fn secret(&mut self, name: &str) -> Result<Zeroizing<String>, Failure> {
        self.0.remove(name).ok_or_else(Failure::form)
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let read = Form::<Vec<(String, String)>>::from_request(request, state).await;
        let Form(pairs) = read.map_err(|refused| match refused.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::too_large(),
            _ => Failure::form(),
        })?;
        Ok(Self(pairs.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect()))
    }
}

/// What an address asks after its question mark.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(BTreeMap<String, String>);

impl Asked {
    /// A field without spaces around it; empty where it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = read.map_err(|_| Failure::form())?;
        Ok(Self(pairs.into_iter().collect()))
    }
}
