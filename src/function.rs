//! Stage 6: the user's code over HTTP: one call in, one outcome out, whatever the function does.
//!
//! A [`CallRequest`] goes to an endpoint. `client.rs` asks its circuit breaker (`breaker.rs`) and
//! waits for its concurrency limit (`concurrency_limit.rs`), `request.rs` builds and signs the
//! request with the body of `call_body.rs`, `transport/` sends it and reads the whole response,
//! `redirect.rs` says whether another request follows, and `answer.rs` what the response means.
//! `cookies.rs` renames the cookies that pass between the carrier and a function. `egress.rs` says
//! where connections may go; the transport asks it about every address.
//!
//! Invariant: a call never panics, never outlives its deadline, and connects to no address that the
//! egress policy refuses. `project.rs` takes the place of the transport for functions that the
//! gateway runs itself. `application.rs` passes a request on as it came. Only `transport/` knows
//! awc. Nothing here knows flows, the exchange, the
//! journal or the gateway.

mod answer;
mod application;
mod breaker;
mod call_body;
mod client;
mod concurrency_limit;
mod cookies;
mod egress;
mod endpoint;
mod error;
mod mock;
mod outcome;
mod project;
mod redirect;
mod request;
pub(crate) mod transport;
mod url;

pub use answer::classify;
pub(crate) use answer::is_response;
pub use application::ApplicationServer;
pub use cookies::{CallCookies, FunctionCookies};
pub use egress::{EgressPolicy, RefusedAddress, Trust};
pub use error::{CallError, FunctionError};
pub use mock::{MockResponse, MockTransport, OutgoingRequest};
pub use outcome::{FunctionResponse, Outcome, OutcomeKind};
pub use project::ProjectLink;
pub use request::{CallContent, Destination, RequestBody, UnusableUrl, UrlRequest};
pub use transport::{CallPhase, Resolver, ResolverEntry, TlsError, TransportError};
pub use url::{Origin, RequestUrl};

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::clock;
use crate::config::Config;
use crate::verify::SigningKey;
use crate::webhook::{Params, WebhookPayload};
use breaker::Breaker;
use client::EndpointClient;
use endpoint::EndpointMap;
use transport::{Network, SendProgress};

/// What all workers share: made once per configuration, cloned into each worker.
#[derive(Clone, Debug)]
pub struct SharedFunctions {
    breakers: Arc<Mutex<EndpointMap<Arc<Breaker>>>>,
    network: Arc<Network>,
    /// For functions that the gateway runs itself.
    project: Option<ProjectLink>,
}

/// The functions as one worker calls them: connections are neither shared nor sent. A clone has the
/// same connections.
#[derive(Clone)]
pub struct Functions {
    shared: SharedFunctions,
    clients: Rc<RefCell<EndpointMap<Rc<EndpointClient>>>>,
    mocks: Option<Rc<dyn MockTransport>>,
}

/// A request for an application, or for a function that the gateway runs, as it came: it is passed
/// on unchanged.
pub struct DirectCall<'a> {
    /// The function or the application.
    pub destination: Destination<'a>,
    /// The time that the call may take.
    pub timeout: Duration,
    /// The method of the request.
    pub method: Method,
    /// Path and query.
    pub target: &'a str,
    /// All header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The parameters of the webhook, if it is one.
    pub webhook: &'a Params,
    /// Whether the request is known to come from the carrier.
    pub is_verified: bool,
    /// When the request must be answered: it may end the call before its timeout.
    pub deadline: Instant,
}

/// The response to a [`DirectCall`].
pub struct DirectResponse {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// One call.
#[derive(Clone, Copy)]
pub struct CallRequest<'a> {
    /// Where it goes.
    pub destination: Destination<'a>,
    /// The widget that calls; empty where none does.
    pub widget: &'a str,
    /// The URL of the widget that a configured function replaces. Its query is sent too, and its
    /// credentials where the function's URL has none.
    pub replaced_url: Option<&'a str>,
    /// What the widget says of its request. `None`: the method of a configured function, or POST,
    /// and a form.
    pub content: Option<&'a CallContent>,
    /// The value of `Authorization`. It wins over credentials in the URL.
    pub credentials: Option<&'a HeaderValue>,
    /// The flow's parameters, rendered. They win over the carrier's of the same name.
    pub parameters: &'a Params,
    /// The carrier's parameters, sent along if the function's `forward_webhook` says so.
    pub webhook: &'a Params,
    /// The same as they came, form-encoded: sent as they are where nothing is changed. `None`
    /// where the webhook was no form.
    pub webhook_form: Option<&'a Bytes>,
    /// The body of a webhook that is not a form. `webhook` has its members.
    pub webhook_payload: Option<&'a WebhookPayload>,
    /// The cookies, if the route passes them on.
    pub cookies: Option<CallCookies<'a>>,
    /// The account's key, which signs the request as the carrier would.
    pub signing_key: Option<&'a SigningKey>,
    /// The time for the whole call, redirects and body included.
    pub timeout: Duration,
    /// When the whole webhook must be answered: it may end the call before its timeout.
    pub deadline: Instant,
    /// The same when the same step of a flow runs again: `I-Twilio-Idempotency-Token` and
    /// `Idempotency-Key`.
    pub idempotency_key: &'a str,
}

// === impl CallRequest ===

impl<'a> CallRequest<'a> {
    /// The method of the first request.
    fn method(&self) -> &'a Method {
        match (self.content, self.destination) {
            (Some(content), _) if content.is_get => &Method::GET,
            (None, Destination::Function(function)) => &function.method,
            (Some(_), _) | (None, Destination::Url(_) | Destination::Application(_)) => {
                &Method::POST
            }
        }
    }
}

// === impl SharedFunctions ===

impl SharedFunctions {
    /// What the workers share for this configuration.
    ///
    /// # Errors
    /// If `[egress] ca_file` cannot be used.
    pub fn new(config: &Config, resolver: Resolver) -> Result<SharedFunctions, TlsError> {
        let network = Arc::new(Network::new(&config.egress, resolver)?);
        Ok(SharedFunctions { breakers: Arc::default(), network, project: None })
    }

    /// The same with the functions that the gateway runs itself.
    pub fn with_project(self, project: Option<ProjectLink>) -> SharedFunctions {
        SharedFunctions { project, ..self }
    }

    /// The functions that the gateway runs itself.
    pub(crate) fn project(&self) -> Option<&ProjectLink> {
        self.project.as_ref()
    }

    /// Whether calls of a configured function fail at once, because it failed too often.
    pub fn is_broken(&self, function: &str) -> bool {
        self.breakers.lock().get_function(function).is_some_and(|breaker| breaker.is_open())
    }

    fn breaker(&self, destination: Destination<'_>) -> Arc<Breaker> {
        let mut breakers = self.breakers.lock();
        if let Some(breaker) = breakers.get(destination) {
            return Arc::clone(breaker);
        }
        // Under the same lock: two workers must not make a breaker each.
        let breaker = Arc::<Breaker>::default();
        breakers.insert(destination, Arc::clone(&breaker));
        breaker
    }
}

// === impl Functions ===

impl Functions {
    /// The functions of a configuration, for the worker that this runs in.
    pub fn new(shared: &SharedFunctions) -> Functions {
        Functions { shared: shared.clone(), clients: Rc::default(), mocks: None }
    }

    /// The same with mocks, which are asked before a request goes to the network.
    pub fn with_mocks(self, mocks: Rc<dyn MockTransport>) -> Functions {
        // Without the clients so far: a client has its transport for life.
        Functions { mocks: Some(mocks), clients: Rc::default(), ..self }
    }

    /// Calls a function or another URL. Whatever goes wrong is in the outcome.
    pub async fn call(&self, call: CallRequest<'_>) -> Outcome {
        let (started, progress) = (clock::now(), SendProgress::default());
        let name = call.destination.name();
        let client = self.client(call.destination);
        let received = match &client {
            Some(client) => client.request(&call, started, &progress).await,
            None => Err(CallError::Unusable),
        };
        let mut cookies = None;
        let (kind, response) = match received {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers());
                // Those of a failure too: a function may end a session with its error.
                cookies = call.cookies.and_then(|it| it.response_cookies(name, headers));
                // Of a success the client has made sure that the body is whole.
                let empty = Bytes::new();
                let body = response.body.as_ref().unwrap_or(&empty);
                let kind = classify(name, status, headers, body);
                (kind, Some(FunctionResponse::from(response)))
            }
            Err(cause) => (OutcomeKind::fail(name, cause), None),
        };
        // The queue is a part of it: the caller waited for it too.
        let duration = clock::now().duration_since(started);
        if let Some(client) = client {
            client.record(&kind, duration, call.timeout);
        }
        let (attempts, reused_connection) = (progress.attempts(), progress.reused_connection());
        Outcome { kind, response, cookies, duration, attempts, reused_connection }
    }

    /// Passes a request on as it came. The response is not classified, and a redirect
    /// is not followed: both are for the client that sent the request.
    ///
    /// # Errors
    /// There is no response.
    pub async fn call_directly(&self, call: DirectCall<'_>) -> Result<DirectResponse, CallError> {
        let (started, progress) = (clock::now(), SendProgress::default());
        let client = self.client(call.destination).ok_or(CallError::Unusable)?;
        let (timeout, is_verified) = (call.timeout, call.is_verified);
        let result = client.relay(call, started, &progress).await;
        let duration = clock::now().duration_since(started);
        client.record_response(&result, is_verified, duration, timeout);
        result
    }

    /// The client of an endpoint, made when it is first called.
    fn client(&self, destination: Destination<'_>) -> Option<Rc<EndpointClient>> {
        if let Some(client) = self.clients.borrow().get(destination) {
            return Some(Rc::clone(client));
        }
        let client = EndpointClient::new(destination, &self.shared, self.mocks.as_ref())?;
        let client = Rc::new(client);
        self.clients.borrow_mut().insert(destination, Rc::clone(&client));
        Some(client)
    }
}
