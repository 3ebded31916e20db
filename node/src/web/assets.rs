//! Style, script and icon: compiled in, named after what they hold, kept by browsers for good.

use super::failure::Failure;
use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

/// A file that pages refer to.
pub(super) struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    text: &'static str,
    hash: u64,
}

impl Asset {
    const fn new(stem: &'static str, ending: &'static str, kind: &'static str, text: &'static str) -> Self {
        Self { stem, ending, kind, text, hash: hash(text.as_bytes()) }
    }

    fn name(&self) -> String {
        format!("{}-{:016x}.{}", self.stem, self.hash, self.ending)
    }

    /// Where a page finds it; another content has another place.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.name())
    }
}

/// FNV-1a: tells versions of a file apart, protects nothing.
const fn hash(bytes: &[u8]) -> u64 {
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// How pages look.
pub(super) const STYLE: Asset =
    Asset::new("style", "css", "text/css; charset=utf-8", include_str!("assets/style.css"));
/// Keeps a page up to date; pages work without.
pub(super) const LIVE: Asset =
    Asset::new("live", "js", "text/javascript; charset=utf-8", include_str!("assets/live.js"));
/// The picture of the tab.
pub(super) const ICON: Asset = Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg"));

/// Serves one of them.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = [STYLE, LIVE, ICON].into_iter().find(|asset| asset.name() == name) else {
        return Failure::no_page().into_response();
    };
    let kept = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, kept)], asset.text).into_response()
}
