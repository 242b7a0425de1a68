//! The metrics of a process, in the text format of Prometheus. They know names and numbers, and
//! nothing about the stages that they count.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    exchanges: Family<ExchangeLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, Buckets>,
    unwired: Family<RouteLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<FunctionLabels, Histogram, Buckets>,
    unrouted: RouteMetrics,
    functions: Mutex<BTreeMap<String, FunctionMetrics>>,
    /// The webhooks that are being answered.
    pub in_flight: Gauge,
    /// The calls of functions with `hold` that are running.
    pub pending_calls: Gauge,
    holds: Family<FunctionLabels, Counter>,
    reloads: Family<ResultLabels, Counter>,
    carrier_requests: Family<ResultLabels, Counter>,
    /// The log lines that were dropped.
    pub log_lines_dropped: Gauge<u64, AtomicU64>,
    /// The exchanges whose traces were dropped.
    pub traces_dropped: Gauge<u64, AtomicU64>,
    /// 1 while `/readyz` is 200.
    pub ready: Gauge,
    open_breakers: Family<FunctionLabels, Gauge>,
    /// The Node processes that run functions.
    pub(crate) node: ProcessMetrics,
}

/// The metrics of the Node processes that run functions. A clone counts the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProcessMetrics {
    /// The processes that make calls or wait for one.
    pub(crate) processes: Gauge,
    ends: Family<ReasonLabels, Counter>,
}

/// The reasons for which a Node process ends.
const PROCESS_ENDS: [&str; 8] =
    ["closed", "ended", "idle", "memory", "recycled", "start", "tainted", "timeout"];

/// The counters of one route. They are looked up once, at the start: a look-up by labels takes a
/// lock, which every call would pay for.
#[derive(Clone, Debug)]
pub struct RouteMetrics {
    outcomes: [Counter; 6],
    seconds: Histogram,
    unwired: Counter,
}

/// The counters of one function.
#[derive(Clone, Debug)]
pub(crate) struct FunctionMetrics {
    success: Counter,
    fail: Counter,
    seconds: Histogram,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ExchangeLabels {
    route: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    function: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FunctionLabels {
    function: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    commit: &'static str,
    os: &'static str,
    arch: &'static str,
}

impl Default for BuildLabels {
    fn default() -> BuildLabels {
        BuildLabels {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("TWIMLGATE_COMMIT"),
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// The buckets for seconds, from 1 ms to the carrier's limit of 15 s.
#[derive(Clone, Debug)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 5.0, 10.0, 13.0, 15.0])
    }
}

/// The outcome of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeOutcome {
    /// The answer is a document of the flow.
    Answered,
    /// The answer is a document of the flow, but not the one that it means: a template or a
    /// function's document could not be used, and the flow took the transition of the failure.
    Degraded,
    /// The answer is the stored reply to an earlier delivery.
    Repeated,
    /// The answer is the fallback document.
    Fallback,
    /// The answer is a status from 400 on.
    Refused,
    /// The client closed the connection before there was an answer.
    Gone,
}

/// The outcomes in the order of their discriminants, which are the indexes of their counters.
const OUTCOMES: [ExchangeOutcome; 6] = [
    ExchangeOutcome::Answered,
    ExchangeOutcome::Degraded,
    ExchangeOutcome::Repeated,
    ExchangeOutcome::Fallback,
    ExchangeOutcome::Refused,
    ExchangeOutcome::Gone,
];

// === impl ExchangeOutcome ===

impl ExchangeOutcome {
    /// The outcome of an exchange with a defect in it: an answer becomes a degraded one.
    pub(crate) fn degraded_if(self, is_degraded: bool) -> ExchangeOutcome {
        match self {
            ExchangeOutcome::Answered if is_degraded => ExchangeOutcome::Degraded,
            other => other,
        }
    }

    /// The name in logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ExchangeOutcome::Answered => "answered",
            ExchangeOutcome::Degraded => "degraded",
            ExchangeOutcome::Repeated => "repeated",
            ExchangeOutcome::Fallback => "fallback",
            ExchangeOutcome::Refused => "refused",
            ExchangeOutcome::Gone => "gone",
        }
    }
}

// === impl Metrics ===

impl Metrics {
    /// Registers all metrics, at zero.
    #[expect(clippy::new_without_default, reason = "counters are made on purpose, once")]
    pub fn new() -> Metrics {
        let exchanges = Family::default();
        let seconds = Family::new_with_constructor(Buckets);
        let unwired = Family::default();
        let unrouted = RouteMetrics::new(&exchanges, &seconds, &unwired, "");
        let mut metrics = Metrics {
            registry: Registry::with_prefix("twimlgate"),
            exchanges,
            seconds,
            unwired,
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(Buckets),
            unrouted,
            functions: Mutex::default(),
            in_flight: Gauge::default(),
            pending_calls: Gauge::default(),
            holds: Family::default(),
            reloads: Family::default(),
            carrier_requests: Family::default(),
            log_lines_dropped: Gauge::default(),
            traces_dropped: Gauge::default(),
            ready: Gauge::default(),
            open_breakers: Family::default(),
            node: ProcessMetrics::default(),
        };
        metrics.register();
        // These counters exist from the first scrape on: if one appeared with its first failure,
        // `increase()` would not see the step from nothing to 1.
        for result in ["taken", "refused"] {
            metrics.reloads.get_or_create_owned(&ResultLabels { result });
        }
        for reason in PROCESS_ENDS {
            metrics.node.ends.get_or_create_owned(&ReasonLabels { reason });
        }
        for result in ["done", "failed"] {
            metrics.carrier_requests.get_or_create_owned(&ResultLabels { result });
        }
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        // The registry adds the prefix and `_total`. Dashboards and alerts use these names.
        let exchanges = "Webhooks by route and outcome; `fallback`: the flow gave no answer; \
                         `degraded`: not the one it means, because of a template or document";
        registry.register("exchanges", exchanges, self.exchanges.clone());
        let seconds = "Seconds from the arrival of a webhook to its answer";
        registry.register("exchange_seconds", seconds, self.seconds.clone());
        let unwired = "Webhooks without effect: their flow has no transition for their event";
        registry.register("unwired_webhooks", unwired, self.unwired.clone());
        registry.register("function_calls", "Calls of functions by result", self.calls.clone());
        let call_seconds = "Seconds until the end of a function's answer";
        registry.register("function_seconds", call_seconds, self.call_seconds.clone());
        let in_flight = "Webhooks being answered";
        registry.register("in_flight", in_flight, self.in_flight.clone());
        let pending_calls = "Calls of functions with `hold` that are running";
        registry.register("held_calls", pending_calls, self.pending_calls.clone());
        let holds = "Calls of functions for which a hold document was sent";
        registry.register("holds", holds, self.holds.clone());
        registry.register("reloads", "Configurations by result", self.reloads.clone());
        let requests = "Requests to the carrier's API by result";
        registry.register("carrier_requests", requests, self.carrier_requests.clone());
        let dropped = "Log lines that were dropped";
        registry.register("log_lines_dropped", dropped, self.log_lines_dropped.clone());
        let dropped = "Exchanges whose traces were dropped";
        registry.register("traces_dropped", dropped, self.traces_dropped.clone());
        let open_breakers = "1 while calls of a function fail at once, because it failed too often";
        registry.register("function_breaker_open", open_breakers, self.open_breakers.clone());
        let build = "The program: 1, with its version and commit as labels";
        registry.register("build", build, Info::new(BuildLabels::default()));
        let ready = "1 while webhooks are accepted, 0 while draining or the store fails";
        registry.register("ready", ready, self.ready.clone());
        let processes = "Node processes that run functions";
        registry.register("function_processes", processes, self.node.processes.clone());
        let ends = "Ends of Node processes by reason";
        registry.register("function_process_ends", ends, self.node.ends.clone());
    }

    /// The counters of a route.
    pub(crate) fn of_route(&self, path: &str) -> RouteMetrics {
        RouteMetrics::new(&self.exchanges, &self.seconds, &self.unwired, path)
    }

    /// Counts a request to the carrier's API.
    pub(crate) fn count_carrier_request(&self, done: bool) {
        let result = if done { "done" } else { "failed" };
        self.carrier_requests.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts a call of a function and its duration.
    pub(crate) fn count_call(&self, name: &str, succeeded: bool, took: Duration) {
        // Created with the first call: a flow may call servers that are not configured.
        let mut functions = self.functions.lock();
        if let Some(metrics) = functions.get(name) {
            return metrics.count(succeeded, took);
        }
        let call = |result| {
            let labels = CallLabels { function: name.to_owned(), result };
            self.calls.get_or_create_owned(&labels)
        };
        let labels = FunctionLabels { function: name.to_owned() };
        let seconds = self.call_seconds.get_or_create_owned(&labels);
        let metrics = FunctionMetrics { success: call("success"), fail: call("fail"), seconds };
        metrics.count(succeeded, took);
        functions.insert(name.to_owned(), metrics);
    }

    /// Counts a call for which a first hold document is sent.
    pub(crate) fn count_hold(&self, function: &str) {
        self.holds.get_or_create_owned(&FunctionLabels { function: function.to_owned() }).inc();
    }

    /// Begins the counter of a function with `hold`, at zero.
    pub(crate) fn begin_holds(&self, function: &str) {
        self.holds.get_or_create_owned(&FunctionLabels { function: function.to_owned() });
    }

    /// Counts an exchange.
    pub(crate) fn count_exchange(
        &self,
        route: Option<&RouteMetrics>,
        outcome: ExchangeOutcome,
        took: Duration,
    ) {
        // Without a route the label is empty, not the path: strangers could make any number of
        // labels.
        let metrics = route.unwrap_or(&self.unrouted);
        metrics.outcomes[outcome as usize].inc();
        metrics.seconds.observe(took.as_secs_f64());
    }

    /// Counts a webhook, or the begin of an execution, that had no effect: the trigger of its flow
    /// has no transition for it.
    pub(crate) fn count_unwired(&self, route: Option<&RouteMetrics>) {
        route.unwrap_or(&self.unrouted).unwired.inc();
    }

    /// Counts a reload of the configuration, which was `taken` or `refused`.
    pub(crate) fn count_reload(&self, result: &'static str) {
        self.reloads.get_or_create_owned(&ResultLabels { result }).inc();
    }

    /// Sets the functions of the configuration whose breaker is open, and those whose is not.
    pub(crate) fn set_breakers<'n>(&self, functions: impl Iterator<Item = (&'n str, bool)>) {
        // A function that a reload has removed has no breaker any more.
        self.open_breakers.clear();
        for (name, is_open) in functions {
            let labels = FunctionLabels { function: name.to_owned() };
            self.open_breakers.get_or_create_owned(&labels).set(is_open.into());
        }
    }

    /// The metrics as text (OpenMetrics 1.0).
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

// === impl ProcessMetrics ===

impl ProcessMetrics {
    /// Counts the end of a process.
    pub(crate) fn count_end(&self, reason: &'static str) {
        self.ends.get_or_create_owned(&ReasonLabels { reason }).inc();
    }
}

// === impl RouteMetrics ===

impl RouteMetrics {
    fn new(
        exchanges: &Family<ExchangeLabels, Counter>,
        seconds: &Family<RouteLabels, Histogram, Buckets>,
        unwired: &Family<RouteLabels, Counter>,
        route: &str,
    ) -> RouteMetrics {
        let labels = RouteLabels { route: route.to_owned() };
        let counter = |kind: ExchangeOutcome| {
            let labels = ExchangeLabels { route: route.to_owned(), outcome: kind.name() };
            exchanges.get_or_create_owned(&labels)
        };
        RouteMetrics {
            outcomes: OUTCOMES.map(counter),
            seconds: seconds.get_or_create_owned(&labels),
            unwired: unwired.get_or_create_owned(&labels),
        }
    }
}

// === impl FunctionMetrics ===

impl FunctionMetrics {
    fn count(&self, succeeded: bool, took: Duration) {
        if succeeded {
            self.success.inc()
        } else {
            self.fail.inc()
        };
        self.seconds.observe(took.as_secs_f64());
    }
}
