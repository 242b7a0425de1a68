//! Stage 6: the user's code over HTTP: one call in, one outcome out, whatever the function does.
//!
//! Invariant: a call never panics, never outlives its deadline, and connects to no address that
//! `egress.rs` refuses. Only `client.rs` knows awc.

mod answer;
mod aside;
mod body;
mod breaker;
mod client;
mod dial;
mod egress;
mod error;
mod gate;
mod interim;
mod origin;
mod redirect;
mod request;
mod resolve;
mod stand_in;
mod stream;
mod target;
mod tls;
mod wire;

pub use error::{Fault, FunctionError, Phase, Problem};
pub use resolve::{Entry, Resolver};
pub use stand_in::{Asking, Played, PlayedAnswer, StandIn};
pub(crate) use stream::Stream;
pub use tls::TlsError;
pub(crate) use tls::config as tls_config;

/// Pure parts that nobody but a fuzz target asks alone.
#[doc(hidden)]
pub mod parts {
    pub use super::answer::{Verdict, classify};
    pub use super::egress::Guard;
    pub use super::target::{Origin, Target};
}

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, Uri};
use actix_web::web::Bytes;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::config::{Config, Function};
use crate::flow::Body;
use crate::limits::{BREAKER_TIMEOUT_MIN, FUNCTION_CLIENTS_MAX};
use crate::verify::SigningKey;
use crate::webhook::Params;
use answer::Verdict;
use breaker::Breaker;
use client::{Client, Progress, Reply};
use dial::Dialler;
use egress::Guard;
use resolve::Names;
use wire::Wire;

/// What all workers share: made once per configuration, cloned into each worker.
#[derive(Clone, Debug)]
pub struct Shared {
    breakers: Arc<Mutex<HashMap<String, Arc<Breaker>>>>,
    names: Arc<Names>,
    guard: Arc<Guard>,
    tls: Arc<rustls::ClientConfig>,
}

/// The functions as one worker calls them: connections are neither shared nor sent. A clone has the
/// same connections.
#[derive(Clone)]
pub struct Functions {
    shared: Shared,
    clients: Rc<RefCell<HashMap<String, Rc<Client>>>>,
    stand_in: Option<Rc<dyn StandIn>>,
}

/// One call.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Which function.
    pub function: &'a Arc<Function>,
    /// The widget that calls; empty where none does.
    pub widget: &'a str,
    /// What is asked instead of the function's own URL, on the same server.
    pub direct: Option<&'a Direct>,
    /// The flow's parameters, rendered. They win over the carrier's of the same name.
    pub parameters: &'a Params,
    /// The carrier's parameters, sent along if the function's `forward_webhook` says so.
    pub webhook: &'a Params,
    /// The same as they came, form-encoded: taken as they are where nothing is changed. `None`
    /// where the webhook was no form.
    pub webhook_form: Option<&'a Bytes>,
    /// The account's key, which signs the request as the carrier would.
    pub signing_key: Option<&'a SigningKey>,
    /// When the whole webhook must be answered. The function's own timeout may end the call before.
    pub deadline: Instant,
    /// The same when the same step of a flow runs again: `I-Twilio-Idempotency-Token` and
    /// `Idempotency-Key`.
    pub idempotency_key: &'a str,
}

/// A request of a flow's own, to a server that is no configured function.
#[derive(Clone, Debug)]
pub struct Direct {
    /// Where it goes.
    pub url: Uri,
    /// `GET` or `POST`.
    pub method: Method,
    /// What is sent instead of a form of the parameters.
    pub body: Option<Body>,
    /// Credentials, beside those in the URL.
    pub authorization: Option<HeaderValue>,
    /// Whether the operator has seen where it leads, so that it may be a private address.
    pub trusted: bool,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What the flow goes on with.
    pub result: OutcomeKind,
    /// What the function answered, if it answered: `widgets.NAME.body` and so on.
    pub answer: Option<Answer>,
    /// From the call to its outcome.
    pub duration: Duration,
    /// Requests sent: 0 if none was, more than 1 after redirects or a dead connection.
    pub attempts: u32,
    /// Whether the last one went over a connection that was there already.
    pub reused_connection: bool,
}

/// Which way the flow goes.
#[derive(Clone, Debug, PartialEq)]
pub enum OutcomeKind {
    /// `success`; the variables if the answer was a JSON object.
    Success {
        /// Merged over `widgets.NAME.parsed`.
        parsed: Option<Map<String, Value>>,
    },
    /// A document for the caller, not yet checked.
    Twiml(Bytes),
    /// `fail`
    Fail(FunctionError),
}

/// A function's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status_code: u16,
    /// The content type as sent, with its parameters.
    pub content_type: Option<String>,
    /// The body. Empty as well where a failure's body could not be read.
    pub body: Bytes,
}

// === impl Shared ===

impl Shared {
    /// What the workers share for this configuration.
    ///
    /// # Errors
    /// If `[egress] ca_file` cannot be used.
    pub fn new(config: &Config, resolver: Resolver) -> Result<Shared, TlsError> {
        Ok(Shared {
            breakers: Arc::default(),
            names: Arc::new(Names::new(resolver)),
            guard: Arc::new(Guard::new(&config.egress)),
            tls: tls::config(&config.egress)?,
        })
    }

    /// Whether calls of the function fail at once, for it failed too often.
    pub fn is_broken(&self, function: &str) -> bool {
        self.lock().get(function).is_some_and(|breaker| breaker.is_open())
    }

    fn breaker(&self, function: &str) -> Arc<Breaker> {
        Arc::clone(self.lock().entry(function.to_owned()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Breaker>>> {
        // Nothing under the lock can panic half-way through a change.
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Functions ===

impl Functions {
    /// The functions of a configuration, for the worker that this runs in.
    pub fn new(shared: &Shared) -> Functions {
        Functions { shared: shared.clone(), clients: Rc::default(), stand_in: None }
    }

    /// The same, with somebody who answers where the network would be asked.
    pub fn played_by(self, stand_in: Rc<dyn StandIn>) -> Functions {
        Functions { stand_in: Some(stand_in), ..self }
    }

    /// The connections to a function, made when it is first called.
    fn client(&self, call: &Call<'_>) -> Option<Rc<Client>> {
        let function = call.function;
        if let Some(client) = self.clients.borrow().get(&function.name) {
            return Some(Rc::clone(client));
        }
        let dialler = Dialler {
            wire: Rc::new(Wire::default()),
            names: Arc::clone(&self.shared.names),
            guard: Arc::clone(&self.shared.guard),
            tls: Arc::clone(&self.shared.tls),
        };
        let trusted = call.direct.is_none_or(|direct| direct.trusted);
        let breaker = self.shared.breaker(&function.name);
        let client = Rc::new(Client::new(function, trusted, breaker, dialler)?);
        let mut clients = self.clients.borrow_mut();
        if clients.len() >= FUNCTION_CLIENTS_MAX {
            // A flow that computes its URLs must not fill the memory with idle clients.
            clients.clear();
        }
        clients.insert(function.name.clone(), Rc::clone(&client));
        Some(client)
    }

    /// Calls a function. Whatever goes wrong is in the outcome.
    pub async fn call(&self, call: Call<'_>) -> Outcome {
        let (started, progress) = (clock::now(), Progress::default());
        let reply = self.reply(&call, started, &progress).await;
        let (answer, verdict) = match reply {
            Err(problem) => (None, Err(problem)),
            Ok(reply) => {
                let verdict = answer::classify(reply.status(), reply.headers(), &reply.body);
                (Some(Answer::from(reply)), verdict)
            }
        };
        let duration = clock::now().duration_since(started);
        self.note(&call, &verdict, duration);
        let result = match verdict {
            Ok(Verdict::Success(parsed)) => OutcomeKind::Success { parsed },
            Ok(Verdict::Twiml) => {
                OutcomeKind::Twiml(answer.as_ref().map(|a| a.body.clone()).unwrap_or_default())
            }
            Err(problem) => {
                OutcomeKind::Fail(FunctionError { function: call.function.name.clone(), problem })
            }
        };
        let (attempts, reused_connection) = (progress.attempts(), progress.reused());
        Outcome { result, answer, duration, attempts, reused_connection }
    }

    /// The function's whole answer, within the deadline: its turn, every redirect and the body.
    async fn reply(
        &self,
        call: &Call<'_>,
        started: Instant,
        progress: &Progress,
    ) -> Result<Reply, Problem> {
        let client = self.client(call).ok_or(Problem::Unusable)?;
        let deadline = call.deadline.min(started + call.function.timeout);
        let after = deadline.saturating_duration_since(started);
        if after.is_zero() {
            return Err(Problem::Timeout { after, phase: Phase::Queue });
        }
        if !client.breaker.admits(started) {
            return Err(Problem::BreakerOpen);
        }
        let connections = call.function.connections;
        let entered = timeout_at(deadline, client.gate.enter(deadline)).await;
        let entered = entered.map_err(|_| Problem::Busy { after, connections })?;
        let _place = entered.ok_or(Problem::Crowded { connections })?;
        let played = self.stand_in.as_ref().and_then(|it| it.answer(&Asking::of(call)));
        if let Some(played) = played {
            let timeout = Problem::Timeout { after, phase: Phase::Head };
            let reply = played.reply(call.function.max_body_bytes);
            return timeout_at(deadline, reply).await.unwrap_or(Err(timeout));
        }
        match timeout_at(deadline, client.run(call, progress)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::Timeout { after, phase: progress.phase() }),
        }
    }

    /// Tells the breaker: what the network or a broken function does counts against it; any other
    /// answer says that it lives.
    fn note(&self, call: &Call<'_>, verdict: &Result<Verdict, Problem>, duration: Duration) {
        let Some(client) = self.clients.borrow().get(&call.function.name).cloned() else { return };
        let breaker = &client.breaker;
        let fair = duration >= call.function.timeout.min(BREAKER_TIMEOUT_MIN);
        match verdict {
            Ok(_) => breaker.succeeded(),
            Err(Problem::Status { status: 500.. })
            | Err(Problem::Resolve { .. } | Problem::Connect { .. } | Problem::Tls { .. })
            | Err(Problem::Closed { .. } | Problem::Truncated { .. }) => {
                breaker.failed(clock::now());
            }
            Err(Problem::Timeout { .. }) if fair => breaker.failed(clock::now()),
            Err(Problem::Timeout { .. } | Problem::Busy { .. } | Problem::Crowded { .. })
            | Err(Problem::BreakerOpen)
            | Err(Problem::Unusable | Problem::Egress { .. }) => {}
            Err(_) => breaker.succeeded(),
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// What comes of a URL that may not be asked; `place` is its scheme and host.
    pub fn unusable_url(place: &str) -> Outcome {
        let problem = Problem::Unusable;
        Outcome {
            result: OutcomeKind::Fail(FunctionError { function: place.to_owned(), problem }),
            answer: None,
            duration: Duration::ZERO,
            attempts: 0,
            reused_connection: false,
        }
    }
}

// === impl Answer ===

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        let content_type = answer::content_type(reply.headers()).ok().flatten();
        Answer {
            status_code: reply.status().as_u16(),
            content_type: content_type.map(str::to_owned),
            body: reply.body,
        }
    }
}
