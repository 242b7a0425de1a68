//! One run of a flow: where it is, and what it knows.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::definition::WidgetId;
use crate::twiml::Finding;
use crate::webhook::{Channel, Params};

/// One run of a flow.
#[derive(Debug)]
pub struct Execution {
    /// `FN` and 32 hexadecimal digits; templates say `flow.sid`.
    pub sid: String,
    /// Where it is.
    pub position: WidgetId,
    /// What began it.
    pub trigger: Trigger,
    /// What widgets have set, `widgets.NAME.*`.
    pub outputs: Vec<(WidgetId, Map<String, Value>)>,
    /// What the journal should hold of it.
    pub remarks: Vec<Remark>,
    /// Widgets entered so far.
    pub steps: u32,
    pub(super) in_a_row: u32,
}

/// The webhook that began an execution.
#[derive(Debug)]
pub struct Trigger {
    /// A call or a message.
    pub channel: Channel,
    /// The carrier's parameters, `trigger.call.*` or `trigger.message.*`.
    pub params: Arc<Params>,
}

/// Something that an operator should know, although the execution goes on.
#[derive(Debug)]
pub enum Remark {
    /// A failure that a transition took.
    Failure(String),
    /// Something in a document that a carrier would warn about.
    Finding(Finding),
}

impl Execution {
    /// Begins at the trigger of a flow. `sid` names the run and must be new.
    pub fn begin(sid: String, channel: Channel, params: Arc<Params>) -> Execution {
        Execution {
            sid,
            position: WidgetId(0),
            trigger: Trigger { channel, params },
            outputs: Vec::new(),
            remarks: Vec::new(),
            steps: 0,
            in_a_row: 0,
        }
    }

    /// What a widget has set so far.
    pub fn output(&self, id: WidgetId) -> Option<&Map<String, Value>> {
        self.outputs.iter().find(|(widget, _)| *widget == id).map(|(_, output)| output)
    }

    /// The output of a widget, to be added to.
    pub(super) fn output_mut(&mut self, id: WidgetId) -> &mut Map<String, Value> {
        let found = self.outputs.iter().position(|(widget, _)| *widget == id);
        let index = found.unwrap_or_else(|| {
            self.outputs.push((id, Map::new()));
            self.outputs.len() - 1
        });
        &mut self.outputs[index].1
    }

    pub(super) fn remark(&mut self, failure: String) {
        self.remarks.push(Remark::Failure(failure));
    }
}
