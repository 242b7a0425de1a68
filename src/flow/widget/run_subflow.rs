//! `run-subflow`: runs another flow and takes its variables over.
//!
//! ```json
//! {"name": "survey", "type": "run-subflow",
//!  "transitions": [{"event": "completed", "next": "bye"}, {"event": "failed", "next": "sorry"}],
//!  "properties": {"flow_sid": "FWxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
//!    "flow_revision": "LatestPublished",
//!    "parameters": [{"key": "name", "value": "{{widgets.ask.inbound.Body}}"}]}}
//! ```

use serde_json::{Map, Value};

use super::set_variables::value;
use super::{Needs, Next, Type};
use crate::flow::execution::Frame;
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::trigger::{Incoming, Trigger};
use crate::flow::turn::Turn;

pub(super) const TYPE: Type = Type {
    name: "run-subflow",
    events: &["completed", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("flow_sid", Holds::Text),
        Property::new("flow_revision", Holds::Ignored),
        Property::new("parameters", Holds::Variables),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let sid = turn.required("flow_sid")?;
    let nested = turn.execution.frames.len() > 1;
    let subflow = turn.flow.subflows.iter().position(|subflow| subflow.sid == sid);
    let (Some(subflow), false) = (subflow, nested) else {
        return Err(Failure::Subflow { widget: turn.widget().name.clone() });
    };
    let mut parameters = Map::new();
    for pair in turn.widget().properties.pairs("parameters") {
        let key = turn.render(&pair.key)?;
        let value = match value(turn, &key, pair)? {
            // Studio: the parameters of a subflow are texts unless their type says otherwise.
            Value::Number(number) if !pair.json => Value::String(number.to_string()),
            value => value,
        };
        parameters.insert(key, value);
    }
    let mut values = Map::new();
    values.insert("parameters".to_owned(), Value::Object(parameters));
    values.insert("execution_sid".to_owned(), turn.execution.sid.clone().into());
    values.insert("flow_sid".to_owned(), turn.flow.sid.clone().into());
    let kind = turn.execution.frame().trigger.kind().event();
    values.insert("trigger_type".to_owned(), kind.into());
    let trigger = Trigger::Json { kind: Incoming::Parent, values };
    Ok(Next::Subflow(Box::new(Frame::new(Some(subflow), trigger))))
}

fn resume(_: &mut Turn<'_>, _: Event) -> Result<Next, Failure> {
    Ok(Next::End)
}
