//! Events as lines of output: what a caller hears is prominent, everything else is a note.

use std::time::Duration;

use crate::channel::Channel;
use crate::diagnostics::shorten::shorten_middle;
use crate::function::OutcomeKind;
use crate::journal::{ExchangeTrace, TracedCall};
use crate::tools::phone::{CallEnd, PhoneEvent, WebhookExchange};

/// One line, before it is folded and coloured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutputLine {
    pub(super) style: LineStyle,
    pub(super) text: String,
    /// A dim remark behind the text.
    pub(super) note: String,
}

/// The kind of a line, which decides on its colour and its indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineStyle {
    /// The title of a session.
    Title,
    /// Speech that a caller hears.
    Speech,
    /// A message of the application.
    Incoming,
    /// A message of the person.
    Outgoing,
    /// Any other typed line.
    Typed,
    /// A step or a webhook that a caller does not notice.
    Note,
    Warning,
    Error,
}

/// Columns of a webhook's target: the rest is mostly a step token.
const TARGET_COLUMNS: usize = 32;

impl OutputLine {
    pub(super) fn new(style: LineStyle, text: impl Into<String>) -> OutputLine {
        OutputLine { style, text: text.into(), note: String::new() }
    }
}

/// The lines of an event.
pub(super) fn event_lines(channel: Channel, event: &PhoneEvent) -> Vec<OutputLine> {
    let one = |style, text: String| vec![OutputLine::new(style, text)];
    match event {
        PhoneEvent::Say { text, language, voice } => {
            let parts = [language.as_deref(), voice.as_deref()];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            vec![OutputLine { note: parts.join(", "), ..OutputLine::new(LineStyle::Speech, text) }]
        }
        PhoneEvent::Play(url) => one(LineStyle::Note, format!("(Play {url})")),
        PhoneEvent::Tones(_) | PhoneEvent::Pause(_) | PhoneEvent::CarrierStep { .. } => {
            one(LineStyle::Note, event.to_string())
        }
        PhoneEvent::Message { from, to, body, media } => {
            let parties = [("from", from), ("to", to)];
            let parties = parties
                .iter()
                .filter_map(|(word, party)| Some(format!("{word} {}", (*party).as_ref()?)));
            let note = parties.collect::<Vec<_>>().join(" ");
            let texts = body.lines().chain(media.iter().map(String::as_str));
            let mut lines: Vec<OutputLine> =
                texts.map(|text| message_line(channel, text)).collect();
            // Behind the last line, where the eye is when the message has been read.
            if let Some(last) = lines.last_mut() {
                last.note = note;
            }
            lines
        }
        PhoneEvent::Webhook(exchange) => webhook_lines(exchange),
        PhoneEvent::Warning(alert) => one(LineStyle::Warning, format!("warning {alert}")),
        PhoneEvent::Error(alert) => one(LineStyle::Error, format!("error {alert}")),
        PhoneEvent::End(end) => one(LineStyle::Title, describe_end(*end).to_owned()),
    }
}

fn message_line(channel: Channel, text: &str) -> OutputLine {
    match channel {
        Channel::Voice => OutputLine::new(LineStyle::Speech, format!("[message] {text}")),
        Channel::Message => OutputLine::new(LineStyle::Incoming, text),
    }
}

/// The end of a call, as the caller notices it.
fn describe_end(end: CallEnd) -> &'static str {
    match end {
        CallEnd::Completed => "The application hangs up.",
        CallEnd::HungUp => "You hang up.",
        CallEnd::Rejected => {
            "The call is not answered: a voice says that the number is not in service."
        }
        CallEnd::Busy => "The call is not answered: the line is busy.",
        CallEnd::Failed => "The carrier hangs up.",
    }
}

/// The lines of a webhook: its purpose, the response, and the trace of the gateway.
fn webhook_lines(exchange: &WebhookExchange) -> Vec<OutputLine> {
    let mut text = exchange.purpose.clone();
    if !exchange.method.is_empty() {
        let target = shorten_middle(&exchange.target, TARGET_COLUMNS);
        let status = exchange.status.map_or("no answer".to_owned(), |status| status.to_string());
        let time = format_time(exchange.duration);
        text = format!("{text}: {} {target}  {status}  {time}", exchange.method);
    }
    let trace = exchange.trace.iter().flat_map(trace_lines);
    [OutputLine::new(LineStyle::Note, text)].into_iter().chain(trace).collect()
}

fn trace_lines(trace: &ExchangeTrace) -> Vec<OutputLine> {
    let mut lines = Vec::new();
    let path = trace.path();
    if !path.is_empty() {
        lines.push(OutputLine::new(LineStyle::Note, path));
    }
    lines.extend(trace.calls.iter().map(function_line));
    let pending =
        trace.pending_function.iter().map(|function| format!("function {function}: still at work"));
    lines.extend(pending.map(|text| OutputLine::new(LineStyle::Note, text)));
    let refused =
        trace.carrier_requests.iter().filter_map(|sent| Some((sent, sent.result.as_ref().err()?)));
    lines.extend(refused.map(|(sent, error)| {
        let text = format!("the carrier's API, {}: {error}", sent.path);
        OutputLine::new(LineStyle::Warning, text)
    }));
    let written = trace.console.iter().flat_map(|text| text.lines());
    lines.extend(written.map(|line| OutputLine::new(LineStyle::Note, format!("| {line}"))));
    let reason = trace.fallback.iter();
    lines.extend(reason.map(|why| OutputLine::new(LineStyle::Error, format!("fallback: {why}"))));
    // The line of a function already has the reason of its failure.
    let has_failed = |called: &&TracedCall| called.outcome.response.is_none();
    let failures: Vec<String> =
        trace.calls.iter().filter(has_failed).map(TracedCall::answer).collect();
    let is_shown = |warning: &&String| failures.iter().any(|failure| warning.contains(failure));
    let warnings = trace.warnings.iter().filter(|warning| !is_shown(warning));
    lines.extend(
        warnings.map(|warning| OutputLine::new(LineStyle::Note, format!("remark: {warning}"))),
    );
    lines
}

fn function_line(called: &TracedCall) -> OutputLine {
    let by = if called.widget == called.name {
        String::new()
    } else {
        format!(", called by {}", called.widget)
    };
    let (name, answer, time) = (&called.name, called.answer(), format_time(called.took()));
    // A failure is a warning, not an error: the flow may have a path for it.
    let style = match called.outcome.kind {
        OutcomeKind::Fail(_) => LineStyle::Warning,
        _ => LineStyle::Note,
    };
    OutputLine::new(style, format!("function {name}{by}: {answer}  {time}"))
}

fn format_time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.01 => format!("{:.1} ms", seconds * 1_000.0),
        ..1.0 => format!("{:.0} ms", seconds * 1_000.0),
        _ => format!("{seconds:.1} s"),
    }
}

/// Whether the application failed: with an error of the carrier, or with the gateway's fallback.
pub(super) fn is_failure(event: &PhoneEvent) -> bool {
    match event {
        PhoneEvent::Error(_) => true,
        PhoneEvent::Webhook(exchange) => {
            exchange.trace.as_ref().is_some_and(|trace| trace.fallback.is_some())
        }
        _ => false,
    }
}

/// Whether the application refused a webhook as not signed.
pub(super) fn is_refused(event: &PhoneEvent) -> bool {
    matches!(event, PhoneEvent::Webhook(exchange) if exchange.status == Some(403))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::flow::TransitionRecord;

    fn texts(channel: Channel, event: &PhoneEvent) -> Vec<(LineStyle, String)> {
        event_lines(channel, event).into_iter().map(|line| (line.style, line.text)).collect()
    }

    fn transition(from: &str, event: &str, to: Option<&str>) -> TransitionRecord {
        TransitionRecord {
            event: event.to_owned(),
            from: from.to_owned(),
            kind: "say-play",
            to: to.map(str::to_owned),
            output: Value::Null,
            subflow: None,
        }
    }

    fn exchange() -> WebhookExchange {
        WebhookExchange {
            purpose: "Gather action".to_owned(),
            method: "POST".to_owned(),
            target: "/voice?step=0123456789abcdef0123456789abcdef".to_owned(),
            parameters: Vec::new(),
            status: Some(200),
            duration: Duration::from_micros(2_340),
            document: None,
            trace: None,
        }
    }

    #[test]
    fn a_webhook_is_shown_with_the_path_through_the_flow() {
        let steps = vec![
            transition("menu", "keypress", Some("which")),
            transition("which", "match", None),
            transition("other", "next", Some("menu")),
        ];
        let trace = ExchangeTrace {
            transitions: steps,
            fallback: Some("no function".to_owned()),
            warnings: vec!["odd".to_owned()],
            ..ExchangeTrace::default()
        };
        let event =
            PhoneEvent::Webhook(Box::new(WebhookExchange { trace: Some(trace), ..exchange() }));
        let expected = [
            (LineStyle::Note, "Gather action: POST /voice?step=0123…123456789abcdef  200  2.3 ms"),
            (LineStyle::Note, "menu ─keypress→ which ─match→ the end; other ─next→ menu"),
            (LineStyle::Error, "fallback: no function"),
            (LineStyle::Note, "remark: odd"),
        ];
        let expected = expected.map(|(style, text)| (style, text.to_owned()));
        assert_eq!(texts(Channel::Voice, &event), expected);
        assert!(is_failure(&event), "a gateway that falls back has failed");
        assert!(!is_failure(&PhoneEvent::Webhook(Box::new(exchange()))));
    }

    #[test]
    fn a_webhook_without_an_answer_and_a_wait_have_no_status() {
        let lost =
            WebhookExchange { status: None, duration: Duration::from_secs(15), ..exchange() };
        let text_of =
            |lost| texts(Channel::Voice, &PhoneEvent::Webhook(Box::new(lost)))[0].1.clone();
        assert!(text_of(lost).ends_with("  no answer  15.0 s"));
        let over = WebhookExchange {
            purpose: "a wait is over".to_owned(),
            method: String::new(),
            ..exchange()
        };
        assert_eq!(text_of(over), "a wait is over");
    }

    #[test]
    fn speech_has_its_voice_behind_it_and_messages_their_links_below() {
        let (text, language) = ("Hallo".to_owned(), Some("de-DE".to_owned()));
        let speech = PhoneEvent::Say { text, language, voice: Some("alice".to_owned()) };
        assert_eq!(event_lines(Channel::Voice, &speech)[0].note, "de-DE, alice");
        let message = PhoneEvent::Message {
            from: None,
            to: Some("+1555".to_owned()),
            body: "one\ntwo".to_owned(),
            media: vec!["https://a/b.png".to_owned()],
        };
        let lines = event_lines(Channel::Message, &message);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "two", "https://a/b.png"]);
        assert_eq!(lines[2].note, "to +1555");
    }
}
