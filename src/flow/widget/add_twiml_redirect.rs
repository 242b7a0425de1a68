//! `add-twiml-redirect`: hands the call to another TwiML application, which gives it back by
//! redirecting to the route's URL with `?FlowEvent=return`.
//!
//! ```json
//! {"name": "elsewhere", "type": "add-twiml-redirect",
//!  "transitions": [{"event": "return", "next": "bye"}, {"event": "timeout"}, {"event": "fail"}],
//!  "properties": {"url": "https://example.com/app", "method": "POST", "timeout": "14400"}}
//! ```

use actix_web::http::Uri;

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::limits::RETURN_WITHIN;
use crate::twiml::verb::Redirect;

pub(super) const TYPE: Type = Type {
    name: "add-twiml-redirect",
    events: &["return", "timeout", "fail"],
    failure: Some("fail"),
    properties: &[
        Property::required("url", Holds::Text),
        Property::new("method", Holds::Choice(&["POST", "GET"])),
        Property::new("timeout", Holds::Integer(0, 14_400)),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let url = turn.required("url")?;
    let parsed = url.trim().parse::<Uri>();
    if !parsed.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https"))) {
        return Err(turn.wrong("url", "not a URL", "one that begins with https://"));
    }
    let method = turn.text("method")?;
    let seconds = turn.number("timeout")?.map_or(RETURN_WITHIN.as_secs(), u64::from);
    turn.document().add(&Redirect { url: url.trim(), method: method.as_deref() });
    if seconds == 0 {
        return Ok(Next::End);
    }
    Ok(turn.hand_over(None, Some(seconds)))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    match event {
        Event::Returned(params) | Event::Webhook(params) => {
            turn.set_all(&params);
            Ok(Next::event("return"))
        }
        _ => Ok(Next::event("timeout")),
    }
}
