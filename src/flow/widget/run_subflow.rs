//! `run-subflow`: runs another flow, and sets variables from those that it sets.
//!
//! ```json
//! {"name": "survey", "type": "run-subflow",
//!  "transitions": [{"event": "completed", "next": "bye"}, {"event": "failed", "next": "sorry"}],
//!  "properties": {"flow_sid": "FWxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
//!    "flow_revision": "LatestPublished",
//!    "parameters": [{"key": "name", "value": "{{widgets.ask.inbound.Body}}"}]}}
//! ```

use serde_json::{Map, Value};

use super::set_variables::evaluate_pair;
use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::execution::ExecutionFrame;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::trigger::{Trigger, TriggerKind};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "run-subflow",
    events: &["completed", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("flow_sid", PropertyKind::Subflow),
        Property::new("flow_revision", PropertyKind::Ignored),
        Property::new("parameters", PropertyKind::Variables),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let sid = context.required_text("flow_sid")?;
    // Studio allows one level of subflows (81024). The import reports deeper ones.
    let nested = context.execution.frames.len() > 1;
    let subflow = context.flow.subflows.iter().position(|subflow| subflow.sid == sid);
    let (Some(subflow), false) = (subflow, nested) else {
        return Err(Failure::Subflow { widget: context.widget().name.clone() });
    };
    let mut parameters = Map::new();
    for pair in context.widget().properties.pairs("parameters") {
        let key = context.render(&pair.key)?;
        let value = match evaluate_pair(context, &key, pair)? {
            // Unlike variables, the parameters of a subflow are texts unless they have a type.
            Value::Number(number) if !pair.json => Value::String(number.to_string()),
            value => value,
        };
        parameters.insert(key, value);
    }
    let mut values = Map::new();
    values.insert("parameters".to_owned(), Value::Object(parameters));
    values.insert("execution_sid".to_owned(), context.execution.sid.clone().into());
    values.insert("flow_sid".to_owned(), context.flow.sid.clone().into());
    let kind = context.execution.frame().trigger.kind().event();
    values.insert("trigger_type".to_owned(), kind.into());
    let trigger = Trigger::Json { kind: TriggerKind::Parent, values };
    Ok(Next::Subflow(Box::new(ExecutionFrame::new(Some(subflow), trigger))))
}

fn resume(_: &mut WidgetContext<'_>, _: Event) -> Result<Next, Failure> {
    Ok(Next::End)
}
