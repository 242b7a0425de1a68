//! `[[account]]`: whose webhooks are accepted.

use crate::secret::Secret;

/// `[[account]]`
#[derive(Debug)]
pub struct Account {
    /// The account's identifier, `AC…` at Twilio; webhooks name it in `AccountSid`.
    pub sid: String,
    /// Any of them may have signed: two while one is rotated. The first signs calls of functions.
    pub auth_tokens: Vec<Secret>,
    /// The address of the carrier's API, without a slash at the end; `None`: Twilio's own hosts.
    pub api_url: Option<String>,
    /// SharedKeys (`X-Twilio-Webhooks-Signature-Settings`), each bound to one algorithm.
    pub shared_keys: Vec<SharedKey>,
}

/// `[[account.shared_key]]`
#[derive(Clone, Debug)]
pub struct SharedKey {
    /// `webhooks_sharedkey_…`
    pub id: String,
    /// The key itself.
    pub secret: Secret,
    /// The only algorithm for this key. A request must not choose a weaker one.
    pub algorithm: HmacAlgorithm,
}

/// The hash under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacAlgorithm {
    /// `HMAC_SHA1`
    Sha1,
    /// `HMAC_SHA256`
    Sha256,
}
