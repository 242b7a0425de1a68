//! `trigger`: where an execution begins.
//!
//! ```json
//! {"name": "Trigger", "type": "trigger",
//!  "transitions": [{"event": "incomingMessage", "next": "lookup"}]}
//! ```

use super::Next;
use crate::flow::Execution;
use crate::webhook::Channel;

/// The `trigger` widget.
#[derive(Debug)]
pub struct TriggerWidget;

impl TriggerWidget {
    pub(super) fn enter(&self, execution: &mut Execution) -> Next {
        Next::Event(match execution.trigger.channel {
            Channel::Voice => "incomingCall",
            Channel::Message => "incomingMessage",
        })
    }
}
