//! What a flow asks the carrier's API for: the part of Studio that TwiML cannot express.

use crate::webhook::Params;

/// One request to the carrier's API, with the account's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierRequest {
    /// Which of the carrier's services.
    pub service: CarrierService,
    /// The path below the service; `{account}` stands for the account's SID.
    pub path: String,
    /// Its parameters.
    pub form: Params,
}

/// A service of the carrier, each with a host of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierService {
    /// `api`: messages, calls, recordings.
    Api,
    /// `conversations`
    Conversations,
    /// `flex-api`: interactions with agents.
    Flex,
}

/// Why the carrier's API did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarrierRequestError {
    /// There is no account to ask with.
    #[error(
        "the carrier's API is needed, and no `[[account]]` with `auth_tokens` is configured for it"
    )]
    NoCredentials,
    /// The carrier refused.
    #[error("the carrier's API answered {status}{}", format_code(*code))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Twilio's error code.
        code: Option<u64>,
    },
    /// No whole answer came.
    #[error("the carrier's API cannot be asked: {0}")]
    Failed(String),
}

fn format_code(code: Option<u64>) -> String {
    code.map(|code| format!(" (Twilio {code})")).unwrap_or_default()
}

// === impl Service ===

impl CarrierService {
    /// The first label of its host at Twilio.
    pub fn host(self) -> &'static str {
        match self {
            CarrierService::Api => "api",
            CarrierService::Conversations => "conversations",
            CarrierService::Flex => "flex-api",
        }
    }
}
