//! HTTP Basic authentication (RFC 7617): `user:password` as a header, and back.

use actix_web::http::header::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The value of `Authorization` for `user:password`, as text.
pub(crate) fn encode(user_and_password: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(user_and_password))
}

/// The same as a header's value, which no log shows. `None` never happens for what [`encode`]
/// makes; the type of a header allows no other way to say it.
pub(crate) fn header(user_and_password: impl AsRef<[u8]>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&encode(user_and_password)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The `user:password` of an `Authorization` header. `None` for other schemes and bad base64.
pub(crate) fn decode(value: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    // Decoded first: the time to a refusal must not tell a known scheme from an unknown one.
    let decoded = STANDARD.decode(encoded.trim()).ok();
    decoded.filter(|_| scheme.eq_ignore_ascii_case("basic"))
}
