//! The one place that uses awc: one client per function and worker, every known fault of awc
//! wrapped (each `A…` names its row in `docs/functions.md`, "What the HTTP client guards against").

use std::cell::{Cell, RefCell};
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::body::{BodyStream, MessageBody as _};
use actix_web::dev::Payload;
use actix_web::error::ParseError;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::web::Bytes;
use awc::error::{ConnectError, SendRequestError};
use awc::{ClientRequest, ClientResponse, Connector, FrozenClientRequest, SendClientRequest};

use super::Call;
use super::body::{Collected, Length, broken, length, truncated};
use super::breaker::Breaker;
use super::dial::Dialler;
use super::error::{Phase, Problem, word};
use super::gate::Gate;
use super::interim::TooManyInterim;
use super::redirect;
use super::request::Request;
use super::target::Target;
use super::wire::{Attempt, Wire};
use crate::config::Function;
use crate::limits::{FUNCTION_IDLE_MAX, FUNCTION_REDIRECTS_MAX};

/// The connections to one function. Each function has its own (A4), so that a slow one does not
/// take the connections of the others.
pub(super) struct Client {
    function: Arc<Function>,
    awc: awc::Client,
    wire: Rc<Wire>,
    home: Rc<Target>,
    /// Whether the operator has seen where it leads, so that it may be a private address.
    trusted: bool,
    /// Shared with the clients of the other workers.
    pub(super) breaker: Arc<Breaker>,
    /// This worker's.
    pub(super) gate: Gate,
    /// The request to the configured URL, as far as every call's is the same.
    prepared: FrozenClientRequest,
}

/// What is known about a call that is under way, or was cut off.
#[derive(Default)]
pub(super) struct Progress {
    attempt: RefCell<Option<Rc<Attempt>>>,
    attempts: Cell<u32>,
}

/// A whole answer.
pub(super) struct Reply {
    head: Head,
    pub(super) body: Bytes,
}

/// Status and headers: of the network, or of somebody who stands in for it.
enum Head {
    Received(ClientResponse),
    Played(StatusCode, HeaderMap),
}

/// Longer than any call: awc's own timer never fires before our deadline.
const NEVER: Duration = Duration::from_secs(3600);

// === impl Client ===

impl Client {
    /// A client for the function; `None` if its URL cannot be called.
    pub(super) fn new(
        function: &Arc<Function>,
        trusted: bool,
        breaker: Arc<Breaker>,
        dialler: Dialler,
    ) -> Option<Client> {
        let home = Rc::new(Target::new(&function.url)?);
        let wire = Rc::clone(&dialler.wire);
        let connector = Connector::new()
            .connector(dialler)
            .timeout(NEVER)
            .limit(function.connections.max(1))
            .conn_keep_alive(FUNCTION_IDLE_MAX)
            .conn_lifetime(NEVER);
        // Redirects (A7) and deadlines (A3) are ours.
        let awc = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            .disable_timeout()
            .no_default_headers()
            .finish();
        let version = if function.http_1_0 { Version::HTTP_10 } else { Version::HTTP_11 };
        let prepared = prepare(&awc, &function.method, &home).version(version).freeze().ok()?;
        let gate = Gate::new(function.connections, function.hold.is_some());
        let function = Arc::clone(function);
        Some(Client { function, awc, wire, home, trusted, breaker, gate, prepared })
    }

    /// Calls the function and follows where it leads, until there is a whole answer.
    pub(super) async fn run(&self, call: &Call<'_>, progress: &Progress) -> Result<Reply, Problem> {
        let first = Request::first(&self.function.method, &self.home, call);
        let mut request = first.ok_or(Problem::Head { reason: URL_TOO_LONG.to_owned() })?;
        let mut visited = Vec::new();
        loop {
            let (response, attempt) = self.send(&request, progress).await?;
            let Some(manner) = redirect::manner(response.status()) else {
                return self.receive(response, &attempt).await;
            };
            let location = response.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
            let target = redirect::next(&request.target, response.status(), location)?;
            self.drain(response, &attempt).await;
            let method = redirect::method(manner, &request.method);
            let host = word(target.origin.host.as_bytes());
            visited.push((request.method.clone(), request.target.url.clone()));
            if visited.iter().any(|(before, url)| *before == method && *url == target.url) {
                return Err(Problem::RedirectLoop { host });
            }
            if visited.len() > FUNCTION_REDIRECTS_MAX {
                return Err(Problem::TooManyRedirects { host });
            }
            request = request.redirected(method, target, call);
        }
    }

    /// Sends a request until an answer begins: once, or twice if the first time went to a
    /// connection that was dead already (A5).
    async fn send(
        &self,
        request: &Request,
        progress: &Progress,
    ) -> Result<(ClientResponse, Rc<Attempt>), Problem> {
        let mut again = true;
        loop {
            let origin = &request.target.origin;
            let configured = self.trusted && *origin == self.home.origin;
            let attempt = self.wire.attempt(origin, configured, self.function.http_1_0);
            progress.begin(&attempt);
            let mut sending = self.start(request);
            match self.wire.drive(&attempt, |cx| Pin::new(&mut sending).poll(cx)).await {
                Ok(response) => {
                    attempt.phase.set(Phase::Body);
                    return Ok((response, attempt));
                }
                Err(_) if again && self.may_repeat(request, &attempt) => {
                    again = false;
                    self.wire.forget_idle();
                }
                Err(error) => return Err(problem(&attempt, error)),
            }
        }
    }

    /// Whether to send once more after a connection failed: nothing came back, and either nothing
    /// went out, or the function may see the call twice.
    fn may_repeat(&self, request: &Request, attempt: &Attempt) -> bool {
        let unseen = attempt.reused.get() && attempt.unseen();
        let repeatable = self.function.idempotent || request.method == Method::GET;
        let connected = attempt.refused.borrow().is_none();
        connected && attempt.read.get() == 0 && (unseen || repeatable)
    }

    fn start(&self, request: &Request) -> SendClientRequest {
        let form = request.form.clone().unwrap_or_default();
        if Rc::ptr_eq(&request.target, &self.home) {
            return self.prepared.extra_headers(request.headers()).send_body(form);
        }
        let mut sent = prepare(&self.awc, &request.method, &request.target);
        for (name, value) in request.headers() {
            sent = sent.insert_header((name, value));
        }
        if self.function.http_1_0 {
            sent = sent.version(Version::HTTP_10);
        }
        if request.target.origin != self.home.origin {
            // awc never forgets an idle connection to a host that it is not asked for again.
            sent = sent.force_close();
        }
        sent.send_body(form)
    }

    /// Reads the few words that come with a redirect, so that its connection can serve again. Where
    /// their end is not known beforehand, the connection is given up.
    async fn drain(&self, mut response: ClientResponse, attempt: &Rc<Attempt>) {
        let payload = response.take_payload();
        let Ok(length @ (Length::None | Length::Known(_))) = length(&response) else { return };
        if self.read(payload, length, attempt).await.is_ok() {
            attempt.finished(kept_for(response.headers()));
        }
    }

    /// Reads the body. That of a failure is a courtesy: without it the status says enough.
    async fn receive(
        &self,
        mut response: ClientResponse,
        attempt: &Rc<Attempt>,
    ) -> Result<Reply, Problem> {
        let (status, payload) = (response.status(), response.take_payload());
        let body = match length(&response) {
            Ok(length) => self.read(payload, length, attempt).await,
            Err(problem) => Err(problem),
        };
        let body = match body {
            Ok(body) => {
                attempt.finished(kept_for(response.headers()));
                body
            }
            Err(problem) if status.is_success() => return Err(problem),
            Err(_) => Bytes::new(),
        };
        Ok(Reply { head: Head::Received(response), body })
    }

    /// Reads a body to its end, which must be where it was said to be (A1), within the limit (A11).
    async fn read(
        &self,
        payload: Payload,
        length: Length,
        attempt: &Rc<Attempt>,
    ) -> Result<Bytes, Problem> {
        let limit = self.function.max_body_bytes;
        let expected = match length {
            Length::None => return Ok(Bytes::new()),
            Length::Known(expected) if expected > limit => return Err(Problem::TooLarge { limit }),
            Length::Known(expected) => Some(expected),
            Length::Chunked | Length::UntilClosed => None,
        };
        attempt.ends_with_connection.set(matches!(length, Length::UntilClosed));
        let mut stream = BodyStream::new(payload);
        let mut body = Collected::default();
        while let Some(chunk) =
            self.wire.drive(attempt, |cx| Pin::new(&mut stream).poll_next(cx)).await
        {
            let chunk = chunk.map_err(|error| broken(&error, body.len(), expected))?;
            if body.len() + chunk.len() > limit {
                return Err(Problem::TooLarge { limit });
            }
            body.push(chunk, expected);
        }
        match expected {
            Some(expected) if expected != body.len() => Err(truncated(body.len(), Some(expected))),
            _ => Ok(body.finish()),
        }
    }
}

/// The reason of the only request that cannot be made.
const URL_TOO_LONG: &str = "the parameters do not fit into a URL; use `method = \"POST\"`";

/// A request with everything that is the same for every call.
fn prepare(awc: &awc::Client, method: &Method, target: &Target) -> ClientRequest {
    const AGENT: &str = concat!("twimlgate/", env!("CARGO_PKG_VERSION"));
    const ACCEPT: &str = "application/json, text/xml, application/xml;q=0.9, */*;q=0.5";
    let mut request = awc
        .request(method.clone(), target.dial.clone())
        .insert_header((header::HOST, target.host.clone()))
        .insert_header((header::USER_AGENT, HeaderValue::from_static(AGENT)))
        .insert_header((header::ACCEPT, HeaderValue::from_static(ACCEPT)))
        .insert_header((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    if let Some(authorization) = &target.authorization {
        request = request.insert_header((header::AUTHORIZATION, authorization.clone()));
    }
    if *method != Method::GET {
        // What is no form says so itself, over this.
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        request = request.insert_header((header::CONTENT_TYPE, form));
    }
    request
}

/// How long the function keeps the connection, if that is less than we do. A second is left for
/// the way there (A5).
fn kept_for(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = value.split(',').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("timeout").then(|| value.parse::<u64>().ok())?
    })?;
    let kept = Duration::from_secs(seconds).saturating_sub(Duration::from_secs(1));
    (kept < FUNCTION_IDLE_MAX).then_some(kept)
}

/// What awc's error means, seen together with what the connection noted.
fn problem(attempt: &Attempt, error: SendRequestError) -> Problem {
    if let Some(problem) = attempt.refused.take() {
        return problem;
    }
    match error {
        SendRequestError::Response(ParseError::Io(error))
        | SendRequestError::Connect(ConnectError::Io(error))
        | SendRequestError::Send(error) => lost(&error),
        SendRequestError::Connect(_) => Problem::Closed { reason: "it ended".to_owned() },
        other => Problem::Head { reason: word(other.to_string().as_bytes()) },
    }
}

/// The connection broke before the head of the answer was there.
fn lost(error: &io::Error) -> Problem {
    match error.get_ref() {
        Some(inner) if inner.is::<TooManyInterim>() => Problem::Interim,
        _ => Problem::Closed { reason: word(error.to_string().as_bytes()) },
    }
}

// === impl Reply ===

impl Reply {
    pub(super) fn played(status: StatusCode, headers: HeaderMap, body: Bytes) -> Reply {
        Reply { head: Head::Played(status, headers), body }
    }

    pub(super) fn status(&self) -> StatusCode {
        match &self.head {
            Head::Received(response) => response.status(),
            Head::Played(status, _) => *status,
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        match &self.head {
            Head::Received(response) => response.headers(),
            Head::Played(_, headers) => headers,
        }
    }
}

// === impl Progress ===

impl Progress {
    fn begin(&self, attempt: &Rc<Attempt>) {
        self.attempts.set(self.attempts.get() + 1);
        self.attempt.replace(Some(Rc::clone(attempt)));
    }

    /// How many requests were sent, redirects and repetitions included.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// Whether the last one went over a connection that was there already.
    pub(super) fn reused(&self) -> bool {
        self.attempt.borrow().as_ref().is_some_and(|attempt| attempt.reused.get())
    }

    /// What is being waited for.
    pub(super) fn phase(&self) -> Phase {
        self.attempt.borrow().as_ref().map_or(Phase::Queue, |attempt| attempt.phase.get())
    }
}
