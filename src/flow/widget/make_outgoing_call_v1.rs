//! `make-outgoing-call-v1`: makes a call as `make-outgoing-call-v2` does, with fewer properties and
//! with the event `answeredByMachine`. Answering machines are detected if this event is wired.
//!
//! ```json
//! {"name": "call", "type": "make-outgoing-call-v1",
//!  "transitions": [{"event": "answered", "next": "welcome"}, {"event": "busy"},
//!    {"event": "noAnswer"}, {"event": "failed"}, {"event": "answeredByMachine"}],
//!  "properties": {"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}",
//!    "record": false, "timeout": 60}}
//! ```

use super::make_outgoing_call_v2::{enter, resume};
use super::{Requirement, WidgetType};
use crate::flow::properties::{Property, PropertyKind};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "make-outgoing-call-v1",
    events: &["answered", "busy", "noAnswer", "failed", "answeredByMachine", "hangup"],
    // Both versions share `enter` and `resume`: a property or event that only one of them has is
    // absent in the other.
    failure: Some("failed"),
    properties: &[
        Property::required("from", PropertyKind::Text),
        Property::required("to", PropertyKind::Text),
        Property::new("record", PropertyKind::Flag),
        Property::new("timeout", PropertyKind::Integer(1, 600)),
        Property::new("detect_answering_machine", PropertyKind::Flag),
        Property::new("send_digits", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Carrier,
    enter,
    resume,
};
