//! `fork-stream`: starts or stops a copy of the call's sound to a server.
//!
//! ```json
//! {"name": "listen", "type": "fork-stream",
//!  "transitions": [{"event": "next", "next": "menu"}],
//!  "properties": {"stream_action": "start", "stream_name": "copy",
//!    "stream_transport_type": "websocket", "stream_url": "wss://example.com/audio",
//!    "stream_track": "inbound_track"}}
//! ```

use super::{Next, Requirement, WidgetType, waits_for_nothing};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::twiml::TwimlWriter;
use crate::twiml::verb::{Parameter, Siprec, Start, Stop, Stream};
use crate::twiml::write::Verb;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "fork-stream",
    events: &["next"],
    failure: None,
    properties: &[
        Property::required("stream_action", PropertyKind::Choice(&["start", "stop"])),
        Property::new("stream_name", PropertyKind::Text),
        Property::new("stream_transport_type", PropertyKind::Choice(&["websocket", "siprec"])),
        Property::new("stream_url", PropertyKind::Text),
        Property::new("stream_connector", PropertyKind::Text),
        Property::new(
            "stream_track",
            PropertyKind::Choice(&["inbound_track", "outbound_track", "both_tracks"]),
        ),
        Property::new("stream_parameters", PropertyKind::Pairs),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let (name, track) = (context.text("stream_name")?, context.text("stream_track")?);
    let (url, connector) = (context.text("stream_url")?, context.text("stream_connector")?);
    let siprec = context.text("stream_transport_type")?.as_deref() == Some("siprec");
    let starts = context.required_text("stream_action")? == "start";
    let parameters = context.pairs("stream_parameters")?;
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
    match starts {
        true => nest(document, &Start::default(), inside),
        false => nest(document, &Stop {}, inside),
    }
    Ok(Next::event("next"))
}

fn nest(writer: &mut TwimlWriter, verb: &impl Verb, inside: impl FnOnce(&mut TwimlWriter)) {
    writer.nest(verb, inside);
}
