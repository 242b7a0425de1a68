//! A gateway with all of our flows in this thread, and time that is pretended.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::rt::{System, SystemRunner};
use twimlgate::clock;
use twimlgate::config::Config;
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::exchange::{ExchangeContext, WebhookReply, exchange, resume_due};
use twimlgate::function::{FunctionResponse, MockResponse, MockTransport, OutgoingRequest};
use twimlgate::gateway::{Gateway, Worker};
use twimlgate::journal::{ExchangeLog, ExchangeTrace, Journal, LogWriter};
use twimlgate::metrics::Metrics;
use twimlgate::pending::PendingCalls;
use twimlgate::session::{ExecutionQuery, Sessions, StepQuery, StepRecord, StoredExecution};
use twimlgate::template::TemplateFolder;
use twimlgate::webhook::{Params, Received};

use super::super::{files, root};

pub(super) struct Stage {
    runner: SystemRunner,
    gateway: Gateway,
    journal: Journal,
}

/// The gateway for one input: an empty store.
pub(super) struct Play<'s> {
    stage: &'s Stage,
    worker: Worker,
    pub(super) flow: String,
    /// What functions answer.
    pub(super) function: Rc<Function>,
}

/// A webhook as the carrier sends it.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) voice: bool,
    pub(super) query: String,
    pub(super) params: Params,
    /// The carrier's name for the delivery.
    pub(super) delivery: String,
}

/// The one who answers in the place of every function, and of the carrier's API.
#[derive(Default)]
pub(super) struct Function {
    pub(super) says: Cell<u8>,
}

impl MockTransport for Function {
    fn respond(&self, asking: &OutgoingRequest<'_>) -> Option<MockResponse> {
        let (status, kind, body) = match self.says.get() {
            _ if asking.url.contains("twilio.com") => (201, "application/json", r#"{"sid":"SM1"}"#),
            0 => (200, "application/json", r#"{"plan":"gold","count":3}"#),
            1 => (200, "text/xml", "<Response><Say>From afar.</Say></Response>"),
            2 => (404, "text/plain", "no"),
            3 => (200, "text/xml", "<Response><Say></Response>"),
            _ => (204, "text/xml", ""),
        };
        let (content_type, body) = (Some(kind.to_owned()), body.into());
        let answer = Ok(FunctionResponse { status_code: status, content_type, body });
        Some(MockResponse { delay: Duration::from_millis(20), result: answer })
    }
}

impl Stage {
    pub(super) fn new() -> Stage {
        let mut text =
            "[signature]\nmode = \"off\"\n[server]\npublic_url = \"https://g.example\"\n\
                        [[account]]\nsid = \"AC00000000000000000000000000000000\"\n\
                        auth_tokens = [\"1\"]\n[function.lookup]\nurl = \"http://127.0.0.1:9/\"\n"
                .to_owned();
        let flows = [files("tests/flows", ".json"), files("tests/flows/limits", ".json")].concat();
        for (path, read) in flows {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            for (channel, route) in [("voice", "v"), ("message", "m")] {
                text += &format!("[route.\"/{route}/{name}\"]\nchannel = \"{channel}\"\n");
                text += &format!("flow = {path:?}\n");
            }
            let flow: serde_json::Value = serde_json::from_slice(&read).unwrap_or_default();
            text += &format!("[flow.{name:?}]\nfile = {path:?}\n");
            if let Some(sid) = flow["sid"].as_str() {
                text += &format!("sid = {sid:?}\n");
            }
        }
        let source = Source::new("steps.toml", &text);
        let (config, mut problems) = Config::parse(&source, root(), &|_| None);
        let gateway = config.and_then(|config| {
            let zone = config.server.time_zone.clone();
            let templates = TemplateFolder::load(
                &root().join("tests/templates"),
                zone,
                &mut Problems::default(),
            );
            Gateway::build(config, &templates, &Metrics::new(), &mut problems)
        });
        let gateway = gateway.unwrap_or_else(|| panic!("{problems}"));
        let journal = Journal::new(LogWriter::none(), Arc::new(Metrics::new()));
        Stage { runner: System::new(), gateway, journal }
    }

    /// Plays one input, from an empty store on.
    pub(super) fn play<T>(
        &self,
        flow: &str,
        played: impl AsyncFnOnce(Play<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        self.runner.block_on(async {
            let _pretended = clock::pretend(Duration::from_secs(1_700_000_000));
            let function = Rc::new(Function::default());
            let mut worker =
                self.gateway.worker(Sessions::memory(), PendingCalls::new(Default::default()));
            worker.functions =
                worker.functions.with_mocks(Rc::clone(&function) as Rc<dyn MockTransport>);
            played(Play { stage: self, worker, flow: flow.to_owned(), function }).await
        })
    }
}

impl Play<'_> {
    /// Whether there is such a flow.
    pub(super) fn is_known(&self) -> bool {
        self.stage.gateway.flows.get(&self.flow).is_some()
    }

    /// Sends a webhook, and gives the answer and what it did.
    pub(super) async fn send(&self, webhook: &Webhook) -> (WebhookReply, ExchangeTrace) {
        let route = if webhook.voice { "v" } else { "m" };
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        if let Ok(delivery) = HeaderValue::from_str(&webhook.delivery) {
            let name = HeaderName::from_static("i-twilio-idempotency-token");
            headers.insert(name, delivery);
        }
        let received = Received {
            method: Method::POST,
            target: format!("/{route}/{}{}", self.flow, webhook.query),
            headers,
            peer: None,
            body: webhook.params.encode().into(),
        };
        let began = clock::now();
        let mut record = ExchangeLog::begin(&self.stage.journal, began).with_trace();
        let deadline = began + Duration::from_secs(10);
        let gateway = &self.stage.gateway;
        let at = gateway.routes.at(received.path());
        let context = ExchangeContext { gateway, worker: &self.worker, deadline };
        let received = std::pin::pin!(std::future::ready(Ok(received)));
        let answer = exchange(context, at, received, &mut record).await;
        (answer, record.into_trace())
    }

    /// Lets time pass; the waits that are over by then end.
    pub(super) async fn pass(&self, time: Duration) -> Result<Vec<ExchangeTrace>, String> {
        tokio::time::sleep(time).await;
        let now = clock::wall();
        let due = self.worker.sessions.due(now, 50).await.map_err(|error| error.to_string())?;
        let mut traces = Vec::new();
        for saved in due {
            let mut record = ExchangeLog::begin(&self.stage.journal, clock::now()).with_trace();
            let fired =
                resume_due(&self.stage.gateway, &self.worker, &saved, now, &mut record).await;
            fired.map_err(|error| format!("a timer: {error}"))?;
            traces.push(record.into_trace());
        }
        Ok(traces)
    }

    /// All executions.
    pub(super) async fn executions(&self) -> Result<Vec<StoredExecution>, String> {
        let list =
            ExecutionQuery { flow: self.flow.clone(), limit: 1_000, ..ExecutionQuery::default() };
        self.worker.sessions.executions(list).await.map_err(|error| error.to_string())
    }

    /// The history of one, oldest first.
    pub(super) async fn steps(&self, sid: &str) -> Result<Vec<StepRecord>, String> {
        let page = StepQuery { limit: 5_000, ..StepQuery::default() };
        let steps = self.worker.sessions.steps(sid, page).await;
        let mut steps = steps.map_err(|error| error.to_string())?;
        steps.reverse();
        Ok(steps)
    }
}
