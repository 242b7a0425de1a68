//! The walk itself: from every wait, everything that could happen next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use twimlgate::flow::{Event, Execution, Failure, Flow, Moment, State, Step, advance};
use twimlgate::twiml::read::{Bounds, read};
use twimlgate::webhook::{Channel, Params};

use super::answers::{candidates, events, outcomes, sent, told};

/// How often one place is left by one kind of event: other states may lead elsewhere from there.
const VISITS_MAX: usize = 4;

/// Turns of one flow.
const TURNS_MAX: usize = 30_000;

/// What was seen.
#[derive(Default)]
pub(crate) struct Walk {
    /// Widget, event, what follows: those that something leads to.
    transitions: BTreeSet<String>,
    taken: BTreeSet<String>,
    documents: usize,
    turns: usize,
    unwired: usize,
    pub(crate) violations: Vec<String>,
}

/// Where a turn begins: a state as a store would hold it, and what happens to it.
struct Start {
    state: String,
    event: Event,
    answering: bool,
}

/// What a turn came to.
struct Ended {
    execution: Execution,
    document: Vec<u8>,
    /// How many choices there were at each call.
    choices: Vec<usize>,
}

pub(crate) fn walk(flow: &Arc<Flow>) -> Walk {
    let mut walk = Walk { transitions: reachable(flow), ..Walk::default() };
    let values = candidates(flow);
    let mut open: VecDeque<Start> = beginnings(flow, &values);
    let mut visits: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(start) = open.pop_front() {
        if walk.turns > TURNS_MAX {
            break;
        }
        let mut choices = Vec::new();
        loop {
            let ended = walk.turn(flow, &start, &choices, &values);
            let Some(ended) = ended else { break };
            let waits = ended.execution.state != State::Ended;
            if waits {
                let state = serde_json::to_string(&ended.execution).unwrap();
                let place = place(&ended.execution);
                let possible = events(&ended.document, ended.execution.channel, &values);
                for event in possible {
                    let key = format!("{place} {event:?}");
                    let count = visits.entry(key).or_default();
                    *count += 1;
                    if *count <= VISITS_MAX {
                        let answering = !matches!(event, Event::Timeout);
                        open.push_back(Start { state: state.clone(), event, answering });
                    }
                }
            }
            if !next(&mut choices, &ended.choices) {
                break;
            }
        }
    }
    walk
}

/// Counts on: the next way through the choices of a turn; `false` when all were tried.
fn next(choices: &mut Vec<usize>, counts: &[usize]) -> bool {
    choices.resize(counts.len(), 0);
    while let Some(last) = choices.pop() {
        if last + 1 < counts[choices.len()] {
            choices.push(last + 1);
            return true;
        }
    }
    false
}

/// Every way in that is wired, with everything that the flow might be told there.
fn beginnings(flow: &Flow, values: &[String]) -> VecDeque<Start> {
    let params = |channel, value: &str, conversation: bool| {
        let sid = match channel {
            Channel::Voice => ("CallSid", "CA00000000000000000000000000000001"),
            Channel::Message => ("MessageSid", "SM00000000000000000000000000000001"),
        };
        let more = [("From", "+15550100"), ("To", "+15550111"), ("Body", value)];
        let conversation = conversation.then_some(("ConversationSid", "CH1"));
        [sid].into_iter().chain(more).chain(conversation).collect::<Params>()
    };
    let trigger = &flow.widgets[0];
    let mut open = VecDeque::new();
    let mut begin = |execution: &Execution, answering| {
        let state = serde_json::to_string(execution).unwrap();
        open.push_back(Start { state, event: Event::Trigger, answering });
    };
    for (event, channel, conversation) in [
        ("incomingCall", Channel::Voice, false),
        ("incomingMessage", Channel::Message, false),
        ("incomingConversationMessage", Channel::Message, true),
    ] {
        for value in values.iter().filter(|_| trigger.next(event).is_some()) {
            let params = Arc::new(params(channel, value, conversation));
            begin(&Execution::begin("FN1".to_owned(), channel, params), true);
        }
    }
    for value in values.iter().filter(|_| trigger.next("incomingRequest").is_some()) {
        let parameters = told(flow, value);
        begin(&Execution::requested("FN1".to_owned(), "+15550100", "+15550111", parameters), false);
    }
    open
}

/// Where an execution stands, as far as its serialised form tells.
fn place(execution: &Execution) -> String {
    let json = serde_json::to_value(execution).unwrap();
    let frames = json["frames"].as_array().unwrap();
    let place = |frame: &serde_json::Value| format!("{}:{}", frame["subflow"], frame["position"]);
    frames.iter().map(place).collect::<Vec<_>>().join("/")
}

/// Widget, event and what follows, for every transition that something leads to.
fn reachable(flow: &Flow) -> BTreeSet<String> {
    let (mut open, mut seen, mut found) = (vec![0], BTreeSet::new(), BTreeSet::new());
    while let Some(index) = open.pop() {
        let widget = &flow.widgets[index];
        if !seen.insert(index) {
            continue;
        }
        for to in &widget.transitions {
            let Some(next) = to.next else { continue };
            // As a subflow it is walked where another one runs it.
            if to.event == "incomingParent" {
                continue;
            }
            found.insert(named(&widget.name, &to.event, &flow.widget(next).name));
            open.push(next.0);
        }
    }
    found
}

fn named(from: &str, event: &str, to: &str) -> String {
    format!("{from} --{event}--> {to}")
}

// === impl Walk ===

impl Walk {
    /// One turn, with these choices at its calls.
    fn turn(
        &mut self,
        flow: &Flow,
        start: &Start,
        choices: &[usize],
        values: &[String],
    ) -> Option<Ended> {
        self.turns += 1;
        let mut execution: Execution = serde_json::from_str(&start.state).unwrap();
        let token = format!("{:032}", self.turns);
        let at = Moment {
            now: Duration::from_secs(1_790_000_000),
            action: format!("?step={token}"),
            url: Some(format!("https://phone.example.com/voice?step={token}")),
            token,
            answering: start.answering,
        };
        let (mut counts, mut failing) = (Vec::new(), false);
        let mut event = again(&start.event);
        let document = loop {
            let step = advance(flow, &mut execution, event, &at);
            let choice = choices.get(counts.len()).copied().unwrap_or_default();
            match step {
                Step::Call(_) => {
                    let widget = at_widget(flow, &execution);
                    let mut possible = outcomes(flow, &widget, values);
                    counts.push(possible.len());
                    let (outcome, failed) = possible.swap_remove(choice);
                    failing |= failed;
                    event = Event::Answered(outcome);
                }
                Step::Send(_) => {
                    let mut possible = sent();
                    counts.push(possible.len());
                    let (result, failed) = possible.swap_remove(choice);
                    failing |= failed;
                    event = Event::Sent(result);
                }
                Step::Reply(document) => break document.to_vec(),
                Step::End => break Vec::new(),
                Step::Failed(failure) => {
                    self.failed(&failure, failing, start.answering);
                    break Vec::new();
                }
            }
        };
        self.note(&execution);
        self.check(&document, &execution, &at, start.answering);
        Some(Ended { execution, document, choices: counts })
    }

    /// A fallback is needed only where the walk made something fail that the flow takes no care
    /// of, or where a flow goes round in a circle until a limit ends it.
    fn failed(&mut self, failure: &Failure, failing: bool, answering: bool) {
        let limit = matches!(failure, Failure::Steps | Failure::SameWidget(_));
        // A wait that ends, or a request, has no call that could hear what follows.
        let unheard = matches!(failure, Failure::Channel { .. }) && !answering;
        let elsewhere = matches!(failure, Failure::Channel { .. } | Failure::Property { .. });
        if failing || limit || unheard || elsewhere {
            self.unwired += 1;
        } else {
            self.violations.push(format!("a fallback was needed: {failure}"));
        }
    }

    fn note(&mut self, execution: &Execution) {
        for taken in &execution.taken {
            if let Some(to) = &taken.to {
                self.taken.insert(named(&taken.from, &taken.event, to));
            }
        }
    }

    fn check(&mut self, document: &[u8], execution: &Execution, at: &Moment, answering: bool) {
        if document.is_empty() || !answering {
            return;
        }
        self.documents += 1;
        let text = String::from_utf8_lossy(document);
        match read(document, execution.channel, &Bounds::default()) {
            Ok(read) => {
                let wrong = read.findings.iter().find(|finding| finding.code.is_some());
                self.violations.extend(wrong.map(|finding| format!("{finding}: {text}")));
            }
            Err(error) => self.violations.push(format!("{error}: {text}")),
        }
        let wait = execution.wait();
        if execution.channel == Channel::Voice
            && wait.is_some_and(|wait| !wait.handed_over)
            && !text.contains(&at.token)
        {
            self.violations.push(format!("nobody comes back: {text}"));
        }
    }

    /// The transitions that were not taken.
    pub(crate) fn missed(&self) -> impl Iterator<Item = &String> {
        self.transitions.difference(&self.taken)
    }

    pub(crate) fn covered_percent(&self) -> usize {
        let missed = self.missed().count();
        (self.transitions.len() - missed) * 100 / self.transitions.len().max(1)
    }

    pub(crate) fn add(&mut self, other: Walk) {
        // Two flows may have widgets of one name.
        let count = self.turns;
        let own = |text: String| format!("{count} {text}");
        self.transitions.extend(other.transitions.into_iter().map(own));
        self.taken.extend(other.taken.into_iter().map(own));
        self.documents += other.documents;
        self.turns += other.turns;
        self.unwired += other.unwired;
    }
}

/// The widget that a call comes from.
fn at_widget(flow: &Flow, execution: &Execution) -> String {
    let json = serde_json::to_value(execution).unwrap();
    let frame = json["frames"].as_array().unwrap().last().unwrap().clone();
    let index = |value: &serde_json::Value| value.as_u64().map(|index| index as usize);
    let flow = match index(&frame["subflow"]) {
        Some(subflow) => &flow.subflows[subflow],
        None => flow,
    };
    flow.widgets[index(&frame["position"]).unwrap()].name.clone()
}

fn again(event: &Event) -> Event {
    match event {
        Event::Webhook(params) => Event::Webhook(Arc::clone(params)),
        Event::Returned(params) => Event::Returned(Arc::clone(params)),
        Event::HangUp(params) => Event::HangUp(Arc::clone(params)),
        Event::Timeout => Event::Timeout,
        _ => Event::Trigger,
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missed = self.missed().count();
        write!(
            formatter,
            "{} of {} transitions, {} turns, {} documents, {} failures that nothing is wired to",
            self.transitions.len() - missed,
            self.transitions.len(),
            self.turns,
            self.documents,
            self.unwired
        )
    }
}
