//! Our own gateway in this process: webhooks go to the exchange without a socket, and everything
//! that it does can be seen.

use std::future::ready;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use tokio::time::sleep;

use super::caller::PhoneNumber;
use crate::carrier_api;
use crate::channel::Channel;
use crate::clock;
use crate::config::Account;
use crate::exchange::{ExchangeContext, exchange, resume_due};
use crate::function::{FunctionResponse, MockResponse, MockTransport, OutgoingRequest};
use crate::gateway::{Gateway, Worker};
use crate::journal::{ExchangeLog, ExchangeTrace, Journal, LogWriter};
use crate::metrics::Metrics;
use crate::pending::PendingCalls;
use crate::random;
use crate::secret::Secret;
use crate::session::{Sessions, StoreError, StoredExecution, decode_execution};
use crate::uri::parts;
use crate::webhook::Received;

/// A gateway on the desk: one worker, a store that ends with it, and no network but for functions
/// without a mock. The carrier's API always has one: nothing is sent to anybody.
pub struct InProcessGateway {
    gateway: Arc<Gateway>,
    worker: Worker,
    journal: Journal,
    origin: String,
    pub(super) mocks: Rc<GatewayMocks>,
    /// Whether time is pretended, so that it may be waited for.
    pretended: bool,
}

/// An answer of the gateway, and all that led to it.
#[derive(Clone, Debug)]
pub(super) struct InProcessResponse {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Bytes,
    pub(super) trace: ExchangeTrace,
}

/// The mocks of a gateway: those of the user, then the carrier's API.
pub(super) struct GatewayMocks {
    given: Option<Rc<dyn MockTransport>>,
    accounts: Vec<Arc<Account>>,
}

/// Where webhooks go if the configuration has no `public_url`.
const ORIGIN: &str = "http://gateway.invalid";

impl InProcessGateway {
    /// Sets a gateway up. With `pretended`, time passes as [`clock::pretend`] has it.
    pub fn new(
        gateway: Gateway,
        given: Option<Rc<dyn MockTransport>>,
        pretended: bool,
    ) -> InProcessGateway {
        let accounts = gateway.config.accounts.clone();
        let mocks = Rc::new(GatewayMocks { given, accounts });
        let metrics = Metrics::new();
        let pending = PendingCalls::new(metrics.held.clone());
        let mut worker = gateway.worker(Sessions::memory(), pending);
        worker.records_transitions = true;
        worker.functions = worker.functions.with_mocks(Rc::clone(&mocks) as Rc<dyn MockTransport>);
        let origin = gateway.config.server.public_url.clone();
        InProcessGateway {
            origin: origin.unwrap_or_else(|| ORIGIN.to_owned()),
            gateway: Arc::new(gateway),
            worker,
            journal: Journal { log: LogWriter::none(), metrics: Arc::new(metrics) },
            mocks,
            pretended,
        }
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The calls of functions that outlast their webhooks.
    pub fn pending(&self) -> &PendingCalls {
        &self.worker.pending
    }

    /// The number that a route answers: all of its webhooks go there.
    pub fn number(&self, route: &str) -> PhoneNumber {
        let url = format!("{}{route}", self.origin);
        let status_callback = Some(url.clone());
        PhoneNumber { status_callback, ..PhoneNumber::at(&url) }
    }

    /// What a route answers; `None` where there is no such route.
    pub fn channel(&self, route: &str) -> Option<Channel> {
        self.gateway.config.routes.get(route).map(|route| route.channel)
    }

    /// The token of the first account, which signs what goes to the gateway.
    pub fn token(&self) -> Option<Secret> {
        self.gateway.config.accounts.first()?.auth_tokens.first().cloned()
    }

    /// The sid of the first account.
    pub fn account(&self) -> Option<&str> {
        Some(&self.gateway.config.accounts.first()?.sid)
    }

    /// The part of a URL that the gateway answers: path and query.
    pub(super) fn target<'a>(&self, url: &'a str) -> Option<&'a str> {
        let target = url.strip_prefix(&self.origin)?;
        target.starts_with(['/', '?']).then_some(target)
    }

    /// Answers one request.
    pub(super) async fn answer(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> InProcessResponse {
        let mut map = HeaderMap::new();
        let host = parts(&self.origin).1.to_owned();
        for (name, value) in headers.iter().chain([&("host", host)]) {
            let name = HeaderName::try_from(*name).ok();
            if let Some((name, value)) = name.zip(HeaderValue::from_str(value).ok()) {
                map.insert(name, value);
            }
        }
        let received = Received {
            method,
            target: target.to_owned(),
            headers: map,
            peer: None,
            body: body.into(),
        };
        let began = clock::now();
        let deadline = began + self.gateway.config.server.answer_within;
        let mut log = ExchangeLog::begin(&self.journal, began).with_trace();
        let context = ExchangeContext { gateway: &self.gateway, worker: &self.worker, deadline };
        let at = self.gateway.routes.at(received.path());
        let answer = exchange(context, at, pin!(ready(Ok(received))), &mut log).await;
        InProcessResponse {
            status: answer.status,
            content_type: (answer.status == 200).then(|| "text/xml; charset=utf-8".to_owned()),
            body: answer.document,
            trace: log.into_trace(),
        }
    }

    /// Lets time pass: waits that are over by then end, each at its own moment. Without a time it
    /// is the first wait that there is.
    ///
    /// # Errors
    /// Where the store fails.
    pub(super) async fn wait(
        &self,
        time: Option<Duration>,
    ) -> Result<Vec<ExchangeTrace>, StoreError> {
        let began = clock::wall();
        let until = time.map_or(Duration::MAX, |time| began.saturating_add(time));
        let mut traces = Vec::new();
        let mut now = began;
        loop {
            let due = self.worker.sessions.due(until, 1).await?.pop();
            let next = due.as_ref().and_then(|due| due.due).or(time.map(|_| until));
            let Some(next) = next else { break };
            let held = due.as_ref().is_some_and(is_held);
            let back = self.pass_or_back(next.saturating_sub(now), held).await?;
            now = if back.is_some() { now.max(clock::wall()) } else { now.max(next) };
            let Some(saved) = back.or(due) else { break };
            let mut log = ExchangeLog::begin(&self.journal, clock::now()).with_trace();
            log.begin_timer(&saved.sid);
            let fired = resume_due(&self.gateway, &self.worker, &saved, now, &mut log).await;
            let mut trace = log.into_trace();
            let (failed, held) = (fired.is_err(), trace.held.is_some());
            trace.fallback = fired.err().map(|error| error.to_string()).or(trace.fallback);
            traces.push(trace);
            // That a function is still at work is not what somebody without a time waits for.
            if failed || (time.is_none() && !held) {
                break;
            }
        }
        Ok(traces)
    }

    /// Lets time pass until a function has come back that nobody asks for: its execution. A call
    /// that is under way takes its time also where none is pretended.
    async fn pass_or_back(
        &self,
        time: Duration,
        held: bool,
    ) -> Result<Option<StoredExecution>, StoreError> {
        let mut passed = pin!(async {
            if self.pretended || held {
                sleep(time).await;
            }
        });
        loop {
            tokio::select! {
                biased;
                () = self.worker.pending.announcement() => {}
                () = &mut passed => return Ok(None),
            }
            for sid in self.worker.pending.take_announced() {
                if let Some(saved) = self.worker.sessions.execution(&sid).await? {
                    return Ok(Some(saved));
                }
            }
        }
    }

    /// Time that is pretended passes; the other kind is not waited for.
    pub(super) async fn pass(&self, time: Duration) {
        if self.pretended {
            sleep(time).await;
        }
    }
}

/// Whether an execution waits for a function that is at work.
fn is_held(saved: &StoredExecution) -> bool {
    decode_execution(saved).is_ok_and(|execution| execution.pending_call().is_some())
}

// === impl GatewayMocks ===

impl MockTransport for GatewayMocks {
    fn respond(&self, request: &OutgoingRequest<'_>) -> Option<MockResponse> {
        let given = self.given.as_ref().and_then(|given| given.respond(request));
        given.or_else(|| self.carrier_api(request))
    }
}

impl GatewayMocks {
    /// The response of the carrier's API where it does what it is asked for.
    fn carrier_api(&self, request: &OutgoingRequest<'_>) -> Option<MockResponse> {
        let mut accounts = self.accounts.iter();
        accounts.find(|account| carrier_api::is_carrier_url(account, &request.url))?;
        let kind = request.url.rsplit('/').next().unwrap_or_default();
        let prefix = match kind.trim_end_matches(".json") {
            "Messages" => "SM",
            "Calls" => "CA",
            "Recordings" => "RE",
            "Conversations" => "CH",
            _ => "IX",
        };
        let sid = random::sid(prefix);
        let body = serde_json::json!({"sid": sid, "status": "queued"}).to_string();
        let content_type = Some("application/json".to_owned());
        let response = FunctionResponse { status_code: 201, content_type, body: body.into() };
        Some(MockResponse { delay: Duration::ZERO, result: Ok(response) })
    }
}
