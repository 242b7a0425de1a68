//! Traces as text for a terminal.

use std::fmt::Write as _;

use super::text::{collapse_whitespace, replace_control_chars, replace_control_chars_in_lines};
use crate::diagnostics::shorten::shorten;
use crate::trace::{TraceCall, TraceEntry, TracedConversation};

/// Characters of the value of a parameter, and of the answer of a function.
const VALUE_MAX: usize = 200;

/// A line for each conversation, the newest first.
pub(super) fn format_list(conversations: &[TracedConversation]) -> String {
    if conversations.is_empty() {
        return "no conversations\n".to_owned();
    }
    let mut out = String::new();
    for conversation in conversations {
        let _ = writeln!(out, "{}", format_line(conversation));
    }
    out
}

fn format_line(conversation: &TracedConversation) -> String {
    let TracedConversation { id, began, contact, address, route, outcome, turns, slowest, .. } =
        conversation;
    let turns = format!("{turns} {}", if *turns == 1 { "exchange" } else { "exchanges" });
    let mut line = format!(
        "{id:>6}  {}  {:<9}  {contact} → {address}  {route}  {turns}, at most {} ms",
        format_time(*began),
        outcome.name(),
        milliseconds(*slowest)
    );
    if let Some(reason) = &conversation.reason {
        line += &format!("  {}", shorten(&collapse_whitespace(reason), VALUE_MAX));
    }
    replace_control_chars(&line)
}

/// A conversation with all its exchanges.
pub(super) fn format_conversation(
    conversation: &TracedConversation,
    entries: &[TraceEntry],
) -> String {
    let mut out = format!("{}\n", format_line(conversation));
    if !conversation.execution.is_empty() {
        let TracedConversation { execution, flow, .. } = conversation;
        let _ = writeln!(out, "        execution {execution}, flow {flow}");
    }
    for entry in entries {
        let _ = write!(out, "\n{}", format_entry(entry));
    }
    replace_control_chars_in_lines(&out)
}

/// An exchange in one line, for a list of what happens.
pub(super) fn format_summary(conversation: i64, entry: &TraceEntry) -> String {
    let time = format_time(entry.at);
    let mut line = format!("{conversation:>6}  {time}  {}  {}", entry.route, entry.outcome);
    for word in [entry.path(), entry.reason.clone().unwrap_or_default()] {
        if !word.is_empty() {
            line += &format!("  {}", collapse_whitespace(&word));
        }
    }
    for call in &entry.calls {
        line += &format!("  {} {}", call.name, describe_answer(call));
    }
    line += &format!("  {} ms", milliseconds(entry.took));
    replace_control_chars(&line)
}

fn format_entry(entry: &TraceEntry) -> String {
    let mut out = format!(
        "{}  {} {} {}  {} ms\n",
        format_time(entry.at),
        entry.kind,
        entry.carrier_sid,
        entry.outcome,
        milliseconds(entry.took)
    );
    write_parameters(&mut out, entry.parameters.iter().filter(|(_, value)| !value.is_empty()));
    let path = entry.path();
    if !path.is_empty() {
        let _ = writeln!(out, "  path  {path}");
    }
    for call in &entry.calls {
        let answer = describe_answer(call);
        let by =
            if call.widget.is_empty() { String::new() } else { format!(" by {}", call.widget) };
        let _ = writeln!(
            out,
            "  function {}{by}: {answer}, {} ms, {} {}",
            call.name,
            milliseconds(call.took),
            call.attempts,
            if call.attempts == 1 { "request" } else { "requests" }
        );
        write_parameters(&mut out, &call.parameters);
        if !call.body.is_empty() {
            let _ = writeln!(out, "    → {}", shorten(&collapse_whitespace(&call.body), VALUE_MAX));
        }
    }
    if let Some(function) = &entry.pending_function {
        let _ = writeln!(out, "  function {function} was still running");
    }
    for request in &entry.carrier_requests {
        let result = match &request.result {
            Ok(sid) => sid,
            Err(error) => error,
        };
        let _ = writeln!(out, "  carrier's API {}: {result}", request.path);
        write_parameters(&mut out, &request.parameters);
    }
    for text in entry.reason.iter().chain(&entry.findings) {
        let _ = writeln!(out, "  ! {}", collapse_whitespace(text));
    }
    for line in entry.document.lines().filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(out, "    {line}");
    }
    out
}

fn write_parameters<'a>(
    out: &mut String,
    parameters: impl IntoIterator<Item = &'a (String, String)>,
) {
    for (name, value) in parameters {
        let _ = writeln!(out, "    {name}: {}", shorten(&collapse_whitespace(value), VALUE_MAX));
    }
}

/// The status of an answer, or the cause of its failure.
fn describe_answer(call: &TraceCall) -> String {
    match (call.status, &call.failure) {
        (Some(status), Some(failure)) => format!("{status}, {failure}"),
        (Some(status), None) => status.to_string(),
        (None, Some(failure)) => failure.clone(),
        (None, None) => "no answer".to_owned(),
    }
}

/// A time in UTC, to the millisecond.
fn format_time(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).ok();
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()).unwrap_or_default()
}

/// Microseconds as milliseconds, to a tenth.
fn milliseconds(micros: i64) -> String {
    format!("{:.1}", micros as f64 / 1_000.0)
}
