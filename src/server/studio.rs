//! Studio's REST v2 for executions, on the admin listener: the official clients talk to it.

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

/// One request that has proven who it is from.
struct RestRequest<'a> {
    shared: &'a Shared,
    flow: &'a Arc<Flow>,
    /// The sid of the account whose credentials came with the request.
    account: String,
    /// The path of the flow's message route, or of its voice route.
    route: Option<String>,
    urls: RestUrls,
    query: Params,
    form: Params,
}

/// What is answered: a resource, or nothing where one has gone.
enum RestResponse {
    Found(Value),
    Made(Value),
    Gone,
}

/// Why not, in Twilio's words: the clients make an exception of it that has the code.
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
    let deciding = pin!(decide(&request, body, &shared));
    let decided = match timeout(STUDIO_WITHIN, catch_async(deciding)).await {
        Ok(Ok(decided)) => decided,
        Ok(Err(panicked)) => Err(RestError::new(500, 20500, &panicked.to_string())),
        Err(_) => Err(RestError::new(503, 20503, "it is still being worked on; try again")),
    };
    let response = match decided {
        Ok(RestResponse::Found(resource)) => HttpResponse::Ok().json(resource),
        Ok(RestResponse::Made(resource)) => HttpResponse::Created().json(resource),
        Ok(RestResponse::Gone) => HttpResponse::NoContent().finish(),
        Err(refusal) => refusal.response(),
    };
    if let Some((level, line)) = worth_a_line(&request, response.status()) {
        shared.journal.log.note(level, &line);
    }
    response
}

/// What the log says of a request: who has no password, and what was to be changed. The words of
/// somebody who proves nothing are not repeated; paths have sids and names of flows, and no people.
fn worth_a_line(request: &HttpRequest, status: StatusCode) -> Option<(LogLevel, String)> {
    if status == StatusCode::UNAUTHORIZED {
        return Some((
            LogLevel::Warn,
            "Studio's REST: 401 for no account's sid and token".to_owned(),
        ));
    }
    let level = if status.is_success() { LogLevel::Info } else { LogLevel::Warn };
    let (method, path) = (request.method(), request.uri().path());
    let line = format!("Studio's REST: {} for {method} {path}", status.as_u16());
    (method != Method::GET).then_some((level, line))
}

async fn decide(
    request: &HttpRequest,
    body: web::Payload,
    shared: &Shared,
) -> Result<RestResponse, RestError> {
    let gateway = Arc::clone(&shared.gateway.read());
    let account = auth::account(&gateway.config.accounts, request.headers())
        .ok_or_else(|| RestError::new(401, 20003, "Authenticate"))?;
    let (flow, target) = path::read(request.uri().path()).ok_or_else(|| missing(request))?;
    let flow = gateway.flows.find(&flow).ok_or_else(|| missing(request))?;
    let body = form(body).await?;
    let unreadable = |_| RestError::new(400, 20001, "the body is not a form of UTF-8");
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
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
            steps::fetch(&call, (&sid, &step)).await
        }
        RestTarget::StepContext(sid, step) if method == Method::GET => {
            steps::context(&call, (&sid, &step)).await
        }
        _ => Err(RestError::new(405, 20004, "Method not allowed")),
    }
}

async fn form(body: web::Payload) -> Result<Bytes, RestError> {
    match body.to_bytes_limited(STUDIO_BODY_BYTES_MAX).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(RestError::new(400, 20001, "the body broke off")),
        Err(_) => {
            let message = format!("the body has more than {STUDIO_BODY_BYTES_MAX} bytes");
            Err(RestError::new(413, 20413, &message))
        }
    }
}

fn missing(request: &HttpRequest) -> RestError {
    let path = request.uri().path();
    RestError::new(404, 20404, &format!("The requested resource {path} was not found"))
}

// === impl Call ===

impl RestRequest<'_> {
    fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }

    /// An execution of this flow.
    async fn execution(&self, sid: &str) -> Result<StoredExecution, RestError> {
        let saved = self.sessions().execution(sid).await?;
        let saved = saved.filter(|saved| saved.flow == self.flow.name);
        saved.ok_or_else(|| self.missing(&format!("/Executions/{sid}")))
    }

    /// What is below this flow and is not there.
    fn missing(&self, below: &str) -> RestError {
        let path = format!("/v2/Flows/{}{below}", self.flow.sid);
        RestError::new(404, 20404, &format!("The requested resource {path} was not found"))
    }
}

// === impl Refusal ===

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

/// ISO 8601 without a fraction, as Twilio says it.
fn date(at: Duration) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
