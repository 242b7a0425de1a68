//! One run of a flow: where it is, and what it knows.

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

/// One run of a flow. What is serialised is all that a store keeps of it between two webhooks.
#[derive(Debug, Serialize, Deserialize)]
pub struct Execution {
    /// `FN` and 32 hexadecimal digits; templates say `flow.sid`.
    pub sid: String,
    /// What the person is reached by; templates say `contact.channel.address`.
    pub contact: String,
    /// What our side is reached by; templates say `flow.channel.address`.
    pub address: String,
    /// Whether the next answer goes to a call or to a message.
    pub channel: Channel,
    /// The call that it is about, if it is about one.
    pub call_sid: Option<String>,
    /// The path of the route that it began on. Whatever continues it without a webhook (a timer, a
    /// pending call of a function) uses this route's fallback and URL. `None`: a program began it,
    /// or a version of the gateway that did not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The sid of the account that it began for: whose credentials send, whose token signs.
    /// `None`: no account is configured, or a former version began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether it goes on.
    pub state: ExecutionState,
    /// The running flow last, below it the flow that called it as a subflow.
    pub(super) frames: Vec<ExecutionFrame>,
    /// Widgets entered so far.
    pub steps: u32,
    pub(super) in_a_row: u32,
    /// What this turn has to say, until it is sent.
    #[serde(skip)]
    pub(super) document: Option<TwimlWriter>,
    /// How many messages that holds.
    #[serde(skip)]
    pub(super) messages_in_reply: usize,
    /// What the journal should hold of this turn.
    #[serde(skip)]
    pub warnings: Vec<FlowWarning>,
    /// The transitions of this turn.
    #[serde(skip)]
    pub transitions: Vec<TransitionRecord>,
}

/// What an execution does between two events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionState {
    /// A widget is being worked on: what the last step asked for has not come back.
    Running,
    /// A webhook or a moment is awaited.
    Waiting(Wait),
    /// It is over.
    Ended,
}

/// What ends a wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What the awaited webhook names as `step`.
    pub token: StepToken,
    /// When the wait is over if nothing comes, as the time since 1970.
    pub due: Option<Duration>,
    /// Somebody else's TwiML has the call: whatever the carrier asks us next, without a token or
    /// with the last one, brings it back.
    pub handed_over: bool,
    /// The call of a function that the wait is for: whatever ends the wait asks for its outcome.
    #[serde(default, rename = "held", skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<PendingCall>>,
}

/// One flow of an execution: the route's own, or a subflow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExecutionFrame {
    /// Which of the flow's subflows it is; `None` for the flow itself.
    pub(super) subflow: Option<usize>,
    /// Where it is.
    pub(super) position: WidgetId,
    /// What began it.
    pub(super) trigger: Trigger,
    /// `flow.data.*`: the parameters of whoever began it.
    pub(super) data: Map<String, Value>,
    /// `flow.variables.*`
    pub(super) variables: Map<String, Value>,
    /// `widgets.NAME.*`
    pub(super) widgets: Map<String, Value>,
}

/// A transition that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRecord {
    /// The widget's event.
    pub event: String,
    /// The widget that is through.
    pub from: String,
    /// Its type.
    pub kind: &'static str,
    /// The widget that follows; `None` where nothing is wired.
    pub to: Option<String>,
    /// What the widget has set.
    pub output: Value,
    /// Which of the flow's subflows it belongs to; `None` for the flow itself.
    pub subflow: Option<usize>,
}

/// Something that an operator should know, although the execution goes on.
#[derive(Debug)]
pub enum FlowWarning {
    /// A failure that a transition took.
    Failure(String),
    /// Something in a document that a carrier would warn about.
    Finding(Finding),
}

impl fmt::Display for FlowWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowWarning::Failure(text) => formatter.write_str(text),
            FlowWarning::Finding(finding) => finding.fmt(formatter),
        }
    }
}

// === impl Execution ===

impl Execution {
    /// Begins at the trigger of a flow with a webhook. `sid` names the run and must be new.
    pub fn begin(sid: String, channel: Channel, params: Arc<Params>) -> Execution {
        let text = |name| params.get(name).unwrap_or_default().to_owned();
        let (contact, address) = (text("From"), text("To"));
        let call_sid = params.get("CallSid").map(str::to_owned);
        let trigger = Trigger::from_webhook(channel, params);
        let execution = Execution::new(sid, contact, address, trigger);
        Execution { channel, call_sid, ..execution }
    }

    /// Begins one that no webhook asked for: `to` is the person, `from` is us.
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
            route: None,
            account: None,
            state: ExecutionState::Running,
            frames: vec![ExecutionFrame::new(None, trigger)],
            steps: 0,
            in_a_row: 0,
            document: None,
            messages_in_reply: 0,
            warnings: Vec::new(),
            transitions: Vec::new(),
        }
    }

    /// What it waits for, if it waits.
    pub fn wait(&self) -> Option<&Wait> {
        match &self.state {
            ExecutionState::Waiting(wait) => Some(wait),
            ExecutionState::Running | ExecutionState::Ended => None,
        }
    }

    /// The call of a function that it waits for, if it waits for one.
    pub fn pending_call(&self) -> Option<&PendingCall> {
        self.wait().and_then(|wait| wait.pending.as_deref())
    }

    /// The sid of the account that it belongs to. What a former version wrote has only the
    /// parameters of the webhook that began it.
    pub fn account_sid(&self) -> Option<&str> {
        self.account.as_deref().or_else(|| match &self.frames[0].trigger {
            Trigger::Form { params, .. } => params.get("AccountSid"),
            Trigger::Json { .. } => None,
        })
    }

    /// Lets it begin at a moment, as if it waited for that.
    pub fn begin_at(&mut self, due: Duration) {
        let wait =
            Wait { token: StepToken::default(), due: Some(due), handed_over: false, pending: None };
        self.state = ExecutionState::Waiting(wait);
    }

    /// Whether it has left its trigger.
    pub fn has_begun(&self) -> bool {
        self.steps > 0
    }

    /// What began it: the carrier's sid of the call or the message, or `API`.
    pub fn initiated_by(&self) -> &str {
        match &self.frames[0].trigger {
            Trigger::Form { params, .. } => params.sid().unwrap_or_default(),
            Trigger::Json { .. } => "API",
        }
    }

    /// Its variables as templates see them, of the flow that runs; `flow_sid` is its flow's.
    pub fn context(&self, flow_sid: &str) -> Value {
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

    /// The widget that it is at, of its flow.
    pub fn widget<'a>(&self, flow: &'a Flow) -> &'a Widget {
        let frame = self.frame();
        let subflow = frame.subflow.and_then(|index| flow.subflows.get(index));
        subflow.map_or(flow, |subflow| subflow).widget(frame.position)
    }

    /// Whether a flow can take it further: what a store gives back may be damaged, or of another
    /// version of this program, in ways that its own form does not tell.
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

    /// Whether it is anywhere at all.
    pub(crate) fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Notes something for the journal.
    pub fn warn(&mut self, text: String) {
        self.warnings.push(FlowWarning::Failure(text));
    }

    /// The running flow's part. There is always one.
    pub(super) fn frame(&self) -> &ExecutionFrame {
        &self.frames[self.frames.len() - 1]
    }

    /// The same, to be changed.
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

    /// What a widget has set, to be added to.
    pub(super) fn output_mut(&mut self, widget: &str) -> &mut Map<String, Value> {
        if !self.widgets.get(widget).is_some_and(Value::is_object) {
            self.widgets.insert(widget.to_owned(), Value::Object(Map::new()));
        }
        match self.widgets.get_mut(widget) {
            Some(Value::Object(output)) => output,
            _ => unreachable!("an object was just put there"),
        }
    }
}
