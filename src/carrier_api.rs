//! The carrier's REST API: what a flow does that TwiML cannot say, with the account's credentials.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Uri;
use actix_web::http::header::HeaderValue;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use crate::basic_auth;
use crate::clock;
use crate::config::Account;
use crate::flow::{CarrierRequest, CarrierRequestError};
use crate::function::{
    CallRequest, Destination, Functions, Outcome, OutcomeKind, Trust, UrlRequest,
};
use crate::limits::{CARRIER_TRIES_MAX, CARRIER_WITHIN};
use crate::webhook::Params;

/// What a request to the API needs beside what the flow asks for.
#[derive(Clone, Copy)]
pub struct ApiCaller<'a> {
    /// The connections of the worker.
    pub functions: &'a Functions,
    /// The account whose credentials are used.
    pub account: Option<&'a Arc<Account>>,
    /// The same when the same step of a flow runs again.
    pub idempotency_key: &'a str,
    /// When the turn must be over.
    pub deadline: Instant,
}

/// Sends a request to the API, within its own deadline and that of the turn. What the API refuses
/// for now (429, 503) is sent again; a request that may have been carried out is not.
///
/// # Errors
/// Where there are no credentials, and where the request was not carried out.
pub async fn send_request(
    caller: ApiCaller<'_>,
    send: &CarrierRequest,
) -> Result<Map<String, Value>, CarrierRequestError> {
    let account = caller.account.filter(|account| !account.auth_tokens.is_empty());
    let account = account.ok_or(CarrierRequestError::NoCredentials)?;
    let unusable =
        |_| CarrierRequestError::Failed("`account.api_url` and the path make no URL".to_owned());
    // The operator configured the account, so its API may be at a private address.
    let mut request = UrlRequest::new(&url(account, send), Trust::Configured).map_err(unusable)?;
    request.credentials = account_credentials(account);
    let deadline = caller.deadline.min(clock::now() + CARRIER_WITHIN);
    // Nothing of the webhook is for the API.
    let webhook = Params::default();
    let call = CallRequest {
        destination: Destination::Url(&request),
        widget: "",
        parameters: &send.form,
        webhook: &webhook,
        webhook_form: None,
        // The carrier knows its customers by their credentials, not by its own signature.
        signing_key: None,
        deadline,
        idempotency_key: caller.idempotency_key,
    };
    let mut pause = Duration::from_millis(250);
    for _ in 1..CARRIER_TRIES_MAX {
        let outcome = caller.functions.call(call).await;
        let status = outcome.response.as_ref().map(|response| response.status_code);
        let until = clock::now() + pause;
        // Both say that nothing was done, so the request cannot be carried out twice.
        if !matches!(status, Some(429 | 503)) || until >= deadline {
            return resource(outcome);
        }
        sleep_until(until).await;
        pause *= 2;
    }
    resource(caller.functions.call(call).await)
}

/// The resource that was made, or why none was.
fn resource(outcome: Outcome) -> Result<Map<String, Value>, CarrierRequestError> {
    match (outcome.kind, outcome.response) {
        (OutcomeKind::Success { parsed }, _) => Ok(parsed.unwrap_or_default()),
        (OutcomeKind::Twiml(_), _) => {
            Err(CarrierRequestError::Failed("it answered XML".to_owned()))
        }
        (OutcomeKind::Fail(_), Some(response)) if response.status_code >= 300 => {
            let body = serde_json::from_slice::<Value>(&response.body).ok();
            let code = body.and_then(|body| body.get("code").and_then(Value::as_u64));
            Err(CarrierRequestError::Refused { status: response.status_code, code })
        }
        (OutcomeKind::Fail(error), _) => Err(CarrierRequestError::Failed(error.cause.to_string())),
    }
}

/// The URL of a request: below `account.api_url`, or on Twilio's host of the service.
fn url(account: &Account, send: &CarrierRequest) -> String {
    let path = send.path.replace("{account}", &account.sid);
    match &account.api_url {
        Some(base) => format!("{base}{path}"),
        None => format!("https://{}.twilio.com{path}", send.service.host()),
    }
}

/// Whether a URL is the carrier's own, so that the account's credentials may go there.
pub fn is_carrier_url(account: &Account, url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    // The whole label: `eviltwilio.com` is not the carrier's.
    let is_twilio = url.scheme_str() == Some("https")
        && (host == "twilio.com" || host.ends_with(".twilio.com"));
    let api_url = account.api_url.as_deref().and_then(|base| base.parse::<Uri>().ok());
    is_twilio || api_url.is_some_and(|api_url| api_url.authority() == url.authority())
}

/// The account's credentials as a header. `None` for an account without a token.
pub fn account_credentials(account: &Account) -> Option<HeaderValue> {
    let token = account.auth_tokens.first()?;
    basic_auth::header(format!("{}:{}", account.sid, token.expose()))
}
