//! The recording of a conversation as a flow test: its actions, its events and the answers of
//! functions.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::events::{TestEvent, TurnEvents, WidgetPath};
use super::failure::escape_for_script;
use super::mocks::{MockFailure, mock_name};
use crate::function::{CallError, OutcomeKind, TransportError};
use crate::journal::TracedCall;
use crate::tools::phone::{Caller, PhoneEvent, PhoneTurn};

/// A recording: a conversation without its turns.
#[derive(Clone, Copy, Debug)]
pub struct SessionRecording<'a> {
    /// The name of the case.
    pub name: &'a str,
    /// The file of the flow test: paths are relative to its folder.
    pub file: &'a Path,
    /// The application.
    pub target: RecordedTarget<'a>,
    /// The caller.
    pub caller: &'a Caller,
    /// The time of the beginning, since 1970.
    pub at: Duration,
}

/// The application of a recording.
#[derive(Clone, Copy, Debug)]
pub enum RecordedTarget<'a> {
    /// A route of a configuration.
    Route {
        /// The configuration file.
        config: &'a Path,
        /// The path of the route.
        route: &'a str,
    },
    /// A URL. A person has to add the target of the test.
    Url(&'a str),
}

/// The shortest answer time that is recorded.
const DELAY_MIN: Duration = Duration::from_secs(1);

impl SessionRecording<'_> {
    /// The text of the flow test.
    pub fn to_flow_test(&self, turns: &[PhoneTurn]) -> String {
        let mut out = String::new();
        match self.target {
            RecordedTarget::Route { config, route } => {
                let config = relative_path(self.file, config).display().to_string();
                let _ = writeln!(out, "config = {}\nroute = {}", quote(&config), quote(route));
            }
            RecordedTarget::Url(url) => {
                // A line end in the URL would end the comment.
                let url: String = url.chars().filter(|letter| !letter.is_control()).collect();
                let _ = writeln!(out, "# Recorded at {url}\n# flow = \"…\", or config and route");
            }
        }
        let Caller { from, to, parameters, .. } = self.caller;
        let _ = writeln!(out, "from = {}\nto = {}", quote(from), quote(to));
        if !parameters.is_empty() {
            let pair = |(name, value): &(String, String)| {
                format!("{} = {}", format_key(name), quote(value))
            };
            let pairs: Vec<String> = parameters.iter().map(pair).collect();
            let _ = writeln!(out, "params = {{ {} }}", pairs.join(", "));
        }
        let at =
            i64::try_from(self.at.as_secs()).ok().and_then(|at| Timestamp::from_second(at).ok());
        if let Some(at) = at {
            let _ = writeln!(out, "at = \"{at}\"");
        }
        let _ = writeln!(out, "\n[[case]]\nname = {}", quote(self.name));
        out += &format_mocks(turns);
        let _ = writeln!(out, "script = '''\n{}'''", format_script(turns));
        out
    }
}

/// The script, with the arguments of all words in one column.
fn format_script(turns: &[PhoneTurn]) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut path = WidgetPath::default();
    for turn in turns {
        if let Some(action) = &turn.action {
            let action = action.to_string();
            let (word, rest) = action.split_once(' ').unwrap_or((&action, ""));
            lines.push((word.to_owned(), rest.to_owned()));
        }
        let events = TurnEvents::new(&turn.events, &mut path);
        for event in events.iter() {
            // A message over the API is also an event of its own.
            let is_message =
                matches!(event, TestEvent::ApiRequest { path, .. } if path.contains("/Messages"));
            if event.word().is_empty() || is_message {
                continue;
            }
            let argument = escape_for_script(&event.argument(&event.parameters()));
            match event.word().split_once(' ') {
                Some((word, kind)) => lines.push((word.to_owned(), format!("{kind} {argument}"))),
                None => lines.push((event.word().to_owned(), argument)),
            }
        }
        if let Some(end) = events.end {
            lines.push(("ends".to_owned(), end.name().to_owned()));
        }
    }
    let width = lines.iter().map(|(word, _)| word.len()).max().unwrap_or_default();
    lines.iter().fold(String::new(), |script, (word, rest)| {
        script + format!("{word:<width$} {rest}").trim_end() + "\n"
    })
}

/// The mocks with the answers of the functions: one answer if it was always the same, else all in
/// turn.
fn format_mocks(turns: &[PhoneTurn]) -> String {
    let events = turns.iter().flat_map(|turn| &turn.events);
    let traces = events.filter_map(|event| match event {
        PhoneEvent::Webhook(exchange) => exchange.trace.as_ref(),
        _ => None,
    });
    let mut answers: Vec<(&str, Vec<String>)> = Vec::new();
    for called in traces.flat_map(|trace| &trace.calls) {
        let name = mock_name(&called.name, &called.widget);
        match answers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, of)) => of.push(format_answer(called)),
            None => answers.push((name, vec![format_answer(called)])),
        }
    }
    answers.into_iter().fold(String::new(), |mocks, (name, mut answers)| {
        let same = answers.iter().all(|answer| *answer == answers[0]);
        // The last answer of a mock is repeated, so one is enough.
        answers.truncate(if same { 1 } else { answers.len() });
        let answers = match answers.as_slice() {
            [one] => one.clone(),
            several => format!("[\n    {},\n]", several.join(",\n    ")),
        };
        mocks + &format!("given.{} = {answers}\n", format_key(name))
    })
}

/// One answer as an format_json table.
fn format_answer(called: &TracedCall) -> String {
    let mut pairs = Vec::new();
    if called.took() >= DELAY_MIN {
        pairs.push(format!("delay = \"{}ms\"", called.took().as_millis()));
    }
    match (&called.outcome.response, &called.outcome.kind) {
        (Some(response), _) => {
            if response.status_code != 200 {
                pairs.push(format!("status = {}", response.status_code));
            }
            let body = String::from_utf8_lossy(&response.body);
            let kind = response.content_type.as_deref().unwrap_or_default();
            let json = serde_json::from_str(&body).ok();
            let json = json.filter(|_| kind.starts_with("application/json"));
            match json.as_ref().and_then(format_json) {
                Some(json) => pairs.push(format!("json = {json}")),
                // Only the exact type: `twiml` would change another one.
                None if kind == "text/xml" => pairs.push(format!("twiml = {}", quote(&body))),
                None if body.is_empty() && kind.is_empty() => {}
                None => {
                    pairs.push(format!("type = {}", quote(kind)));
                    pairs.push(format!("body = {}", quote(&body)));
                }
            }
        }
        (None, OutcomeKind::Fail(error)) => {
            // Any other problem ends like a refused connection: there is no answer.
            let fail = match &error.cause {
                CallError::Timeout { .. } => MockFailure::Timeout,
                CallError::Transport(TransportError::Closed { .. }) => MockFailure::Closed,
                CallError::Transport(TransportError::Truncated { .. }) => MockFailure::Truncated,
                CallError::Transport(TransportError::Resolve { .. }) => MockFailure::Dns,
                CallError::Transport(TransportError::Tls { .. }) => MockFailure::Tls,
                _ => MockFailure::Refused,
            };
            // The recorded delay would be the time limit, not that of the function.
            pairs.retain(|_| fail != MockFailure::Timeout);
            pairs.push(format!("fail = \"{}\"", fail.word()));
        }
        (None, _) => {}
    }
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
}

/// JSON as a TOML value in one line. `None` if it has a `null`, which TOML lacks, or a number that
/// would lose digits in TOML.
fn format_json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) if is_toml_number(number) => number.to_string(),
        Value::Number(_) => return None,
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(format_json).collect::<Option<_>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let pair = |(name, value): (&String, &Value)| {
                Some(format!("{} = {}", format_key(name), format_json(value)?))
            };
            let pairs: Vec<String> = object.iter().map(pair).collect::<Option<_>>()?;
            format!("{{ {} }}", pairs.join(", "))
        }
    })
}

/// Whether TOML has all digits of a number.
fn is_toml_number(number: &Number) -> bool {
    let float = || number.as_f64().and_then(Number::from_f64);
    number.is_i64() || float().is_some_and(|float| float == *number)
}

/// A text as a TOML string in one line.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", letter as u32);
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// A key in the notation of TOML.
fn format_key(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quote(name) }
}

/// A path relative to the folder of a file.
fn relative_path(file: &Path, path: &Path) -> PathBuf {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (file, path) = (whole(file), whole(path));
    let folder: Vec<Component<'_>> =
        file.parent().map(Path::components).into_iter().flatten().collect();
    let path: Vec<Component<'_>> = path.components().collect();
    let common = folder.iter().zip(&path).take_while(|(a, b)| a == b).count();
    let up = folder[common..].iter().map(|_| Component::ParentDir);
    up.chain(path[common..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_toml_can_be_read() {
        let json = serde_json::json!({"a b": ["x\"\n\u{1}", 1, 1.5, true, {}], "c": {"d": "é"}});
        let written = format_json(&json).unwrap();
        let read: toml::Table = format!("v = {written}").parse().unwrap();
        assert_eq!(serde_json::to_value(&read["v"]).unwrap(), json);
        assert_eq!(format_json(&serde_json::json!({"a": null})), None);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let relative = |file: &str, path: &str| relative_path(Path::new(file), Path::new(path));
        assert_eq!(relative("a/b/t.toml", "a/config.toml"), Path::new("../config.toml"));
        assert_eq!(relative("t.toml", "a/config.toml"), Path::new("a/config.toml"));
    }
}
