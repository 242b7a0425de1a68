//! Studio's REST API v2 for executions, on the admin listener, for Twilio's official clients.
//!
//! `path` parses the URL, `auth` checks the credentials, `executions` and `steps` are the
//! resources, `shapes` writes them as Twilio's JSON, and `paging` has the query and the links of
//! lists. Nothing is read or written before the credentials are checked. No file here runs a flow:
//! a new execution is stored as due, and the timers begin it.

mod auth;
mod executions;
mod paging;
mod path;
mod shapes;
mod steps;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::http::header::{HOST, WWW_AUTHENTICATE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Shared;
use crate::catch_panic::catch_async;
use crate::channel::Channel;
use crate::flow::Flow;
use crate::journal::LogLevel;
use crate::limits::{STUDIO_BODY_BYTES_MAX, STUDIO_WITHIN};
use crate::session::{Sessions, StoreError, StoredExecution};
use crate::webhook::Params;

use path::RestTarget;
use shapes::RestUrls;

/// One request with valid credentials, for a flow that exists.
struct RestRequest<'a> {
    shared: &'a Shared,
    flow: &'a Arc<Flow>,
    /// The sid of the account whose credentials came with the request.
    account: String,
    /// The path of the route for the flow's webhooks: the message route, else the voice route.
    route: Option<String>,
    urls: RestUrls,
    query: Params,
    form: Params,
}

/// A successful answer: 200 or 201 with a resource, or 204.
enum RestResponse {
    Found(Value),
    Created(Value),
    Deleted,
}

/// A failure with Twilio's code and message, from which the clients make an exception.
#[derive(Debug)]
struct RestError {
    status: u16,
    code: u32,
    message: String,
    details: Option<Value>,
}

/// Answers everything below `/v2/`.
pub(super) async fn answer(
    request: HttpRequest,
    body: web::Payload,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let result = pin!(route(&request, body, &shared));
    // The timeout is outside: a panic and a slow store both get an answer, and a log line.
    let result = match timeout(STUDIO_WITHIN, catch_async(result)).await {
        Ok(Ok(result)) => result,
        Ok(Err(panicked)) => Err(RestError::new(500, 20500, &panicked.to_string())),
        Err(_) => Err(RestError::new(503, 20503, "it is still being worked on; try again")),
    };
    let response = match result {
        Ok(RestResponse::Found(resource)) => HttpResponse::Ok().json(resource),
        Ok(RestResponse::Created(resource)) => HttpResponse::Created().json(resource),
        Ok(RestResponse::Deleted) => HttpResponse::NoContent().finish(),
        Err(error) => error.response(),
    };
    if let Some((level, line)) = audit_line(&request, response.status()) {
        shared.journal.log.note(level, &line);
    }
    response
}

/// The log line for a request: one without valid credentials, or one that changes something.
fn audit_line(request: &HttpRequest, status: StatusCode) -> Option<(LogLevel, String)> {
    // Without the path: a request without credentials must not write into the log.
    if status == StatusCode::UNAUTHORIZED {
        return Some((
            LogLevel::Warn,
            "Studio's REST: 401 for no account's sid and token".to_owned(),
        ));
    }
    let level = if status.is_success() { LogLevel::Info } else { LogLevel::Warn };
    // A path contains sids and names of flows, and no personal data. A query may, and is left out.
    let (method, path) = (request.method(), request.uri().path());
    let line = format!("Studio's REST: {} for {method} {path}", status.as_u16());
    (method != Method::GET).then_some((level, line))
}

/// Checks a request, and passes it to its resource.
async fn route(
    request: &HttpRequest,
    body: web::Payload,
    shared: &Shared,
) -> Result<RestResponse, RestError> {
    let gateway = Arc::clone(&shared.gateway.read());
    // Before anything else: the status must not show a stranger which flows there are.
    let account = auth::account(&gateway.config.accounts, request.headers())
        .ok_or_else(|| RestError::new(401, 20003, "Authenticate"))?;
    let (flow, target) =
        path::parse(request.uri().path()).ok_or_else(|| unknown_resource(request))?;
    let flow = gateway.flows.find(&flow).ok_or_else(|| unknown_resource(request))?;
    let body = read_body(body).await?;
    let unreadable = |_| RestError::new(400, 20001, "the body is not a form of UTF-8");
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // The URLs in the answer lead where the client sent the request, perhaps through a tunnel.
    let host = host.map_or_else(|| request.app_config().local_addr().to_string(), str::to_owned);
    let of_flow = |channel| gateway.routes.of_flow(&flow.name, channel, None);
    let route = of_flow(Channel::Message).or_else(|| of_flow(Channel::Voice));
    let call = RestRequest {
        shared,
        flow,
        account: account.sid.clone(),
        route: route.map(|route| route.path.clone()),
        urls: RestUrls::new(&host, &account.sid, &flow.sid),
        query: Params::decode_query(request.query_string()).map_err(unreadable)?,
        form: Params::decode(&body).map_err(unreadable)?,
    };
    let method = request.method();
    match target {
        RestTarget::Executions if method == Method::POST => executions::create(&call).await,
        RestTarget::Executions if method == Method::GET => executions::list(&call).await,
        RestTarget::Execution(sid) if method == Method::GET => executions::fetch(&call, &sid).await,
        RestTarget::Execution(sid) if method == Method::POST => {
            executions::update(&call, &sid).await
        }
        RestTarget::Execution(sid) if method == Method::DELETE => {
            executions::delete(&call, &sid).await
        }
        RestTarget::Context(sid) if method == Method::GET => executions::context(&call, &sid).await,
        RestTarget::Steps(sid) if method == Method::GET => steps::list(&call, &sid).await,
        RestTarget::Step(sid, step) if method == Method::GET => {
            steps::fetch(&call, &sid, &step).await
        }
        RestTarget::StepContext(sid, step) if method == Method::GET => {
            steps::context(&call, &sid, &step).await
        }
        _ => Err(RestError::new(405, 20004, "Method not allowed")),
    }
}

/// Reads the form of a request, within a limit.
async fn read_body(body: web::Payload) -> Result<Bytes, RestError> {
    match body.to_bytes_limited(STUDIO_BODY_BYTES_MAX).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(RestError::new(400, 20001, "the body broke off")),
        Err(_) => {
            let message = format!("the body has more than {STUDIO_BODY_BYTES_MAX} bytes");
            Err(RestError::new(413, 20413, &message))
        }
    }
}

fn unknown_resource(request: &HttpRequest) -> RestError {
    let path = request.uri().path();
    RestError::new(404, 20404, &format!("The requested resource {path} was not found"))
}

// === impl RestRequest ===

impl RestRequest<'_> {
    fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }

    /// The execution of this flow with a sid.
    async fn execution(&self, sid: &str) -> Result<StoredExecution, RestError> {
        let stored = self.sessions().execution(sid).await?;
        // Sids are unique in the store, but the path names the flow too.
        let stored = stored.filter(|stored| stored.flow == self.flow.name);
        stored.ok_or_else(|| self.unknown_resource(&format!("/Executions/{sid}")))
    }

    /// The error for a path below this flow that does not exist.
    fn unknown_resource(&self, below: &str) -> RestError {
        let path = format!("/v2/Flows/{}{below}", self.flow.sid);
        RestError::new(404, 20404, &format!("The requested resource {path} was not found"))
    }
}

// === impl RestError ===

impl RestError {
    fn new(status: u16, code: u32, message: &str) -> RestError {
        RestError { status, code, message: message.to_owned(), details: None }
    }

    fn response(self) -> HttpResponse {
        let RestError { status, code, message, details } = self;
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        let mut body =
            json!({"code": code, "message": message, "more_info": more_info, "status": status});
        if let Some(details) = details {
            body["details"] = details;
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2 requires it.
            response.insert_header((WWW_AUTHENTICATE, "Basic realm=\"Twilio API\""));
        }
        response.json(body)
    }
}

impl From<StoreError> for RestError {
    fn from(error: StoreError) -> RestError {
        match error {
            StoreError::Conflict(sid) => {
                let message = "Execution for this contact is already active";
                let details = json!({"conflicting_execution_sid": sid});
                RestError { details: Some(details), ..RestError::new(409, 20409, message) }
            }
            StoreError::Busy => RestError::new(503, 20503, &StoreError::Busy.to_string()),
            error => RestError::new(500, 20500, &error.to_string()),
        }
    }
}

/// A time as ISO 8601 without a fraction, as Twilio writes it.
fn format_date(at: Duration) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
