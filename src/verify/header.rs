//! Stage 2: the headers that say how a request was signed.

use actix_web::http::header::{HeaderMap, HeaderName};

use super::VerifyError;
use super::key::SignatureBytes;
use crate::config::HmacAlgorithm;

/// The signature itself.
pub(crate) static SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Which SharedKey made it: `key=webhooks_sharedkey_…,algorithm=HMAC_SHA256`. Not signed.
pub(crate) static SETTINGS: HeaderName =
    HeaderName::from_static("x-twilio-webhooks-signature-settings");

/// What the headers claim: a signature, and how it was made.
#[derive(Debug)]
pub(crate) struct SignatureClaim<'a> {
    pub(crate) digest: SignatureBytes,
    pub(crate) algorithm: HmacAlgorithm,
    /// Whether the settings header names an algorithm. Where it does not, the auth token signed.
    with_settings: bool,
    key_id: Option<&'a str>,
}

impl<'a> SignatureClaim<'a> {
    /// Reads both headers: each at most once, the signature strict base64 of the right length.
    pub(crate) fn read(headers: &'a HeaderMap) -> Result<SignatureClaim<'a>, VerifyError> {
        let signature =
            single_value(headers, &SIGNATURE, "X-Twilio-Signature")?.unwrap_or_default();
        let settings = single_value(headers, &SETTINGS, "X-Twilio-Webhooks-Signature-Settings")?;
        SignatureClaim::parse(signature, settings.unwrap_or_default())
    }

    /// The same from the headers' values. An empty text is a missing header.
    pub(crate) fn parse(
        signature: &'a str,
        settings: &'a str,
    ) -> Result<SignatureClaim<'a>, VerifyError> {
        if signature.is_empty() {
            return Err(VerifyError::SignatureMissing);
        }
        let named = setting(settings, "algorithm");
        let algorithm = match named {
            // An auth token signs without the settings header, and always with SHA-1.
            None => HmacAlgorithm::Sha1,
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA1") => HmacAlgorithm::Sha1,
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA256") => HmacAlgorithm::Sha256,
            Some(_) => return Err(VerifyError::AlgorithmUnknown),
        };
        let digest =
            SignatureBytes::parse(signature, algorithm).ok_or(VerifyError::SignatureMalformed)?;
        let key_id = setting(settings, "key");
        Ok(SignatureClaim { digest, algorithm, with_settings: named.is_some(), key_id })
    }

    /// Whether the auth token may have signed: only where no SharedKey is named.
    pub(crate) fn allows_token(&self) -> bool {
        !self.with_settings || self.key_id.is_none()
    }

    /// Whether this SharedKey may have signed.
    pub(crate) fn allows_shared_key(&self, id: &str) -> bool {
        self.with_settings && self.key_id.is_none_or(|named| named == id)
    }
}

/// The value of a header that may come once. Text that is not visible ASCII is no value of any
/// header here, and reads like one that is malformed.
fn single_value<'a>(
    headers: &'a HeaderMap,
    header: &HeaderName,
    name: &'static str,
) -> Result<Option<&'a str>, VerifyError> {
    let mut values = headers.get_all(header);
    let Some(value) = values.next() else { return Ok(None) };
    match values.next() {
        // A proxy may have joined them in either order: there is no first one to trust.
        Some(_) => Err(VerifyError::HeaderRepeated(name)),
        None => value.to_str().map(Some).map_err(|_| VerifyError::SignatureMalformed),
    }
}

/// The first value of `name` that is not empty, in `name=value,name=value`.
fn setting<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    settings
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(key, value)| key.trim() == name && !value.trim().is_empty())
        .map(|(_, value)| value.trim())
}
