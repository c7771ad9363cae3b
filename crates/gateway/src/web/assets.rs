//! What pages load: in the program itself, and never anywhere else.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::Problem;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $content_type:literal,)*) => {
        &[$(Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("assets/", $name)),
        }),*]
    };
}

/// `htmx.min.js` is htmx 4.0.1 (0BSD), SHA-256
/// a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130; the rest is ours.
static ASSETS: &[Asset] = assets! {
    "calls.css": "text/css; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "style.css": "text/css; charset=utf-8",
    "tool.css": "text/css; charset=utf-8",
};

/// What all of them are, so that a browser that keeps them asks for those of the next version anew.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    ASSETS.iter().for_each(|asset| digest.update(asset.bytes));
    digest.finalize().iter().take(6).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
});

/// Where a page finds an asset.
pub fn asset(name: &str) -> String {
    format!("/assets/{name}?v={}", *VERSION)
}

/// Serves one.
pub async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return Problem::NotFound.into_response();
    };
    let kept = "public, max-age=31536000, immutable";
    ([(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, kept)], asset.bytes).into_response()
}
