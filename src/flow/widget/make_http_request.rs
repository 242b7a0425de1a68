//! `make-http-request`: asks any server; its answer is variables, never TwiML.
//!
//! ```json
//! {"name": "find", "type": "make-http-request",
//!  "transitions": [{"event": "success", "next": "greet"}, {"event": "failed", "next": "sorry"}],
//!  "properties": {"method": "POST", "url": "https://api.example.com/find",
//!    "content_type": "application/json;charset=utf-8",
//!    "body": "{\"from\": \"{{contact.channel.address}}\"}"}}
//! ```

use super::run_function::{call_target, remember};
use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::{Event, FunctionCall};
use crate::flow::turn::Turn;
use crate::function::{OutcomeKind, RequestBody};
use crate::media_type::{FORM, is_form};

pub(super) const TYPE: Type = Type {
    name: "make-http-request",
    events: &["success", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("method", Holds::Choice(&["GET", "POST"])),
        Property::required("url", Holds::Callee),
        Property::new("content_type", Holds::Text),
        Property::new("body", Holds::Text),
        Property::new("parameters", Holds::Pairs),
        Property::new("add_twilio_auth", Holds::Flag),
        Property::new("timeout", Holds::Ignored),
        Property::new("save_response_as", Holds::Ignored),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let get = turn.text("method")?.is_none_or(|method| method.eq_ignore_ascii_case("GET"));
    let target = call_target(turn, get)?;
    let parameters = turn.pairs("parameters")?;
    let content_type = turn.text("content_type")?.unwrap_or_else(|| FORM.to_owned());
    let text = turn.text("body")?;
    let form = is_form(&content_type);
    // Studio sends a form its parameters, and anything else its body.
    let body = match text {
        Some(text) if !get && (!form || parameters.is_empty()) => {
            Some(RequestBody { content_type, text })
        }
        None if !get && !form => Some(RequestBody { content_type, text: String::new() }),
        _ => None,
    };
    let with_credentials = turn.flag("add_twilio_auth")?.unwrap_or_default();
    Ok(Next::Call(FunctionCall { target, parameters, body, with_credentials, held: None }))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Answered(outcome) = event else { return Ok(Next::End) };
    let (parsed, next) = match outcome.kind {
        OutcomeKind::Success { parsed } => (parsed, Ok(Next::event("success"))),
        // Studio: "Returning custom TwiML isn't supported" here: it is a body like any other.
        OutcomeKind::Twiml(_) => (None, Ok(Next::event("success"))),
        OutcomeKind::Fail(error) => (None, Err(error.into())),
    };
    remember(turn, outcome.response.as_ref(), parsed);
    next
}
