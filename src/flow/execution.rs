//! The state of one run of a flow: its position, its variables and its wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::definition::{Flow, Widget, WidgetId};
use super::trigger::{Trigger, TriggerKind};
use crate::channel::Channel;
use crate::pending::PendingCall;
use crate::twiml::{Finding, TwimlWriter};
use crate::webhook::{Params, StepToken};

/// One run of a flow. The serialised fields are all that a store preserves between two webhooks.
#[derive(Debug, Serialize, Deserialize)]
pub struct Execution {
    /// `FN` and 32 hexadecimal digits; templates say `flow.sid`.
    pub sid: String,
    /// The address of the contact; templates say `contact.channel.address`.
    pub contact: String,
    /// The address of the flow; templates say `flow.channel.address`.
    pub address: String,
    /// The channel of the next reply. A flow that makes a call changes it to voice.
    pub channel: Channel,
    /// The sid of the current call, if there is one.
    pub call_sid: Option<String>,
    /// The path of the route where the execution began. A turn without a webhook (after a timer or
    /// a pending call) uses this route's fallback and URL. `None` if Studio's REST began the
    /// execution, or a version of the gateway without this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The sid of the account of the execution, with whose credentials it sends and with whose
    /// token it signs. `None` if no account is configured, or if a version of the gateway without
    /// this field began the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether the execution runs, waits or has ended.
    pub state: ExecutionState,
    /// The flow of the route and, if a subflow runs, that subflow as the last one.
    pub(super) frames: Vec<ExecutionFrame>,
    /// The number of widgets that the execution has entered.
    pub steps: u32,
    /// The number of entries of the same widget since the last other one.
    pub(super) in_a_row: u32,
    /// The document that the widgets of this turn write.
    #[serde(skip)]
    pub(super) document: Option<TwimlWriter>,
    /// The number of messages in that document.
    #[serde(skip)]
    pub(super) messages_in_reply: usize,
    /// Whether the reply of this turn is a text of the function, for the log.
    #[serde(skip)]
    pub answers_with_text: bool,
    /// The warnings of this turn, for the log.
    #[serde(skip)]
    pub warnings: Vec<FlowWarning>,
    /// The transitions of this turn.
    #[serde(skip)]
    pub transitions: Vec<TransitionRecord>,
}

/// The state of an execution between two events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionState {
    /// A widget is at work: it has not begun, or the event that answers the last step is awaited.
    Running,
    /// The execution waits for a webhook or for a time.
    Waiting(Wait),
    /// The execution has ended.
    Ended,
}

/// The conditions that end a wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The token that the awaited webhook names as `step`.
    pub token: StepToken,
    /// The time since the Unix epoch when the wait ends without a webhook; `None` for no such time.
    pub due: Option<Duration>,
    /// Whether foreign TwiML controls the call. The next webhook of the call then returns it,
    /// without a token or with the last one.
    pub handed_over: bool,
    /// The pending call of a function. Each event that ends the wait asks for its outcome.
    #[serde(default, rename = "held", skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<PendingCall>>,
}

/// The part of an execution that belongs to one flow: the route's own, or a subflow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExecutionFrame {
    /// The index of the subflow in its flow; `None` for the flow itself.
    pub(super) subflow: Option<usize>,
    /// The widget at work.
    pub(super) position: WidgetId,
    /// The trigger that began this flow.
    pub(super) trigger: Trigger,
    /// `flow.data.*`: the parameters of the request that began the execution.
    pub(super) data: Map<String, Value>,
    /// `flow.variables.*`
    pub(super) variables: Map<String, Value>,
    /// `widgets.NAME.*`
    pub(super) widgets: Map<String, Value>,
}

/// A transition that the execution has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRecord {
    /// The widget's event, or the event that ended the execution.
    pub event: String,
    /// The name of the widget that has finished.
    pub from: String,
    /// The type of this widget.
    pub kind: &'static str,
    /// The name of the widget that follows; `None` if the event ended the flow.
    pub to: Option<String>,
    /// The variables of the widget, `widgets.NAME`.
    pub output: Value,
    /// The index of the subflow that the widget belongs to; `None` for the flow itself.
    pub subflow: Option<usize>,
}

/// A problem that an operator should see, although the execution continues.
#[derive(Debug)]
pub enum FlowWarning {
    /// The text of a failure for which the flow has a transition.
    Failure(String),
    /// The same for a failure that only a mistake causes: the caller gets less than the flow means.
    Defect(String),
    /// A finding in a document, about which the carrier would warn.
    Finding(Finding),
    /// The webhook or request that began a flow had no effect: the trigger has no transition for
    /// its event.
    Unwired {
        /// The name of the flow.
        flow: String,
        /// The event of the trigger.
        event: &'static str,
    },
}

impl fmt::Display for FlowWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowWarning::Failure(text) | FlowWarning::Defect(text) => formatter.write_str(text),
            FlowWarning::Finding(finding) => finding.fmt(formatter),
            FlowWarning::Unwired { flow, event } => write!(
                formatter,
                "it had no effect: `{event}` of flow `{flow}` is wired to nothing"
            ),
        }
    }
}

// === impl Execution ===

impl Execution {
    /// Begins an execution with a webhook. `sid` must be new.
    pub fn begin(sid: String, channel: Channel, params: Arc<Params>) -> Execution {
        let text = |name| params.get(name).unwrap_or_default().to_owned();
        let (contact, address) = (text("From"), text("To"));
        let call_sid = params.get("CallSid").map(str::to_owned);
        let trigger = Trigger::from_webhook(channel, params);
        let execution = Execution::new(sid, contact, address, trigger);
        Execution { channel, call_sid, ..execution }
    }

    /// The execution with the members of a JSON webhook as templates read them: with their types,
    /// where its parameters are texts.
    pub(crate) fn with_json(mut self, values: &Map<String, Value>) -> Execution {
        if let Trigger::Form { parsed, .. } = &mut self.frames[0].trigger {
            parsed.extend(values.clone());
        }
        self
    }

    /// Begins an execution for Studio's REST. `to` is the contact, `from` the address of the flow.
    pub fn from_request(
        sid: String,
        to: &str,
        from: &str,
        parameters: Map<String, Value>,
    ) -> Execution {
        let mut values = Map::new();
        values.insert("to".to_owned(), to.into());
        values.insert("from".to_owned(), from.into());
        values.insert("parameters".to_owned(), Value::Object(parameters.clone()));
        let trigger = Trigger::Json { kind: TriggerKind::Request, values };
        let mut execution = Execution::new(sid, to.to_owned(), from.to_owned(), trigger);
        execution.frames[0].data = parameters;
        execution
    }

    fn new(sid: String, contact: String, address: String, trigger: Trigger) -> Execution {
        Execution {
            sid,
            contact,
            address,
            channel: Channel::Message,
            call_sid: None,
            // The caller knows the route and the account, and sets both.
            route: None,
            account: None,
            state: ExecutionState::Running,
            frames: vec![ExecutionFrame::new(None, trigger)],
            steps: 0,
            in_a_row: 0,
            document: None,
            messages_in_reply: 0,
            answers_with_text: false,
            warnings: Vec::new(),
            transitions: Vec::new(),
        }
    }

    /// The wait of an execution that waits.
    pub fn wait(&self) -> Option<&Wait> {
        match &self.state {
            ExecutionState::Waiting(wait) => Some(wait),
            ExecutionState::Running | ExecutionState::Ended => None,
        }
    }

    /// The pending call that the execution waits for.
    pub(crate) fn pending_call(&self) -> Option<&PendingCall> {
        self.wait().and_then(|wait| wait.pending.as_deref())
    }

    /// The sid of the account that the execution belongs to.
    pub(crate) fn account_sid(&self) -> Option<&str> {
        // Executions of former versions have no account: the webhook that began them names it.
        self.account.as_deref().or_else(|| match &self.frames[0].trigger {
            Trigger::Form { params, .. } => params.get("AccountSid"),
            Trigger::Json { .. } => None,
        })
    }

    /// Makes the execution begin at a time, by a wait before its first widget.
    pub(crate) fn begin_at(&mut self, due: Duration) {
        let wait =
            Wait { token: StepToken::default(), due: Some(due), handed_over: false, pending: None };
        self.state = ExecutionState::Waiting(wait);
    }

    /// Whether the execution has left its trigger.
    pub(crate) fn has_begun(&self) -> bool {
        self.steps > 0
    }

    /// The origin of the execution in Studio's REST: the sid of its call or message, or `API`.
    pub(crate) fn initiated_by(&self) -> &str {
        match &self.frames[0].trigger {
            Trigger::Form { params, .. } => params.sid().unwrap_or_default(),
            Trigger::Json { .. } => "API",
        }
    }

    /// The variables of the running flow as templates read them. `flow_sid` is that of the flow.
    pub(crate) fn context(&self, flow_sid: &str) -> Value {
        let ExecutionFrame { trigger, data, variables, widgets, .. } = self.frame();
        json!({
            "trigger": {(trigger.kind().name()): trigger.values()},
            "contact": {"channel": {"address": self.contact}},
            "flow": {
                "channel": {"address": self.address},
                "sid": self.sid,
                "flow_sid": flow_sid,
                "data": data,
                "variables": variables,
            },
            "widgets": widgets,
        })
    }

    /// The widget at the position of the execution in `flow`.
    pub fn widget<'a>(&self, flow: &'a Flow) -> &'a Widget {
        let frame = self.frame();
        let subflow = frame.subflow.and_then(|index| flow.subflows.get(index));
        // `fits` has checked the index, so the fallback to the flow itself is never taken.
        subflow.map_or(flow, |subflow| subflow).widget(frame.position)
    }

    /// Whether all positions of the execution exist in `flow`. A stored execution may be damaged,
    /// or written by another version of the gateway, and still be valid JSON.
    pub fn fits(&self, flow: &Flow) -> bool {
        let is_there = |frame: &ExecutionFrame| {
            let flow = match frame.subflow {
                Some(index) => flow.subflows.get(index).map(|subflow| &**subflow),
                None => Some(flow),
            };
            flow.is_some_and(|flow| frame.position.0 < flow.widgets.len())
        };
        self.frames.iter().all(is_there)
    }

    /// Whether the execution has the frame that every execution begins with. A damaged one may not.
    pub(crate) fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Adds a warning for the log.
    pub(crate) fn warn(&mut self, text: String) {
        self.warnings.push(FlowWarning::Failure(text));
    }

    /// The frame of the running flow.
    pub(super) fn frame(&self) -> &ExecutionFrame {
        // Never empty: the constructors make one, loading checks `has_frames`, and the engine
        // removes only those of subflows.
        &self.frames[self.frames.len() - 1]
    }

    /// The frame of the running flow, for changes.
    pub(super) fn frame_mut(&mut self) -> &mut ExecutionFrame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }
}

// === impl ExecutionFrame ===

impl ExecutionFrame {
    pub(super) fn new(subflow: Option<usize>, trigger: Trigger) -> ExecutionFrame {
        ExecutionFrame {
            subflow,
            position: WidgetId(0),
            trigger,
            data: Map::new(),
            variables: Map::new(),
            widgets: Map::new(),
        }
    }

    /// The variables of a widget, `widgets.NAME`, for changes.
    pub(super) fn output_mut(&mut self, widget: &str) -> &mut Map<String, Value> {
        // A stored execution may hold another type here, if a damaged record was valid JSON.
        if !self.widgets.get(widget).is_some_and(Value::is_object) {
            self.widgets.insert(widget.to_owned(), Value::Object(Map::new()));
        }
        match self.widgets.get_mut(widget) {
            Some(Value::Object(output)) => output,
            _ => unreachable!("an object was just put there"),
        }
    }
}
