//! `add-twiml-redirect`: redirects the call to another TwiML application. The application returns
//! the call by a redirect to the route's URL with `?FlowEvent=return`.
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
        Property::required("url", PropertyKind::Url),
        Property::new("method", PropertyKind::Choice(&["POST", "GET"])),
        Property::new("timeout", PropertyKind::Integer(0, 14_400)),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let url = context.required_url("url")?;
    // The URL may come from Liquid, so its check happens here and not in the import.
    let parsed = url.parse::<Uri>();
    if !parsed.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https"))) {
        return Err(context.property_error("url", "not a URL", "one that begins with https://"));
    }
    let method = context.text("method")?;
    let seconds = context.number("timeout")?.map_or(RETURN_WITHIN.as_secs(), u64::from);
    context.document().add(&Redirect { url: &url, method: method.as_deref() });
    // With a timeout of 0 the flow does not wait for the call, so nothing is left to do unless
    // something is wired. It is done after the reply: what it would write is not part of the call.
    let is_last = context.widget().next("timeout").is_none() && context.is_in_main_flow();
    if seconds == 0 && is_last {
        return Ok(Next::event("timeout"));
    }
    Ok(context.hand_over(None, Some(seconds)))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    match event {
        // The application may return without `FlowEvent`, by the URL that it was called from.
        Event::Returned(params) | Event::Webhook(params) => {
            context.set_all(&params);
            Ok(Next::event("return"))
        }
        _ => Ok(Next::event("timeout")),
    }
}
