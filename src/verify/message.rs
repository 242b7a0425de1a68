//! Stage 2: the text that a signature covers.

use super::key::{Digest, SigningKey};
use super::url::SignedUrl;
use crate::webhook::Params;

/// A URL, and the form's parameters behind it.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) url: SignedUrl<'a>,
    /// In the order and number that is signed.
    pub(crate) pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Message<'a> {
    /// `params`: those of a form, `None` where the URL is all that is signed.
    pub(crate) fn new(url: SignedUrl<'a>, params: Option<&'a Params>) -> Message<'a> {
        let pairs = params.map(|params| in_signed_order(params.iter())).unwrap_or_default();
        Message { url, pairs }
    }

    /// Whether the digest is the key's signature of the message, over any of the URLs that the
    /// carrier may have signed. The common case ends with the first.
    pub(crate) fn fits(&self, key: &SigningKey, digest: &Digest) -> bool {
        let mut urls = self.url.candidates();
        urls.any(|url| key.fits(url.into_iter().chain(pieces(&self.pairs)), digest))
    }

    /// The URL over which the digest fits, written out. For explanations.
    pub(crate) fn fitting(&self, key: &SigningKey, digest: &Digest) -> Option<String> {
        let mut urls = self.url.candidates();
        let url = urls.find(|url| key.fits(url.iter().copied().chain(pieces(&self.pairs)), digest));
        url.map(|url| url.concat())
    }
}

/// Names in the order of their bytes, and of each name every different value once, in the same
/// order.
pub(crate) fn in_signed_order<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<(&'a str, &'a str)> {
    let keyed = pairs.into_iter().map(|(name, value)| (beginning(name), name, value));
    let mut keyed: Vec<_> = keyed.collect();
    keyed.sort_unstable();
    keyed.dedup();
    keyed.into_iter().map(|(_, name, value)| (name, value)).collect()
}

/// The first eight bytes of a name, as a number that is ordered as they are: most names differ in
/// them, and numbers are compared in no time.
fn beginning(name: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = name.len().min(8);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

/// Names and values one after the other, without separators.
pub(crate) fn pieces<'a>(pairs: &[(&'a str, &'a str)]) -> impl Iterator<Item = &'a str> {
    pairs.iter().flat_map(|&(name, value)| [name, value])
}
