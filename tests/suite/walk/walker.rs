//! The walk: every outcome at every step, novel ones first, until nothing new comes.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use twimlgate::flow::{
    Event, Execution, Failure, Flow, FunctionCall, Incoming, Moment, Send, SendError, State, Step,
    advance,
};
use twimlgate::function::{Answer, FunctionError, Outcome, OutcomeKind, Problem};
use twimlgate::twiml::read::{Bounds, read, tree};
use twimlgate::webhook::{Channel, Params};

use super::carrier::{Next, hear};
use super::hints::{Hints, OTHER};

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
    Sent(Result<serde_json::Map<String, Value>, SendError>),
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
const CALL: [(&str, &str); 5] = [
    ("CallSid", "CA00000000000000000000000000000001"),
    ("AccountSid", "AC00000000000000000000000000000000"),
    ("From", "+15550100"),
    ("To", "+15550199"),
    ("CallStatus", "in-progress"),
];
const MESSAGE: [(&str, &str); 5] = [
    ("MessageSid", "SM00000000000000000000000000000001"),
    ("AccountSid", "AC00000000000000000000000000000000"),
    ("From", "+15550100"),
    ("To", "+15550199"),
    ("Body", "hello"),
];

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

    /// All ways into the flow.
    fn begin(&mut self) {
        let wired: Vec<&str> = self.flow.widgets[0]
            .transitions
            .iter()
            .filter(|wired| wired.next.is_some())
            .map(|wired| wired.event.as_str())
            .collect();
        for kind in Incoming::ALL.into_iter().filter(|kind| wired.contains(&kind.event())) {
            for execution in self.beginnings(kind) {
                let moments: Vec<u64> = match self.hints.tells_time() {
                    true => (0..7 * 8).map(|hours| NOW + hours * 3 * 3600).collect(),
                    false => vec![NOW],
                };
                let answering = !matches!(kind, Incoming::Request);
                for now in moments {
                    let branch = Branch {
                        stored: Arc::new(execution.clone()),
                        event: Happens::Trigger,
                        now,
                        answering,
                        failing: false,
                    };
                    self.novel.push_back(branch);
                }
            }
        }
    }

    fn beginnings(&self, kind: Incoming) -> Vec<String> {
        let sid = || "FN00000000000000000000000000000001".to_owned();
        let store = |execution: &Execution| serde_json::to_value(execution).unwrap();
        let name = format!("trigger.{}", kind.name());
        let webhook = |base: &[(&str, &str)], channel, more: &[(&str, &str)]| {
            let mut all = Vec::new();
            let fields = self.hints.below(&name);
            let usual: Params = base.iter().chain(more).copied().collect();
            all.push(usual);
            for field in fields {
                for value in self.hints.values(&[format!("{name}.{field}")]) {
                    let other = base.iter().chain(more).copied().filter(|(key, _)| *key != field);
                    all.push(other.chain([(field.as_str(), value.as_str())]).collect());
                }
            }
            for value in self.hints.values(&["contact.channel.address".to_owned()]) {
                let other = base.iter().chain(more).copied().filter(|(key, _)| *key != "From");
                all.push(other.chain([("From", value.as_str())]).collect());
            }
            let begin = |params| store(&Execution::begin(sid(), channel, Arc::new(params)));
            all.into_iter().map(|params| begin(params).to_string()).collect::<Vec<String>>()
        };
        match kind {
            Incoming::Call => webhook(&CALL, Channel::Voice, &[]),
            Incoming::Message => webhook(&MESSAGE, Channel::Message, &[]),
            Incoming::Conversation => {
                webhook(&MESSAGE, Channel::Message, &[("ConversationSid", "CH1")])
            }
            Incoming::Request | Incoming::Parent => {
                let mut all = self.hints.objects(&format!("{name}.parameters"));
                all.extend(self.hints.objects("flow.data"));
                let parent = |parameters: serde_json::Map<String, Value>| {
                    let execution =
                        Execution::requested(sid(), "+15550100", "+15550199", parameters.clone());
                    let mut stored = store(&execution);
                    if kind == Incoming::Parent {
                        let values = json!({"parameters": parameters});
                        stored["frames"][0]["trigger"] =
                            json!({"Json": {"kind": "Parent", "values": values}});
                    }
                    stored
                };
                let mut stored: Vec<String> = Vec::new();
                for value in all.into_iter().map(parent) {
                    stored.push(value.to_string());
                    if kind == Incoming::Parent {
                        let mut call = value.clone();
                        call["channel"] = serde_json::to_value(Channel::Voice).unwrap();
                        stored.push(call.to_string());
                    }
                }
                stored
            }
        }
    }

    /// One event of one execution, and all that can come of it.
    fn step(&mut self, branch: Branch) {
        let Branch { stored, event, now, answering, failing } = branch;
        let mut execution: Execution = serde_json::from_str(&stored).unwrap();
        self.tokens += 1;
        self.seen.steps += 1;
        let token = format!("{:032x}", self.tokens);
        let at = Moment {
            now: Duration::from_secs(now),
            action: format!("?step={token}"),
            url: Some(format!("https://gate.example/flow?step={token}")),
            token,
            answering,
        };
        let depth = frames(&stored);
        let step = advance(self.flow, &mut execution, event.clone().event(), &at);
        let novel = self.note(&execution, depth);
        if let Step::Failed(failure) = &step {
            return self.failed(failure, failing);
        }
        let again = Again { now, answering, novel };
        match step {
            Step::Call(call) => self.call(&execution, &call, &again),
            Step::Send(send) => self.send(&execution, &send, &again),
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
    fn note(&mut self, execution: &Execution, depth: usize) -> bool {
        let mut below = depth > 1;
        let mut novel = false;
        for taken in &execution.taken {
            let event = taken.event.as_str();
            below |= taken.kind == "trigger" && event == "incomingParent";
            if taken.kind == "run-subflow" {
                below = false;
            }
            let to = taken.to.clone().unwrap_or_default();
            let edge = (taken.from.clone(), taken.event.clone(), to);
            let has = |flow: &&Flow| flow.widgets.iter().any(|widget| widget.name == edge.0);
            let subflow = self.flow.subflows.iter().map(|flow| &**flow).find(has);
            let flow = subflow.filter(|_| below).unwrap_or(self.flow);
            let name = flow.sid.clone();
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
            match first || again.novel {
                true => self.novel.push_back(branch),
                false => self.stale.push_back(branch),
            }
        }
    }

    /// All that a function may answer.
    fn call(&mut self, execution: &Execution, _: &FunctionCall, again: &Again) {
        let name = position(self.flow, execution);
        let voice = execution.channel == Channel::Voice;
        let mut ways = Vec::new();
        for object in self.hints.objects(&format!("widgets.{name}.parsed")) {
            let body = Value::Object(object.clone()).to_string();
            let success = OutcomeKind::Success { parsed: Some(object) };
            ways.push((answered(success, 200, "application/json", body), false));
        }
        for body in self.hints.values(&[format!("widgets.{name}.body")]) {
            let success = OutcomeKind::Success { parsed: None };
            ways.push((answered(success, 200, "text/plain", body), false));
        }
        let document = match voice {
            true => "<Response><Say>One moment.</Say></Response>",
            false => "<Response><Message>One moment.</Message></Response>",
        };
        let twiml = OutcomeKind::Twiml(document.as_bytes().into());
        ways.push((answered(twiml, 200, "text/xml", document.to_owned()), false));
        let error = FunctionError { function: name.clone(), problem: Problem::NotConfigured };
        let fail = OutcomeKind::Fail(error);
        ways.push((answered(fail.clone(), 404, "text/plain", OTHER.to_owned()), true));
        let mut silent = answered(fail, 0, "", String::new());
        silent.answer = None;
        ways.push((silent, true));
        let happens = ways
            .into_iter()
            .map(|(outcome, failing)| (Happens::Answered(outcome), again.answering, failing))
            .collect();
        self.push(execution, again, happens);
    }

    /// The carrier's API does it, or refuses.
    fn send(&mut self, execution: &Execution, send: &Send, again: &Again) {
        if send.path.contains("//") || send.path.contains("{{") {
            self.seen.wrong.insert(format!("the API is asked for `{}`", send.path));
        }
        let sid = "CA00000000000000000000000000000002";
        let resource = json!({"sid": sid, "status": "queued", "date_created": "today"});
        let Value::Object(resource) = resource else { unreachable!("it is one") };
        let refused = SendError::Refused { status: 400, code: Some(21_211) };
        let happens = vec![
            (Happens::Sent(Ok(resource)), again.answering, false),
            (Happens::Sent(Err(refused)), again.answering, true),
        ];
        self.push(execution, again, happens);
    }

    /// A document went out, or nothing.
    fn replied(&mut self, execution: &Execution, document: Option<&[u8]>, again: &Again) {
        self.seen.documents += usize::from(document.is_some());
        let shown = || String::from_utf8_lossy(document.unwrap_or_default()).into_owned();
        let mut wrong = Vec::new();
        if let Some(document) = document {
            match read(document, execution.channel, &Bounds::default()) {
                Ok(read) => wrong.extend(
                    read.findings.iter().filter(|it| it.code.is_some()).map(|it| it.to_string()),
                ),
                Err(error) => wrong.push(error.to_string()),
            }
        }
        let State::Waiting(wait) = &execution.state else {
            if execution.state == State::Running {
                wrong.push("it answers and neither waits nor has ended".to_owned());
            }
            return self.complain(wrong, shown);
        };
        let name = position(self.flow, execution);
        let replies = self.hints.values(&[format!("widgets.{name}.")]);
        let base: &[(&str, &str)] = match execution.channel {
            Channel::Voice => &CALL,
            Channel::Message => &MESSAGE,
        };
        let with = |more: &[(&str, String)]| -> Params {
            let more = || more.iter().map(|(key, value)| (*key, value.as_str()));
            let other = |(key, _): &(&str, &str)| !more().any(|(name, _)| name == *key);
            base.iter().copied().filter(other).chain(more()).collect()
        };
        let gone = with(&[("CallStatus", "completed".to_owned())]);
        let mut happens: Vec<(Happens, bool, bool)> = Vec::new();
        match (execution.channel, document) {
            (Channel::Voice, Some(document)) => {
                let document = tree(document, &Bounds::default()).unwrap();
                let heard = hear(&document, &wait.token, wait.handed_over, &replies);
                wrong.extend(heard.wrong);
                for next in heard.next {
                    let event = match next {
                        Next::Webhook(more) => Happens::Webhook(with(&more)),
                        Next::Returned => Happens::Returned(with(&[])),
                    };
                    happens.push((event, true, false));
                }
                happens.push((Happens::HangUp(gone), true, false));
            }
            _ => {
                for reply in replies {
                    happens.push((Happens::Webhook(with(&[("Body", reply)])), true, false));
                }
                for status in ["failed", "undelivered"] {
                    let more = [("MessageStatus", status.to_owned())];
                    happens.push((Happens::Webhook(with(&more)), true, false));
                }
                for status in ["in-progress", "busy", "no-answer", "failed"] {
                    let call: Params = CALL
                        .iter()
                        .copied()
                        .filter(|(key, _)| *key != "CallStatus")
                        .chain([("CallStatus", status)])
                        .collect();
                    happens.push((Happens::Webhook(call), true, false));
                }
                let machine = CALL.iter().copied().chain([("AnsweredBy", "machine_start")]);
                happens.push((Happens::Webhook(machine.collect()), true, false));
            }
        }
        if wait.due.is_some() {
            happens.push((Happens::Timeout, false, false));
        }
        self.complain(wrong, shown);
        self.push(execution, again, happens);
    }

    fn complain(&mut self, wrong: Vec<String>, shown: impl Fn() -> String) {
        for what in wrong {
            if self.seen.wrong.len() < 10 {
                self.seen.wrong.insert(format!("{what}\n      {}", shown()));
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
            Happens::Answered(outcome) => Event::Answered(outcome),
            Happens::Sent(result) => Event::Sent(result),
            Happens::Webhook(params) => Event::Webhook(Arc::new(params)),
            Happens::Returned(params) => Event::Returned(Arc::new(params)),
            Happens::Timeout => Event::Timeout,
            Happens::HangUp(params) => Event::HangUp(Arc::new(params)),
        }
    }
}

fn answered(result: OutcomeKind, status_code: u16, content_type: &str, body: String) -> Outcome {
    let content_type = Some(content_type.to_owned());
    let answer = Some(Answer { status_code, content_type, body: body.into() });
    Outcome { result, answer, duration: Duration::ZERO, attempts: 1, reused_connection: false }
}

/// How many flows are running in each other.
fn frames(stored: &str) -> usize {
    let value: Value = serde_json::from_str(stored).unwrap();
    value["frames"].as_array().map_or(0, Vec::len)
}

/// The name of the widget that an execution is at.
fn position(flow: &Flow, execution: &Execution) -> String {
    let value = serde_json::to_value(execution).unwrap();
    let frame = value["frames"].as_array().unwrap().last().unwrap().clone();
    let subflow = frame["subflow"].as_u64().map(|index| &*flow.subflows[index as usize]);
    let index = frame["position"].as_u64().unwrap() as usize;
    subflow.unwrap_or(flow).widgets[index].name.clone()
}
