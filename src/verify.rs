//! Stage 2: proof that the carrier sent it: [`Received`] in, [`Webhook`] out.
//!
//! Invariant: nothing after this stage accepts a [`Received`], and in mode `enforce` no [`Webhook`]
//! exists whose signature was not made with a configured key, with the algorithm that the
//! configuration binds to this key, over the URL that the configuration gives.

pub mod explain;

mod content;
mod header;
mod key;
mod message;
mod url;

pub use key::{SigningKey, hashed_url, sign_form, sign_url};

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use crate::config::{Account, Algorithm, Server, SignatureMode};
use crate::secret::Secret;
use crate::webhook::{FormError, Proof, Received, Webhook};
use content::Content;
use header::Claim;
use message::Message;
use url::Origin;

/// The check, prepared once from the configuration and shared by all workers: per request the
/// prepared states are copied, and no key is hashed again.
#[derive(Debug)]
pub struct Verifier {
    mode: SignatureMode,
    origin: Origin,
    rings: Vec<KeyRing>,
    /// Keys that nobody has. They do the work where no configured key is asked, so that the time
    /// to a refusal does not tell which accounts are configured.
    decoys: Vec<SigningKey>,
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
    account: Arc<Account>,
    tokens: Vec<SigningKey>,
    /// In the order of `account.shared_keys`.
    shared: Vec<SigningKey>,
}

// === impl Verifier ===

impl Verifier {
    /// Prepares every key of every account.
    pub fn new(server: &Server, mode: SignatureMode, accounts: &[Arc<Account>]) -> Verifier {
        let rings: Vec<_> = accounts.iter().map(KeyRing::new).collect();
        let keys_max = rings.iter().map(|ring| ring.tokens.len()).max().unwrap_or(0).max(1);
        let decoys = (0..keys_max).map(|_| SigningKey::decoy()).collect();
        Verifier { mode, origin: Origin::new(server), rings, decoys }
    }

    /// Refuses what cannot be a webhook whatever its body says, so that the body need not be read.
    /// Everything else is `Ok`, which proves nothing.
    pub fn refuse_early(&self, headers: &HeaderMap) -> Result<(), VerifyError> {
        match self.mode {
            SignatureMode::Enforce => Claim::read(headers).map(|_| ()),
            SignatureMode::Report | SignatureMode::Off => Ok(()),
        }
    }

    /// Reads the request once and proves that the carrier sent it.
    ///
    /// # Errors
    /// In every mode what cannot be read; in mode `enforce` what is not proven, too. In mode
    /// `report` the reason is in [`Webhook::proof`] instead.
    pub fn verify(&self, received: Received) -> Result<Webhook, VerifyError> {
        let content = Content::read(&received)?;
        let (proof, account) = match self.mode {
            SignatureMode::Enforce => (Proof::Signed, Some(self.prove(&received, &content)?)),
            SignatureMode::Report => match self.prove(&received, &content) {
                Ok(account) => (Proof::Signed, Some(account)),
                Err(error) => (Proof::Unproven(error), self.account_unproven(&content)),
            },
            SignatureMode::Off => (Proof::Unchecked, self.account_unproven(&content)),
        };
        Ok(content.into_webhook(received, proof, account))
    }

    /// The account whose key signed the request. The cheap refusals come first.
    fn prove(&self, received: &Received, content: &Content) -> Result<Arc<Account>, VerifyError> {
        let claim = Claim::read(&received.headers)?;
        let hash = content.body_hash()?;
        let message = Message::new(self.origin.url(received)?, content.signed_params());
        let signer = self.signer(&claim, &message, content.account_sid())?;
        if hash.is_some_and(|hash| !content::hash_fits(hash, &received.body)) {
            return Err(VerifyError::BodyHashWrong);
        }
        Ok(Arc::clone(&signer.account))
    }

    /// Finds the key ring that holds the key. A request that names no account may be of any: each
    /// of them was configured by the owner.
    fn signer(
        &self,
        claim: &Claim<'_>,
        message: &Message<'_>,
        account_sid: Option<&str>,
    ) -> Result<&KeyRing, VerifyError> {
        let named = |ring: &&KeyRing| account_sid.is_none_or(|sid| sid == ring.account.sid);
        let mut refusal = VerifyError::AccountUnknown;
        for ring in self.rings.iter().filter(named) {
            for key in ring.keys(claim) {
                refusal = VerifyError::SignatureWrong;
                if message.fits(key, &claim.digest) {
                    return Ok(ring);
                }
            }
            if refusal == VerifyError::AccountUnknown {
                refusal = VerifyError::KeyUnknown;
            }
        }
        if refusal != VerifyError::SignatureWrong {
            for decoy in &self.decoys {
                std::hint::black_box(message.fits(decoy, &claim.digest));
            }
        }
        Err(refusal)
    }

    /// The key with which we sign our own requests for an account: its first token's.
    pub fn signing_key(&self, account: &Account) -> Option<&SigningKey> {
        let ring = self.rings.iter().find(|ring| ring.account.sid == account.sid)?;
        ring.tokens.first()
    }

    /// The account to work for where no signature has to prove it.
    fn account_unproven(&self, content: &Content) -> Option<Arc<Account>> {
        let sid = content.account_sid();
        let named = self.rings.iter().find(|ring| Some(ring.account.sid.as_str()) == sid);
        named.or(self.rings.first()).map(|ring| Arc::clone(&ring.account))
    }
}

// === impl KeyRing ===

impl KeyRing {
    fn new(account: &Arc<Account>) -> KeyRing {
        let token = |secret: &Secret| SigningKey::new(secret, Algorithm::Sha1);
        KeyRing {
            account: Arc::clone(account),
            tokens: account.auth_tokens.iter().map(token).collect(),
            shared: account
                .shared_keys
                .iter()
                .map(|key| SigningKey::new(&key.secret, key.algorithm))
                .collect(),
        }
    }

    /// The keys that may have made the claimed signature. The settings header is not signed: it
    /// only narrows the choice, and each key is used with its own algorithm alone.
    fn keys<'a>(&'a self, claim: &'a Claim<'_>) -> impl Iterator<Item = &'a SigningKey> {
        let tokens = self.tokens.iter().filter(|_| claim.allows_token());
        let shared = self.account.shared_keys.iter().zip(&self.shared);
        let shared = shared.filter(|(shared, _)| claim.allows_shared_key(&shared.id));
        tokens.chain(shared.map(|(_, key)| key)).filter(|key| key.algorithm() == claim.algorithm)
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

    /// One word for metrics and logs; it does not change when the message does.
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
