//! Calls one configured function as a worker does.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use twimlgate::clock;
use twimlgate::config::{Config, Function};
use twimlgate::diagnostics::problem::Source;
use twimlgate::function::{
    CallCookies, CallError, CallRequest, Destination, Functions, Outcome, OutcomeKind, Resolver,
    SharedFunctions,
};
use twimlgate::verify::SigningKey;
use twimlgate::webhook::Params;

/// A configuration with one function, `lookup`, and a worker's client for it.
pub(crate) struct Caller {
    config: Config,
    shared: SharedFunctions,
    functions: Functions,
}

impl Caller {
    /// A function at `url` with more keys of its section.
    pub(crate) fn new(url: &str, keys: &str) -> Caller {
        Caller::with(url, keys, "", Resolver::System)
    }

    /// The same with more sections, and with names that mean what the test says.
    pub(crate) fn with(url: &str, keys: &str, more: &str, resolver: Resolver) -> Caller {
        let timeout = if keys.contains("timeout_ms") { "" } else { "timeout_ms = 5000" };
        let text = format!("[function.lookup]\nurl = \"{url}\"\n{timeout}\n{keys}\n{more}");
        let source = Source::new("config.toml", &text);
        let (config, problems) = Config::parse(&source, Path::new(""), &|_| None);
        let config = config.unwrap_or_else(|| panic!("{text}\n{problems}"));
        let shared = SharedFunctions::new(&config, resolver).expect("the authorities can be read");
        let functions = Functions::new(&shared);
        Caller { config, shared, functions }
    }

    pub(crate) fn function(&self) -> &Arc<Function> {
        &self.config.functions["lookup"]
    }

    /// The same function, called by another worker.
    pub(crate) fn other_worker(&self) -> Caller {
        let (config, shared) = (self.config.clone(), self.shared.clone());
        let functions = Functions::new(&shared);
        Caller { config, shared, functions }
    }

    /// A call with nothing but one parameter.
    pub(crate) async fn call(&self) -> Outcome {
        self.call_named("lookup").await
    }

    /// The same of another configured function.
    pub(crate) async fn call_named(&self, name: &str) -> Outcome {
        self.send(&self.config.functions[name], None, Duration::from_secs(10)).await
    }

    /// The same with a deadline.
    pub(crate) async fn call_within(&self, within: Duration) -> Outcome {
        self.send(self.function(), None, within).await
    }

    /// The same with a signature.
    pub(crate) async fn call_signed(&self, key: &SigningKey) -> Outcome {
        self.send(self.function(), Some(key), Duration::from_secs(10)).await
    }

    /// The same with cookies of the carrier, on the route `/`.
    pub(crate) async fn call_with_cookies(&self, cookies: &str) -> Outcome {
        let none = Params::default();
        self.call_as(CallRequest {
            cookies: Some(CallCookies { route: "/", received: cookies }),
            ..unsigned_request(Destination::Function(self.function()), &none, &none)
        })
        .await
    }

    /// The same, of a function that need not be configured.
    pub(crate) async fn send(
        &self,
        function: &Function,
        signing_key: Option<&SigningKey>,
        within: Duration,
    ) -> Outcome {
        self.send_to(Destination::Function(function), signing_key, within).await
    }

    /// The same, to any destination.
    pub(crate) async fn send_to(
        &self,
        destination: Destination<'_>,
        signing_key: Option<&SigningKey>,
        within: Duration,
    ) -> Outcome {
        let parameters: Params = [("caller", "+15550100")].into_iter().collect();
        let webhook = Params::default();
        self.call_as(CallRequest {
            signing_key,
            deadline: clock::now() + within,
            ..unsigned_request(destination, &parameters, &webhook)
        })
        .await
    }

    /// A call with the carrier's parameters, as they came.
    pub(crate) async fn forward(&self, form: &'static str, parameters: &Params) -> Outcome {
        self.forward_signed(form, parameters, None).await
    }

    /// The same with a signature.
    pub(crate) async fn forward_signed(
        &self,
        form: &'static str,
        parameters: &Params,
        signing_key: Option<&SigningKey>,
    ) -> Outcome {
        let webhook = Params::decode(form.as_bytes()).expect("a form");
        self.call_as(CallRequest {
            webhook_form: Some(&Bytes::from_static(form.as_bytes())),
            signing_key,
            ..unsigned_request(Destination::Function(self.function()), parameters, &webhook)
        })
        .await
    }

    pub(crate) async fn call_as(&self, call: CallRequest<'_>) -> Outcome {
        self.functions.call(call).await
    }

    /// The problem of a call that must fail.
    pub(crate) async fn problem(&self) -> CallError {
        problem(self.call().await)
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.shared.is_broken("lookup")
    }
}

/// A request of a flow, without a form and a signature, that has ten seconds.
fn unsigned_request<'a>(
    destination: Destination<'a>,
    parameters: &'a Params,
    webhook: &'a Params,
) -> CallRequest<'a> {
    CallRequest {
        widget: "",
        destination,
        replaced_url: None,
        content: None,
        credentials: None,
        parameters,
        webhook,
        webhook_form: None,
        webhook_payload: None,
        cookies: None,
        signing_key: None,
        timeout: timeout_of(destination),
        deadline: clock::now() + Duration::from_secs(10),
        idempotency_key: "SM0123:lookup",
    }
}

/// Runs a test as a worker runs.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    actix_web::rt::System::new().block_on(test)
}

/// The problem of an outcome that must be a failure.
pub(crate) fn problem(outcome: Outcome) -> CallError {
    match outcome.kind {
        OutcomeKind::Fail(error) => error.cause,
        other => panic!("expected a failure, got {other:?}"),
    }
}

/// The variables of an outcome that must have some, as JSON text.
pub(crate) fn parsed(outcome: &Outcome) -> String {
    match &outcome.kind {
        OutcomeKind::Success { parsed: Some(parsed) } => {
            serde_json::to_string(parsed).expect("it was JSON")
        }
        other => panic!("expected variables, got {other:?}"),
    }
}

/// Lets the runtime see everything that the network has for it: whatever had arrived before is
/// noticed no later than this connection.
pub(crate) async fn settle() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    for _ in 0..3 {
        let (client, server) =
            (tokio::net::TcpStream::connect(address).await, listener.accept().await);
        drop((client.expect("it listens"), server.expect("it connected")));
    }
}

/// The time for a call as the short form of a route has it.
pub(crate) fn timeout_of(destination: Destination<'_>) -> Duration {
    let configured = match destination {
        Destination::Function(function) => function.timeout,
        Destination::Url(_) | Destination::Application(_) => None,
    };
    configured.unwrap_or(Duration::from_secs(5))
}
