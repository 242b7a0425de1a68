//! Requests to the carrier's REST API, for actions that TwiML cannot express.

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
    CallContent, CallRequest, Destination, Functions, Outcome, OutcomeKind, Trust, UrlRequest,
};
use crate::json::parse_json;
use crate::limits::{CARRIER_TRIES_MAX, CARRIER_TRY_WITHIN, CARRIER_WITHIN};
use crate::uri::escape_target;
use crate::webhook::Params;

/// The context of a request to the API.
#[derive(Clone, Copy)]
pub(crate) struct ApiCaller<'a> {
    /// The connections of the worker.
    pub functions: &'a Functions,
    /// The account whose credentials are used.
    pub account: Option<&'a Arc<Account>>,
    /// The key of the step. It is the same if the step of a flow runs again.
    pub idempotency_key: &'a str,
    /// The end of the time for the turn.
    pub deadline: Instant,
}

/// Sends a request to the API, within the time limits of a request and of the turn. It is sent
/// again if the API refuses it for now (429, 503), but not if it may have been carried out.
///
/// # Errors
/// The account has no credentials, or the request failed.
pub(crate) async fn send_request(
    caller: ApiCaller<'_>,
    request: &CarrierRequest,
) -> Result<Map<String, Value>, CarrierRequestError> {
    send(caller, request, None).await
}

/// Reads a resource of the API: as [`send_request`], with the parameters in the query of a GET.
///
/// # Errors
/// The account has no credentials, or the request failed.
pub(crate) async fn get_resource(
    caller: ApiCaller<'_>,
    request: &CarrierRequest,
) -> Result<Map<String, Value>, CarrierRequestError> {
    let content = CallContent { is_get: true, ..CallContent::default() };
    send(caller, request, Some(&content)).await
}

async fn send(
    caller: ApiCaller<'_>,
    request: &CarrierRequest,
    content: Option<&CallContent>,
) -> Result<Map<String, Value>, CarrierRequestError> {
    let account = caller.account.filter(|account| !account.auth_tokens.is_empty());
    let account = account.ok_or(CarrierRequestError::NoCredentials)?;
    let unusable =
        |_| CarrierRequestError::Failed("`account.api_url` and the path make no URL".to_owned());
    // The operator configured the account, so its API may be at a private address.
    let url_request =
        UrlRequest::new(&request_url(account, request), Trust::Configured).map_err(unusable)?;
    let credentials = account_credentials(account);
    let deadline = caller.deadline.min(clock::now() + CARRIER_WITHIN);
    // The parameters of the webhook are not sent along.
    let webhook = Params::default();
    let call = CallRequest {
        destination: Destination::Url(&url_request),
        widget: "",
        replaced_url: None,
        // Without it, a POST of a form.
        content,
        credentials: credentials.as_ref(),
        parameters: &request.form,
        webhook: &webhook,
        webhook_form: None,
        webhook_payload: None,
        cookies: None,
        // The API checks the credentials, and does not read a signature.
        signing_key: None,
        timeout: CARRIER_TRY_WITHIN,
        deadline,
        idempotency_key: caller.idempotency_key,
    };
    let mut pause = Duration::from_millis(250);
    for _ in 1..CARRIER_TRIES_MAX {
        let outcome = caller.functions.call(call).await;
        let status = outcome.response.as_ref().map(|response| response.status_code);
        let until = clock::now() + pause;
        // Both mean that nothing was done, so the request cannot be carried out twice.
        if !matches!(status, Some(429 | 503)) || until >= deadline {
            return read_resource(outcome);
        }
        // Longer each time, so that many workers do not extend the overload.
        sleep_until(until).await;
        pause *= 2;
    }
    read_resource(caller.functions.call(call).await)
}

/// Reads the created resource from an answer, or the reason for the failure.
fn read_resource(outcome: Outcome) -> Result<Map<String, Value>, CarrierRequestError> {
    match (outcome.kind, outcome.response) {
        // An answer without JSON, as to a deletion, is an empty resource.
        (OutcomeKind::Success { parsed }, _) => Ok(parsed.unwrap_or_default()),
        (OutcomeKind::Twiml(_), _) => {
            Err(CarrierRequestError::Failed("it answered XML".to_owned()))
        }
        (OutcomeKind::Fail(_), Some(response)) if response.status_code >= 300 => {
            let body = parse_json(&response.body).ok();
            let code = body.and_then(|body| body.get("code").and_then(Value::as_u64));
            Err(CarrierRequestError::Refused { status: response.status_code, code })
        }
        (OutcomeKind::Fail(error), _) => Err(CarrierRequestError::Failed(error.cause.to_string())),
    }
}

/// The URL of a request: below `account.api_url`, or on Twilio's host of the service.
fn request_url(account: &Account, request: &CarrierRequest) -> String {
    let path = request.path.replace("{account}", &account.sid);
    match &account.api_url {
        Some(base) => format!("{base}{path}"),
        None => format!("https://{}.twilio.com{path}", request.service.host()),
    }
}

/// Whether a URL belongs to the carrier, so that the account's credentials may be sent there.
pub(crate) fn is_carrier_url(account: &Account, url: &str) -> bool {
    // Read as `UrlRequest` reads it, so that both see the same host.
    let Ok(url) = escape_target(url).parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    // With the dot: `eviltwilio.com` does not belong to the carrier.
    let is_twilio = url.scheme_str() == Some("https")
        && (host == "twilio.com" || host.ends_with(".twilio.com"));
    let api_url = account.api_url.as_deref().and_then(|base| base.parse::<Uri>().ok());
    is_twilio || api_url.is_some_and(|api_url| api_url.authority() == url.authority())
}

/// The account's credentials as a header. `None` for an account without a token.
pub(crate) fn account_credentials(account: &Account) -> Option<HeaderValue> {
    // The first is the one for own requests; the others only verify signatures.
    let token = account.auth_tokens.first()?;
    basic_auth::header(format!("{}:{}", account.sid, token.expose()))
}
