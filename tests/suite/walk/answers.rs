//! What callers, functions and the carrier could say to a flow, taken from what it asks about.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use twimlgate::flow::{Event, Flow, SendError, Test};
use twimlgate::function::{Answer, FunctionError, Outcome, OutcomeKind, Problem};
use twimlgate::liquid::{PathStep, Template};
use twimlgate::twiml::read::{Bounds, tree};
use twimlgate::webhook::{Channel, Params};

/// Texts that the flow compares with, and some that fit nothing.
pub(crate) fn candidates(flow: &Flow) -> Vec<String> {
    let mut found: BTreeSet<String> = ["1", "zz-nothing", "true"].map(str::to_owned).into();
    for condition in flow.widgets.iter().flat_map(|w| &w.transitions).flat_map(|t| &t.conditions) {
        let value = condition.value.is_constant().unwrap_or_default().trim().to_owned();
        let number: f64 = value.parse().unwrap_or_default();
        match condition.test {
            Test::MatchesAnyOf => found.extend(value.split(',').map(|word| word.trim().to_owned())),
            Test::LessThan => drop(found.insert((number - 1.0).to_string())),
            Test::GreaterThan => drop(found.insert((number + 1.0).to_string())),
            Test::Regex => {
                let literal = |c: char| c.is_alphanumeric() || "|, @.-".contains(c);
                let plain: String = value.chars().filter(|c| literal(*c)).collect();
                found.extend(plain.split('|').map(str::to_owned));
                found.extend(["5", "12345", "a@b.example", "2026-01-01"].map(str::to_owned));
            }
            Test::IsBeforeDate => drop(found.insert("1999-01-01".to_owned())),
            Test::IsAfterDate => drop(found.insert("2999-01-01".to_owned())),
            Test::IsBeforeTime => drop(found.insert("00:00".to_owned())),
            Test::IsAfterTime => drop(found.insert("23:59".to_owned())),
            _ => drop(found.insert(value)),
        }
    }
    found.into_iter().filter(|text| !text.is_empty()).collect()
}

/// All templates of a flow.
fn templates(flow: &Flow) -> impl Iterator<Item = &Template> {
    flow.widgets.iter().flat_map(|widget| {
        let properties = &widget.kind.properties;
        let texts = properties.texts.iter().map(|(_, template)| template);
        let pairs = properties.lists.iter().flat_map(|(_, pairs)| pairs);
        let pairs = pairs.flat_map(|pair| [&pair.key, &pair.value]);
        let conditions = widget.transitions.iter().flat_map(|to| &to.conditions);
        let conditions = conditions.flat_map(|c| c.argument.iter().chain([&c.value]));
        texts.chain(pairs).chain(conditions)
    })
}

/// What a flow reads of a function's answer, all of it set to one value.
fn parsed(flow: &Flow, widget: &str, value: &str) -> Map<String, Value> {
    let mut body = json!({});
    for variable in templates(flow).flat_map(Template::variables) {
        let [first, second, third, path @ ..] = variable.path.as_slice() else { continue };
        let key = |step: &PathStep| match step {
            PathStep::Key(key) => key.clone(),
            PathStep::Index(_) | PathStep::Computed => String::new(),
        };
        if key(first) != "widgets" || key(second) != widget || key(third) != "parsed" {
            continue;
        }
        set(&mut body, path, value);
    }
    body.as_object().cloned().unwrap_or_default()
}

/// What a flow reads of the parameters of whoever began it, all of it set to one value.
pub(crate) fn told(flow: &Flow, value: &str) -> Map<String, Value> {
    let mut parameters = json!({});
    for variable in templates(flow).flat_map(Template::variables) {
        let keys: Vec<&str> = variable
            .path
            .iter()
            .map_while(|step| match step {
                PathStep::Key(key) => Some(key.as_str()),
                PathStep::Index(_) | PathStep::Computed => None,
            })
            .collect();
        let behind = match keys.as_slice() {
            ["trigger", "request", "parameters", ..] => 3,
            ["flow", "data", ..] => 2,
            _ => continue,
        };
        set(&mut parameters, &variable.path[behind..], value);
    }
    parameters.as_object().cloned().unwrap_or_default()
}

fn set(at: &mut Value, path: &[PathStep], value: &str) {
    match path {
        [] if at.is_object() && !at.as_object().is_some_and(Map::is_empty) => {}
        [] => *at = value.parse::<i64>().map_or_else(|_| value.into(), Value::from),
        [PathStep::Key(key), rest @ ..] => {
            if !at.is_object() {
                *at = json!({});
            }
            set(&mut at[key], rest, value);
        }
        [PathStep::Index(_) | PathStep::Computed, rest @ ..] => {
            if !at.is_array() {
                *at = json!([null]);
            }
            set(&mut at[0], rest, value);
        }
    }
}

/// What may come of a call, and whether it is a failure.
pub(crate) fn outcomes(flow: &Flow, widget: &str, values: &[String]) -> Vec<(Outcome, bool)> {
    let success = |parsed| OutcomeKind::Success { parsed: Some(parsed) };
    let fail = |problem| OutcomeKind::Fail(FunctionError { function: widget.to_owned(), problem });
    let twiml = "<Response><Redirect>https://other.example/</Redirect></Response>";
    let mut kinds: Vec<(OutcomeKind, u16, bool)> =
        values.iter().map(|value| (success(parsed(flow, widget, value)), 200, false)).collect();
    kinds.push((fail(Problem::Status { status: 404 }), 404, true));
    kinds.push((OutcomeKind::Twiml(twiml.into()), 200, false));
    kinds
        .into_iter()
        .map(|(result, status_code, failed)| {
            let content_type = Some("application/json".to_owned());
            let answer = Some(Answer { status_code, content_type, body: "x".into() });
            let duration = Duration::ZERO;
            let outcome =
                Outcome { result, answer, duration, attempts: 1, reused_connection: false };
            (outcome, failed)
        })
        .collect()
}

/// What the carrier's API answers.
type Sent = Result<Map<String, Value>, SendError>;

/// What may come of a request to the carrier's API.
pub(crate) fn sent() -> Vec<(Sent, bool)> {
    let resource = json!({"sid": "XX00000000000000000000000000000000", "status": "queued"});
    let done = resource.as_object().cloned().unwrap_or_default();
    vec![(Ok(done), false), (Err(SendError::Refused { status: 400, code: Some(21211) }), true)]
}

/// What the carrier may say next, by what stands in the document.
pub(crate) fn events(document: &[u8], channel: Channel, values: &[String]) -> Vec<Event> {
    let webhook = |pairs: &[(&str, &str)]| {
        Event::Webhook(Arc::new(pairs.iter().copied().collect::<Params>()))
    };
    let returned = || Event::Returned(Arc::new([("back", "1")].into_iter().collect()));
    let verbs: Vec<String> = match tree(document, &Bounds::default()) {
        Ok(root) => root.children().map(|verb| verb.name.clone()).collect(),
        Err(_) => Vec::new(),
    };
    let has = |name: &str| verbs.iter().any(|verb| verb == name);
    let mut events = Vec::new();
    let table: &[(&str, &str, &[&str])] = &[
        ("Dial", "DialCallStatus", &["completed", "no-answer"]),
        ("Enqueue", "QueueResult", &["bridged", "queue-full", "error", "hangup"]),
        (
            "Pay",
            "Result",
            &[
                "success",
                "too-many-failed-attempts",
                "payment-connector-error",
                "caller-interrupted-with-star",
                "caller-hung-up",
                "validation-error",
            ],
        ),
        ("Connect", "VirtualAgentStatus", &["completed", "live-agent-handoff", "failed"]),
        ("Connect", "SessionStatus", &["completed", "failed"]),
    ];
    for (verb, name, results) in table.iter().filter(|(verb, ..)| has(verb)) {
        events.extend(results.iter().map(|result| webhook(&[(name, result)])));
        let _ = verb;
        events.push(webhook(&[(name, "completed"), ("CallStatus", "completed")]));
    }
    if has("Record") {
        events.push(webhook(&[("RecordingUrl", "https://a.example/RE1")]));
        events.push(webhook(&[("RecordingUrl", "https://a.example/RE1"), ("Digits", "hangup")]));
    }
    if has("Gather") {
        for value in values {
            events.push(webhook(&[("Digits", value)]));
            events.push(webhook(&[("SpeechResult", value)]));
        }
    }
    if channel == Channel::Message {
        for value in values {
            events.push(webhook(&[("Body", value), ("MessageSid", "SM1"), ("NumMedia", "1")]));
        }
        events.push(webhook(&[("MessageStatus", "undelivered")]));
    }
    // A call of the flow's own, which nobody has answered yet.
    for status in ["in-progress", "busy", "no-answer", "failed"] {
        events.push(webhook(&[("CallStatus", status)]));
    }
    events.push(webhook(&[("CallStatus", "in-progress"), ("AnsweredBy", "machine_start")]));
    events.push(webhook(&[]));
    events.push(returned());
    events.push(Event::Timeout);
    events.push(Event::HangUp(Arc::new([("CallStatus", "completed")].into_iter().collect())));
    events
}
