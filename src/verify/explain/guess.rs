//! A guess at what was signed: a request in which one thing is changed at a time.

use std::cell::Cell;
use std::rc::Rc;

use crate::config::HmacAlgorithm;
use crate::secret::Secret;
use crate::verify::header::SignatureClaim;
use crate::verify::key::SigningKey;
use crate::verify::message::{SignedMessage, sort_for_signature};
use crate::verify::url::SignedUrl;

/// Everything that a signature depends on, each part free to be changed.
#[derive(Clone)]
pub(super) struct Guess {
    pub(super) url: String,
    pub(super) pairs: Vec<(String, String)>,
    /// The pairs are signed in the order of the wire, duplicates included.
    pub(super) in_wire_order: bool,
    pub(super) body: Vec<u8>,
    /// Lower-case hexadecimal.
    pub(super) body_sha256: String,
    pub(super) tokens: Vec<Secret>,
    pub(super) algorithm: HmacAlgorithm,
    pub(super) signature: String,
    /// Hosts that the request names in headers, each with the header's name.
    pub(super) other_hosts: Vec<(String, &'static str)>,
    /// What the search may still hash. All guesses of a search share it.
    pub(super) hashed_bytes_left: Rc<Cell<u64>>,
}

impl Guess {
    /// The URL that was signed, if the signature fits this guess.
    pub(super) fn find_signed_url(&self) -> Option<String> {
        let settings = match self.algorithm {
            HmacAlgorithm::Sha1 => "",
            HmacAlgorithm::Sha256 => "algorithm=HMAC_SHA256",
        };
        let digest = SignatureClaim::parse(&self.signature, settings).ok()?.digest;
        let pairs = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // What the carrier does, or what a broken implementation of it does.
        let pairs = if self.in_wire_order { pairs.collect() } else { sort_for_signature(pairs) };
        let message = SignedMessage { url: SignedUrl::split(&self.url), pairs };
        self.spend(&message)?;
        let keys = self.tokens.iter().map(|token| SigningKey::new(token, self.algorithm));
        keys.into_iter().find_map(|key| message.find_signed_url(&key, &digest))
    }

    /// Takes the cost of one guess off what may be hashed; `None` where it is used up.
    fn spend(&self, message: &SignedMessage<'_>) -> Option<()> {
        let pairs = message.pairs.iter().map(|(name, value)| name.len() + value.len());
        let bytes = self.url.len() + pairs.sum::<usize>();
        let signatures = message.url.candidates().count() * self.tokens.len();
        let cost = (bytes * signatures) as u64;
        let left = self.hashed_bytes_left.get();
        self.hashed_bytes_left.set(left.saturating_sub(cost));
        (cost <= left).then_some(())
    }

    /// The same with another URL.
    pub(super) fn with_url(&self, url: impl Into<String>) -> Guess {
        Guess { url: url.into(), ..self.clone() }
    }

    /// The same with other parameters.
    pub(super) fn with_pairs(&self, pairs: Vec<(String, String)>) -> Guess {
        Guess { pairs, ..self.clone() }
    }

    /// The same with every value changed.
    pub(super) fn with_values(&self, change: impl Fn(&str) -> String) -> Guess {
        let pairs = self.pairs.iter().map(|(name, value)| (name.clone(), change(value)));
        self.with_pairs(pairs.collect())
    }

    /// The same with each token changed.
    pub(super) fn with_tokens(&self, change: impl Fn(&str) -> String) -> Guess {
        let tokens = self.tokens.iter().map(|token| Secret::new(change(token.expose())));
        Guess { tokens: tokens.collect(), ..self.clone() }
    }

    /// Whether it differs from another in anything that is signed.
    pub(super) fn differs(&self, other: &Guess) -> bool {
        self.url != other.url
            || self.pairs != other.pairs
            || self.in_wire_order != other.in_wire_order
            || self.tokens != other.tokens
            || self.algorithm != other.algorithm
            || self.signature != other.signature
    }
}
