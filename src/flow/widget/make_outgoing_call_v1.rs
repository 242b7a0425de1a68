//! `make-outgoing-call-v1`: as `make-outgoing-call-v2`, with fewer properties and the event
//! `answeredByMachine`.
//!
//! ```json
//! {"name": "call", "type": "make-outgoing-call-v1",
//!  "transitions": [{"event": "answered", "next": "welcome"}, {"event": "busy"},
//!    {"event": "noAnswer"}, {"event": "failed"}, {"event": "answeredByMachine"}],
//!  "properties": {"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}",
//!    "record": false, "timeout": 60}}
//! ```

use super::make_outgoing_call_v2::{enter, resume};
use super::{Needs, Type};
use crate::flow::properties::{Holds, Property};

pub(super) const TYPE: Type = Type {
    name: "make-outgoing-call-v1",
    events: &["answered", "busy", "noAnswer", "failed", "answeredByMachine", "hangup"],
    failure: Some("failed"),
    properties: &[
        Property::required("from", Holds::Text),
        Property::required("to", Holds::Text),
        Property::new("record", Holds::Flag),
        Property::new("timeout", Holds::Integer(1, 600)),
        Property::new("detect_answering_machine", Holds::Flag),
        Property::new("send_digits", Holds::Text),
    ],
    needs: Needs::Carrier,
    enter,
    resume,
};
