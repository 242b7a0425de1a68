//! A gateway in this process: webhooks reach the exchange without a socket, and each response
//! comes with a trace.

use std::future::ready;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE,
};
use actix_web::web::Bytes;
use parking_lot::Mutex;
use tokio::time::sleep;

use super::caller::PhoneNumber;
use crate::carrier_api;
use crate::channel::Channel;
use crate::clock;
use crate::config::Account;
use crate::exchange::{DirectReply, ExchangeContext, exchange, exchange_directly, resume_due};
use crate::function::{FunctionResponse, MockResponse, MockTransport, OutgoingRequest};
use crate::gateway::{Gateway, Worker};
use crate::journal::{ExchangeLog, ExchangeTrace, Journal, LogWriter};
use crate::metrics::Metrics;
use crate::node::{ConsoleLine, ConsoleSink};
use crate::pending::PendingCalls;
use crate::random;
use crate::route::{DirectCallee, DirectRoute, DirectTarget};
use crate::secret::Secret;
use crate::session::{Sessions, StoreError, StoredExecution, decode_execution};
use crate::uri::parts;
use crate::webhook::Received;

/// A gateway with one worker and a store in memory. Only functions without a mock are called over
/// the network. The carrier's API is always a mock: no message is sent, and no call is made.
pub struct InProcessGateway {
    gateway: Arc<Gateway>,
    worker: Worker,
    journal: Journal,
    origin: String,
    pub(super) mocks: Rc<GatewayMocks>,
    /// What functions of the project have written since the last exchange.
    console: Arc<Mutex<Vec<String>>>,
    /// Whether time is simulated, so that waiting costs nothing.
    simulates_time: bool,
}

/// A response of the gateway with its trace.
#[derive(Clone, Debug)]
pub(super) struct InProcessResponse {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Bytes,
    /// The values of `Set-Cookie` headers.
    pub(super) cookies: Vec<String>,
    pub(super) location: Option<String>,
    pub(super) trace: ExchangeTrace,
}

/// The mocks of functions and of the carrier's API. Those of the user come first.
pub(super) struct GatewayMocks {
    functions: Option<Rc<dyn MockTransport>>,
    accounts: Vec<Arc<Account>>,
}

/// The origin of webhook URLs if the configuration has no `public_url`.
const ORIGIN: &str = "http://gateway.invalid";

impl InProcessGateway {
    /// Starts a gateway. With `simulates_time`, [`clock::pretend`] must be in effect.
    pub fn new(
        gateway: Gateway,
        functions: Option<Rc<dyn MockTransport>>,
        simulates_time: bool,
    ) -> InProcessGateway {
        let accounts = gateway.config.accounts.clone();
        let mocks = Rc::new(GatewayMocks { functions, accounts });
        let metrics = Metrics::new();
        let pending = PendingCalls::new(metrics.pending_calls.clone());
        let mut worker = gateway.worker(Sessions::memory(), pending);
        // The path through the flow is part of the output and of flow tests.
        worker.records_transitions = true;
        worker.functions = worker.functions.with_mocks(Rc::clone(&mocks) as Rc<dyn MockTransport>);
        let origin = gateway.config.server.public_url.clone();
        let console = Arc::<Mutex<Vec<String>>>::default();
        if let Some(project) = &gateway.project {
            let lines = Arc::clone(&console);
            let write = move |line: ConsoleLine<'_>| lines.lock().push(line.text.to_owned());
            project.pool.write_console_to(ConsoleSink::new(write));
        }
        InProcessGateway {
            origin: origin.unwrap_or_else(|| ORIGIN.to_owned()),
            gateway: Arc::new(gateway),
            worker,
            journal: Journal::new(LogWriter::none(), Arc::new(metrics)),
            mocks,
            console,
            simulates_time,
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

    /// A phone number whose webhooks all go to a route.
    pub fn phone_number(&self, route: &str) -> PhoneNumber {
        let url = format!("{}{route}", self.origin);
        let status_callback = Some(url.clone());
        PhoneNumber { status_callback, ..PhoneNumber::for_url(&url) }
    }

    /// The channel of a route; `None` if there is no such route.
    pub fn channel(&self, route: &str) -> Option<Channel> {
        self.gateway.config.routes.get(route).map(|route| route.channel)
    }

    /// Whether a path is answered without a flow: by a function of the project or an application.
    pub(crate) fn has_direct_route(&self, target: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        self.direct_callee(path).is_some()
    }

    fn direct_callee(&self, path: &str) -> Option<(&Arc<DirectRoute>, &DirectCallee)> {
        let route = self.gateway.direct_route(path)?;
        match &route.target {
            DirectTarget::Call(callee) => Some((route, callee)),
            DirectTarget::Asset(_) => None,
        }
    }

    /// The token of the first account, which signs the webhooks.
    pub(crate) fn token(&self) -> Option<Secret> {
        self.gateway.config.accounts.first()?.auth_tokens.first().cloned()
    }

    /// The sid of the first account.
    pub fn account(&self) -> Option<&str> {
        Some(&self.gateway.config.accounts.first()?.sid)
    }

    /// Path and query of a URL of this gateway; `None` for the URL of another server.
    pub(super) fn target<'a>(&self, url: &'a str) -> Option<&'a str> {
        let target = url.strip_prefix(&self.origin)?;
        target.starts_with(['/', '?']).then_some(target)
    }

    /// Responds to one webhook.
    pub(super) async fn respond(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> InProcessResponse {
        let mut map = HeaderMap::new();
        let host = parts(&self.origin).1.to_owned();
        // The signature is over the public URL, so the host must be that of the configuration.
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
        let at = self.gateway.routes.at(received.path());
        let direct = if at.is_none() { self.direct_callee(received.path()) } else { None };
        let deadline = began + self.gateway.answer_within(at, direct.map(|(route, _)| route));
        let mut log = ExchangeLog::begin(&self.journal, began).with_trace();
        let context = ExchangeContext { gateway: &self.gateway, worker: &self.worker, deadline };
        if let Some((route, callee)) = direct {
            let received = pin!(ready(Ok(received)));
            let reply = exchange_directly(context, route, callee, received, &mut log).await;
            return InProcessResponse::of_direct(reply, self.finish_trace(log));
        }
        let answer = exchange(context, at, pin!(ready(Ok(received))), &mut log).await;
        InProcessResponse {
            status: answer.status,
            // As the server sends it: only a document has a content type.
            content_type: (answer.status == 200).then(|| "text/xml; charset=utf-8".to_owned()),
            body: answer.document,
            cookies: answer.cookies,
            location: None,
            trace: self.finish_trace(log),
        }
    }

    fn finish_trace(&self, log: ExchangeLog) -> ExchangeTrace {
        let console = std::mem::take(&mut *self.console.lock());
        ExchangeTrace { console, ..log.into_trace() }
    }

    /// Lets time pass, and resumes each execution whose wait ends meanwhile, at its own time.
    /// Without a time, the first wait ends, whenever that is.
    ///
    /// # Errors
    /// If the store fails.
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
            // Without a due execution the rest of the time passes at once.
            let next = due.as_ref().and_then(|due| due.due).or(time.map(|_| until));
            let Some(next) = next else { break };
            let has_call = due.as_ref().is_some_and(waits_for_function);
            let returned = self.pass_time_or_return(next.saturating_sub(now), has_call).await?;
            now = if returned.is_some() { now.max(clock::wall()) } else { now.max(next) };
            let Some(saved) = returned.or(due) else { break };
            let mut log = ExchangeLog::begin(&self.journal, clock::now()).with_trace();
            log.begin_timer(&saved.sid);
            let result = resume_due(&self.gateway, &self.worker, &saved, now, &mut log).await;
            let mut trace = log.into_trace();
            let (failed, is_polled) = (result.is_err(), trace.pending_function.is_some());
            trace.fallback = result.err().map(|error| error.to_string()).or(trace.fallback);
            traces.push(trace);
            // A poll of a slow function is not the end of a wait without a time.
            if failed || (time.is_none() && !is_polled) {
                break;
            }
        }
        Ok(traces)
    }

    /// Lets time pass, or returns earlier with the execution whose pending function has answered.
    /// With `has_call`, a real function runs: the time is spent even if it is not simulated.
    async fn pass_time_or_return(
        &self,
        time: Duration,
        has_call: bool,
    ) -> Result<Option<StoredExecution>, StoreError> {
        let mut passed = pin!(async {
            if self.simulates_time || has_call {
                sleep(time).await;
            }
        });
        loop {
            tokio::select! {
                // An answer that is ready at the end of the time comes first.
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

    /// Lets simulated time pass. Real time does not: the person at the terminal need not wait.
    pub(super) async fn pass_time(&self, time: Duration) {
        if self.simulates_time {
            sleep(time).await;
        }
    }
}

/// Whether an execution waits for a pending function.
fn waits_for_function(saved: &StoredExecution) -> bool {
    decode_execution(saved).is_ok_and(|execution| execution.pending_call().is_some())
}

// === impl InProcessResponse ===

impl InProcessResponse {
    /// What a function or an application has answered by itself.
    fn of_direct(reply: DirectReply, trace: ExchangeTrace) -> InProcessResponse {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        InProcessResponse {
            status: reply.status.as_u16(),
            content_type: reply.headers.get(CONTENT_TYPE).and_then(text),
            cookies: reply.headers.get_all(SET_COOKIE).filter_map(text).collect(),
            location: reply.headers.get(LOCATION).and_then(text),
            body: reply.body,
            trace,
        }
    }
}

// === impl GatewayMocks ===

impl MockTransport for GatewayMocks {
    fn respond(&self, request: &OutgoingRequest<'_>) -> Option<MockResponse> {
        let function = self.functions.as_ref().and_then(|functions| functions.respond(request));
        function.or_else(|| self.api_response(request))
    }
}

impl GatewayMocks {
    /// The response of the carrier's API to a request that it accepts.
    fn api_response(&self, request: &OutgoingRequest<'_>) -> Option<MockResponse> {
        let mut accounts = self.accounts.iter();
        accounts.find(|account| carrier_api::is_carrier_url(account, &request.url))?;
        let kind = request.url.rsplit('/').next().unwrap_or_default();
        // The prefix of a sid tells its resource, and flows may look at it.
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
