//! The carrier's API: what a flow does that TwiML cannot say, with the account's credentials.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::config::{Account, Function};
use crate::flow::{Send, SendError};
use crate::function::{Call, Direct, Functions, Outcome, OutcomeKind};
use crate::limits::{CARRIER_TRIES_MAX, CARRIER_WITHIN};
use crate::webhook::Params;

/// Asks the carrier's API, within its own deadline and that of the turn. What it refuses for now
/// (429, 503) is asked again; anything else that may have been done is not.
///
/// # Errors
/// Where there are no credentials, and where it was not done.
pub async fn send(
    functions: &Functions,
    account: Option<&Arc<Account>>,
    send: &Send,
    key: &str,
    deadline: Instant,
) -> Result<Map<String, Value>, SendError> {
    let account = account.filter(|account| !account.auth_tokens.is_empty());
    let account = account.ok_or(SendError::NoCredentials)?;
    let unusable = || SendError::Failed("`account.api_url` and the path make no URL".to_owned());
    let url: Uri = url(account, send).parse().map_err(|_| unusable())?;
    let function = Arc::new(Function::of_origin(&url, true).ok_or_else(unusable)?);
    let authorization = credentials(account);
    let (method, body) = (Method::POST, None);
    let direct = Direct { url, method, body, authorization, trusted: true };
    let deadline = deadline.min(clock::now() + CARRIER_WITHIN);
    let mut pause = Duration::from_millis(250);
    for _ in 1..CARRIER_TRIES_MAX {
        let outcome = ask(functions, &function, &direct, &send.form, (key, deadline)).await;
        let status = outcome.answer.as_ref().map(|answer| answer.status_code);
        let until = clock::now() + pause;
        if !matches!(status, Some(429 | 503)) || until >= deadline {
            return result(outcome);
        }
        sleep_until(until).await;
        pause *= 2;
    }
    result(ask(functions, &function, &direct, &send.form, (key, deadline)).await)
}

async fn ask(
    functions: &Functions,
    function: &Arc<Function>,
    direct: &Direct,
    form: &Params,
    (idempotency_key, deadline): (&str, Instant),
) -> Outcome {
    let nothing = Params::default();
    let call = Call {
        function,
        widget: "",
        direct: Some(direct),
        parameters: form,
        webhook: &nothing,
        webhook_form: None,
        signing_key: None,
        deadline,
        idempotency_key,
    };
    functions.call(call).await
}

/// The resource that was made, or why none was.
fn result(outcome: Outcome) -> Result<Map<String, Value>, SendError> {
    match (outcome.result, outcome.answer) {
        (OutcomeKind::Success { parsed }, _) => Ok(parsed.unwrap_or_default()),
        (OutcomeKind::Twiml(_), _) => Err(SendError::Failed("it answered XML".to_owned())),
        (OutcomeKind::Fail(_), Some(answer)) if answer.status_code >= 300 => {
            let body = serde_json::from_slice::<Value>(&answer.body).ok();
            let code = body.and_then(|body| body.get("code").and_then(Value::as_u64));
            Err(SendError::Refused { status: answer.status_code, code })
        }
        (OutcomeKind::Fail(error), _) => Err(SendError::Failed(error.problem.to_string())),
    }
}

/// Where a request goes: below `account.api_url`, or to Twilio's host of the service.
fn url(account: &Account, send: &Send) -> String {
    let path = send.path.replace("{account}", &account.sid);
    match &account.api_url {
        Some(base) => format!("{base}{path}"),
        None => format!("https://{}.twilio.com{path}", send.service.host()),
    }
}

/// Whether a URL is the carrier's own, so that the account's credentials may go there.
pub fn is_carrier(account: &Account, url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    let twilio = url.scheme_str() == Some("https")
        && (host == "twilio.com" || host.ends_with(".twilio.com"));
    let own = account.api_url.as_deref().and_then(|base| base.parse::<Uri>().ok());
    twilio || own.is_some_and(|own| own.authority() == url.authority())
}

/// The account's credentials as `Authorization: Basic`.
pub fn credentials(account: &Account) -> Option<HeaderValue> {
    let token = account.auth_tokens.first()?;
    let pair = STANDARD.encode(format!("{}:{}", account.sid, token.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
