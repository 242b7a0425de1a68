//! Stage 2: keys that are hashed once, and the signatures made with them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::message::{pieces, sort_for_signature};
use super::url::SignedUrl;
use crate::config::HmacAlgorithm;
use crate::hex::to_hex;
use crate::random;
use crate::secret::Secret;
use crate::webhook::{BODY_HASH, Params};

/// A key bound to its algorithm: the HMAC state after the key was taken in, copied for each
/// signature. The state is as secret as the key: its `Debug` is `…`.
#[derive(Clone)]
pub struct SigningKey(HmacState);

#[derive(Clone)]
enum HmacState {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

/// The bytes of a signature. A comparison of 20 or 32 bytes has no prefix that could leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureBytes {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

/// The signature of a form: what the carrier puts into `X-Twilio-Signature` when it posts these
/// parameters to this URL. User, password and fragment of the URL are not signed.
pub fn sign_form<'a>(
    key: &SigningKey,
    url: &str,
    params: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let url = SignedUrl::as_carrier(url);
    key.sign(url.given_pieces().into_iter().chain(pieces(&sort_for_signature(params))))
}

/// The signature of a request whose parameters are all in its URL: a GET, or any other body than
/// a form when the URL is that of [`add_body_hash`].
pub fn sign_url(key: &SigningKey, url: &str) -> String {
    sign_form(key, url, [])
}

/// The URL that covers a body which is not a form: `bodySHA256` added behind the query. `None`
/// where the URL has the hash of another body already, which would win.
pub fn add_body_hash(url: &str, body: &[u8]) -> Option<String> {
    let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let hash = body_sha256(body);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    match Params::decode_query(query).ok()?.get(BODY_HASH) {
        // The first one is read by the verifier: a second one would have no effect.
        Some(there) => (there == hash).then(|| format!("{url}{fragment}")),
        None => {
            let separator = match (url.contains('?'), query.is_empty() || query.ends_with('&')) {
                (false, _) => "?",
                (true, true) => "",
                (true, false) => "&",
            };
            Some(format!("{url}{separator}{BODY_HASH}={hash}{fragment}"))
        }
    }
}

/// Lower-case hexadecimal SHA-256, as in `bodySHA256`.
pub(crate) fn body_sha256(body: &[u8]) -> String {
    to_hex(&Sha256::digest(body))
}

// === impl SigningKey ===

impl SigningKey {
    /// Takes the key in.
    pub fn new(secret: &Secret, algorithm: HmacAlgorithm) -> SigningKey {
        SigningKey::from_bytes(secret.expose().as_bytes(), algorithm)
    }

    /// The algorithm that this key is bound to.
    pub(crate) fn algorithm(&self) -> HmacAlgorithm {
        match self.0 {
            HmacState::Sha1(_) => HmacAlgorithm::Sha1,
            HmacState::Sha256(_) => HmacAlgorithm::Sha256,
        }
    }

    /// A random key that is never stored or shown.
    pub(crate) fn decoy(algorithm: HmacAlgorithm) -> SigningKey {
        let mut key = [0; 32];
        // Without randomness the key is zeros: it still does the work, and what it finds to fit is
        // refused all the same.
        let _ = random::fill(&mut key);
        SigningKey::from_bytes(&key, algorithm)
    }

    /// The base64 signature of the pieces put together.
    pub(crate) fn sign<'a>(&self, pieces: impl Iterator<Item = &'a str>) -> String {
        match &self.0 {
            HmacState::Sha1(state) => {
                STANDARD.encode(absorb(state, pieces).finalize().into_bytes())
            }
            HmacState::Sha256(state) => {
                STANDARD.encode(absorb(state, pieces).finalize().into_bytes())
            }
        }
    }

    /// Whether the digest is the signature of the pieces put together, in constant time. A digest
    /// of another length takes the same work and never fits.
    pub(crate) fn has_made<'a>(
        &self,
        pieces: impl Iterator<Item = &'a str>,
        digest: &SignatureBytes,
    ) -> bool {
        #[cfg(test)]
        super::tests::ASKED.set(super::tests::ASKED.get() + 1);
        match &self.0 {
            HmacState::Sha1(state) => absorb(state, pieces).verify_slice(digest.bytes()).is_ok(),
            HmacState::Sha256(state) => absorb(state, pieces).verify_slice(digest.bytes()).is_ok(),
        }
    }

    fn from_bytes(key: &[u8], algorithm: HmacAlgorithm) -> SigningKey {
        const ANY_LENGTH: &str = "HMAC takes a key of any length";
        SigningKey(match algorithm {
            HmacAlgorithm::Sha1 => HmacState::Sha1(Hmac::new_from_slice(key).expect(ANY_LENGTH)),
            HmacAlgorithm::Sha256 => {
                HmacState::Sha256(Hmac::new_from_slice(key).expect(ANY_LENGTH))
            }
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// A copy of the state that has taken in the pieces.
fn absorb<'a, M: Mac + Clone>(state: &M, pieces: impl Iterator<Item = &'a str>) -> M {
    // The copy of the prepared state saves two of the compressions of an HMAC.
    let mut mac = state.clone();
    pieces.for_each(|piece| mac.update(piece.as_bytes()));
    mac
}

// === impl Digest ===

impl SignatureBytes {
    /// Decodes canonical, padded, standard base64 of exactly the algorithm's length. Whatever else
    /// a lenient reader would take for the same bytes is refused.
    pub(crate) fn parse(base64: &str, algorithm: HmacAlgorithm) -> Option<SignatureBytes> {
        // One byte more than the longest digest: the decoder wants room for its last group.
        let mut bytes = [0; 33];
        let length = match base64.len() {
            // The lengths of 20 and 32 bytes; anything else is not decoded at all.
            28 | 44 => STANDARD.decode_slice(base64, &mut bytes).ok()?,
            _ => return None,
        };
        let bytes = &bytes[..length];
        match algorithm {
            HmacAlgorithm::Sha1 => bytes.try_into().ok().map(SignatureBytes::Sha1),
            HmacAlgorithm::Sha256 => bytes.try_into().ok().map(SignatureBytes::Sha256),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            SignatureBytes::Sha1(bytes) => bytes,
            SignatureBytes::Sha256(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_covers_a_body_by_one_hash_of_it() {
        let hash = format!("bodySHA256={}", body_sha256(b"{}"));
        for (url, covers) in [
            ("https://a/", format!("https://a/?{hash}")),
            ("https://a/#x", format!("https://a/?{hash}#x")),
            ("https://a/?", format!("https://a/?{hash}")),
            ("https://a/?b=1", format!("https://a/?b=1&{hash}")),
            ("https://a/?b=1&", format!("https://a/?b=1&{hash}")),
        ] {
            assert_eq!(add_body_hash(url, b"{}").as_ref(), Some(&covers), "{url}");
            assert_eq!(add_body_hash(&covers, b"{}"), Some(covers.clone()), "it is there");
            assert_eq!(add_body_hash(&covers, b"[]"), None, "{covers}: another body's wins");
        }
    }
}
