//! Texts of a flow's file with the variables of a moment. An output of a variable is rendered
//! here; only what has a filter or a tag is left to the crate's own Liquid.

use serde_json::{Map, Value, json};
use twimlgate::liquid::{LiquidEngine, OutputFormat, RenderLimits};

/// The variables of a moment, and the clock of the turn.
pub(crate) struct Variables {
    root: Value,
    /// The sid of the call, which no template reads.
    pub(super) call_sid: String,
    now: i64,
}

/// The parameters that hold JSON.
const JSON_PARAMETERS: [&str; 3] = ["AddOns", "ChannelAttributes", "ChannelMetadata"];

impl Variables {
    /// Those of a stored execution.
    pub(crate) fn of(execution: &Value, flow_sid: &str, now: u64) -> Variables {
        let frame = execution["frames"].as_array().and_then(|frames| frames.last());
        let frame = frame.unwrap_or(&Value::Null);
        let (kind, values) = trigger(&frame["trigger"]);
        let mut flow = json!({
            "sid": execution["sid"],
            "flow_sid": flow_sid,
            "channel": {"address": execution["address"]},
            "data": frame["data"],
            "variables": frame["variables"],
        });
        if let Some(add_ons) = values.get("AddOns").filter(|add_ons| add_ons.is_object()) {
            flow["add_ons"] = add_ons.clone();
        }
        let root = json!({
            "trigger": {kind: values},
            "contact": {"channel": {"address": execution["contact"]}},
            "flow": flow,
            "widgets": frame["widgets"],
        });
        let call_sid = execution["call_sid"].as_str().unwrap_or_default().to_owned();
        Variables { root, call_sid, now: i64::try_from(now).unwrap() }
    }

    /// A variable by its path, with dots.
    pub(crate) fn find(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.root, |value, name| value.get(name))
    }

    /// A text of the file, rendered. Studio leaves one that cannot be rendered empty.
    pub(crate) fn text(&self, source: &str) -> String {
        self.plain(source).unwrap_or_else(|| {
            let engine = LiquidEngine::new(RenderLimits::default());
            let template = engine.compile("walk", source, OutputFormat::Plain);
            template.ok().and_then(|it| it.render(&self.root, self.now).ok()).unwrap_or_default()
        })
    }

    /// A text with outputs of variables alone; `None` for one with more.
    fn plain(&self, source: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = source;
        while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
            text.push_str(&rest[..at]);
            let (markup, after) = rest[at..].strip_prefix("{{")?.split_once("}}")?;
            text.push_str(&print(self.look_up(markup.trim())?)?);
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    /// The value of a path of names, and of indices in brackets.
    fn look_up(&self, path: &str) -> Option<&Value> {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let mut value = &self.root;
        for step in path.split('.') {
            let (name, indices) = step.split_at(step.find('[').unwrap_or(step.len()));
            // `size`, `first` and `last` are commands, and white space control is a `-`.
            let is_command = ["size", "first", "last"].contains(&name);
            let is_odd = name.is_empty() || name.starts_with('-') || name.ends_with('-');
            if is_command || is_odd || !name.chars().all(is_name) {
                return None;
            }
            value = value.get(name).unwrap_or(&Value::Null);
            for index in indices.split_terminator(']') {
                let index: usize = index.strip_prefix('[')?.parse().ok()?;
                value = value.get(index).unwrap_or(&Value::Null);
            }
        }
        Some(value)
    }

    /// A property; `None` for one that is not set, or empty.
    pub(crate) fn property(&self, value: &Value) -> Option<String> {
        let source = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(self.text(&source)).filter(|text| !text.trim().is_empty())
    }

    /// A property that is `true` or `false`.
    pub(crate) fn flag(&self, value: &Value) -> bool {
        self.property(value).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }

    /// A list of `key` and `value`.
    pub(crate) fn pairs(&self, list: &Value) -> Vec<(String, String)> {
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(source) => self.text(source),
            other => self.text(&other.to_string()),
        };
        let list = list.as_array().map_or(&[][..], Vec::as_slice);
        list.iter().map(|pair| (text(&pair["key"]), text(&pair["value"]))).collect()
    }
}

/// The member of `trigger`, and its members.
fn trigger(trigger: &Value) -> (String, Value) {
    let form = &trigger["Form"];
    let stored = if form.is_object() { form } else { &trigger["Json"] };
    let kind = stored["kind"].as_str().unwrap_or_default().to_ascii_lowercase();
    if !form.is_object() {
        return (kind, stored["values"].clone());
    }
    let mut values = Map::new();
    let params = form["params"].as_str().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(params.as_bytes()) {
        let json = JSON_PARAMETERS.contains(&&*name).then(|| serde_json::from_str(&value).ok());
        let value = json.flatten().unwrap_or_else(|| Value::from(value.as_ref()));
        values.entry(name.into_owned()).or_insert(value);
    }
    (kind, Value::Object(values))
}

/// How Liquid prints a value; `None` for one that the crate's Liquid prints.
fn print(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
