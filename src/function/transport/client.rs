//! The client itself: awc's, with what one request needs around it.

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
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::web::Bytes;
use awc::error::{ConnectError, SendRequestError};
use awc::{ClientRequest, ClientResponse, Connector, FrozenClientRequest, SendClientRequest};
use tokio::time::{Instant, timeout_at};

use super::body::{BodyBuffer, BodyLength, body_error, truncated_error};
use super::connection::{Attempt, ConnectionTracker};
use super::dial::Dialer;
use super::error::{CallPhase, TransportError, describe_system_error, printable};
use super::interim::TooManyInterim;
use super::{HttpRequest, HttpResponse, Network, ResponseHead, TransportOptions};
use crate::function::url::RequestUrl;
use crate::limits::FUNCTION_IDLE_MAX;

/// One worker's HTTP client for one endpoint.
pub(crate) struct HttpTransport {
    client: awc::Client,
    tracker: Rc<ConnectionTracker>,
    usual: Option<UsualRequest>,
    default_headers: Vec<(HeaderName, HeaderValue)>,
    max_body_bytes: usize,
    http_1_0: bool,
}

/// The head that most requests share, encoded once.
struct UsualRequest {
    url: Rc<RequestUrl>,
    head: FrozenClientRequest,
}

/// What is known about the requests of one call while it is under way, and after it was cut off.
#[derive(Default)]
pub(crate) struct SendProgress {
    attempt: RefCell<Option<Rc<Attempt>>>,
    attempts: Cell<u32>,
}

/// Longer than any call: awc's own timers never fire before our deadline.
const NEVER: Duration = Duration::from_secs(3600);

// === impl HttpTransport ===

impl HttpTransport {
    /// A client without connections. `None` if the usual request has no valid head.
    pub(crate) fn new(network: &Arc<Network>, options: TransportOptions) -> Option<HttpTransport> {
        let tracker = Rc::<ConnectionTracker>::default();
        let dialer = Dialer {
            tracker: Rc::clone(&tracker),
            network: Arc::clone(network),
            connect_within: options.connect_within,
        };
        let connector = Connector::new()
            .connector(dialer)
            .timeout(NEVER)
            .limit(options.connections)
            .conn_keep_alive(FUNCTION_IDLE_MAX)
            .conn_lifetime(NEVER);
        // Redirects (A7) and deadlines (A3) are ours.
        let client = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            .disable_timeout()
            .no_default_headers()
            .finish();
        let mut transport = HttpTransport {
            client,
            tracker,
            usual: None,
            default_headers: options.default_headers,
            max_body_bytes: options.max_body_bytes,
            http_1_0: options.http_1_0,
        };
        if let Some((method, url)) = options.usual {
            let head = transport.begin_request(&method, &url).freeze().ok()?;
            transport.usual = Some(UsualRequest { url, head });
        }
        Some(transport)
    }

    /// The largest body that is accepted, in bytes.
    pub(crate) fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    /// Sends a request and reads the whole response, by `deadline`. `progress` counts what was
    /// sent, also where this fails.
    ///
    /// # Errors
    /// If no response began. A response whose body is not whole has that error in its body.
    pub(crate) async fn send(
        &self,
        request: &HttpRequest,
        deadline: Instant,
        progress: &SendProgress,
    ) -> Result<HttpResponse, TransportError> {
        let exchange = async {
            let (response, attempt) = self.send_until_head(request, progress).await?;
            let is_head = request.method == Method::HEAD;
            Ok(self.receive(response, is_head, &attempt).await)
        };
        match timeout_at(deadline, exchange).await {
            Ok(result) => result,
            Err(_) => Err(TransportError::Timeout { phase: progress.phase() }),
        }
    }

    /// Sends a request until a response begins: once, or twice if the first attempt went over a
    /// connection that was dead already (A5).
    async fn send_until_head(
        &self,
        request: &HttpRequest,
        progress: &SendProgress,
    ) -> Result<(ClientResponse, Rc<Attempt>), TransportError> {
        let mut may_repeat = true;
        loop {
            let origin = &request.url.origin;
            let attempt = self.tracker.begin_attempt(origin, request.trust, self.http_1_0);
            // Before the first poll, so that a deadline right away finds its phase.
            progress.begin(&attempt);
            let mut sending = self.start(request);
            match self.tracker.poll_as(&attempt, |cx| Pin::new(&mut sending).poll(cx)).await {
                Ok(response) => {
                    attempt.phase.set(CallPhase::Body);
                    return Ok((response, attempt));
                }
                Err(_) if may_repeat && can_repeat(request, &attempt) => {
                    // A server that closes every connection gets no third request.
                    may_repeat = false;
                    self.tracker.expire_idle();
                }
                Err(error) => return Err(transport_error(&attempt, error)),
            }
        }
    }

    /// Hands a request to awc.
    fn start(&self, request: &HttpRequest) -> SendClientRequest {
        let body = request.body.clone().unwrap_or_default();
        // The same allocation is the same URL; comparing texts would cost each call.
        if let Some(usual) = self.usual.as_ref().filter(|it| Rc::ptr_eq(&it.url, &request.url)) {
            let mut headers = HeaderMap::with_capacity(request.headers.len());
            for (name, value) in &request.headers {
                headers.insert(name.clone(), value.clone());
            }
            return usual.head.extra_headers(headers).send_body(body);
        }
        let mut sent = self.begin_request(&request.method, &request.url);
        for (at, (name, value)) in request.headers.iter().enumerate() {
            let header = (name.clone(), value.clone());
            // A request that is passed on may repeat one. The first wins over the default header.
            let is_repeated = request.headers[..at].iter().any(|(before, _)| before == name);
            sent =
                if is_repeated { sent.append_header(header) } else { sent.insert_header(header) };
        }
        if !request.keep_alive {
            sent = sent.force_close();
        }
        sent.send_body(body)
    }

    /// A request with all that does not differ from one to the next.
    fn begin_request(&self, method: &Method, url: &RequestUrl) -> ClientRequest {
        let version = if self.http_1_0 { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut request = self
            .client
            .request(method.clone(), url.dial_url.clone())
            .version(version)
            .insert_header((header::HOST, url.host_header.clone()));
        let has_body = *method != Method::GET;
        for (name, value) in &self.default_headers {
            if has_body || *name != header::CONTENT_TYPE {
                request = request.insert_header((name.clone(), value.clone()));
            }
        }
        if let Some(authorization) = &url.authorization {
            request = request.insert_header((header::AUTHORIZATION, authorization.clone()));
        }
        request
    }

    /// Reads the body of a response, and decides whether its connection serves again.
    async fn receive(
        &self,
        mut response: ClientResponse,
        is_head: bool,
        attempt: &Rc<Attempt>,
    ) -> HttpResponse {
        let payload = response.take_payload();
        // The length in a response to HEAD is that of a body which is not sent.
        let length = if is_head { Ok(BodyLength::Empty) } else { BodyLength::of(&response) };
        let body = match length {
            // Giving the connection up is cheaper than reading what may never end.
            Ok(length) if is_redirect(response.status()) && !length.is_announced() => {
                Ok(Bytes::new())
            }
            Ok(length) => {
                let read = self.read(payload, length, attempt).await;
                if read.is_ok() {
                    attempt.finish(keep_alive_timeout(response.headers()));
                }
                read
            }
            Err(error) => Err(error),
        };
        HttpResponse { head: ResponseHead::Received(response), body }
    }

    /// Reads a body to its end, which must be where it was announced (A1), within the limit (A11).
    async fn read(
        &self,
        payload: Payload,
        length: BodyLength,
        attempt: &Rc<Attempt>,
    ) -> Result<Bytes, TransportError> {
        let limit = self.max_body_bytes;
        let expected = match length {
            BodyLength::Empty => return Ok(Bytes::new()),
            // Refused unread: the bytes would be thrown away.
            BodyLength::Known(expected) if expected > limit => {
                return Err(TransportError::TooLarge { limit });
            }
            BodyLength::Known(expected) => Some(expected),
            BodyLength::Chunked | BodyLength::UntilClosed => None,
        };
        attempt.ends_with_connection.set(matches!(length, BodyLength::UntilClosed));
        let mut stream = BodyStream::new(payload);
        let mut body = BodyBuffer::default();
        while let Some(chunk) =
            self.tracker.poll_as(attempt, |cx| Pin::new(&mut stream).poll_next(cx)).await
        {
            // awc's error says less than what has been counted here.
            let chunk = chunk.map_err(|error| body_error(&error, body.len(), expected))?;
            // Before it is stored: a chunk may be as large as the rest of the memory.
            if body.len() + chunk.len() > limit {
                return Err(TransportError::TooLarge { limit });
            }
            body.push(chunk, expected);
        }
        match expected {
            Some(expected) if expected != body.len() => {
                Err(truncated_error(body.len(), Some(expected)))
            }
            _ => Ok(body.into_bytes()),
        }
    }
}

/// Whether to send once more after a connection failed: nothing came back, and either the server
/// cannot have read the request, or it may process the request twice.
fn can_repeat(request: &HttpRequest, attempt: &Attempt) -> bool {
    let unread = attempt.reused.get() && attempt.is_unread();
    let connected = attempt.connect_error.borrow().is_none();
    connected && attempt.bytes_read.get() == 0 && (unread || request.is_idempotent)
}

/// Whether the status is one that clients follow.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301..=303 | 307 | 308)
}

/// How long the server keeps the connection, if that is less than we do. A second is left for the
/// way there (A5).
fn keep_alive_timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = value.split(',').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("timeout").then(|| value.parse::<u64>().ok())?
    })?;
    let timeout = Duration::from_secs(seconds).saturating_sub(Duration::from_secs(1));
    (timeout < FUNCTION_IDLE_MAX).then_some(timeout)
}

/// What awc's error means, together with what the connection noted.
fn transport_error(attempt: &Attempt, error: SendRequestError) -> TransportError {
    // awc has no room for the dialer's error in its own.
    if let Some(error) = attempt.connect_error.take() {
        return error;
    }
    match error {
        SendRequestError::Response(ParseError::Io(error))
        | SendRequestError::Connect(ConnectError::Io(error))
        | SendRequestError::Send(error) => to_closed_error(&error),
        SendRequestError::Connect(_) => TransportError::Closed { reason: "it ended".to_owned() },
        other => TransportError::Head { reason: printable(other.to_string().as_bytes()) },
    }
}

/// The connection broke before the head of the response was there.
fn to_closed_error(error: &io::Error) -> TransportError {
    match error.get_ref() {
        Some(inner) if inner.is::<TooManyInterim>() => TransportError::Interim,
        _ => TransportError::Closed { reason: describe_system_error(error) },
    }
}

// === impl SendProgress ===

impl SendProgress {
    fn begin(&self, attempt: &Rc<Attempt>) {
        self.attempts.set(self.attempts.get() + 1);
        self.attempt.replace(Some(Rc::clone(attempt)));
    }

    /// How many requests were sent, redirects and repetitions included.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// Whether the last request went over a reused connection.
    pub(crate) fn reused_connection(&self) -> bool {
        self.attempt.borrow().as_ref().is_some_and(|attempt| attempt.reused.get())
    }

    /// What the last request is waiting for.
    fn phase(&self) -> CallPhase {
        self.attempt.borrow().as_ref().map_or(CallPhase::Queue, |attempt| attempt.phase.get())
    }
}
