//! A conversation, written down as a flow test: what was done, what was heard, and what functions
//! answered meanwhile.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::events::{TestEvent, TurnEvents, WidgetPath};
use super::failure::written;
use super::mocks::{MockFailure, named};
use crate::function::{CallError, OutcomeKind, TransportError};
use crate::journal::TracedCall;
use crate::tools::phone::{Caller, PhoneEvent, PhoneTurn};

/// What is known of a conversation beside its turns.
#[derive(Clone, Copy, Debug)]
pub struct SessionRecording<'a> {
    /// What it shows, for the name of the case.
    pub name: &'a str,
    /// The file that will hold it: paths in it are relative to its folder.
    pub file: &'a Path,
    /// What was called.
    pub of: RecordedTarget<'a>,
    /// Who called.
    pub caller: &'a Caller,
    /// When it began, as the time since 1970.
    pub at: Duration,
}

/// What was called.
#[derive(Clone, Copy, Debug)]
pub enum RecordedTarget<'a> {
    /// A route of a configuration.
    Route(&'a Path, &'a str),
    /// Somebody else's application. The test says so, and has to be told what it is of.
    Url(&'a str),
}

/// Shorter answers than this are instant.
const DELAY_MIN: Duration = Duration::from_secs(1);

impl SessionRecording<'_> {
    /// The whole file.
    pub fn write(&self, turns: &[PhoneTurn]) -> String {
        let mut out = String::new();
        match self.of {
            RecordedTarget::Route(config, route) => {
                let config = relative(self.file, config).display().to_string();
                let _ = writeln!(out, "config = {}\nroute = {}", quoted(&config), quoted(route));
            }
            RecordedTarget::Url(url) => {
                let url: String = url.chars().filter(|letter| !letter.is_control()).collect();
                let _ = writeln!(out, "# Recorded at {url}\n# flow = \"…\", or config and route");
            }
        }
        let Caller { from, to, parameters, .. } = self.caller;
        let _ = writeln!(out, "from = {}\nto = {}", quoted(from), quoted(to));
        if !parameters.is_empty() {
            let pair =
                |(name, value): &(String, String)| format!("{} = {}", key(name), quoted(value));
            let pairs: Vec<String> = parameters.iter().map(pair).collect();
            let _ = writeln!(out, "params = {{ {} }}", pairs.join(", "));
        }
        let at =
            i64::try_from(self.at.as_secs()).ok().and_then(|at| Timestamp::from_second(at).ok());
        if let Some(at) = at {
            let _ = writeln!(out, "at = \"{at}\"");
        }
        let _ = writeln!(out, "\n[[case]]\nname = {}", quoted(self.name));
        out += &given(turns);
        let _ = writeln!(out, "script = '''\n{}'''", script(turns));
        out
    }
}

/// The lines of the script, what stands behind the words in one column.
fn script(turns: &[PhoneTurn]) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut walk = WidgetPath::default();
    for turn in turns {
        if let Some(act) = &turn.act {
            let act = act.to_string();
            let (word, rest) = act.split_once(' ').unwrap_or((&act, ""));
            lines.push((word.to_owned(), rest.to_owned()));
        }
        let happened = TurnEvents::new(&turn.heard, &mut walk);
        for item in happened.items() {
            // A message that was sent is heard, too.
            let heard =
                matches!(item, TestEvent::ApiRequest { path, .. } if path.contains("/Messages"));
            if item.word().is_empty() || heard {
                continue;
            }
            let argument = written(&item.argument(&item.parameters()));
            match item.word().split_once(' ') {
                Some((word, kind)) => lines.push((word.to_owned(), format!("{kind} {argument}"))),
                None => lines.push((item.word().to_owned(), argument)),
            }
        }
        if let Some(ended) = happened.ended {
            lines.push(("ends".to_owned(), ended.name().to_owned()));
        }
    }
    let width = lines.iter().map(|(word, _)| word.len()).max().unwrap_or_default();
    lines.iter().fold(String::new(), |script, (word, rest)| {
        script + format!("{word:<width$} {rest}").trim_end() + "\n"
    })
}

/// What functions answered, by widget where a URL was asked: one answer where it was always the
/// same, else all in turn.
fn given(turns: &[PhoneTurn]) -> String {
    let traces = turns.iter().flat_map(|turn| &turn.heard).filter_map(|heard| match heard {
        PhoneEvent::Webhook(asked) => asked.trace.as_ref(),
        _ => None,
    });
    let mut answers: Vec<(&str, Vec<String>)> = Vec::new();
    for called in traces.flat_map(|trace| &trace.calls) {
        let name = named(&called.name, &called.widget);
        match answers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, of)) => of.push(answer(called)),
            None => answers.push((name, vec![answer(called)])),
        }
    }
    answers.into_iter().fold(String::new(), |given, (name, mut answers)| {
        let same = answers.iter().all(|answer| *answer == answers[0]);
        answers.truncate(if same { 1 } else { answers.len() });
        let answers = match answers.as_slice() {
            [one] => one.clone(),
            several => format!("[\n    {},\n]", several.join(",\n    ")),
        };
        given + &format!("given.{} = {answers}\n", key(name))
    })
}

/// One answer as an inline table.
fn answer(called: &TracedCall) -> String {
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
            match json.as_ref().and_then(inline) {
                Some(json) => pairs.push(format!("json = {json}")),
                None if kind == "text/xml" => pairs.push(format!("twiml = {}", quoted(&body))),
                None if body.is_empty() && kind.is_empty() => {}
                None => {
                    pairs.push(format!("type = {}", quoted(kind)));
                    pairs.push(format!("body = {}", quoted(&body)));
                }
            }
        }
        (None, OutcomeKind::Fail(error)) => {
            let fail = match &error.cause {
                CallError::Timeout { .. } => MockFailure::Timeout,
                CallError::Transport(TransportError::Closed { .. }) => MockFailure::Closed,
                CallError::Transport(TransportError::Truncated { .. }) => MockFailure::Truncated,
                CallError::Transport(TransportError::Resolve { .. }) => MockFailure::Dns,
                CallError::Transport(TransportError::Tls { .. }) => MockFailure::Tls,
                _ => MockFailure::Refused,
            };
            // A time limit does not say how long it would have been.
            pairs.retain(|_| fail != MockFailure::Timeout);
            pairs.push(format!("fail = \"{}\"", fail.word()));
        }
        (None, _) => {}
    }
    match pairs.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", pairs.join(", ")),
    }
}

/// JSON as a value of TOML in one line. `None` where there is `null` in it, which TOML has not.
fn inline(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect::<Option<_>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let pair = |(name, value): (&String, &Value)| {
                Some(format!("{} = {}", key(name), inline(value)?))
            };
            let pairs: Vec<String> = object.iter().map(pair).collect::<Option<_>>()?;
            format!("{{ {} }}", pairs.join(", "))
        }
    })
}

/// A text as TOML has it in one line.
fn quoted(text: &str) -> String {
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

/// A key as TOML has it.
fn key(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A path as it is from the folder of a file.
fn relative(file: &Path, path: &Path) -> PathBuf {
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
        let written = inline(&json).unwrap();
        let read: toml::Table = format!("v = {written}").parse().unwrap();
        assert_eq!(serde_json::to_value(&read["v"]).unwrap(), json);
        assert_eq!(inline(&serde_json::json!({"a": null})), None);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let relative = |file: &str, path: &str| relative(Path::new(file), Path::new(path));
        assert_eq!(relative("a/b/t.toml", "a/config.toml"), Path::new("../config.toml"));
        assert_eq!(relative("t.toml", "a/config.toml"), Path::new("a/config.toml"));
    }
}
