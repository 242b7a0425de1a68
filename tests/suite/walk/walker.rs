//! The walk: every outcome at every step, novel ones first, until nothing new comes.

mod beginnings;
mod outcomes;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use twimlgate::channel::Channel;
use twimlgate::flow::{
    CarrierRequest, CarrierRequestError, Event, Execution, ExecutionState, Failure, Flow, FlowUrls,
    FunctionCall, Step, TriggerKind, TurnContext, advance,
};
use twimlgate::function::{CallError, FunctionError, FunctionResponse, Outcome, OutcomeKind};
use twimlgate::twiml::read::{DocumentLimits, check_document};
use twimlgate::webhook::{Params, StepToken};

use super::carrier::URL;
use super::hints::Hints;

/// A transition: the widget, its event, and what follows.
pub(crate) type Edge = (String, String, String);

/// What a walk has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) steps: usize,
    pub(crate) documents: usize,
    pub(crate) edges: BTreeMap<String, BTreeSet<Edge>>,
    pub(crate) widgets: BTreeMap<String, BTreeSet<String>>,
    /// Failures that the walk brought about and the flow has no way for, by kind.
    pub(crate) expected: BTreeMap<&'static str, usize>,
    pub(crate) wrong: BTreeSet<String>,
}

/// An execution as a store keeps it, and what happens to it next.
struct Branch {
    stored: Arc<String>,
    event: Happens,
    now: u64,
    answering: bool,
    /// Whether this turn was made to fail.
    failing: bool,
}

/// An event that can happen more than once.
#[derive(Clone)]
enum Happens {
    Trigger,
    Answered(Outcome),
    Sent(Result<serde_json::Map<String, Value>, CarrierRequestError>),
    Webhook(Params),
    Returned(Params),
    Timeout,
    HangUp(Params),
}

/// One flow's walk.
pub(crate) struct Walker<'a> {
    flow: &'a Flow,
    hints: Hints,
    novel: VecDeque<Branch>,
    stale: VecDeque<Branch>,
    known: HashSet<u64>,
    places: HashSet<String>,
    tokens: u64,
    pub(crate) seen: Seen,
}

/// Steps that are made also where they show no new transition: loops, and states that differ.
const STALE_FROM: usize = 1_500;

const NOW: u64 = 1_790_000_000;
// === impl Walker ===

impl<'a> Walker<'a> {
    pub(crate) fn new(flow: &'a Flow) -> Walker<'a> {
        Walker {
            flow,
            hints: Hints::of(flow),
            novel: VecDeque::new(),
            stale: VecDeque::new(),
            known: HashSet::new(),
            places: HashSet::new(),
            tokens: 0,
            seen: Seen::default(),
        }
    }

    /// Walks until nothing new comes, or `most` steps were made; with [`STALE_FROM`] steps it also
    /// ends when it is `done` and nothing that was seen last was new.
    pub(crate) fn walk(mut self, most: usize, done: impl Fn(&Seen) -> bool) -> Seen {
        self.begin();
        while self.seen.steps < most {
            let enough = self.novel.is_empty() && self.seen.steps >= STALE_FROM;
            if enough && done(&self.seen) {
                break;
            }
            let Some(branch) = self.novel.pop_front().or_else(|| self.stale.pop_front()) else {
                break;
            };
            self.step(branch);
        }
        self.seen
    }

    /// One event of one execution, and all that can come of it.
    fn step(&mut self, branch: Branch) {
        let Branch { stored, event, now, answering, failing } = branch;
        let mut execution: Execution = serde_json::from_str(&stored).unwrap();
        self.tokens += 1;
        self.seen.steps += 1;
        let token = format!("{:032x}", self.tokens);
        let at = TurnContext {
            now: Duration::from_secs(now),
            action: format!("?step={token}"),
            urls: FlowUrls { voice: Some(URL.into()), message: Some(URL.into()) },
            token: StepToken::new(token),
            answering,
            records_transitions: true,
        };
        let over = matches!(event, Happens::HangUp(_));
        let step = advance(self.flow, &mut execution, event.event(), &at);
        let wired = execution.transitions.first().is_some_and(|taken| taken.event == "hangup");
        if over && !wired && execution.state != ExecutionState::Ended {
            self.seen
                .wrong
                .insert(format!("it goes on after a hang-up: {:?}", execution.transitions));
        }
        let novel = self.note(&execution);
        if let Step::Failed(failure) = &step {
            return self.failed(failure, failing);
        }
        let again = Again { now, answering, novel };
        match step {
            Step::CallFunction(call) => self.call(&execution, &call, &again),
            Step::SendRequest(send) => self.send(&execution, &send, &again),
            Step::Reply(document) => self.replied(&execution, Some(&document), &again),
            Step::End => self.replied(&execution, None, &again),
            Step::Failed(_) => {}
        }
    }

    fn failed(&mut self, failure: &Failure, failing: bool) {
        let kind = match failure {
            Failure::Steps | Failure::SameWidget(_) => "loop",
            Failure::Channel { .. } => "other channel",
            Failure::Property { .. } => "empty property",
            Failure::Subflow { .. } => "no subflow",
            Failure::Function(_) | Failure::Send { .. } | Failure::Twiml { .. } if failing => {
                "unwired failure"
            }
            _ => {
                self.seen.wrong.insert(failure.to_string());
                return;
            }
        };
        *self.seen.expected.entry(kind).or_default() += 1;
    }

    /// Notes the transitions of a turn; says whether one of them is new.
    fn note(&mut self, execution: &Execution) -> bool {
        let mut novel = false;
        for taken in &execution.transitions {
            let to = taken.to.clone().unwrap_or_default();
            let edge = (taken.from.clone(), taken.event.clone(), to);
            let subflow = taken.subflow.map(|index| &*self.flow.subflows[index]);
            let name = subflow.unwrap_or(self.flow).sid.clone();
            let widgets = self.seen.widgets.entry(name.clone()).or_default();
            widgets.insert(edge.0.clone());
            if !edge.2.is_empty() {
                widgets.insert(edge.2.clone());
            }
            novel |= self.seen.edges.entry(name).or_default().insert(edge);
        }
        novel
    }

    fn push(&mut self, execution: &Execution, again: &Again, happens: Vec<(Happens, bool, bool)>) {
        let stored = serde_json::to_string(execution).unwrap();
        let value: Value = serde_json::from_str(&stored).unwrap();
        // Tokens and counts tell two states apart that go on alike.
        let mut same = value.clone();
        same["steps"] = Value::Null;
        same["in_a_row"] = Value::Null;
        same["state"] = Value::Null;
        let mut hasher = DefaultHasher::new();
        (same.to_string(), again.now, again.answering).hash(&mut hasher);
        if !self.known.insert(hasher.finish()) {
            return;
        }
        let frames = value["frames"].as_array().unwrap();
        let place: Vec<String> = frames.iter().map(|frame| frame["position"].to_string()).collect();
        let place = format!("{place:?}{}{}", value["channel"], again.answering);
        let first = self.places.insert(place);
        let stored = Arc::new(stored);
        for (event, answering, failing) in happens {
            let stored = Arc::clone(&stored);
            let branch = Branch { stored, event, now: again.now, answering, failing };
            if first || again.novel {
                self.novel.push_back(branch);
            } else {
                self.stale.push_back(branch);
            }
        }
    }
}

/// How a turn goes on.
struct Again {
    now: u64,
    answering: bool,
    /// Whether it has shown something new.
    novel: bool,
}

// === impl Happens ===

impl Happens {
    fn event(self) -> Event {
        match self {
            Happens::Trigger => Event::Trigger,
            Happens::Answered(outcome) => Event::FunctionReturned(outcome),
            Happens::Sent(result) => Event::CarrierReturned(result),
            Happens::Webhook(params) => Event::Webhook(Arc::new(params)),
            Happens::Returned(params) => Event::Returned(Arc::new(params)),
            Happens::Timeout => Event::Timeout,
            Happens::HangUp(params) => Event::HangUp(Arc::new(params)),
        }
    }
}

fn answered(kind: OutcomeKind, status_code: u16, content_type: &str, body: String) -> Outcome {
    let content_type = Some(content_type.to_owned());
    let response = Some(FunctionResponse { status_code, content_type, body: body.into() });
    Outcome {
        kind,
        response,
        cookies: None,
        duration: Duration::ZERO,
        attempts: 1,
        reused_connection: false,
    }
}
