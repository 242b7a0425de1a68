//! `run-function`: calls the user's code; the one place that says what its answer means.
//!
//! ```json
//! {"name": "lookup", "type": "run-function",
//!  "transitions": [{"event": "success", "next": "greet"}, {"event": "fail", "next": "sorry"}],
//!  "properties": {"url": "http://127.0.0.1:9000/lookup",
//!    "parameters": [{"key": "caller", "value": "{{trigger.message.From}}"}]}}
//! ```

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::{Needs, Next, Then, Type};
use crate::channel::Channel;
use crate::flow::execution::Remark;
use crate::flow::failure::Failure;
use crate::flow::properties::{Callee, Holds, Property};
use crate::flow::step::{CallTarget, Event, FunctionCall, RenderedUrl};
use crate::flow::turn::Turn;
use crate::function::{FunctionResponse, OutcomeKind};
use crate::twiml::read::{DocumentLimits, check_document};
use crate::twiml::write::splice;

pub(super) const TYPE: Type = Type {
    name: "run-function",
    events: &["success", "fail"],
    failure: Some("fail"),
    properties: &[
        Property::required("url", Holds::Callee),
        Property::new("parameters", Holds::Pairs),
        Property::new("service_sid", Holds::Ignored),
        Property::new("environment_sid", Holds::Ignored),
        Property::new("function_sid", Holds::Ignored),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let target = call_target(turn, false)?;
    let parameters = turn.pairs("parameters")?;
    Ok(Next::Call(FunctionCall {
        target,
        parameters,
        body: None,
        with_credentials: false,
        held: None,
    }))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let outcome = match event {
        Event::Answered(outcome) => outcome,
        // Its TwiML had the call, and gives it back.
        Event::Returned(params) | Event::Webhook(params) => {
            turn.set_all(&params);
            return Ok(Next::event("success"));
        }
        _ => return Ok(Next::End),
    };
    let (parsed, next) = match outcome.kind {
        OutcomeKind::Success { parsed } => (parsed, Ok(Next::event("success"))),
        OutcomeKind::Twiml(document) => (None, pass_on(turn, document)),
        OutcomeKind::Fail(error) => (None, Err(error.into())),
    };
    // No template reads variables behind the last answer of an execution.
    if !matches!(next, Ok(Next::Reply { then: Then::End, .. })) {
        remember(turn, outcome.response.as_ref(), parsed);
    }
    next
}

/// Where the call of a widget goes: its function, or its URL rendered.
pub(super) fn call_target(turn: &Turn<'_>, is_get: bool) -> Result<CallTarget, Failure> {
    match &turn.widget().properties.callee {
        None => Err(turn.wrong("url", "missing", "a URL")),
        Some(Callee::Url(template)) => {
            let is_constant = template.constant_text().is_some();
            let url = turn.render(template)?.trim().to_owned();
            Ok(CallTarget::Url(RenderedUrl { url, is_get, is_constant }))
        }
        Some(Callee::Function(function)) => Ok(CallTarget::Function(Arc::clone(function))),
    }
}

/// The function took the call over: its document goes to the caller byte for byte, if a carrier
/// can read it. What the flow said before it in the same turn stands in front.
fn pass_on(turn: &mut Turn<'_>, document: Bytes) -> Result<Next, Failure> {
    let (function, strict) = match &turn.widget().properties.callee {
        Some(Callee::Function(function)) => (function.name.clone(), function.strict),
        _ => (turn.widget().name.clone(), false),
    };
    match check_document(&document, turn.execution.channel, &DocumentLimits::default()) {
        Err(error) => Err(Failure::Twiml { function, error }),
        Ok(read) => {
            // A finding without a code is our own advice, at which no carrier would balk.
            let warned = read.findings.iter().any(|finding| finding.code.is_some());
            turn.execution.remarks.extend(read.findings.into_iter().map(Remark::Finding));
            if strict && warned {
                return Err(Failure::Strict { function });
            }
            let document = match turn.execution.document.take() {
                Some(before) => splice(before, &document),
                None => document,
            };
            // A message has no call that could come back, and what is never stored cannot wait.
            let call = turn.execution.channel == Channel::Voice;
            Ok(match call && turn.flow.persistence.is_always() {
                true => turn.hand_over(Some(document), None),
                false => Next::last(document),
            })
        }
    }
}

/// `body`, `status_code` and `content_type` are set by every answer. `parsed` is merged over what a
/// former run of the widget has left, key by key on the top level: Studio documents that it
/// merges, not how deep.
pub(super) fn remember(
    turn: &mut Turn<'_>,
    response: Option<&FunctionResponse>,
    parsed: Option<Map<String, Value>>,
) {
    if let Some(response) = response {
        turn.set("status_code", response.status_code);
        turn.set("content_type", response.content_type.as_deref().unwrap_or_default());
        turn.set("body", String::from_utf8_lossy(&response.body).as_ref());
    }
    let Some(parsed) = parsed else { return };
    let widget = turn.widget().name.as_str();
    let output = turn.execution.frame_mut().output_mut(widget);
    match output.get_mut("parsed") {
        Some(Value::Object(former)) => former.extend(parsed),
        _ => drop(output.insert("parsed".to_owned(), Value::Object(parsed))),
    }
}
