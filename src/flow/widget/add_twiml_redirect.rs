//! `add-twiml-redirect`: hands the call to another TwiML application, which gives it back by
//! redirecting to the route's URL with `?FlowEvent=return`.
//!
//! ```json
//! {"name": "elsewhere", "type": "add-twiml-redirect",
//!  "transitions": [{"event": "return", "next": "bye"}, {"event": "timeout"}, {"event": "fail"}],
//!  "properties": {"url": "https://example.com/app", "method": "POST", "timeout": "14400"}}
//! ```

use actix_web::http::Uri;

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::limits::RETURN_WITHIN;
use crate::twiml::verb::Redirect;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "add-twiml-redirect",
    events: &["return", "timeout", "fail"],
    failure: Some("fail"),
    properties: &[
        Property::required("url", PropertyKind::Text),
        Property::new("method", PropertyKind::Choice(&["POST", "GET"])),
        Property::new("timeout", PropertyKind::Integer(0, 14_400)),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let url = context.required_text("url")?;
    let parsed = url.trim().parse::<Uri>();
    if !parsed.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https"))) {
        return Err(context.property_error("url", "not a URL", "one that begins with https://"));
    }
    let method = context.text("method")?;
    let seconds = context.number("timeout")?.map_or(RETURN_WITHIN.as_secs(), u64::from);
    context.document().add(&Redirect { url: url.trim(), method: method.as_deref() });
    if seconds == 0 {
        return Ok(Next::End);
    }
    Ok(context.hand_over(None, Some(seconds)))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    match event {
        Event::Returned(params) | Event::Webhook(params) => {
            context.set_all(&params);
            Ok(Next::event("return"))
        }
        _ => Ok(Next::event("timeout")),
    }
}
