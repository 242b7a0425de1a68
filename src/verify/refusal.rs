//! Stage 2: what the log says of a request that was refused. After the refusal, never before it:
//! nothing here decides.

use super::content::RequestContent;
use super::explain::{SignedRequest, find_spelling_cause};
use super::header::{SIGNATURE, SignatureClaim};
use super::redact::{redact_path, redact_url};
use super::{Verifier, VerifyError};
use crate::config::{HmacAlgorithm, SignatureMode};
use crate::limits::CAUSE_SEARCH_KEYS_MAX;
use crate::webhook::Received;

/// What an operator needs to mend a refusal: no secret, and no value of the request.
#[derive(Debug)]
pub struct RefusedRequest {
    /// The path of the request.
    pub path: String,
    /// The URL over which the signature was checked, with the names of its query only; `None` if
    /// the request gives none.
    pub url: Option<String>,
    /// The setting or the headers that the URL was taken from.
    pub url_source: String,
    /// The likeliest cause, where it is known without a search.
    pub cause: Option<String>,
    /// The search for the cause.
    pub search: Option<Box<CauseSearch>>,
}

/// A search for the cause of a refusal. It takes milliseconds.
#[derive(Debug)]
pub struct CauseSearch {
    request: SignedRequest,
    error: VerifyError,
    /// Hosts that the request names elsewhere than where the URL was taken from, each with the
    /// header that has it.
    other_hosts: Vec<(String, &'static str)>,
    /// The account that the request names, shortened.
    account: Option<String>,
}

// === impl Verifier ===

impl Verifier {
    /// Describes a request that was refused at any stage. `has_body`: it was read to its end.
    pub fn examine(&self, received: &Received, has_body: bool) -> RefusedRequest {
        let url = self.origin.url(received).ok().map(|url| url.given_pieces().concat());
        let mut refused = RefusedRequest {
            path: redact_path(received.path()),
            url: url.as_deref().map(redact_url),
            url_source: self.origin.source(received),
            cause: None,
            search: None,
        };
        let error = match (self.mode, has_body) {
            (SignatureMode::Off, _) => None,
            // What `refuse_early` has refused.
            (_, false) => SignatureClaim::read(&received.headers).err(),
            (_, true) => self.check(received).err(),
        };
        let Some(error) = error else { return refused };
        match url.filter(|_| has_body).and_then(|url| self.search(received, url, error)) {
            Some(search) => refused.search = Some(Box::new(search)),
            None => refused.cause = likely_cause(error, received),
        }
        refused
    }

    fn check(&self, received: &Received) -> Result<(), VerifyError> {
        self.prove(received, &RequestContent::read(received)?).map(drop)
    }

    /// The search for an error that has one.
    fn search(&self, received: &Received, url: String, error: VerifyError) -> Option<CauseSearch> {
        let content = RequestContent::read(received).ok()?;
        let account_sid = content.account_sid();
        let has_search = matches!(
            error,
            VerifyError::SignatureWrong
                | VerifyError::SignatureMalformed
                | VerifyError::AccountUnknown
                | VerifyError::BodyHashMissing
                | VerifyError::BodyHashWrong
        );
        if !has_search {
            return None;
        }
        let rings = match error {
            // Another configured account may have signed, as the parent of a subaccount.
            VerifyError::AccountUnknown => &self.rings,
            _ => self.rings_of(account_sid),
        };
        let accounts = rings.iter().filter_map(|ring| ring.account.as_ref());
        let keys = accounts.flat_map(|account| {
            let shared = account.shared_keys.iter().map(|shared| &shared.secret);
            account.auth_tokens.iter().chain(shared)
        });
        let tokens: Vec<_> = keys.take(CAUSE_SEARCH_KEYS_MAX).cloned().collect();
        let claim = SignatureClaim::read(&received.headers).ok();
        let header = |name: &str| received.header(name).unwrap_or_default().to_owned();
        let request = SignedRequest {
            url,
            method: received.method.clone(),
            content_type: header("content-type"),
            body: received.body.to_vec(),
            signature: header(SIGNATURE.as_str()),
            tokens,
            algorithm: claim.map_or(HmacAlgorithm::Sha1, |claim| claim.algorithm),
        };
        let other_hosts = self.origin.other_hosts(received);
        let account = account_sid.and_then(shorten_sid);
        Some(CauseSearch { request, error, other_hosts, account })
    }
}

// === impl CauseSearch ===

impl CauseSearch {
    /// The likeliest cause, as a sentence for the log.
    pub fn run(self) -> String {
        let account = self.account.as_deref().unwrap_or("that it names");
        if self.error == VerifyError::AccountUnknown {
            return match self.request.is_signed() {
                true => format!(
                    "the token of another configured account signed it; add an `[[account]]` with \
                     the sid {account} and this token"
                ),
                false => format!(
                    "add an `[[account]]` with the sid {account} and its own token: a subaccount \
                     does not sign with that of its parent"
                ),
            };
        }
        let causes = self.request.search(self.error, &self.other_hosts);
        if !causes.is_empty() {
            return causes.iter().map(|cause| cause.redacted()).collect::<Vec<_>>().join("; and ");
        }
        match self.error {
            VerifyError::BodyHashMissing => "something on the way changed the `Content-Type`, \
                 which is that of a form for all webhooks but events in JSON"
                .to_owned(),
            VerifyError::SignatureMalformed => OTHER_SIGNATURE.to_owned(),
            _ => "no variant fits: another token (a former one, that of another account, or the \
                  secret of an API key, which never signs), another host or path in the carrier's \
                  console, a parameter that was changed on the way, or a forged request"
                .to_owned(),
        }
    }
}

const OTHER_SIGNATURE: &str =
    "it is not a signature of the carrier: a test with a made-up one, or a forged request";

/// The cause that the error and the headers alone tell.
fn likely_cause(error: VerifyError, received: &Received) -> Option<String> {
    let cause = match error {
        VerifyError::SignatureMissing => {
            "the carrier did not send it (a browser, a scanner and a health check sign nothing), \
             or a proxy removes the header"
        }
        VerifyError::HeaderRepeated(_) => {
            "a proxy adds the header again; let it pass headers on once, as they came"
        }
        VerifyError::SignatureMalformed => {
            let signature = received.header(&SIGNATURE).unwrap_or_default();
            let cause = find_spelling_cause(signature).map(|cause| cause.redacted());
            return Some(cause.unwrap_or_else(|| OTHER_SIGNATURE.to_owned()));
        }
        VerifyError::AlgorithmUnknown => {
            "the carrier signs in a new way that this version does not know, or a forged request"
        }
        VerifyError::Host => "the client or a proxy sends no usable `Host`",
        VerifyError::Forwarded(_) => {
            "the proxy adds to what its client sent; configure it to replace the header"
        }
        VerifyError::Target => "the client takes this server for a forward proxy",
        VerifyError::AccountUnknown => "an account or a subaccount is not configured",
        VerifyError::KeyUnknown => {
            "the account has no SharedKey with the identifier and the algorithm of the request's \
             `X-Twilio-Webhooks-Signature-Settings`, or no auth token where it has no such header"
        }
        VerifyError::Form(_)
        | VerifyError::ContentType
        | VerifyError::Charset
        | VerifyError::SignatureWrong
        | VerifyError::BodyHashMissing
        | VerifyError::BodyHashWrong => return None,
    };
    Some(cause.to_owned())
}

/// The ends of an account's sid; `None` for any other text, which may be anything.
fn shorten_sid(sid: &str) -> Option<String> {
    let digits = sid.strip_prefix("AC").filter(|digits| digits.len() == 32)?;
    let is_sid = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sid.then(|| format!("`AC{}…{}`", &digits[..4], &digits[28..]))
}
