//! What is noticed, as lines on paper: what is said stands out, all else is an aside.

use std::time::Duration;

use crate::channel::Channel;
use crate::diagnostics::shorten::shorten_middle;
use crate::flow::TransitionRecord;
use crate::function::OutcomeKind;
use crate::journal::{ExchangeTrace, TracedCall};
use crate::tools::phone::{CallEnd, CarrierAlert, PhoneEvent, WebhookExchange};

/// One line, before it is folded and coloured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutputLine {
    pub(super) style: LineStyle,
    pub(super) text: String,
    /// What stands dimly behind it.
    pub(super) aside: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineStyle {
    /// The title of a session.
    Title,
    /// What a caller hears.
    Speech,
    /// A message of the application's.
    Incoming,
    /// A message of one's own.
    Outgoing,
    /// Anything else that was typed.
    Typed,
    /// What nobody hears: stage directions, webhooks.
    Note,
    Warning,
    Error,
}

/// Columns of a webhook's target; what is longer is a query that nobody reads.
const TARGET_COLUMNS: usize = 32;

impl OutputLine {
    pub(super) fn new(style: LineStyle, text: impl Into<String>) -> OutputLine {
        OutputLine { style, text: text.into(), aside: String::new() }
    }
}

/// The lines for something that was noticed.
pub(super) fn lines(channel: Channel, heard: &PhoneEvent) -> Vec<OutputLine> {
    let one = |style, text: String| vec![OutputLine::new(style, text)];
    match heard {
        PhoneEvent::Say { text, language, voice } => {
            let told = [language.as_deref(), voice.as_deref()];
            let told: Vec<&str> = told.into_iter().flatten().collect();
            vec![OutputLine { aside: told.join(", "), ..OutputLine::new(LineStyle::Speech, text) }]
        }
        PhoneEvent::Play(url) => one(LineStyle::Note, format!("(Play {url})")),
        PhoneEvent::Tones(_) | PhoneEvent::Pause(_) | PhoneEvent::CarrierStep { .. } => {
            one(LineStyle::Note, heard.to_string())
        }
        PhoneEvent::Message { from, to, body, media } => {
            let other = [("from", from), ("to", to)];
            let other =
                other.iter().filter_map(|(word, it)| Some(format!("{word} {}", (*it).as_ref()?)));
            let aside = other.collect::<Vec<_>>().join(" ");
            let all = body.lines().chain(media.iter().map(String::as_str));
            let mut lines: Vec<OutputLine> = all.map(|text| message(channel, text)).collect();
            if let Some(last) = lines.last_mut() {
                last.aside = aside;
            }
            lines
        }
        PhoneEvent::Webhook(asked) => webhook(asked),
        PhoneEvent::Warning(fault) => one(LineStyle::Warning, format!("warning {fault}")),
        PhoneEvent::Error(fault) => one(LineStyle::Error, format!("error {fault}")),
        PhoneEvent::End(ended) => one(LineStyle::Title, experienced(*ended).to_owned()),
    }
}

fn message(channel: Channel, text: &str) -> OutputLine {
    match channel {
        Channel::Voice => OutputLine::new(LineStyle::Speech, format!("[message] {text}")),
        Channel::Message => OutputLine::new(LineStyle::Incoming, text),
    }
}

/// What the caller notices of an end.
fn experienced(ended: CallEnd) -> &'static str {
    match ended {
        CallEnd::Completed => "The application hangs up.",
        CallEnd::HungUp => "You hang up.",
        CallEnd::Rejected => {
            "The call is not taken: a voice says that the number is not in service."
        }
        CallEnd::Busy => "The call is not taken: the line is busy.",
        CallEnd::Failed => "The carrier hangs up.",
    }
}

/// One webhook: what it was for, what came back, and what our own gateway did.
fn webhook(asked: &WebhookExchange) -> Vec<OutputLine> {
    let mut told = asked.purpose.clone();
    if !asked.method.is_empty() {
        let target = shorten_middle(&asked.target, TARGET_COLUMNS);
        let status = asked.status.map_or("no answer".to_owned(), |status| status.to_string());
        told = format!("{told}: {} {target}  {status}  {}", asked.method, time(asked.took));
    }
    let lines = asked.trace.iter().flat_map(traced);
    [OutputLine::new(LineStyle::Note, told)].into_iter().chain(lines).collect()
}

fn traced(trace: &ExchangeTrace) -> Vec<OutputLine> {
    let mut lines = Vec::new();
    let walked = walked(&trace.transitions);
    if !walked.is_empty() {
        lines.push(OutputLine::new(LineStyle::Note, walked));
    }
    lines.extend(trace.calls.iter().map(called));
    let held = trace.held.iter().map(|function| format!("function {function}: still at work"));
    lines.extend(held.map(|held| OutputLine::new(LineStyle::Note, held)));
    let refused = trace.sent.iter().filter_map(|sent| Some((sent, sent.result.as_ref().err()?)));
    lines.extend(refused.map(|(sent, error)| {
        OutputLine::new(LineStyle::Warning, format!("the carrier's API, {}: {error}", sent.path))
    }));
    let reason = trace.fallback.iter();
    lines.extend(reason.map(|why| OutputLine::new(LineStyle::Error, format!("fallback: {why}"))));
    // Why a function failed stands behind its name already.
    let failed = |called: &&TracedCall| called.outcome.response.is_none();
    let told: Vec<String> = trace.calls.iter().filter(failed).map(TracedCall::answer).collect();
    let known = |remark: &&String| told.iter().any(|told| remark.contains(told));
    let warnings = trace.warnings.iter().filter(|warning| !known(warning));
    lines.extend(
        warnings.map(|warning| OutputLine::new(LineStyle::Note, format!("remark: {warning}"))),
    );
    lines
}

/// The way through the flow; its end is the widget that the flow is at.
fn walked(taken: &[TransitionRecord]) -> String {
    let mut told = String::new();
    let mut at: Option<&str> = None;
    for step in taken {
        if at != Some(&step.from) {
            told.push_str(if told.is_empty() { "" } else { "; " });
            told.push_str(&step.from);
        }
        at = step.to.as_deref();
        told.push_str(&format!(" ─{}→ {}", step.event, at.unwrap_or("the end")));
    }
    told
}

fn called(called: &TracedCall) -> OutputLine {
    let by = match called.widget == called.name {
        true => String::new(),
        false => format!(", asked by {}", called.widget),
    };
    let (name, answer, took) = (&called.name, called.answer(), time(called.took()));
    let style = match called.outcome.kind {
        OutcomeKind::Fail(_) => LineStyle::Warning,
        _ => LineStyle::Note,
    };
    OutputLine::new(style, format!("function {name}{by}: {answer}  {took}"))
}

/// A time for a person to read.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.01 => format!("{:.1} ms", seconds * 1_000.0),
        ..1.0 => format!("{:.0} ms", seconds * 1_000.0),
        _ => format!("{seconds:.1} s"),
    }
}

/// Whether the application failed: an error of the carrier's, or the gateway's own last resort.
pub(super) fn failed(heard: &PhoneEvent) -> bool {
    match heard {
        PhoneEvent::Error(CarrierAlert { .. }) => true,
        PhoneEvent::Webhook(asked) => {
            asked.trace.as_ref().is_some_and(|trace| trace.fallback.is_some())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(channel: Channel, heard: &PhoneEvent) -> Vec<(LineStyle, String)> {
        lines(channel, heard).into_iter().map(|line| (line.style, line.text)).collect()
    }

    fn taken(from: &str, event: &str, to: Option<&str>) -> TransitionRecord {
        TransitionRecord {
            event: event.to_owned(),
            from: from.to_owned(),
            kind: "say-play",
            to: to.map(str::to_owned),
            output: Value::Null,
            subflow: None,
        }
    }

    fn asked() -> WebhookExchange {
        WebhookExchange {
            purpose: "Gather action".to_owned(),
            method: "POST".to_owned(),
            target: "/voice?step=0123456789abcdef0123456789abcdef".to_owned(),
            parameters: Vec::new(),
            status: Some(200),
            took: Duration::from_micros(2_340),
            document: None,
            trace: None,
        }
    }

    #[test]
    fn a_webhook_is_told_with_what_the_flow_did() {
        let steps = vec![
            taken("menu", "keypress", Some("which")),
            taken("which", "match", None),
            taken("other", "next", Some("menu")),
        ];
        let trace = ExchangeTrace {
            transitions: steps,
            fallback: Some("no function".to_owned()),
            warnings: vec!["odd".to_owned()],
            ..ExchangeTrace::default()
        };
        let heard =
            PhoneEvent::Webhook(Box::new(WebhookExchange { trace: Some(trace), ..asked() }));
        let expected = [
            (LineStyle::Note, "Gather action: POST /voice?step=0123…123456789abcdef  200  2.3 ms"),
            (LineStyle::Note, "menu ─keypress→ which ─match→ the end; other ─next→ menu"),
            (LineStyle::Error, "fallback: no function"),
            (LineStyle::Note, "remark: odd"),
        ];
        let expected = expected.map(|(style, text)| (style, text.to_owned()));
        assert_eq!(told(Channel::Voice, &heard), expected);
        assert!(failed(&heard), "a gateway that falls back has failed");
        assert!(!failed(&PhoneEvent::Webhook(Box::new(asked()))));
    }

    #[test]
    fn a_webhook_without_an_answer_and_a_wait_have_no_status() {
        let lost = WebhookExchange { status: None, took: Duration::from_secs(15), ..asked() };
        let told_of =
            |asked| told(Channel::Voice, &PhoneEvent::Webhook(Box::new(asked)))[0].1.clone();
        assert!(told_of(lost).ends_with("  no answer  15.0 s"));
        let over = WebhookExchange {
            purpose: "a wait is over".to_owned(),
            method: String::new(),
            ..asked()
        };
        assert_eq!(told_of(over), "a wait is over");
    }

    #[test]
    fn what_is_said_has_its_voice_behind_it_and_messages_their_links_below() {
        let (text, language) = ("Hallo".to_owned(), Some("de-DE".to_owned()));
        let said = PhoneEvent::Say { text, language, voice: Some("alice".to_owned()) };
        assert_eq!(lines(Channel::Voice, &said)[0].aside, "de-DE, alice");
        let message = PhoneEvent::Message {
            from: None,
            to: Some("+1555".to_owned()),
            body: "one\ntwo".to_owned(),
            media: vec!["https://a/b.png".to_owned()],
        };
        let lines = lines(Channel::Message, &message);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "two", "https://a/b.png"]);
        assert_eq!(lines[2].aside, "to +1555");
    }
}
