//! `make-http-request`: sends a request to any server, and sets variables from the answer.
//!
//! ```json
//! {"name": "find", "type": "make-http-request",
//!  "transitions": [{"event": "success", "next": "greet"}, {"event": "failed", "next": "sorry"}],
//!  "properties": {"method": "POST", "url": "https://api.example.com/find",
//!    "content_type": "application/json;charset=utf-8",
//!    "body": "{\"from\": \"{{contact.channel.address}}\"}"}}
//! ```

use super::run_function::{call_target, set_response};
use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::{Event, FunctionCall};
use crate::function::{CallContent, OutcomeKind, RequestBody};
use crate::media_type::{FORM, is_form};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "make-http-request",
    events: &["success", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("method", PropertyKind::Choice(&["GET", "POST"])),
        Property::required("url", PropertyKind::Callee),
        Property::new("content_type", PropertyKind::Text),
        Property::new("body", PropertyKind::Text),
        Property::new("parameters", PropertyKind::Pairs),
        Property::new("add_twilio_auth", PropertyKind::Flag),
        Property::new("timeout", PropertyKind::Ignored),
        Property::new("save_response_as", PropertyKind::Ignored),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    // Studio's default is GET.
    let is_get = context.text("method")?.is_none_or(|method| method.eq_ignore_ascii_case("GET"));
    let target = call_target(context)?;
    let parameters = context.pairs("parameters")?;
    let content_type = context.text("content_type")?.unwrap_or_else(|| FORM.to_owned());
    let text = context.text("body")?;
    let form = is_form(&content_type);
    // Studio sends the parameters as a form, and the body with any other content type.
    let body = match text {
        Some(text) if !is_get && (!form || parameters.is_empty()) => {
            Some(RequestBody { content_type, text })
        }
        // An empty body still has its content type, which a server may require.
        None if !is_get && !form => Some(RequestBody { content_type, text: String::new() }),
        _ => None,
    };
    let with_credentials = context.flag("add_twilio_auth")?.unwrap_or_default();
    Ok(Next::CallFunction(FunctionCall {
        target,
        parameters,
        content: Some(Box::new(CallContent { is_get, body, with_credentials })),
        pending: None,
    }))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::FunctionReturned(outcome) = event else { return Ok(Next::End) };
    let (parsed, next) = match outcome.kind {
        OutcomeKind::Success { parsed } => (parsed, Ok(Next::event("success"))),
        // Studio's documentation: "Returning custom TwiML isn't supported". It is the body's text.
        OutcomeKind::Twiml(_) => (None, Ok(Next::event("success"))),
        OutcomeKind::Fail(error) => (None, Err(error.into())),
    };
    set_response(context, outcome.response.as_ref(), parsed);
    next
}
