//! `record-call`: starts or stops a recording of the whole call over the carrier's API.
//!
//! ```json
//! {"name": "record", "type": "record-call",
//!  "transitions": [{"event": "success", "next": "menu"}, {"event": "failed", "next": "menu"}],
//!  "properties": {"record_call": true, "trim": "do-not-trim", "recording_channels": "dual"}}
//! ```

use super::send_message::read_resource;
use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::{CarrierRequest, CarrierService};
use crate::webhook::Params;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "record-call",
    events: &["success", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("record_call", PropertyKind::Flag),
        Property::new("trim", PropertyKind::Text),
        Property::new("recording_status_callback", PropertyKind::Url),
        Property::new("recording_status_callback_method", PropertyKind::Text),
        Property::new("recording_status_callback_events", PropertyKind::Text),
        Property::new("recording_channels", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Carrier,
    enter,
    resume,
};

/// The properties, and their names in the API.
const PARAMETERS: [(&str, &str); 5] = [
    ("trim", "Trim"),
    ("recording_status_callback", "RecordingStatusCallback"),
    ("recording_status_callback_method", "RecordingStatusCallbackMethod"),
    ("recording_status_callback_events", "RecordingStatusCallbackEvent"),
    ("recording_channels", "RecordingChannels"),
];

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let call = context.execution.call_sid.clone().unwrap_or_default();
    // `{account}` remains in the path: the sender replaces it with the sid of its account.
    let recordings = format!("/2010-04-01/Accounts/{{account}}/Calls/{call}/Recordings");
    let mut form = Params::default();
    let path = if context.flag("record_call")?.unwrap_or_default() {
        for (property, name) in PARAMETERS {
            if let Some(text) = context.text(property)? {
                form.push(name, &text);
            }
        }
        format!("{recordings}.json")
    } else {
        // The alias `Twilio.CURRENT` spares the flow the sid of the recording.
        form.push("Status", "stopped");
        format!("{recordings}/Twilio.CURRENT.json")
    };
    Ok(Next::SendRequest(CarrierRequest { service: CarrierService::Api, path, form }))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::CarrierReturned(result) = event else { return Ok(Next::End) };
    let resource = read_resource(context, result)?;
    context.set_resource(resource);
    Ok(Next::event("success"))
}
