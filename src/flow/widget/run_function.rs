//! `run-function`: calls a function, and takes the transition for its outcome.
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

use super::{AfterReply, Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::execution::FlowWarning;
use crate::flow::failure::Failure;
use crate::flow::properties::{Callee, Property, PropertyKind};
use crate::flow::step::{CallTarget, Event, FunctionCall, RenderedUrl};
use crate::function::{FunctionResponse, OutcomeKind};
use crate::twiml::read::{DocumentLimits, check_document};
use crate::twiml::write::splice;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "run-function",
    events: &["success", "fail"],
    failure: Some("fail"),
    properties: &[
        Property::required("url", PropertyKind::Callee),
        Property::new("parameters", PropertyKind::Pairs),
        Property::new("service_sid", PropertyKind::Ignored),
        Property::new("environment_sid", PropertyKind::Ignored),
        Property::new("function_sid", PropertyKind::Ignored),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let target = call_target(context)?;
    let parameters = context.pairs("parameters")?;
    Ok(Next::CallFunction(FunctionCall { target, parameters, content: None, pending: None }))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let outcome = match event {
        Event::FunctionReturned(outcome) => outcome,
        // The function's own TwiML returns the call.
        Event::Returned(params) | Event::Webhook(params) => {
            context.set_all(&params);
            return Ok(Next::event("success"));
        }
        _ => return Ok(Next::End),
    };
    let (parsed, next) = match outcome.kind {
        OutcomeKind::Success { parsed } => (parsed, Ok(Next::event("success"))),
        OutcomeKind::Twiml(document) => (None, reply_with_twiml(context, document)),
        OutcomeKind::Fail(error) => (None, Err(error.into())),
    };
    // After the last reply only the list of steps has the variables: without one, copying a body
    // would cost for nothing.
    let is_last = matches!(next, Ok(Next::Reply { then: AfterReply::End, .. }));
    if !is_last || context.turn.records_transitions {
        set_response(context, outcome.response.as_ref(), parsed);
    }
    next
}

/// The target of a widget's call: its function, or its rendered URL.
pub(super) fn call_target(context: &WidgetContext<'_>) -> Result<CallTarget, Failure> {
    match &context.widget().properties.callee {
        None => Err(context.property_error("url", "missing", "a URL")),
        Some(Callee::Url { template, is_constant }) => {
            let url = context.render(template)?.trim().to_owned();
            Ok(CallTarget::Url(RenderedUrl { url, is_constant: *is_constant }))
        }
        Some(Callee::Function { function, replaced }) => {
            let url = replaced.as_ref().and_then(|replaced| replaced.parameters.as_ref());
            let replaced_url = url.map(|url| context.render(url).map(String::into_boxed_str));
            let replaced_url = replaced_url.transpose()?;
            Ok(CallTarget::Function { function: Arc::clone(function), replaced_url })
        }
    }
}

/// Replies with the TwiML of a function, byte for byte, behind the document of this turn so far.
///
/// # Errors
/// The document is one that a carrier cannot read, or has findings and the function is `strict`.
fn reply_with_twiml(context: &mut WidgetContext<'_>, document: Bytes) -> Result<Next, Failure> {
    let (function, strict) = match &context.widget().properties.callee {
        Some(Callee::Function { function, .. }) => (function.name.clone(), function.strict),
        _ => (context.widget().name.clone(), false),
    };
    match check_document(&document, context.execution.channel, &DocumentLimits::default()) {
        Err(error) => Err(Failure::Twiml { function, error }),
        Ok(read) => {
            // A finding without a code is our own advice. No carrier rejects a document for it.
            let warned = read.findings.iter().any(|finding| finding.code.is_some());
            context.execution.warnings.extend(read.findings.into_iter().map(FlowWarning::Finding));
            if strict && warned {
                return Err(Failure::Strict { function });
            }
            let document = match context.execution.document.take() {
                Some(before) => splice(before, &document),
                None => document,
            };
            // A message has no call that could return, and a flow that is not stored cannot wait.
            let call = context.execution.channel == Channel::Voice;
            if call && context.flow.persistence.is_always() {
                Ok(context.hand_over(Some(document), None))
            } else {
                Ok(Next::last(document))
            }
        }
    }
}

/// Sets `body`, `status_code` and `content_type` from a response, and merges its JSON into
/// `parsed`.
pub(super) fn set_response(
    context: &mut WidgetContext<'_>,
    response: Option<&FunctionResponse>,
    parsed: Option<Map<String, Value>>,
) {
    if let Some(response) = response {
        context.set("status_code", response.status_code);
        context.set("content_type", response.content_type.as_deref().unwrap_or_default());
        context.set("body", String::from_utf8_lossy(&response.body).as_ref());
    }
    let Some(parsed) = parsed else { return };
    let widget = context.widget().name.as_str();
    let output = context.execution.frame_mut().output_mut(widget);
    // Studio documents that it merges the answers of several runs, and not how deep: here the keys
    // of the top level.
    match output.get_mut("parsed") {
        Some(Value::Object(former)) => former.extend(parsed),
        _ => drop(output.insert("parsed".to_owned(), Value::Object(parsed))),
    }
}
