//! Requests for the assets of a project.

use std::path::Path;
use std::time::UNIX_EPOCH;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes};

use super::direct::receive_all;
use crate::exchange::ExchangeContext;
use crate::limits::ASSET_BYTES_MAX;
use crate::node::asset_type;
use crate::read_limited::read_limited;
use crate::route::{DirectRoute, RouteAccess};

/// What Twilio answers to `OPTIONS` of a function and an asset.
const CORS: [(&str, &str); 7] = [
    ("content-type", "text/plain; charset=utf-8"),
    ("access-control-allow-origin", "*"),
    (
        "access-control-allow-headers",
        "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, \
         If-Unmodified-Since, User-Agent",
    ),
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-expose-headers", "ETag"),
    ("access-control-max-age", "86400"),
    ("access-control-allow-credentials", "true"),
];

/// The response to `OPTIONS`: every other site may send requests.
pub(super) fn allow_origins() -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    for (name, value) in CORS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why an asset was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct AssetError {
    pub(super) status: StatusCode,
    reason: String,
}

/// Answers a request for an asset.
///
/// # Errors
/// The request is refused, or the file is gone.
pub(super) async fn answer_asset(
    context: ExchangeContext<'_>,
    route: &DirectRoute,
    file: &Path,
    request: &mut ServiceRequest,
) -> Result<HttpResponse, AssetError> {
    let refused = |status, reason: String| AssetError { status, reason };
    if route.access == RouteAccess::Private {
        let reason = "the asset is private: functions read it, by `Runtime.getAssets()`";
        return Err(refused(StatusCode::FORBIDDEN, reason.to_owned()));
    }
    if route.access == RouteAccess::Signed {
        let received = receive_all(context, route, request).await;
        let received =
            received.map_err(|error| refused(StatusCode::FORBIDDEN, error.to_string()))?;
        let verified = context.gateway.verifier.verify(received);
        verified.map_err(|error| refused(StatusCode::FORBIDDEN, error.to_string()))?;
    }
    match *request.method() {
        Method::OPTIONS => return Ok(allow_origins()),
        Method::GET | Method::HEAD | Method::POST => {}
        _ => {
            let reason = "an asset has GET, HEAD, POST and OPTIONS".to_owned();
            return Err(refused(StatusCode::METHOD_NOT_ALLOWED, reason));
        }
    }
    let path = file.to_owned();
    // The disk may be slow, and this thread has other requests.
    let read = web::block(move || -> std::io::Result<(Vec<u8>, String)> {
        let changed = path.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let bytes = read_limited(&path, ASSET_BYTES_MAX)?;
        let tag = format!("\"{:x}-{:x}\"", changed.as_nanos(), bytes.len());
        Ok((bytes, tag))
    });
    let gone = |error: String| refused(StatusCode::NOT_FOUND, format!("the asset: {error}"));
    let (bytes, tag) = read
        .await
        .map_err(|error| gone(error.to_string()))?
        .map_err(|error| gone(error.to_string()))?;
    Ok(asset_response(request.headers(), &route.path, file, bytes.into(), &tag))
}

fn asset_response(
    asked: &HeaderMap,
    path: &str,
    file: &Path,
    bytes: Bytes,
    tag: &str,
) -> HttpResponse {
    let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    let is_known = text(header::IF_NONE_MATCH)
        .is_some_and(|known| known.split(',').any(|known| known.trim().ends_with(tag)));
    let range = text(header::RANGE).and_then(|range| parse_range(range, bytes.len()));
    let mut response = match range {
        _ if is_known => HttpResponse::new(StatusCode::NOT_MODIFIED),
        None => HttpResponse::new(StatusCode::OK).set_body(bytes).map_into_boxed_body(),
        Some(Err(())) => {
            let mut response = HttpResponse::new(StatusCode::RANGE_NOT_SATISFIABLE);
            insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", bytes.len()));
            return response;
        }
        Some(Ok((first, last))) => {
            let part = bytes.slice(first..=last);
            let response = HttpResponse::new(StatusCode::PARTIAL_CONTENT).set_body(part);
            let mut response = response.map_into_boxed_body();
            let range = format!("bytes {first}-{last}/{}", bytes.len());
            insert(&mut response, header::CONTENT_RANGE, &range);
            response
        }
    };
    // By the file where the path is that of a folder: `/`.
    let name = if path.ends_with('/') { &*file.to_string_lossy() } else { path };
    insert(&mut response, header::CONTENT_TYPE, asset_type(name));
    insert(&mut response, header::ETAG, tag);
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    // A file may change at any time, and a copy is checked by its tag.
    insert(&mut response, header::CACHE_CONTROL, "public, max-age=0");
    insert(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    response
}

fn insert(response: &mut HttpResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The first and last byte of a `Range` with one part. `None` for what is to be ignored (RFC 9110,
/// section 14.2), `Err` for a part that the file does not have.
fn parse_range(range: &str, length: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let part = match (first.trim(), last.trim()) {
        ("", last) => (length.saturating_sub(number(last)?), length.saturating_sub(1)),
        (first, "") => (number(first)?, length.saturating_sub(1)),
        (first, last) => (number(first)?, number(last)?.min(length.saturating_sub(1))),
    };
    Some(if part.0 <= part.1 && part.1 < length { Ok(part) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-3", Some(Ok((0, 3)))),
            ("bytes=7-", Some(Ok((7, 9)))),
            ("bytes=-3", Some(Ok((7, 9)))),
            ("bytes=-30", Some(Ok((0, 9)))),
            ("bytes=5-99", Some(Ok((5, 9)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=5-2", Some(Err(()))),
            ("bytes=0-1,4-5", None),
            ("lines=0-1", None),
            ("bytes=x-", None),
        ] {
            assert_eq!(parse_range(range, 10), expected, "{range}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Some(Err(())));
    }
}
