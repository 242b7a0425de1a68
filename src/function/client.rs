//! One worker's client for one endpoint: circuit breaker, concurrency limit, redirects.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use tokio::time::Instant;

use super::application::relayed_request;
use super::breaker::Breaker;
use super::concurrency_limit::{ConcurrencyLimit, LimitError, Permit};
use super::endpoint::Endpoint;
use super::error::CallError;
use super::mock::{MockTransport, Transport};
use super::outcome::OutcomeKind;
use super::project::ProjectTransport;
use super::redirect::{RedirectKind, redirect_url};
use super::request::{Destination, default_headers, first_request, redirected_request};
use super::transport::{
    CallPhase, HttpResponse, HttpTransport, SendProgress, TransportError, TransportOptions,
    printable,
};
use super::url::RequestUrl;
use super::{CallRequest, DirectCall, DirectResponse, SharedFunctions};
use crate::clock;
use crate::config::FunctionTarget;
use crate::limits::{BREAKER_TIMEOUT_MIN, FUNCTION_REDIRECTS_MAX};
use crate::node::ProcessError;
use crate::webhook::Params;

/// One worker's client for one endpoint.
pub(super) struct EndpointClient {
    endpoint: Endpoint,
    /// The URL of a configured function, or of an application.
    home: Option<Rc<RequestUrl>>,
    transport: Transport,
    /// All workers share it.
    breaker: Arc<Breaker>,
    /// This worker's.
    limit: ConcurrencyLimit,
}

impl EndpointClient {
    /// A client for the endpoint of a call, without connections. `None` if its URL cannot be
    /// called.
    pub(super) fn new(
        destination: Destination<'_>,
        shared: &SharedFunctions,
        mocks: Option<&Rc<dyn MockTransport>>,
    ) -> Option<EndpointClient> {
        let breaker = shared.breaker(destination);
        let mut project = None;
        let (endpoint, usual) = match destination {
            Destination::Function(function) => {
                let url = match &function.target {
                    FunctionTarget::Url(url) => Rc::new(RequestUrl::new(url)?),
                    FunctionTarget::File(_) | FunctionTarget::Code(_) => {
                        let link = shared.project.as_ref();
                        Rc::clone(project.insert(ProjectTransport::new(function, link)?).url())
                    }
                };
                (Endpoint::of_function(function, &url), Some((function.method.clone(), url)))
            }
            Destination::Url(request) => {
                if request.is_project() {
                    let link = shared.project.as_ref()?;
                    project = Some(ProjectTransport::at(request, link));
                }
                (Endpoint::of_url(request), None)
            }
            Destination::Application(server) => {
                let url = Rc::new(RequestUrl::new(&server.url)?);
                (Endpoint::of_application(server, &url), Some((Method::POST, url)))
            }
        };
        let limits = &endpoint.limits;
        let home = usual.as_ref().map(|(_, url)| Rc::clone(url));
        let options = TransportOptions {
            // At least one, because awc takes 0 for no limit.
            connections: limits.connections.max(1),
            connect_within: None,
            max_body_bytes: limits.max_body_bytes,
            http_1_0: limits.http_1_0,
            // A request that is passed on has all its own.
            default_headers: match destination {
                Destination::Application(_) => Vec::new(),
                Destination::Function(_) | Destination::Url(_) => default_headers(),
            },
            usual,
        };
        let http = HttpTransport::new(&shared.network, options)?;
        let transport = Transport { http, project, mocks: mocks.map(Rc::clone) };
        let limit = ConcurrencyLimit::new(limits.connections, limits.queue_until_deadline);
        Some(EndpointClient { endpoint, home, transport, breaker, limit })
    }

    /// The whole response to a call, within its deadline: the queue, every redirect and the body.
    /// The body of a failure need not be whole: its status says enough.
    ///
    /// # Errors
    /// There is no complete response.
    pub(super) async fn request(
        &self,
        call: &CallRequest<'_>,
        started: Instant,
        progress: &SendProgress,
    ) -> Result<HttpResponse, CallError> {
        let deadline = call.deadline.min(started + call.timeout);
        let after = deadline.saturating_duration_since(started);
        // Held over all redirects: they are one call of the function.
        let _permit = self.admit(deadline, started).await?;
        let transport_error = |error| CallError::from_transport(error, after);
        let mut request = first_request(call, &self.endpoint, self.home.as_ref())?;
        let mut visited = Vec::new();
        loop {
            let sent = self.transport.send(call, &request, deadline, progress).await;
            let response = sent.map_err(transport_error)?;
            let status = response.status();
            let Some(kind) = RedirectKind::of(status) else {
                // What a failure says is shown to the flow; that it failed is known without.
                return match response.body {
                    Err(error) if status.is_success() => Err(transport_error(error)),
                    _ => Ok(response),
                };
            };
            let location = response.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
            let url = redirect_url(&request.url, status, location)?;
            let method = kind.method(&request.method);
            let host = printable(url.origin.host.as_bytes());
            visited.push((request.method.clone(), request.url.text.clone()));
            // A circle has the same method too: POST, 303 and GET of the same URL is a usual form.
            if visited.iter().any(|(before, text)| *before == method && *text == url.text) {
                return Err(CallError::RedirectLoop { host });
            }
            if visited.len() > FUNCTION_REDIRECTS_MAX {
                return Err(CallError::TooManyRedirects { host });
            }
            request = redirected_request(request, method, url, call, &self.endpoint);
        }
    }

    /// Lets a call begin that must end by `deadline`.
    ///
    /// # Errors
    /// The breaker or the limit refuses it, or there is no time left.
    async fn admit(&self, deadline: Instant, started: Instant) -> Result<Permit<'_>, CallError> {
        let after = deadline.saturating_duration_since(started);
        // An earlier step of the flow used the time up.
        if after.is_zero() {
            return Err(CallError::Timeout { after, phase: CallPhase::Queue });
        }
        // Before the queue: a server that is down must not fill it.
        if !self.breaker.try_admit(started) {
            return Err(CallError::BreakerOpen);
        }
        let connections = self.endpoint.limits.connections;
        self.limit.acquire(deadline).await.map_err(|error| match error {
            LimitError::DeadlinePassed => CallError::Busy { after, connections },
            LimitError::QueueTooLong => CallError::Crowded { connections },
        })
    }

    /// Passes a request on as it came, and the whole response back.
    ///
    /// # Errors
    /// There is no complete response.
    pub(super) async fn relay(
        &self,
        call: DirectCall<'_>,
        started: Instant,
        progress: &SendProgress,
    ) -> Result<DirectResponse, CallError> {
        let DirectCall { destination, timeout, webhook, deadline, .. } = call;
        let deadline = deadline.min(started + timeout);
        let after = deadline.saturating_duration_since(started);
        let _permit = self.admit(deadline, started).await?;
        let request = match (&self.transport.project, &self.home) {
            (Some(project), _) => project.request(call),
            (None, Some(home)) => relayed_request(call, home),
            (None, None) => return Err(CallError::Unusable),
        };
        let request = request.ok_or(CallError::UrlTooLong)?;
        let none = Params::default();
        let call = CallRequest {
            destination,
            widget: "",
            replaced_url: None,
            content: None,
            credentials: None,
            parameters: &none,
            webhook,
            webhook_form: None,
            webhook_payload: None,
            cookies: None,
            signing_key: None,
            timeout,
            deadline,
            idempotency_key: "",
        };
        let transport_error = |error| CallError::from_transport(error, after);
        let response = self.transport.send(&call, &request, deadline, progress).await;
        let response = response.map_err(transport_error)?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(DirectResponse { status, headers, body: response.body.map_err(transport_error)? })
    }

    /// Tells the circuit breaker the result of a relayed request. Of a request that anybody may
    /// send, an error in the response may be a mistake of its sender.
    pub(super) fn record_response(
        &self,
        result: &Result<DirectResponse, CallError>,
        is_verified: bool,
        duration: Duration,
        timeout: Duration,
    ) {
        let failed = |cause: CallError| OutcomeKind::fail("", cause);
        let kind = match result {
            Ok(response) if response.status.is_server_error() && !is_verified => return,
            // One broken path says nothing about the others of an application.
            Ok(response)
                if response.status.is_server_error() && self.transport.project.is_some() =>
            {
                failed(CallError::Status { status: response.status.as_u16() })
            }
            Ok(_) => OutcomeKind::Success { parsed: None },
            Err(cause) => failed(cause.clone()),
        };
        self.record(&kind, duration, timeout);
    }

    /// Tells the circuit breaker the outcome of a call. A failure of the network or of a broken
    /// function counts; any other response shows that the function is alive. `timeout` is the time
    /// that the call had by its configuration.
    pub(super) fn record(&self, kind: &OutcomeKind, duration: Duration, timeout: Duration) {
        let cause = match kind {
            OutcomeKind::Success { .. } | OutcomeKind::Twiml(_) => {
                return self.breaker.record_success();
            }
            OutcomeKind::Fail(error) => &error.cause,
        };
        // A call that had little time left says nothing about the function.
        let had_time = duration >= timeout.min(BREAKER_TIMEOUT_MIN);
        match cause {
            CallError::Timeout { .. } if had_time => self.breaker.record_failure(clock::now()),
            CallError::Status { status: 500.. } => self.breaker.record_failure(clock::now()),
            CallError::Transport(error) => match error {
                TransportError::Resolve { .. }
                | TransportError::Connect { .. }
                | TransportError::Tls { .. }
                | TransportError::Closed { .. }
                | TransportError::Process(
                    ProcessError::Start { .. }
                    | ProcessError::Ended { .. }
                    | ProcessError::Memory { .. },
                )
                | TransportError::Truncated { .. } => self.breaker.record_failure(clock::now()),
                // Nothing was sent, or `CallError::Timeout` is counted instead.
                TransportError::Egress(_)
                | TransportError::Process(_)
                | TransportError::Timeout { .. } => {}
                _ => self.breaker.record_success(),
            },
            // Nothing was sent, or no response was waited for.
            CallError::Timeout { .. } | CallError::Busy { .. } | CallError::Crowded { .. } => {}
            CallError::BreakerOpen | CallError::Unusable | CallError::UrlTooLong => {}
            _ => self.breaker.record_success(),
        }
    }
}
