//! What is noticed, as lines on paper: what is said stands out, all else is an aside.

use std::time::Duration;

use crate::channel::Channel;
use crate::diagnostics::shorten::shorten_middle;
use crate::flow::Taken;
use crate::function::OutcomeKind;
use crate::journal::{Called, Trace};
use crate::tools::phone::{Asked, Ended, Fault, Heard};

/// One line, before it is folded and coloured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) style: Style,
    pub(super) text: String,
    /// What stands dimly behind it.
    pub(super) aside: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The title of a session.
    Head,
    /// What a caller hears.
    Said,
    /// A message of the application's.
    Theirs,
    /// A message of one's own.
    Mine,
    /// Anything else that was typed.
    Typed,
    /// What nobody hears: stage directions, webhooks.
    Aside,
    Warning,
    Error,
}

/// Columns of a webhook's target; what is longer is a query that nobody reads.
const TARGET_COLUMNS: usize = 32;

impl Line {
    pub(super) fn new(style: Style, text: impl Into<String>) -> Line {
        Line { style, text: text.into(), aside: String::new() }
    }
}

/// The lines for something that was noticed.
pub(super) fn lines(channel: Channel, heard: &Heard) -> Vec<Line> {
    let one = |style, text: String| vec![Line::new(style, text)];
    match heard {
        Heard::Say { text, language, voice } => {
            let told = [language.as_deref(), voice.as_deref()];
            let told: Vec<&str> = told.into_iter().flatten().collect();
            vec![Line { aside: told.join(", "), ..Line::new(Style::Said, text) }]
        }
        Heard::Play(url) => one(Style::Aside, format!("(Play {url})")),
        Heard::Tones(_) | Heard::Pause(_) | Heard::Does { .. } => {
            one(Style::Aside, heard.to_string())
        }
        Heard::Message { from, to, body, media } => {
            let other = [("from", from), ("to", to)];
            let other =
                other.iter().filter_map(|(word, it)| Some(format!("{word} {}", (*it).as_ref()?)));
            let aside = other.collect::<Vec<_>>().join(" ");
            let all = body.lines().chain(media.iter().map(String::as_str));
            let mut lines: Vec<Line> = all.map(|text| message(channel, text)).collect();
            if let Some(last) = lines.last_mut() {
                last.aside = aside;
            }
            lines
        }
        Heard::Asked(asked) => webhook(asked),
        Heard::Warning(fault) => one(Style::Warning, format!("warning {fault}")),
        Heard::Error(fault) => one(Style::Error, format!("error {fault}")),
        Heard::Ended(ended) => one(Style::Head, experienced(*ended).to_owned()),
    }
}

fn message(channel: Channel, text: &str) -> Line {
    match channel {
        Channel::Voice => Line::new(Style::Said, format!("[message] {text}")),
        Channel::Message => Line::new(Style::Theirs, text),
    }
}

/// What the caller notices of an end.
fn experienced(ended: Ended) -> &'static str {
    match ended {
        Ended::Completed => "The application hangs up.",
        Ended::HungUp => "You hang up.",
        Ended::Rejected => "The call is not taken: a voice says that the number is not in service.",
        Ended::Busy => "The call is not taken: the line is busy.",
        Ended::Failed => "The carrier hangs up.",
    }
}

/// One webhook: what it was for, what came back, and what our own gateway did.
fn webhook(asked: &Asked) -> Vec<Line> {
    let mut told = asked.purpose.clone();
    if !asked.method.is_empty() {
        let target = shorten_middle(&asked.target, TARGET_COLUMNS);
        let status = asked.status.map_or("no answer".to_owned(), |status| status.to_string());
        told = format!("{told}: {} {target}  {status}  {}", asked.method, time(asked.took));
    }
    let lines = asked.trace.iter().flat_map(traced);
    [Line::new(Style::Aside, told)].into_iter().chain(lines).collect()
}

fn traced(trace: &Trace) -> Vec<Line> {
    let mut lines = Vec::new();
    let walked = walked(&trace.taken);
    if !walked.is_empty() {
        lines.push(Line::new(Style::Aside, walked));
    }
    lines.extend(trace.calls.iter().map(called));
    let held = trace.held.iter().map(|function| format!("function {function}: still at work"));
    lines.extend(held.map(|held| Line::new(Style::Aside, held)));
    let refused = trace.sent.iter().filter_map(|sent| Some((sent, sent.result.as_ref().err()?)));
    lines.extend(refused.map(|(sent, error)| {
        Line::new(Style::Warning, format!("the carrier's API, {}: {error}", sent.path))
    }));
    let reason = trace.fallback.iter();
    lines.extend(reason.map(|why| Line::new(Style::Error, format!("fallback: {why}"))));
    // Why a function failed stands behind its name already.
    let failed = |called: &&Called| called.outcome.answer.is_none();
    let told: Vec<String> = trace.calls.iter().filter(failed).map(Called::answer).collect();
    let known = |remark: &&String| told.iter().any(|told| remark.contains(told));
    let remarks = trace.remarks.iter().filter(|remark| !known(remark));
    lines.extend(remarks.map(|remark| Line::new(Style::Aside, format!("remark: {remark}"))));
    lines
}

/// The way through the flow; its end is the widget that the flow is at.
fn walked(taken: &[Taken]) -> String {
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

fn called(called: &Called) -> Line {
    let by = match called.widget == called.name {
        true => String::new(),
        false => format!(", asked by {}", called.widget),
    };
    let (name, answer, took) = (&called.name, called.answer(), time(called.took()));
    let style = match called.outcome.result {
        OutcomeKind::Fail(_) => Style::Warning,
        _ => Style::Aside,
    };
    Line::new(style, format!("function {name}{by}: {answer}  {took}"))
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
pub(super) fn failed(heard: &Heard) -> bool {
    match heard {
        Heard::Error(Fault { .. }) => true,
        Heard::Asked(asked) => asked.trace.as_ref().is_some_and(|trace| trace.fallback.is_some()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(channel: Channel, heard: &Heard) -> Vec<(Style, String)> {
        lines(channel, heard).into_iter().map(|line| (line.style, line.text)).collect()
    }

    fn taken(from: &str, event: &str, to: Option<&str>) -> Taken {
        Taken {
            event: event.to_owned(),
            from: from.to_owned(),
            kind: "say-play",
            to: to.map(str::to_owned),
            output: Value::Null,
            subflow: None,
        }
    }

    fn asked() -> Asked {
        Asked {
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
        let trace = Trace {
            taken: steps,
            fallback: Some("no function".to_owned()),
            remarks: vec!["odd".to_owned()],
            ..Trace::default()
        };
        let heard = Heard::Asked(Box::new(Asked { trace: Some(trace), ..asked() }));
        let expected = [
            (Style::Aside, "Gather action: POST /voice?step=0123…123456789abcdef  200  2.3 ms"),
            (Style::Aside, "menu ─keypress→ which ─match→ the end; other ─next→ menu"),
            (Style::Error, "fallback: no function"),
            (Style::Aside, "remark: odd"),
        ];
        let expected = expected.map(|(style, text)| (style, text.to_owned()));
        assert_eq!(told(Channel::Voice, &heard), expected);
        assert!(failed(&heard), "a gateway that falls back has failed");
        assert!(!failed(&Heard::Asked(Box::new(asked()))));
    }

    #[test]
    fn a_webhook_without_an_answer_and_a_wait_have_no_status() {
        let lost = Asked { status: None, took: Duration::from_secs(15), ..asked() };
        let told_of = |asked| told(Channel::Voice, &Heard::Asked(Box::new(asked)))[0].1.clone();
        assert!(told_of(lost).ends_with("  no answer  15.0 s"));
        let over = Asked { purpose: "a wait is over".to_owned(), method: String::new(), ..asked() };
        assert_eq!(told_of(over), "a wait is over");
    }

    #[test]
    fn what_is_said_has_its_voice_behind_it_and_messages_their_links_below() {
        let (text, language) = ("Hallo".to_owned(), Some("de-DE".to_owned()));
        let said = Heard::Say { text, language, voice: Some("alice".to_owned()) };
        assert_eq!(lines(Channel::Voice, &said)[0].aside, "de-DE, alice");
        let message = Heard::Message {
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
