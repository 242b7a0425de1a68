//! One line of the log: a message for readers, and fields for searches.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::ExchangeLog;
use crate::clock;
use crate::diagnostics::shorten::mask_numbers;
use crate::metrics::ExchangeOutcome;
use crate::node::ConsoleLine;

/// The severity of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// Normal operation.
    Info,
    /// The webhook was answered or refused, and an operator should look at the reason.
    Warn,
    /// A caller got a fallback, or `fail` because of a defect, or the gateway itself fails.
    Error,
}

/// One line of the log. Durations are in milliseconds.
#[derive(Debug, Serialize)]
pub struct LogLine<'a> {
    time: String,
    level: LogLevel,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_ms: Option<f64>,
    /// The number of hold documents that the caller has got for a function that is still running.
    #[serde(skip_serializing_if = "Option::is_none")]
    holding: Option<u32>,
    /// `text` if the answer is a text of the function, which the carrier speaks or sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_ms: Option<f64>,
    /// The path through the flow; only while a flow is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unproven: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<String>,
    /// The path of a refused request, without what may be a telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// The URL that its signature was checked over, without the values of its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_from: Option<&'a str>,
    /// The last field, since [`LogLine::write_cause`] adds it to a line that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

impl<'a> LogLine<'a> {
    /// The line for an exchange.
    pub(super) fn new(record: &'a ExchangeLog, took: Duration) -> LogLine<'a> {
        let call = record.call.as_ref();
        let refusal = record.refusal.as_deref();
        let warnings = record.warnings.iter();
        // A warning may quote what a function returned, and so contain a telephone number.
        let findings: Vec<String> =
            warnings.map(|warning| mask_numbers(&warning.to_string())).collect();
        let level = match record.outcome {
            ExchangeOutcome::Fallback | ExchangeOutcome::Degraded => LogLevel::Error,
            ExchangeOutcome::Refused | ExchangeOutcome::Gone => LogLevel::Warn,
            _ if !findings.is_empty() || record.unproven.is_some() => LogLevel::Warn,
            ExchangeOutcome::Answered | ExchangeOutcome::Repeated => LogLevel::Info,
        };
        LogLine {
            level,
            message: record.message,
            route: record.route_path(),
            sid: &record.sid,
            outcome: Some(record.outcome.name()),
            // A client that went away got no status, and the end of a wait has none.
            status: Some(record.status).filter(|status| *status != 0),
            function: call.map(|call| call.name.as_str()),
            function_status: call.and_then(|call| call.status),
            function_ms: call.map(|call| milliseconds(call.took)),
            holding: record.holding,
            answer: record.text.then_some("text"),
            total_ms: Some(milliseconds(took)),
            flow_path: shown_path(record),
            reason: record.reason.as_deref(),
            unproven: record.unproven.as_deref(),
            findings,
            path: refusal.map(|refusal| refusal.path.as_str()),
            url: refusal.and_then(|refusal| refusal.url.as_deref()),
            url_from: refusal.map(|refusal| refusal.url_source.as_str()),
            cause: refusal.and_then(|refusal| refusal.cause.as_deref()),
            ..LogLine::note(level, "")
        }
    }

    /// A line that does not belong to an exchange.
    pub(crate) fn note(level: LogLevel, message: &'a str) -> LogLine<'a> {
        LogLine {
            time: now(),
            level,
            message,
            route: None,
            sid: "",
            outcome: None,
            status: None,
            function: None,
            function_status: None,
            function_ms: None,
            holding: None,
            answer: None,
            total_ms: None,
            flow_path: None,
            reason: None,
            unproven: None,
            findings: Vec::new(),
            path: None,
            url: None,
            url_from: None,
            cause: None,
        }
    }

    /// A line that a function wrote. It is the user's own text.
    pub(super) fn of_console(line: &ConsoleLine<'a>) -> LogLine<'a> {
        let level = match line.level {
            "error" => LogLevel::Error,
            "warn" => LogLevel::Warn,
            _ => LogLevel::Info,
        };
        let function = Some(line.function).filter(|function| !function.is_empty());
        LogLine { function, sid: line.sid, ..LogLine::note(level, line.text) }
    }

    /// Appends the line as JSON, without a line break.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        // `out` may contain earlier lines: a failure removes only the half of this one.
        let start = out.len();
        if serde_json::to_writer(&mut *out, self).is_err() {
            out.truncate(start);
        }
    }

    /// Appends the line as text for a terminal, without a line break at its end.
    pub(super) fn write_human(&self, out: &mut Vec<u8>) {
        let level = match self.level {
            LogLevel::Info => "info ",
            LogLevel::Warn => "warn ",
            LogLevel::Error => "error",
        };
        // Of RFC 3339 only the time of day: at a terminal the date is known.
        let clock_time = self.time.get(11..19).unwrap_or_default();
        let mut text = format!("{clock_time} {level} {}", self.message);
        for word in [self.route, Some(self.sid), self.outcome].into_iter().flatten() {
            if !word.is_empty() {
                let _ = write!(text, " {word}");
            }
        }
        if let Some(status) = self.status {
            let _ = write!(text, " {status}");
        }
        if let Some(function) = self.function {
            let none = if self.holding.is_some() { "held" } else { "no answer" };
            let status = self.function_status.map_or(none.to_owned(), |s| s.to_string());
            let _ = write!(text, ", {function} {status}");
        }
        if let Some(answer) = self.answer {
            let _ = write!(text, " ({answer})");
        }
        if let Some(path) = &self.flow_path {
            let _ = write!(text, " {path}");
        }
        for (name, value) in [("function", self.function_ms), ("total", self.total_ms)] {
            if let Some(value) = value {
                let _ = write!(text, ", {name} {value} ms");
            }
        }
        let findings = self.findings.iter().map(String::as_str);
        for detail in self.reason.into_iter().chain(self.unproven).chain(findings) {
            let _ = write!(text, "\n         {detail}");
        }
        if let Some(path) = self.path {
            let _ = write!(text, "\n         path {path}");
        }
        if let Some((url, source)) = self.url.zip(self.url_from) {
            let _ = write!(text, "\n         checked over {url} (from {source})");
        }
        push_printable(&text, out);
        if let Some(cause) = self.cause {
            LogLine::write_cause(cause, true, out);
        }
    }

    /// Appends the likeliest cause to a line of a refusal that was just appended.
    pub(super) fn write_cause(cause: &str, human: bool, out: &mut Vec<u8>) {
        if human {
            return push_printable(&format!("\n         likeliest cause: {cause}"), out);
        }
        // A line that could not be written as JSON is empty, and has no place for a field.
        if out.pop_if(|last| *last == b'}').is_some() {
            let field = format!(",\"cause\":{}}}", serde_json::Value::from(cause));
            out.extend_from_slice(field.as_bytes());
        }
    }
}

/// Appends text; an escape sequence in what it quotes must not reach the terminal.
fn push_printable(text: &str, out: &mut Vec<u8>) {
    let printable = text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c });
    out.extend_from_slice(printable.collect::<String>().as_bytes());
}

/// The time as RFC 3339, UTC, to the millisecond.
fn now() -> String {
    let wall = clock::wall();
    let seconds = jiff::Timestamp::from_second(wall.as_secs() as i64).unwrap_or_default();
    let mut text = seconds.to_string();
    // The `Z` moves behind the fraction, which always has three digits: lines sort as text.
    text.pop();
    let _ = write!(text, ".{:03}Z", wall.subsec_millis());
    text
}

/// A duration in milliseconds, to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}

/// The path of the exchange, where the log shows it. Without a flow there is none.
fn shown_path(record: &ExchangeLog) -> Option<String> {
    let trace = record.trace.as_ref().filter(|_| record.journal.log.shows_path())?;
    Some(trace.path()).filter(|path| !path.is_empty())
}
