//! `fork-stream`: starts or stops a stream of the call's audio to a server.
//!
//! ```json
//! {"name": "listen", "type": "fork-stream",
//!  "transitions": [{"event": "next", "next": "menu"}],
//!  "properties": {"stream_action": "start", "stream_name": "copy",
//!    "stream_transport_type": "websocket", "stream_url": "wss://example.com/audio",
//!    "stream_track": "inbound_track"}}
//! ```

use super::{Next, Requirement, WidgetType, never_resume};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::twiml::TwimlWriter;
use crate::twiml::verb::{Parameter, Siprec, Start, Stop, Stream};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "fork-stream",
    events: &["next"],
    failure: None,
    properties: &[
        Property::required("stream_action", PropertyKind::Choice(&["start", "stop"])),
        Property::new("stream_name", PropertyKind::Text),
        Property::new("stream_transport_type", PropertyKind::Choice(&["websocket", "siprec"])),
        Property::new("stream_url", PropertyKind::Url),
        Property::new("stream_connector", PropertyKind::Name),
        Property::new(
            "stream_track",
            PropertyKind::Choice(&["inbound_track", "outbound_track", "both_tracks"]),
        ),
        Property::new("stream_parameters", PropertyKind::Pairs),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: never_resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let (name, track) = (context.text("stream_name")?, context.text("stream_track")?);
    let (url, connector) = (context.url("stream_url")?, context.text("stream_connector")?);
    let siprec = context.text("stream_transport_type")?.as_deref() == Some("siprec");
    let starts = context.required_text("stream_action")? == "start";
    let parameters = context.pairs("stream_parameters")?;
    // Only a `Start` has the other attributes: a `Stop` names the stream alone.
    let inside = |writer: &mut TwimlWriter| {
        let parameters = |writer: &mut TwimlWriter| {
            for (name, value) in parameters.iter().filter(|_| starts) {
                writer.add(&Parameter { name: Some(name), value: Some(value) });
            }
        };
        let (name, track) = (name.as_deref(), track.as_deref().filter(|_| starts));
        if siprec {
            let connector_name = connector.as_deref().filter(|_| starts);
            let siprec = Siprec { name, connector_name, track, ..Siprec::default() };
            writer.nest(&siprec, parameters);
        } else {
            let url = url.as_deref().filter(|_| starts);
            writer.nest(&Stream { name, url, track, ..Stream::default() }, parameters);
        }
    };
    let document = context.document();
    if starts {
        document.nest(&Start::default(), inside);
    } else {
        document.nest(&Stop {}, inside);
    }
    // The carrier continues with the next verb at once, so the widget does not wait.
    Ok(Next::event("next"))
}
