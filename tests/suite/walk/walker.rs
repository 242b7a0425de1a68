//! The walk: every outcome at every step, novel ones first, until nothing new comes.

mod beginnings;
mod outcomes;
mod queue;
mod requests;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Value, json};
use twimlgate::channel::Channel;
use twimlgate::flow::{
    CarrierRequest, CarrierRequestError, Event, Execution, ExecutionState, Failure, Flow, FlowUrls,
    Step, TriggerKind, TurnContext, advance,
};
use twimlgate::function::{CallError, FunctionError, FunctionResponse, Outcome, OutcomeKind};
use twimlgate::twiml::read::{DocumentLimits, check_document};
use twimlgate::webhook::{Params, StepToken};

use queue::BranchQueue;

use super::carrier::URL;
use super::expectation::Variables;
use super::folder::{File, Loaded};
use super::hints::Hints;
use super::network::Sender;
use super::reachable::Reachable;

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
    /// Requests that were sent, and compared with the file.
    pub(crate) requests: usize,
    /// Widgets with a URL that leads to no server of the walk, with one of them.
    pub(crate) elsewhere: BTreeMap<String, String>,
    /// Widgets whose request may not be sent, with a reason.
    pub(crate) unsent: BTreeMap<String, String>,
    /// What splits compared, a few values of each.
    pub(crate) inputs: BTreeMap<String, BTreeSet<String>>,
    /// Whether the walk ended because nothing was left to try.
    pub(crate) is_exhausted: bool,
}

/// An execution as a store keeps it, and what happens to it next.
struct Branch {
    stored: Rc<Value>,
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
    file: &'a File,
    loaded: &'a Loaded<'a>,
    sender: Sender<'a>,
    /// The requests that were sent before.
    sent: HashSet<u64>,
    hints: Hints,
    novel: BranchQueue,
    stale: BranchQueue,
    known: HashSet<u64>,
    /// The documents that were checked, each in its place.
    documents: HashSet<u64>,
    places: HashSet<String>,
    /// The step that showed something new last.
    last_news: usize,
    tokens: u64,
    pub(crate) seen: Seen,
}

/// Steps that are made also where they show no new transition: loops, and states that differ.
const STALE_FROM: usize = 1_500;

/// Values of the input of a split that a report shows.
const INPUTS_SHOWN: usize = 6;

const NOW: u64 = 1_790_000_000;

// === impl Walker ===

impl<'a> Walker<'a> {
    pub(crate) fn new(
        flow: &'a Flow,
        file: &'a File,
        loaded: &'a Loaded<'a>,
        sender: Sender<'a>,
    ) -> Walker<'a> {
        Walker {
            flow,
            file,
            loaded,
            sender,
            sent: HashSet::new(),
            hints: Hints::of(flow),
            novel: BranchQueue::default(),
            stale: BranchQueue::default(),
            known: HashSet::new(),
            documents: HashSet::new(),
            places: HashSet::new(),
            last_news: 0,
            tokens: 0,
            seen: Seen::default(),
        }
    }

    /// Walks until nothing is left to try, or `most` steps were made. When all transitions are
    /// taken, it ends after [`STALE_FROM`] steps without a new transition or request.
    pub(crate) fn walk(mut self, most: usize) -> Seen {
        let all = Reachable::of(self.flow, None);
        self.begin();
        while self.seen.steps < most {
            let without_news = self.seen.steps - self.last_news;
            let enough = self.seen.steps >= STALE_FROM
                && (self.novel.is_empty() || without_news >= STALE_FROM);
            let taken = self.seen.edges.get(&self.flow.sid);
            if enough && taken.is_some_and(|taken| all.edges.is_subset(taken)) {
                break;
            }
            let Some(branch) = self.novel.pop().or_else(|| self.stale.pop()) else {
                self.seen.is_exhausted = true;
                break;
            };
            self.step(branch);
        }
        self.seen
    }

    /// One event of one execution, and all that can come of it.
    fn step(&mut self, branch: Branch) {
        let Branch { stored, event, now, answering, failing } = branch;
        let mut execution = Execution::deserialize(&*stored).unwrap();
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
        if novel {
            self.last_news = self.seen.steps;
        }
        if let Step::Failed(failure) = &step {
            return self.failed(failure, failing);
        }
        let value = serde_json::to_value(&execution).unwrap();
        self.note_inputs(&execution, &value, now);
        let again = Again { now, answering, novel, value };
        match &step {
            Step::CallFunction(_) => {
                let can_succeed = self.send_request(&execution, &step, &again);
                self.call(&execution, &again, can_succeed);
            }
            Step::SendRequest(request) => {
                self.send_request(&execution, &step, &again);
                self.send(request, &again);
            }
            Step::Reply(document) => self.replied(&execution, Some(document), &again),
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

    /// Notes what the splits of a turn compared: a few values are enough for a person.
    fn note_inputs(&mut self, execution: &Execution, value: &Value, now: u64) {
        let splits = execution.transitions.iter().filter(|it| it.kind == "split-based-on");
        for taken in splits.filter(|taken| taken.subflow.is_none()) {
            let inputs = self.seen.inputs.entry(taken.from.clone()).or_default();
            let widget = self.flow.widgets.iter().find(|widget| widget.name == taken.from);
            let input = widget.and_then(|widget| widget.properties.text("input"));
            let Some(input) = input.filter(|_| inputs.len() < INPUTS_SHOWN) else { continue };
            inputs.insert(Variables::of(value, &self.flow.sid, now).text(input.source()));
        }
    }

    /// Whether no execution was in this state before. Tokens and counts tell two states apart that
    /// go on alike.
    fn is_new(&mut self, again: &Again) -> bool {
        let mut hasher = DefaultHasher::new();
        let told_apart = ["steps", "in_a_row", "state"];
        for (key, value) in again.value.as_object().unwrap() {
            if !told_apart.contains(&key.as_str()) {
                (key, value).hash(&mut hasher);
            }
        }
        (again.now, again.answering).hash(&mut hasher);
        self.known.insert(hasher.finish())
    }

    /// What may happen to an execution next.
    fn push(&mut self, again: &Again, happens: Vec<(Happens, bool, bool)>) {
        let value = &again.value;
        let frames = value["frames"].as_array().unwrap();
        let place: Vec<String> = frames.iter().map(|frame| frame["position"].to_string()).collect();
        let place = format!("{place:?}{}{}", value["channel"], again.answering);
        let first = self.places.insert(place.clone());
        let stored = Rc::new(value.clone());
        for (event, answering, failing) in happens {
            let stored = Rc::clone(&stored);
            let branch = Branch { stored, event, now: again.now, answering, failing };
            if first || again.novel {
                self.novel.push(&place, branch);
            } else {
                self.stale.push(&place, branch);
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
    /// The execution as it is stored.
    value: Value,
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

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
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
