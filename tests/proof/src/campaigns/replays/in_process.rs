//! A gateway in this process whose clock is pretended.
//!
//! `twimlgate::tools::phone` draws a fresh idempotency token for each request, as a carrier does;
//! to send the same one again takes the exchange itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use twimlgate::clock;
use twimlgate::exchange::{ExchangeContext, exchange, resume_due};
use twimlgate::function::{FunctionResponse, MockResponse, MockTransport, OutgoingRequest};
use twimlgate::gateway::{Gateway, Worker};
use twimlgate::journal::{ExchangeLog, Journal, LogWriter};
use twimlgate::metrics::Metrics;
use twimlgate::pending::PendingCalls;
use twimlgate::session::{ExecutionQuery, Sessions, StoreUrl, StoredExecution};
use twimlgate::webhook::Received;

use crate::campaign::Context;
use crate::carrier::{Ask, Reply};
use crate::gateway::{self, Setup};

/// One worker of a gateway, and the function that it calls.
pub(super) struct InProcess {
    gateway: Gateway,
    worker: Worker,
    journal: Journal,
    function: Rc<Counting>,
    store: StoreUrl,
}

/// A function that counts: for everybody, and all.
#[derive(Default)]
struct Counting {
    all: Cell<u64>,
    each: RefCell<HashMap<String, u32>>,
}

impl MockTransport for Counting {
    fn respond(&self, asking: &OutgoingRequest<'_>) -> Option<MockResponse> {
        self.all.set(self.all.get() + 1);
        let who = asking.parameters.get("who").unwrap_or_default().to_owned();
        let mut each = self.each.borrow_mut();
        let count = each.entry(who).or_default();
        *count += 1;
        let content_type = Some("application/json".to_owned());
        let body = format!("{{\"count\":{count}}}").into();
        let answer = Ok(FunctionResponse { status_code: 200, content_type, body });
        Some(MockResponse { delay: Duration::ZERO, result: answer })
    }
}

impl InProcess {
    /// Sets it up, with an empty store: in memory, or a file.
    pub(super) fn new(context: &Context, file: bool) -> Result<InProcess, String> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let setup = Setup { store: "memory:", workers: 1, function: nowhere };
        let files = gateway::Gateway::new(context, "gateway", &setup)?;
        let meters = Metrics::new();
        let (gateway, problems) = Gateway::load(&files.folder.join("config.toml"), &meters);
        let gateway = gateway.ok_or_else(|| problems.to_string())?;
        let function = Rc::new(Counting::default());
        let pending = PendingCalls::new(meters.pending_calls.clone());
        let worker = gateway.worker(Sessions::memory(), pending);
        let journal = Journal::new(LogWriter::none(), Arc::new(meters));
        let store = match file {
            true => StoreUrl::Sqlite(files.folder.join("store.db")),
            false => StoreUrl::Memory,
        };
        let mut this = InProcess { gateway, worker, journal, function, store };
        this.begins()?;
        Ok(this)
    }

    /// Its process begins anew, where the store outlives that.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        match self.store {
            StoreUrl::Memory => Ok(()),
            StoreUrl::Sqlite(_) | StoreUrl::Postgres(_) => self.begins(),
        }
    }

    fn begins(&mut self) -> Result<(), String> {
        // The former store is closed, and its file free, before it is opened again.
        self.worker.sessions = Sessions::memory();
        let sessions = Sessions::open(&self.store, clock::wall()).map_err(|e| e.to_string())?;
        let pending = || PendingCalls::new(self.journal.metrics.pending_calls.clone());
        let Worker { functions, .. } = self.gateway.worker(Sessions::memory(), pending());
        self.worker = self.gateway.worker(sessions, pending());
        let mocks = Rc::clone(&self.function) as Rc<dyn MockTransport>;
        self.worker.functions = functions.with_mocks(mocks);
        Ok(())
    }

    /// Answers a webhook.
    pub(super) async fn answer(&self, ask: &Ask) -> Reply {
        let (body, signature) = ask.signed();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "phone.example.com"),
            ("content-type", "application/x-www-form-urlencoded; charset=UTF-8"),
            ("i-twilio-idempotency-token", &ask.token),
            ("x-twilio-signature", &signature),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let (target, body) = (ask.target.clone(), body.into());
        let received = Received { method: Method::POST, target, headers, peer: None, body };
        let began = clock::now();
        let deadline = began + self.gateway.config.server.answer_within;
        let mut log = ExchangeLog::begin(&self.journal, began);
        let context = ExchangeContext { gateway: &self.gateway, worker: &self.worker, deadline };
        let route = self.gateway.routes.at(received.path());
        let received = pin!(ready(Ok(received)));
        let answer = exchange(context, route, received, &mut log);
        let answer = at_once(answer).await;
        let body = String::from_utf8_lossy(&answer.document).into_owned();
        Reply { status: answer.status, body }
    }

    /// How often the function was called.
    pub(super) fn calls(&self) -> u64 {
        self.function.all.get()
    }

    /// All that is kept of all executions.
    pub(super) async fn executions(&self) -> Vec<StoredExecution> {
        let mut all = Vec::new();
        for flow in ["/call", "/chat"] {
            let flow = flow.to_owned();
            let listing =
                ExecutionQuery { flow, from: None, until: None, after: None, limit: 1_000 };
            let found = at_once(self.worker.sessions.executions(listing)).await;
            all.extend(found.unwrap_or_default());
        }
        all
    }

    /// What a gateway does as time passes: waits end, and what is old is dropped.
    pub(super) async fn housekeeping(&self) -> Result<(), String> {
        at_once(self.tidies()).await
    }

    async fn tidies(&self) -> Result<(), String> {
        let (sessions, now) = (&self.worker.sessions, clock::wall());
        let told = |error: &dyn std::fmt::Display| error.to_string();
        for due in sessions.due(now, 1_000).await.map_err(|error| told(&error))? {
            let mut log = ExchangeLog::begin(&self.journal, clock::now());
            let resumed = resume_due(&self.gateway, &self.worker, &due, now, &mut log).await;
            resumed.map_err(|error| told(&error))?;
        }
        let flows = self.gateway.flows.iter();
        let current: Vec<String> = flows.map(|flow| flow.revision.clone()).collect();
        sessions.expire(now, &current).await.map_err(|error| told(&error))
    }
}

/// Awaits something that hardly takes pretended time. A file's threads take real time, which a
/// clock that is stopped would jump over to the next deadline: as long as something blocks it does
/// not, and goes at its usual pace.
async fn at_once<T>(future: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        value = future => value,
        never = ticks() => match never {},
    }
}

async fn ticks() -> Infallible {
    loop {
        // It cannot fail: nothing in it can panic, and nobody aborts it.
        let _ = tokio::task::spawn_blocking(|| thread::sleep(TICK / 4)).await;
        tokio::time::advance(TICK).await;
    }
}

const TICK: Duration = Duration::from_millis(1);
