//! Requests to the carrier's API: the part of Studio that TwiML cannot express.

use crate::webhook::Params;

/// One request to the carrier's API. The sender adds the host and the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierRequest {
    /// The service of the carrier that takes it.
    pub service: CarrierService,
    /// The path below the service. The sender replaces `{account}` with the account's sid.
    pub path: String,
    /// The parameters of the form.
    pub form: Params,
}

/// A service of the carrier. Each has its own host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierService {
    /// `api`: messages, calls, recordings.
    Api,
    /// `conversations`
    Conversations,
    /// `flex-api`: interactions with agents.
    Flex,
}

/// The reason why a request to the carrier's API failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarrierRequestError {
    /// No account with credentials is configured.
    #[error(
        "the carrier's API is needed, and no `[[account]]` with `auth_tokens` is configured for it"
    )]
    NoCredentials,
    /// The carrier answered with an error.
    #[error("the carrier's API answered {status}{}", format_code(*code))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Twilio's error code, if the answer has one.
        code: Option<u64>,
    },
    /// No complete answer arrived.
    #[error("the request to the carrier's API failed: {0}")]
    Failed(String),
}

// Twilio documents the cause under its own code; the HTTP status alone says little.
fn format_code(code: Option<u64>) -> String {
    code.map(|code| format!(" (Twilio {code})")).unwrap_or_default()
}

// === impl CarrierService ===

impl CarrierService {
    /// The first label of the service's host at Twilio.
    pub(crate) fn host(self) -> &'static str {
        match self {
            CarrierService::Api => "api",
            CarrierService::Conversations => "conversations",
            CarrierService::Flex => "flex-api",
        }
    }
}
