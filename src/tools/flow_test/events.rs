//! The events of one turn, sorted by the expectations about them.

use std::fmt;

use super::mocks::mock_name;
use crate::flow::TransitionRecord;
use crate::journal::ExchangeTrace;
use crate::tools::phone::{CallEnd, CarrierAlert, PhoneEvent, escape_line, format_param};
use crate::tools::text::collapse_whitespace;
use crate::webhook::Params;

/// The events between two actions.
#[derive(Clone, Debug, Default)]
pub(super) struct TurnEvents {
    /// Speech, sounds, messages and steps of the carrier, in order.
    pub(super) output: Vec<TestEvent>,
    /// Calls of functions and requests to the carrier's API, in order.
    pub(super) requests: Vec<TestEvent>,
    /// Warnings, errors and fallbacks, in order.
    pub(super) alerts: Vec<TestEvent>,
    /// The last document.
    pub(super) document: Option<String>,
    /// The end of the call, if it ended.
    pub(super) end: Option<CallEnd>,
}

/// One event that an expectation can match.
#[derive(Clone, Debug)]
pub(super) enum TestEvent {
    /// Spoken text.
    Say(String),
    /// A played sound: its URL.
    Play(String),
    /// A step of the carrier that no expectation is about, as text for a person.
    CarrierStep(String),
    /// A message.
    Message(String),
    /// A media attachment of a message: its URL.
    Media(String),
    /// A function call.
    FunctionCall {
        /// The name of the function, or scheme and host of a URL.
        name: String,
        /// The widget that called it.
        widget: String,
        /// The parameters of the flow.
        parameters: Params,
        /// The response in one word.
        answer: String,
    },
    /// A request to the carrier's API.
    ApiRequest {
        /// The path below the service.
        path: String,
        /// The parameters.
        parameters: Params,
    },
    /// A warning of the carrier.
    Warning(CarrierAlert),
    /// An error of the carrier.
    Error(CarrierAlert),
    /// A fallback of the gateway, with the reason.
    Fallback(String),
}

/// The widgets that a conversation entered.
#[derive(Clone, Debug, Default)]
pub(super) struct WidgetPath {
    /// The widgets in order; the trigger first.
    pub(super) widgets: Vec<String>,
    /// The number of widgets up to the last one that a `took` matched.
    pub(super) matched: usize,
    /// Whether the flow ended after the last widget.
    pub(super) has_ended: bool,
}

// === impl TurnEvents ===

impl TurnEvents {
    /// Sorts the events of a turn, and extends the path.
    pub(super) fn new(events: &[PhoneEvent], path: &mut WidgetPath) -> TurnEvents {
        let mut turn = TurnEvents::default();
        for event in events {
            match event {
                PhoneEvent::Webhook(exchange) => {
                    if let Some(trace) = &exchange.trace {
                        turn.push_trace(trace, path);
                    }
                    // A callback has no document, and does not replace the last one.
                    if exchange.document.is_some() {
                        turn.document.clone_from(&exchange.document);
                    }
                }
                PhoneEvent::Say { text, .. } => turn.output.push(TestEvent::Say(text.clone())),
                PhoneEvent::Play(url) => turn.output.push(TestEvent::Play(url.clone())),
                PhoneEvent::Tones(tones) => turn.push_carrier_step(format!("tones {tones}")),
                PhoneEvent::Pause(time) => turn.push_carrier_step(format!("silence for {time:?}")),
                // The trace has the request to the API, with its parameters.
                PhoneEvent::CarrierStep { verb: "API", .. } => {}
                PhoneEvent::CarrierStep { verb, detail } => {
                    turn.push_carrier_step(format!("<{verb}> {detail}"));
                }
                PhoneEvent::Message { body, media, .. } => {
                    // A picture without text is only media; a message without both is an empty one.
                    if !body.is_empty() || media.is_empty() {
                        turn.output.push(TestEvent::Message(body.clone()));
                    }
                    turn.output.extend(media.iter().cloned().map(TestEvent::Media));
                }
                PhoneEvent::Warning(alert) => turn.alerts.push(TestEvent::Warning(alert.clone())),
                PhoneEvent::Error(alert) => turn.alerts.push(TestEvent::Error(alert.clone())),
                PhoneEvent::End(end) => turn.end = Some(*end),
            }
        }
        turn
    }

    fn push_carrier_step(&mut self, text: String) {
        self.output.push(TestEvent::CarrierStep(text.trim_end().to_owned()));
    }

    fn push_trace(&mut self, trace: &ExchangeTrace, path: &mut WidgetPath) {
        trace.transitions.iter().for_each(|transition| path.push(transition));
        // Functions before requests to the API: the trace has no common order.
        self.requests.extend(trace.calls.iter().map(|called| TestEvent::FunctionCall {
            name: called.name.clone(),
            widget: called.widget.clone(),
            parameters: called.parameters.clone(),
            answer: called.answer(),
        }));
        self.requests.extend(trace.carrier_requests.iter().map(|sent| TestEvent::ApiRequest {
            path: sent.path.clone(),
            parameters: sent.form.clone(),
        }));
        self.alerts.extend(trace.fallback.iter().cloned().map(TestEvent::Fallback));
    }

    /// All events, in the order of a report.
    pub(super) fn iter(&self) -> impl Iterator<Item = &TestEvent> {
        // What the flow did comes before what the caller noticed of it.
        self.requests.iter().chain(&self.alerts).chain(&self.output)
    }
}

// === impl WidgetPath ===

impl WidgetPath {
    /// Adds a transition.
    fn push(&mut self, transition: &TransitionRecord) {
        // Another execution, or a subflow, begins at a trigger of its own.
        if self.widgets.last() != Some(&transition.from) {
            self.widgets.push(transition.from.clone());
        }
        self.widgets.extend(transition.to.clone());
        self.has_ended = transition.to.is_none();
    }

    /// The widgets from the last one that a `took` matched, inclusive.
    pub(super) fn unmatched_widgets(&self) -> &[String] {
        self.widgets.get(self.matched.saturating_sub(1)..).unwrap_or_default()
    }

    /// The widget that was entered last.
    pub(super) fn current_widget(&self) -> Option<&str> {
        self.widgets.last().map(String::as_str)
    }
}

// === impl TestEvent ===

impl TestEvent {
    /// The first word of an expectation about this event; empty if there is none.
    pub(super) fn word(&self) -> &'static str {
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

    /// The text after that word. Of the parameters, only those in `only`.
    pub(super) fn argument(&self, only: &[&str]) -> String {
        let with_params = |name: &str, parameters: &Params| {
            only.iter().fold(name.to_owned(), |line, name| match parameters.get(name) {
                Some(value) => {
                    format!("{line} {}", format_param(name, &collapse_whitespace(value)))
                }
                None => line,
            })
        };
        let code =
            |alert: &CarrierAlert| alert.code.map(|code| code.to_string()).unwrap_or_default();
        match self {
            TestEvent::Say(text)
            | TestEvent::Play(text)
            | TestEvent::CarrierStep(text)
            | TestEvent::Media(text) => text.clone(),
            TestEvent::Message(text) => escape_line(text),
            TestEvent::FunctionCall { name, widget, parameters, .. } => {
                with_params(mock_name(name, widget), parameters)
            }
            TestEvent::ApiRequest { path, parameters } => {
                with_params(resource_name(path), parameters)
            }
            TestEvent::Warning(alert) | TestEvent::Error(alert) => code(alert),
            TestEvent::Fallback(reason) => reason.clone(),
        }
    }

    /// The names of the parameters.
    pub(super) fn parameters(&self) -> Vec<&str> {
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
    /// The line that would expect the event, with more detail.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, argument) = (self.word(), self.argument(&self.parameters()));
        match self {
            TestEvent::CarrierStep(what) => write!(formatter, "({what})"),
            TestEvent::FunctionCall { answer, .. } => {
                write!(formatter, "{word} {argument} → {answer}")
            }
            TestEvent::Warning(alert) | TestEvent::Error(alert) => {
                write!(formatter, "{word} {alert}")
            }
            _ => write!(formatter, "{word} {argument}"),
        }
    }
}

/// The name of the resource in a path: `Messages` of
/// `/2010-04-01/Accounts/{account}/Messages.json`.
fn resource_name(path: &str) -> &str {
    // A sid follows the name of its resource, so the last name counts.
    let is_sid =
        |part: &str| part.len() >= 34 && part.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
    let parts = path.split('/').map(|part| part.strip_suffix(".json").unwrap_or(part));
    let is_name =
        |part: &&str| part.starts_with(|it: char| it.is_ascii_uppercase()) && !is_sid(part);
    parts.rev().find(is_name).unwrap_or(path)
}
