//! Stage 2: the text that a signature covers.

use super::VerifyError;
use super::content::{RequestContent, is_hash_of};
use super::key::{SignatureBytes, SigningKey};
use super::url::SignedUrl;
use crate::webhook::Params;

/// A URL, and the form's parameters behind it.
#[derive(Debug)]
pub(crate) struct SignedMessage<'a> {
    pub(crate) url: SignedUrl<'a>,
    /// In the order and number that is signed.
    pub(crate) pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> SignedMessage<'a> {
    /// `params`: those of a form, `None` where the URL is all that is signed.
    pub(crate) fn new(url: SignedUrl<'a>, params: Option<&'a Params>) -> SignedMessage<'a> {
        let pairs = params.map(|params| sort_for_signature(params.iter())).unwrap_or_default();
        SignedMessage { url, pairs }
    }

    /// Whether the digest is the key's signature of the message, over any of the URLs that the
    /// carrier may have signed. The common case ends with the first.
    pub(crate) fn is_signed_by(&self, key: &SigningKey, digest: &SignatureBytes) -> bool {
        let mut urls = self.url.candidates();
        urls.any(|url| key.has_made(url.into_iter().chain(pieces(&self.pairs)), digest))
    }

    /// The URL over which the digest fits, written out. For explanations.
    pub(crate) fn find_signed_url(
        &self,
        key: &SigningKey,
        digest: &SignatureBytes,
    ) -> Option<String> {
        let mut urls = self.url.candidates();
        let url =
            urls.find(|url| key.has_made(url.iter().copied().chain(pieces(&self.pairs)), digest));
        url.map(|url| url.concat())
    }
}

/// Decides about a request, for the gateway and for `twimlgate verify` alike: they differ only in
/// where the URL and the keys come from. Returns what `find_signer` has found.
pub(crate) fn decide<'a, S>(
    content: &'a RequestContent,
    body: &[u8],
    url: impl FnOnce() -> Result<SignedUrl<'a>, VerifyError>,
    find_signer: impl FnOnce(&SignedMessage<'a>) -> Result<S, VerifyError>,
) -> Result<S, VerifyError> {
    // Before any key is tried: a body that nothing covers is refused whatever is signed.
    let hash = content.body_hash()?;
    let message = SignedMessage::new(url()?, content.signed_params());
    let signer = find_signer(&message)?;
    // After the signature: only a URL that is proven makes its hash worth computing.
    if hash.is_some_and(|hash| !is_hash_of(hash, body)) {
        return Err(VerifyError::BodyHashWrong);
    }
    Ok(signer)
}

/// Names in the order of their bytes, and of each name every different value once, in the same
/// order.
pub(crate) fn sort_for_signature<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<(&'a str, &'a str)> {
    let keyed = pairs.into_iter().map(|(name, value)| (sort_prefix(name), name, value));
    let mut keyed: Vec<_> = keyed.collect();
    // Equal pairs are equal in every byte, so that an unstable order shows nowhere.
    keyed.sort_unstable();
    keyed.dedup();
    keyed.into_iter().map(|(_, name, value)| (name, value)).collect()
}

/// The first eight bytes of a name, as a number that is ordered as they are: most names differ in
/// them, and numbers are compared in no time.
fn sort_prefix(name: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = name.len().min(8);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

/// Names and values one after the other, without separators.
pub(crate) fn pieces<'a>(pairs: &[(&'a str, &'a str)]) -> impl Iterator<Item = &'a str> {
    pairs.iter().flat_map(|&(name, value)| [name, value])
}
