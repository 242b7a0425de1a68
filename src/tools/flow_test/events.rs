//! What happened since the person last did something, sorted by what expectations ask about.

use std::fmt;

use super::mocks::named;
use super::pattern::spaced;
use crate::flow::TransitionRecord;
use crate::journal::ExchangeTrace;
use crate::tools::phone::{CallEnd, CarrierAlert, PhoneEvent, escaped, pair};
use crate::webhook::Params;

/// What happened between two acts.
#[derive(Clone, Debug, Default)]
pub struct TurnEvents {
    /// What was heard or seen, in order.
    pub heard: Vec<TestEvent>,
    /// What functions and the carrier's API were asked, in order.
    pub asked: Vec<TestEvent>,
    /// Warnings, errors and fallbacks, in order.
    pub faults: Vec<TestEvent>,
    /// The last document.
    pub document: Option<String>,
    /// How the call ended, if it did.
    pub ended: Option<CallEnd>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum TestEvent {
    /// It was spoken.
    Say(String),
    /// It was played: the URL.
    Play(String),
    /// The carrier did something that no expectation is about: for people.
    CarrierStep(String),
    /// A message came.
    Message(String),
    /// A message came with this: the URL.
    Media(String),
    /// A function was asked.
    FunctionCall {
        /// Its name, or scheme and host of a URL.
        name: String,
        /// The widget that asked.
        widget: String,
        /// The parameters of the flow.
        parameters: Params,
        /// A word for what came back.
        answer: String,
    },
    /// The carrier's API was asked.
    ApiRequest {
        /// The path below the service.
        path: String,
        /// What was asked for.
        parameters: Params,
    },
    /// The carrier warned.
    Warning(CarrierAlert),
    /// The carrier met an error.
    Error(CarrierAlert),
    /// The gateway answered with a fallback, and why.
    Fallback(String),
}

/// The widgets that a conversation entered.
#[derive(Clone, Debug, Default)]
pub struct WidgetPath {
    /// In order; the trigger first.
    pub entered: Vec<String>,
    /// How many of them a `took` has told of.
    pub told: usize,
    /// Whether nothing follows the last one.
    pub ended: bool,
}

// === impl Happened ===

impl TurnEvents {
    /// Sorts what was heard; the walk goes on.
    pub fn new(heard: &[PhoneEvent], walk: &mut WidgetPath) -> TurnEvents {
        let mut happened = TurnEvents::default();
        for heard in heard {
            match heard {
                PhoneEvent::Webhook(asked) => {
                    if let Some(trace) = &asked.trace {
                        happened.traced(trace, walk);
                    }
                    if asked.document.is_some() {
                        happened.document.clone_from(&asked.document);
                    }
                }
                PhoneEvent::Say { text, .. } => happened.heard.push(TestEvent::Say(text.clone())),
                PhoneEvent::Play(url) => happened.heard.push(TestEvent::Play(url.clone())),
                PhoneEvent::Tones(tones) => happened.does(format!("tones {tones}")),
                PhoneEvent::Pause(time) => happened.does(format!("silence for {time:?}")),
                // What the carrier's API was asked stands in the trace.
                PhoneEvent::CarrierStep { verb: "API", .. } => {}
                PhoneEvent::CarrierStep { verb, what } => happened.does(format!("<{verb}> {what}")),
                PhoneEvent::Message { body, media, .. } => {
                    if !body.is_empty() || media.is_empty() {
                        happened.heard.push(TestEvent::Message(body.clone()));
                    }
                    happened.heard.extend(media.iter().cloned().map(TestEvent::Media));
                }
                PhoneEvent::Warning(fault) => {
                    happened.faults.push(TestEvent::Warning(fault.clone()))
                }
                PhoneEvent::Error(fault) => happened.faults.push(TestEvent::Error(fault.clone())),
                PhoneEvent::End(ended) => happened.ended = Some(*ended),
            }
        }
        happened
    }

    fn does(&mut self, what: String) {
        self.heard.push(TestEvent::CarrierStep(what.trim_end().to_owned()));
    }

    fn traced(&mut self, trace: &ExchangeTrace, walk: &mut WidgetPath) {
        trace.transitions.iter().for_each(|taken| walk.goes_on(taken));
        self.asked.extend(trace.calls.iter().map(|called| TestEvent::FunctionCall {
            name: called.name.clone(),
            widget: called.widget.clone(),
            parameters: called.parameters.clone(),
            answer: called.answer(),
        }));
        self.asked.extend(trace.sent.iter().map(|sent| TestEvent::ApiRequest {
            path: sent.path.clone(),
            parameters: sent.form.clone(),
        }));
        self.faults.extend(trace.fallback.iter().cloned().map(TestEvent::Fallback));
    }

    /// All of it, for people.
    pub fn items(&self) -> impl Iterator<Item = &TestEvent> {
        self.asked.iter().chain(&self.faults).chain(&self.heard)
    }
}

// === impl Walk ===

impl WidgetPath {
    /// A transition was taken.
    pub fn goes_on(&mut self, taken: &TransitionRecord) {
        // Another execution, or a subflow, begins at a trigger of its own.
        if self.entered.last() != Some(&taken.from) {
            self.entered.push(taken.from.clone());
        }
        self.entered.extend(taken.to.clone());
        self.ended = taken.to.is_none();
    }

    /// What no `took` has told of, from the last widget that one has.
    pub fn untold(&self) -> &[String] {
        self.entered.get(self.told.saturating_sub(1)..).unwrap_or_default()
    }

    /// Where it is.
    pub fn at(&self) -> Option<&str> {
        self.entered.last().map(String::as_str)
    }
}

// === impl Item ===

impl TestEvent {
    /// The word that an expectation of this begins with; empty where there is none.
    pub fn word(&self) -> &'static str {
        match self {
            TestEvent::Say(_) => "hear",
            TestEvent::Play(_) => "play",
            TestEvent::CarrierStep(_) => "",
            TestEvent::Message(_) => "receive",
            TestEvent::Media(_) => "receive media",
            TestEvent::FunctionCall { .. } => "call",
            TestEvent::ApiRequest { .. } => "sent",
            TestEvent::Warning(_) => "warns",
            TestEvent::Error(_) => "fails",
            TestEvent::Fallback(_) => "fallback",
        }
    }

    /// What stands behind that word. Of parameters only these.
    pub fn argument(&self, only: &[&str]) -> String {
        let with = |name: &str, parameters: &Params| {
            only.iter().fold(name.to_owned(), |line, name| match parameters.get(name) {
                Some(value) => format!("{line} {}", pair(name, &spaced(value))),
                None => line,
            })
        };
        let code =
            |fault: &CarrierAlert| fault.code.map(|code| code.to_string()).unwrap_or_default();
        match self {
            TestEvent::Say(text)
            | TestEvent::Play(text)
            | TestEvent::CarrierStep(text)
            | TestEvent::Media(text) => text.clone(),
            TestEvent::Message(text) => escaped(text),
            TestEvent::FunctionCall { name, widget, parameters, .. } => {
                with(named(name, widget), parameters)
            }
            TestEvent::ApiRequest { path, parameters } => with(resource(path), parameters),
            TestEvent::Warning(fault) | TestEvent::Error(fault) => code(fault),
            TestEvent::Fallback(reason) => reason.clone(),
        }
    }

    /// The names of its parameters.
    pub fn parameters(&self) -> Vec<&str> {
        match self {
            TestEvent::FunctionCall { parameters, .. }
            | TestEvent::ApiRequest { parameters, .. } => {
                parameters.iter().map(|(name, _)| name).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for TestEvent {
    /// The line that would expect it, and what more is known.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, argument) = (self.word(), self.argument(&self.parameters()));
        match self {
            TestEvent::CarrierStep(what) => write!(formatter, "({what})"),
            TestEvent::FunctionCall { answer, .. } => {
                write!(formatter, "{word} {argument} → {answer}")
            }
            TestEvent::Warning(fault) | TestEvent::Error(fault) => {
                write!(formatter, "{word} {fault}")
            }
            _ => write!(formatter, "{word} {argument}"),
        }
    }
}

/// The word of a path that says most: `Messages` of `/2010-04-01/Accounts/{account}/Messages.json`.
fn resource(path: &str) -> &str {
    // A sid is no name.
    let sid = |part: &str| part.len() >= 34 && part.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
    let parts = path.split('/').map(|part| part.strip_suffix(".json").unwrap_or(part));
    let named = |part: &&str| part.starts_with(|it: char| it.is_ascii_uppercase()) && !sid(part);
    parts.rev().find(named).unwrap_or(path)
}
