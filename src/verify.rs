//! Stage 2: proof that the carrier sent it: [`Received`] in, [`Webhook`] out.
//!
//! `header` reads how a request was signed, `content` what it says and which part of that the
//! signature covers, `url` which URLs the carrier may have signed, `message` puts the signed
//! text together, and `key` makes and checks signatures. After a refusal, [`explain`] finds out why
//! a signature does not fit, and [`refusal`] what the log may say about it, with the help of
//! `redact`. Nothing here knows routes or flows.
//!
//! Invariant: nothing after this stage accepts a [`Received`], and in mode `enforce` no [`Webhook`]
//! exists whose signature was not made with a configured key, with the algorithm that the
//! configuration binds to this key, over the URL that the configuration gives.

pub(crate) mod content;
pub mod explain;
pub(crate) mod header;
pub(crate) mod key;
pub(crate) mod message;
mod redact;
pub mod refusal;
pub(crate) mod url;

pub use key::{SigningKey, add_body_hash, sign_form, sign_url};
pub(crate) use url::PublicBase;

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use crate::config::{Account, HmacAlgorithm, ServerSection, SignatureMode};
use crate::webhook::{FormError, Received, Webhook};
use content::RequestContent;
use header::SignatureClaim;
use message::SignedMessage;
use url::PublicUrlSource;

/// The check, prepared once from the configuration and shared by all workers: per request the
/// prepared states are copied, and no key is hashed again.
#[derive(Debug)]
pub struct Verifier {
    mode: SignatureMode,
    origin: PublicUrlSource,
    rings: Vec<KeyRing>,
    /// The keys that are tried for an account that is not configured: the time to a refusal does
    /// not show which accounts exist.
    decoys: KeyRing,
}

/// A request that was read once, and what is known about where it came from.
#[derive(Debug)]
pub struct Verification {
    /// What the carrier sent.
    pub webhook: Webhook,
    /// Whether it is known to be the carrier; for the log.
    pub proof: Proof,
}

/// What is known about where a webhook came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The account's key signed it. The only proof there is in mode `enforce`.
    Signed,
    /// Mode `report`: in mode `enforce` it would have been refused, for this reason.
    Unproven(VerifyError),
    /// Mode `off`: the signature was not checked.
    Unchecked,
}

/// Why a request is not a webhook. No variant holds anything of the request or of a key, so that
/// it may be logged as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The body of a form cannot be decoded.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Several `Content-Type` headers, or one that is not visible ASCII.
    #[error("`Content-Type` is repeated or unreadable, expected it once")]
    ContentType,
    /// A form in another charset than UTF-8.
    #[error("the form's charset is not UTF-8, expected UTF-8 as the carrier sends it")]
    Charset,
    /// The request has no signature, or an empty one.
    #[error("`X-Twilio-Signature` is missing")]
    SignatureMissing,
    /// A header that the signature depends on came more than once.
    #[error("`{0}` came more than once, expected it once")]
    HeaderRepeated(&'static str),
    /// The signature is not the base64 of a hash of the algorithm's length.
    #[error("`X-Twilio-Signature` is not the canonical base64 of a signature")]
    SignatureMalformed,
    /// The settings header names an algorithm that does not exist here.
    #[error(
        "`X-Twilio-Webhooks-Signature-Settings` names another algorithm than `HMAC_SHA1` and \
         `HMAC_SHA256`"
    )]
    AlgorithmUnknown,
    /// The public URL has to be taken from the request, and the request does not tell it.
    #[error("`Host` is missing, repeated or not a host; set `[server] public_url`")]
    Host,
    /// A trusted proxy sent a forwarding header that has no single meaning.
    #[error("`{0}` of a trusted proxy is not one plain value; let the proxy set it, not add to it")]
    Forwarded(&'static str),
    /// The request target is not a path.
    #[error("the request target does not begin with `/`")]
    Target,
    /// `AccountSid` is of no configured account.
    #[error("`AccountSid` is of no configured `[[account]]`")]
    AccountUnknown,
    /// The account has no key for the algorithm and the key's identifier that the request names.
    #[error("the account has no key of the kind that signed this")]
    KeyUnknown,
    /// The signature fits no key of the account over any URL that the carrier may have signed.
    #[error("the signature does not fit; `twimlgate verify --explain` finds out why")]
    SignatureWrong,
    /// A body that is not a form, and no hash of it in the URL: nothing covers the body.
    #[error("the body is not a form, and the URL has no `bodySHA256` that would cover it")]
    BodyHashMissing,
    /// The URL's signature fits, but the body is not the one whose hash it holds.
    #[error("the body is not the one whose `bodySHA256` was signed")]
    BodyHashWrong,
}

/// One account's keys, ready to sign.
#[derive(Debug)]
struct KeyRing {
    /// `None`: a ring of decoys.
    account: Option<Arc<Account>>,
    /// Of each algorithm as many as in every other ring, filled up with decoys: the time to
    /// a refusal does not show which account rotates a token either.
    keys: Vec<AccountKey>,
}

/// A key, and what it is to its account. One that is neither a token nor a SharedKey is a decoy.
#[derive(Debug)]
struct AccountKey {
    signing: SigningKey,
    is_token: bool,
    /// A SharedKey's identifier.
    shared: Option<String>,
}

// === impl Verifier ===

impl Verifier {
    /// Prepares every key of every account.
    pub fn new(server: &ServerSection, mode: SignatureMode, accounts: &[Arc<Account>]) -> Verifier {
        let mut rings: Vec<_> = accounts.iter().map(KeyRing::new).collect();
        let mut decoys = KeyRing { account: None, keys: Vec::new() };
        for algorithm in [HmacAlgorithm::Sha1, HmacAlgorithm::Sha256] {
            // At least one: an account that does not exist costs the work of a key, too.
            let most = rings.iter().map(|ring| ring.count(algorithm)).max().unwrap_or(0).max(1);
            rings.iter_mut().chain([&mut decoys]).for_each(|ring| ring.add_decoys(algorithm, most));
        }
        Verifier { mode, origin: PublicUrlSource::new(server), rings, decoys }
    }

    /// Refuses what cannot be a webhook whatever its body says, so that the body need not be read.
    /// Everything else is `Ok`, which proves nothing.
    pub fn refuse_early(&self, headers: &HeaderMap) -> Result<(), VerifyError> {
        match self.mode {
            SignatureMode::Enforce => SignatureClaim::read(headers).map(|_| ()),
            SignatureMode::Report | SignatureMode::Off => Ok(()),
        }
    }

    /// Reads the request once and proves that the carrier sent it.
    ///
    /// # Errors
    /// In every mode what cannot be read; in mode `enforce` what is not proven, too. In mode
    /// `report` the reason is in [`Verification::proof`] instead.
    pub fn verify(&self, received: Received) -> Result<Verification, VerifyError> {
        let content = RequestContent::read(&received)?;
        let (proof, account) = match self.mode {
            SignatureMode::Enforce => (Proof::Signed, Some(self.prove(&received, &content)?)),
            SignatureMode::Report => match self.prove(&received, &content) {
                Ok(account) => (Proof::Signed, Some(account)),
                Err(error) => (Proof::Unproven(error), self.unproven_account(&content)),
            },
            SignatureMode::Off => (Proof::Unchecked, self.unproven_account(&content)),
        };
        Ok(Verification { webhook: content.into_webhook(received, account), proof })
    }

    /// The account whose key signed the request. The cheap refusals come first.
    fn prove(
        &self,
        received: &Received,
        content: &RequestContent,
    ) -> Result<Arc<Account>, VerifyError> {
        let claim = SignatureClaim::read(&received.headers)?;
        let url = || self.origin.url(received);
        let account = message::decide(content, &received.body, url, |message| {
            self.find_signer(&claim, message, content.account_sid())
        })?;
        Ok(Arc::clone(account))
    }

    /// Finds the account whose key has signed. Every refusal has asked as many keys as any other.
    fn find_signer(
        &self,
        claim: &SignatureClaim<'_>,
        message: &SignedMessage<'_>,
        account_sid: Option<&str>,
    ) -> Result<&Arc<Account>, VerifyError> {
        let rings = self.rings_of(account_sid);
        let mut asked = false;
        for ring in rings {
            for key in ring.keys.iter().filter(|key| key.algorithm() == claim.algorithm) {
                // Computed for every key of the ring, and kept from being skipped by the compiler.
                let fits = std::hint::black_box(message.is_signed_by(&key.signing, &claim.digest));
                // Put together without a branch: a refusal takes the same way for every key.
                let may_have_signed = key.can_have_signed(claim);
                asked |= may_have_signed;
                if let (true, Some(account)) = (fits & may_have_signed, &ring.account) {
                    return Ok(account);
                }
            }
        }
        let known = rings.iter().any(|ring| ring.account.is_some());
        Err(match (known, asked) {
            (false, _) => VerifyError::AccountUnknown,
            (true, false) => VerifyError::KeyUnknown,
            (true, true) => VerifyError::SignatureWrong,
        })
    }

    /// The keys of the account that is named. A request that names no account may be of any: each
    /// of them was configured by the owner.
    fn rings_of(&self, account_sid: Option<&str>) -> &[KeyRing] {
        let Some(sid) = account_sid else { return &self.rings };
        // All are compared, and to their ends: the time must not show how much of a sid is right.
        let mut named = &self.decoys;
        for ring in &self.rings {
            named = if ring.is_of(sid) { ring } else { named };
        }
        std::slice::from_ref(named)
    }

    /// The key with which we sign our own requests for an account: its first token's.
    pub(crate) fn signing_key(&self, account: &Account) -> Option<&SigningKey> {
        let ring = self.rings.iter().find(|ring| ring.is_of(&account.sid))?;
        let token = ring.keys.iter().find(|key| key.is_token);
        token.map(|key| &key.signing)
    }

    /// The beginning of the URL of a request, as the client sees it.
    ///
    /// # Errors
    /// The request does not say it, or a trusted proxy says it in two ways.
    pub(crate) fn public_base(&self, received: &Received) -> Result<PublicBase, VerifyError> {
        self.origin.public_base(received)
    }

    /// The account to work for where no signature has to prove it.
    fn unproven_account(&self, content: &RequestContent) -> Option<Arc<Account>> {
        let sid = content.account_sid();
        let named = self.rings.iter().find(|ring| sid.is_some_and(|sid| ring.is_of(sid)));
        named.or(self.rings.first())?.account.clone()
    }
}

// === impl KeyRing ===

impl KeyRing {
    fn new(account: &Arc<Account>) -> KeyRing {
        let tokens = account.auth_tokens.iter().map(|token| AccountKey {
            is_token: true,
            ..AccountKey::decoy(SigningKey::new(token, HmacAlgorithm::Sha1))
        });
        let shared = account.shared_keys.iter().map(|shared| AccountKey {
            shared: Some(shared.id.clone()),
            ..AccountKey::decoy(SigningKey::new(&shared.secret, shared.algorithm))
        });
        KeyRing { account: Some(Arc::clone(account)), keys: tokens.chain(shared).collect() }
    }

    /// Whether the account has this sid, in a time that does not depend on what they have in
    /// common.
    fn is_of(&self, sid: &str) -> bool {
        let own = self.account.as_ref().map_or("", |account| &account.sid);
        let differ = |differ: u8, (own, sid): (u8, u8)| differ | (own ^ sid);
        own.len() == sid.len() && own.bytes().zip(sid.bytes()).fold(0, differ) == 0
    }

    /// How many keys of an algorithm it holds.
    fn count(&self, algorithm: HmacAlgorithm) -> usize {
        self.keys.iter().filter(|key| key.algorithm() == algorithm).count()
    }

    /// Adds decoys until there are so many keys of an algorithm.
    fn add_decoys(&mut self, algorithm: HmacAlgorithm, most: usize) {
        for _ in self.count(algorithm)..most {
            self.keys.push(AccountKey::decoy(SigningKey::decoy(algorithm)));
        }
    }
}

// === impl Key ===

impl AccountKey {
    fn algorithm(&self) -> HmacAlgorithm {
        self.signing.algorithm()
    }

    /// A key without an account.
    fn decoy(signing: SigningKey) -> AccountKey {
        AccountKey { signing, is_token: false, shared: None }
    }

    /// Whether it can be the one that the headers claim. The settings header is not signed: it only
    /// narrows the choice, and each key is used with its own algorithm alone.
    fn can_have_signed(&self, claim: &SignatureClaim<'_>) -> bool {
        let shared = self.shared.as_ref().is_some_and(|id| claim.allows_shared_key(id));
        (self.is_token & claim.allows_token()) | shared
    }
}

// === impl VerifyError ===

impl VerifyError {
    /// `true`: the request cannot be read (400). `false`: it can, but the carrier is not proven to
    /// have sent it (403).
    pub fn is_unreadable(self) -> bool {
        match self {
            VerifyError::Form(_) | VerifyError::ContentType | VerifyError::Charset => true,
            VerifyError::SignatureMissing
            | VerifyError::HeaderRepeated(_)
            | VerifyError::SignatureMalformed
            | VerifyError::AlgorithmUnknown
            | VerifyError::Host
            | VerifyError::Forwarded(_)
            | VerifyError::Target
            | VerifyError::AccountUnknown
            | VerifyError::KeyUnknown
            | VerifyError::SignatureWrong
            | VerifyError::BodyHashMissing
            | VerifyError::BodyHashWrong => false,
        }
    }

    /// One word for programs that compare; it does not change when the message does.
    pub fn name(self) -> &'static str {
        match self {
            VerifyError::Form(FormError::TooManyParameters) => "too_many_parameters",
            VerifyError::Form(FormError::NotUtf8) => "form_not_utf8",
            VerifyError::ContentType => "content_type",
            VerifyError::Charset => "charset",
            VerifyError::SignatureMissing => "signature_missing",
            VerifyError::HeaderRepeated(_) => "header_repeated",
            VerifyError::SignatureMalformed => "signature_malformed",
            VerifyError::AlgorithmUnknown => "algorithm_unknown",
            VerifyError::Host => "host",
            VerifyError::Forwarded(_) => "forwarded",
            VerifyError::Target => "target",
            VerifyError::AccountUnknown => "account_unknown",
            VerifyError::KeyUnknown => "key_unknown",
            VerifyError::SignatureWrong => "signature_wrong",
            VerifyError::BodyHashMissing => "body_hash_missing",
            VerifyError::BodyHashWrong => "body_hash_wrong",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use actix_web::http::Method;
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::config::{Config, SharedKey};
    use crate::diagnostics::problem::Source;
    use crate::secret::Secret;

    thread_local! {
        /// How often a key was asked whether a digest is its signature.
        pub(super) static ASKED: Cell<usize> = const { Cell::new(0) };
    }

    fn account(sid: &str, tokens: usize, shared: usize) -> Arc<Account> {
        let secret = |number: usize| Secret::new(format!("{sid} {number}"));
        let key = |number: usize| SharedKey {
            id: number.to_string(),
            secret: secret(number),
            algorithm: HmacAlgorithm::Sha256,
        };
        Arc::new(Account {
            sid: sid.to_owned(),
            auth_tokens: (0..tokens).map(secret).collect(),
            api_url: None,
            shared_keys: (10..10 + shared).map(key).collect(),
        })
    }

    /// What a refusal costs where this account is named.
    fn asked(verifier: &Verifier, account: &str, settings: &'static str) -> usize {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let sha256 = settings.contains("SHA256");
        let signature = format!("{}=", "A".repeat(if sha256 { 43 } else { 27 }));
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("content-type"), form);
        headers.insert(header::SIGNATURE.clone(), HeaderValue::from_str(&signature).unwrap());
        headers.insert(header::SETTINGS.clone(), HeaderValue::from_static(settings));
        let (target, body) = ("/sms".to_owned(), format!("AccountSid={account}").into());
        let received = Received { method: Method::POST, target, headers, peer: None, body };
        ASKED.set(0);
        assert!(verifier.verify(received).is_err());
        ASKED.get()
    }

    #[test]
    fn a_refusal_takes_the_same_work_whoever_is_named() {
        let toml = "[signature]\nmode = \"off\"\n[server]\npublic_url = \"https://gw.example\"\n";
        let source = Source::new("config.toml", toml);
        let (config, problems) = Config::parse(&source, Path::new(""), &|_| None);
        let server = config.unwrap_or_else(|| panic!("{problems}")).server;
        let accounts = [account("one", 1, 0), account("two", 2, 0), account("shared", 0, 3)];
        let verifier = Verifier::new(&server, SignatureMode::Enforce, &accounts);
        let settings = ["", "algorithm=HMAC_SHA256", "key=11,algorithm=HMAC_SHA256", "key=x"];
        for settings in settings {
            let work = asked(&verifier, "unknown", settings);
            assert!(work > 0, "{settings}");
            for account in ["one", "two", "shared"] {
                assert_eq!(asked(&verifier, account, settings), work, "{account}, {settings}");
            }
        }
    }
}
