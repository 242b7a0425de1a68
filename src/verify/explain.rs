//! Why a signature does not fit, for a person: `verify --explain`, and the log of refusals.
//!
//! [`SignedRequest`] is checked as a webhook is; `guess` changes one thing of it at a time and
//! `causes` lists what may have been changed. Never on the path of a webhook: a search takes
//! thousands of signatures.

mod causes;
mod guess;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;

use actix_web::http::Method;

use super::redact::{redact_name, redact_url};
use crate::config::HmacAlgorithm;
use crate::limits::CAUSE_SEARCH_BYTES_MAX;
use crate::secret::Secret;
use crate::verify::VerifyError;
use crate::verify::content::RequestContent;
use crate::verify::header::SignatureClaim;
use crate::verify::key::{SigningKey, body_sha256};
use crate::verify::message::{SignedMessage, decide, pieces};
use crate::verify::url::SignedUrl;
use crate::webhook::Params;
pub(super) use causes::find_spelling_cause;
use guess::Guess;

/// Characters of one value that are shown: a message is at most 1,600 long.
const SHOWN_CHARACTERS_MAX: usize = 2_000;

/// One request, its signature, and the keys that may have made it.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// The whole URL as it is believed to have been signed.
    pub url: String,
    /// `POST` or `GET`.
    pub method: Method,
    /// The `Content-Type` header; empty where there is none.
    pub content_type: String,
    /// The body as sent.
    pub body: Vec<u8>,
    /// `X-Twilio-Signature`.
    pub signature: String,
    /// Any of them may have signed.
    pub tokens: Vec<Secret>,
    /// What they sign with: SHA-1, but for SharedKeys.
    pub algorithm: HmacAlgorithm,
}

/// What would have made the signature fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LikelyCause {
    what: Cow<'static, str>,
    advice: &'static str,
    /// The URL that was signed.
    url: String,
    /// The part of the request that differs.
    name: String,
}

impl SignedRequest {
    /// The index of the token that signed. The URL is taken literally, as the gateway takes it:
    /// only the port, user and password, and the slash of a URL without a path may differ.
    pub fn check(&self) -> Result<usize, VerifyError> {
        let content = self.content()?;
        let settings = match self.algorithm {
            HmacAlgorithm::Sha1 => "",
            HmacAlgorithm::Sha256 => "algorithm=HMAC_SHA256",
        };
        let claim = SignatureClaim::parse(&self.signature, settings)?;
        // Literally: the person typed the URL that was signed, and no proxy is between.
        let url = || Ok(SignedUrl::split(&self.url));
        decide(&content, &self.body, url, |message| {
            let signer = self.keys().position(|key| message.is_signed_by(&key, &claim.digest));
            signer.ok_or(VerifyError::SignatureWrong)
        })
    }

    /// What was tried, what was signed and what was expected, for a person at a terminal. It holds
    /// URL, parameters and signatures, never a token.
    pub(crate) fn attempts(&self) -> String {
        let mut text = String::new();
        let params = self.content().ok();
        let params = params.as_ref().and_then(RequestContent::signed_params);
        let message = SignedMessage::new(SignedUrl::split(&self.url), params);
        let urls: Vec<_> = message.url.candidates().collect();
        text.push_str("URLs that the carrier may have signed:\n");
        for (index, url) in urls.iter().enumerate() {
            let _ = writeln!(text, "  {}. {}", index + 1, printable_value(&url.concat()));
        }
        text.push_str("\nthe string that is signed, one part per line (there is nothing between");
        text.push_str(" the parts):\n");
        let _ = writeln!(
            text,
            "  {}",
            urls.first().map(|url| printable_value(&url.concat())).unwrap_or_default()
        );
        for (name, value) in &message.pairs {
            let _ = writeln!(text, "  {} {}", printable_value(name), printable_value(value));
        }
        if params.is_none() {
            let _ = writeln!(text, "  (and no parameters: {})", self.without_parameters());
        }
        text.push_str("\nexpected `X-Twilio-Signature`, one of:\n");
        for (number, key) in self.keys().enumerate() {
            for (index, url) in urls.iter().enumerate() {
                let signature = key.sign(url.iter().copied().chain(pieces(&message.pairs)));
                let _ = writeln!(text, "  {signature}  URL {}, token {}", index + 1, number + 1);
            }
        }
        let _ = writeln!(text, "given:\n  {}", printable_value(&self.signature));
        text
    }

    /// What would have fitted: small differences first, each alone, then two together. Empty where
    /// nothing is wrong, and where nothing that was tried fits.
    pub(crate) fn causes(&self) -> Vec<LikelyCause> {
        match self.check() {
            Ok(_) => Vec::new(),
            Err(error) => causes::find(&self.guess(&[], u64::MAX), error).concat(),
        }
    }

    /// The likeliest of the causes, with those that must come together, for the log: the search has
    /// a limit, and also tries other hosts, each with the header that names it.
    pub(super) fn search(
        &self,
        error: VerifyError,
        other_hosts: &[(String, &'static str)],
    ) -> Vec<LikelyCause> {
        let guess = self.guess(other_hosts, CAUSE_SEARCH_BYTES_MAX);
        causes::find(&guess, error).into_iter().next().unwrap_or_default()
    }

    /// Whether any of the keys has signed it, whatever else is wrong.
    pub(super) fn is_signed(&self) -> bool {
        self.guess(&[], CAUSE_SEARCH_BYTES_MAX).find_signed_url().is_some()
    }

    fn content(&self) -> Result<RequestContent, VerifyError> {
        let query = SignedUrl::as_carrier(&self.url).rest.split_once('?').map_or("", |(_, q)| q);
        RequestContent::parse(&self.method, &self.content_type, query, &self.body)
    }

    fn keys(&self) -> impl Iterator<Item = SigningKey> {
        self.tokens.iter().map(|token| SigningKey::new(token, self.algorithm))
    }

    fn without_parameters(&self) -> &'static str {
        if self.method == Method::GET {
            "those of a GET are in the URL"
        } else {
            "the body is not a form; its hash has to be in the URL"
        }
    }

    /// Where the search begins.
    fn guess(&self, other_hosts: &[(String, &'static str)], hashed_bytes_max: u64) -> Guess {
        let params = match self.content() {
            Ok(content) => content.signed_params().cloned().unwrap_or_default(),
            Err(_) => Params::default(),
        };
        let pairs = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Guess {
            url: self.url.clone(),
            pairs: pairs.collect(),
            in_wire_order: false,
            body: self.body.clone(),
            body_sha256: body_sha256(&self.body),
            tokens: self.tokens.clone(),
            algorithm: self.algorithm,
            signature: self.signature.clone(),
            other_hosts: other_hosts.to_vec(),
            hashed_bytes_left: Rc::new(Cell::new(hashed_bytes_max)),
        }
    }
}

// === impl LikelyCause ===

impl LikelyCause {
    /// The difference between what was signed and what was checked.
    pub(crate) fn what(&self) -> String {
        self.fill(&self.what, printable_value(&self.url), printable_value(&self.name))
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> String {
        self.fill(self.advice, printable_value(&self.url), printable_value(&self.name))
    }

    /// Both in one sentence, without secrets and without values of the request.
    pub(super) fn redacted(&self) -> String {
        let text = format!("{}; {}", self.what, self.advice);
        self.fill(&text, redact_url(&self.url), redact_name(&self.name))
    }

    fn fill(&self, text: &str, url: String, name: String) -> String {
        text.replace("{url}", &url).replace("{name}", &name)
    }
}

/// Text as a terminal may show it, in back-ticks where its end would not be seen.
fn printable_value(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARACTERS_MAX).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    let escaped: String = cut
        .chars()
        .flat_map(|character| {
            let plain = !character.is_control();
            plain
                .then_some(character)
                .into_iter()
                .chain((!plain).then(|| character.escape_default()).into_iter().flatten())
        })
        .collect();
    let bare = !text.is_empty() && !text.starts_with(' ') && !text.ends_with(' ');
    if bare { format!("{escaped}{more}") } else { format!("`{escaped}{more}`") }
}
