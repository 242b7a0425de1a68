//! What happened since the person last did something, sorted by what expectations ask about.

use std::fmt;

use super::mocks::named;
use super::pattern::spaced;
use crate::flow::Taken;
use crate::journal::Trace;
use crate::tools::phone::{Ended, Fault, Heard, escaped, pair};
use crate::webhook::Params;

/// What happened between two acts.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// What was heard or seen, in order.
    pub heard: Vec<Item>,
    /// What functions and the carrier's API were asked, in order.
    pub asked: Vec<Item>,
    /// Warnings, errors and fallbacks, in order.
    pub faults: Vec<Item>,
    /// The last document.
    pub document: Option<String>,
    /// How the call ended, if it did.
    pub ended: Option<Ended>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Item {
    /// It was spoken.
    Say(String),
    /// It was played: the URL.
    Play(String),
    /// The carrier did something that no expectation is about: for people.
    Does(String),
    /// A message came.
    Receive(String),
    /// A message came with this: the URL.
    Media(String),
    /// A function was asked.
    Call {
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
    Sent {
        /// The path below the service.
        path: String,
        /// What was asked for.
        parameters: Params,
    },
    /// The carrier warned.
    Warning(Fault),
    /// The carrier met an error.
    Error(Fault),
    /// The gateway answered with a fallback, and why.
    Fallback(String),
}

/// The widgets that a conversation entered.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// In order; the trigger first.
    pub entered: Vec<String>,
    /// How many of them a `took` has told of.
    pub told: usize,
    /// Whether nothing follows the last one.
    pub ended: bool,
}

// === impl Happened ===

impl Happened {
    /// Sorts what was heard; the walk goes on.
    pub fn new(heard: &[Heard], walk: &mut Walk) -> Happened {
        let mut happened = Happened::default();
        for heard in heard {
            match heard {
                Heard::Asked(asked) => {
                    if let Some(trace) = &asked.trace {
                        happened.traced(trace, walk);
                    }
                    if asked.document.is_some() {
                        happened.document.clone_from(&asked.document);
                    }
                }
                Heard::Say { text, .. } => happened.heard.push(Item::Say(text.clone())),
                Heard::Play(url) => happened.heard.push(Item::Play(url.clone())),
                Heard::Tones(tones) => happened.does(format!("tones {tones}")),
                Heard::Pause(time) => happened.does(format!("silence for {time:?}")),
                // What the carrier's API was asked stands in the trace.
                Heard::Does { verb: "API", .. } => {}
                Heard::Does { verb, what } => happened.does(format!("<{verb}> {what}")),
                Heard::Message { body, media, .. } => {
                    if !body.is_empty() || media.is_empty() {
                        happened.heard.push(Item::Receive(body.clone()));
                    }
                    happened.heard.extend(media.iter().cloned().map(Item::Media));
                }
                Heard::Warning(fault) => happened.faults.push(Item::Warning(fault.clone())),
                Heard::Error(fault) => happened.faults.push(Item::Error(fault.clone())),
                Heard::Ended(ended) => happened.ended = Some(*ended),
            }
        }
        happened
    }

    fn does(&mut self, what: String) {
        self.heard.push(Item::Does(what.trim_end().to_owned()));
    }

    fn traced(&mut self, trace: &Trace, walk: &mut Walk) {
        trace.taken.iter().for_each(|taken| walk.goes_on(taken));
        self.asked.extend(trace.calls.iter().map(|called| Item::Call {
            name: called.name.clone(),
            widget: called.widget.clone(),
            parameters: called.parameters.clone(),
            answer: called.answer(),
        }));
        self.asked.extend(
            trace
                .sent
                .iter()
                .map(|sent| Item::Sent { path: sent.path.clone(), parameters: sent.form.clone() }),
        );
        self.faults.extend(trace.fallback.iter().cloned().map(Item::Fallback));
    }

    /// All of it, for people.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.asked.iter().chain(&self.faults).chain(&self.heard)
    }
}

// === impl Walk ===

impl Walk {
    /// A transition was taken.
    pub fn goes_on(&mut self, taken: &Taken) {
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

impl Item {
    /// The word that an expectation of this begins with; empty where there is none.
    pub fn word(&self) -> &'static str {
        match self {
            Item::Say(_) => "hear",
            Item::Play(_) => "play",
            Item::Does(_) => "",
            Item::Receive(_) => "receive",
            Item::Media(_) => "receive media",
            Item::Call { .. } => "call",
            Item::Sent { .. } => "sent",
            Item::Warning(_) => "warns",
            Item::Error(_) => "fails",
            Item::Fallback(_) => "fallback",
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
        let code = |fault: &Fault| fault.code.map(|code| code.to_string()).unwrap_or_default();
        match self {
            Item::Say(text) | Item::Play(text) | Item::Does(text) | Item::Media(text) => {
                text.clone()
            }
            Item::Receive(text) => escaped(text),
            Item::Call { name, widget, parameters, .. } => with(named(name, widget), parameters),
            Item::Sent { path, parameters } => with(resource(path), parameters),
            Item::Warning(fault) | Item::Error(fault) => code(fault),
            Item::Fallback(reason) => reason.clone(),
        }
    }

    /// The names of its parameters.
    pub fn parameters(&self) -> Vec<&str> {
        match self {
            Item::Call { parameters, .. } | Item::Sent { parameters, .. } => {
                parameters.iter().map(|(name, _)| name).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Item {
    /// The line that would expect it, and what more is known.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, argument) = (self.word(), self.argument(&self.parameters()));
        match self {
            Item::Does(what) => write!(formatter, "({what})"),
            Item::Call { answer, .. } => write!(formatter, "{word} {argument} → {answer}"),
            Item::Warning(fault) | Item::Error(fault) => write!(formatter, "{word} {fault}"),
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
