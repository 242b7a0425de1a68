//! The counters of a process, in the form that Prometheus reads. They know names only, and nothing of
//! what is counted.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// All counters of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    exchanges: Family<ExchangeLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, Buckets>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<FunctionLabels, Histogram, Buckets>,
    unrouted: RouteMetrics,
    functions: Mutex<BTreeMap<String, FunctionMetrics>>,
    /// Webhooks being answered at this moment.
    pub in_flight: Gauge,
    /// Calls of functions that go on while their callers are kept company, or might be.
    pub held: Gauge,
    holds: Family<FunctionLabels, Counter>,
    reloads: Family<ResultLabels, Counter>,
    sent: Family<ResultLabels, Counter>,
    /// Log lines that found no room.
    pub log_lines_dropped: Gauge<u64, AtomicU64>,
    /// 1 while `/readyz` is 200.
    pub ready: Gauge,
}

/// The counters of one route, found once at start: no look-up by label on the way of a call.
#[derive(Clone, Debug)]
pub struct RouteMetrics {
    outcomes: [Counter; 5],
    seconds: Histogram,
}

/// The counters of one function.
#[derive(Clone, Debug)]
pub struct FunctionMetrics {
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

/// Seconds from 1 ms to the carrier's 15 s.
#[derive(Clone, Debug)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 5.0, 10.0, 13.0, 15.0])
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// The flow's own document.
    Answered,
    /// The bytes of an earlier answer.
    Repeated,
    /// A document for failures.
    Fallback,
    /// 400, 403, 404, 405, 413.
    Refused,
    /// The client closed before there was an answer.
    Gone,
}

const OUTCOMES: [ExchangeOutcome; 5] = [
    ExchangeOutcome::Answered,
    ExchangeOutcome::Repeated,
    ExchangeOutcome::Fallback,
    ExchangeOutcome::Refused,
    ExchangeOutcome::Gone,
];

// === impl ExchangeOutcome ===

impl ExchangeOutcome {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            ExchangeOutcome::Answered => "answered",
            ExchangeOutcome::Repeated => "repeated",
            ExchangeOutcome::Fallback => "fallback",
            ExchangeOutcome::Refused => "refused",
            ExchangeOutcome::Gone => "gone",
        }
    }
}

// === impl Metrics ===

impl Metrics {
    /// All at zero.
    #[expect(clippy::new_without_default, reason = "counters are made on purpose, once")]
    pub fn new() -> Metrics {
        let exchanges = Family::default();
        let seconds = Family::new_with_constructor(Buckets);
        let unrouted = RouteMetrics::new(&exchanges, &seconds, "");
        let mut meters = Metrics {
            registry: Registry::with_prefix("twimlgate"),
            exchanges,
            seconds,
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(Buckets),
            unrouted,
            functions: Mutex::default(),
            in_flight: Gauge::default(),
            held: Gauge::default(),
            holds: Family::default(),
            reloads: Family::default(),
            sent: Family::default(),
            log_lines_dropped: Gauge::default(),
            ready: Gauge::default(),
        };
        meters.register();
        // From the first scrape on: to who computes an increase, a counter that begins with 1 has
        // not increased.
        for result in ["taken", "refused"] {
            meters.reloads.get_or_create_owned(&ResultLabels { result });
        }
        for result in ["done", "failed"] {
            meters.sent.get_or_create_owned(&ResultLabels { result });
        }
        meters
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let exchanges = "Webhooks by route and outcome; `fallback` is a caller whom we failed";
        registry.register("exchanges", exchanges, self.exchanges.clone());
        let seconds = "Seconds from the arrival of a webhook to its answer";
        registry.register("exchange_seconds", seconds, self.seconds.clone());
        registry.register("function_calls", "Calls of functions by result", self.calls.clone());
        let call_seconds = "Seconds until a function had answered whole";
        registry.register("function_seconds", call_seconds, self.call_seconds.clone());
        let in_flight = "Webhooks being answered";
        registry.register("in_flight", in_flight, self.in_flight.clone());
        let held = "Calls of functions with `hold` that are under way";
        registry.register("held_calls", held, self.held.clone());
        let holds = "Calls of functions that a caller was held for";
        registry.register("holds", holds, self.holds.clone());
        registry.register("reloads", "Configurations by result", self.reloads.clone());
        let sent = "Requests to the carrier's API by result";
        registry.register("carrier_requests", sent, self.sent.clone());
        let dropped = "Log lines that found no room";
        registry.register("log_lines_dropped", dropped, self.log_lines_dropped.clone());
        let ready = "1 while webhooks can be taken, 0 while draining or the store fails";
        registry.register("ready", ready, self.ready.clone());
    }

    /// The counters of a route.
    pub fn of_route(&self, path: &str) -> RouteMetrics {
        RouteMetrics::new(&self.exchanges, &self.seconds, path)
    }

    /// Counts a request to the carrier's API.
    pub(crate) fn count_carrier_request(&self, done: bool) {
        let result = if done { "done" } else { "failed" };
        self.sent.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts a call of a function, and how long it took.
    pub(crate) fn count_call(&self, name: &str, succeeded: bool, took: Duration) {
        let mut functions = self.functions.lock();
        if let Some(meter) = functions.get(name) {
            return meter.count(succeeded, took);
        }
        let call = |result| {
            let labels = CallLabels { function: name.to_owned(), result };
            self.calls.get_or_create_owned(&labels)
        };
        let labels = FunctionLabels { function: name.to_owned() };
        let seconds = self.call_seconds.get_or_create_owned(&labels);
        let meter = FunctionMetrics { success: call("success"), fail: call("fail"), seconds };
        meter.count(succeeded, took);
        functions.insert(name.to_owned(), meter);
    }

    /// Counts a call whose caller is held.
    pub(crate) fn count_hold(&self, function: &str) {
        self.holds.get_or_create_owned(&FunctionLabels { function: function.to_owned() }).inc();
    }

    /// Counts an exchange; one that found no route has the empty route name.
    pub(crate) fn count_exchange(
        &self,
        route: Option<&RouteMetrics>,
        outcome: ExchangeOutcome,
        took: Duration,
    ) {
        let meter = route.unwrap_or(&self.unrouted);
        meter.outcomes[outcome as usize].inc();
        meter.seconds.observe(took.as_secs_f64());
    }

    /// Counts a configuration that was `taken` or `refused` on SIGHUP.
    pub fn count_reload(&self, result: &'static str) {
        self.reloads.get_or_create_owned(&ResultLabels { result }).inc();
    }

    /// All counters as text (OpenMetrics 1.0).
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

// === impl RouteMetrics ===

impl RouteMetrics {
    fn new(
        exchanges: &Family<ExchangeLabels, Counter>,
        seconds: &Family<RouteLabels, Histogram, Buckets>,
        route: &str,
    ) -> RouteMetrics {
        let counter = |kind: ExchangeOutcome| {
            let labels = ExchangeLabels { route: route.to_owned(), outcome: kind.name() };
            exchanges.get_or_create_owned(&labels)
        };
        RouteMetrics {
            outcomes: OUTCOMES.map(counter),
            seconds: seconds.get_or_create_owned(&RouteLabels { route: route.to_owned() }),
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
