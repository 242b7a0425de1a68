//! The variables of templates: `trigger`, `contact`, `flow` and `widgets`.
//!
//! All of them are borrowed from the execution. A template reads a path step by step, and each step
//! is a field of one of these structs, so that a read neither copies nor allocates.

use serde_json::{Map, Value};

use super::definition::Flow;
use super::execution::{Execution, ExecutionFrame};
use super::trigger::TriggerKind;
use crate::liquid::{TemplateData, ValueRef};
use crate::webhook::Params;

/// The root variables of one execution.
pub(crate) struct Scope<'a> {
    trigger: TriggerScope<'a>,
    contact: ContactScope<'a>,
    flow: FlowScope<'a>,
    widgets: WidgetsScope<'a>,
    /// Whether all other names are those of parameters, as in TwiML Bins.
    has_parameters: bool,
}

/// `widgets`
struct WidgetsScope<'a> {
    outputs: &'a Map<String, Value>,
    /// The widget that is also called `function`.
    function: Option<&'a str>,
}

/// `trigger`
struct TriggerScope<'a> {
    /// `call`, `message`, …
    kind: TriggerKind,
    values: TriggerValues<'a>,
}

/// The members of `trigger.call`, `trigger.request` and so on.
enum TriggerValues<'a> {
    Webhook(WebhookScope<'a>),
    Json(&'a Map<String, Value>),
}

/// `contact`
struct ContactScope<'a> {
    channel: ChannelScope<'a>,
}

/// `flow`
struct FlowScope<'a> {
    channel: ChannelScope<'a>,
    sid: &'a str,
    flow_sid: &'a str,
    data: &'a Map<String, Value>,
    variables: &'a Map<String, Value>,
    add_ons: Option<&'a Value>,
}

/// `contact.channel`, `flow.channel`
struct ChannelScope<'a> {
    address: &'a str,
}

/// `trigger.call`, `trigger.message`: the carrier's parameters, with those parsed that hold JSON.
struct WebhookScope<'a> {
    params: &'a Params,
    parsed: &'a Map<String, Value>,
}

/// An object with a fixed set of members.
trait FixedMembers {
    const NAMES: &'static [&'static str];

    /// The member of a name; `None` if the object does not have it now.
    fn member(&self, name: &str) -> Option<ValueRef<'_>>;
}

impl<T: FixedMembers> TemplateData for T {
    fn len(&self) -> usize {
        T::NAMES.len()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.member(key)
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        for name in T::NAMES {
            // Absent members, such as `trigger.call` in a chat, are skipped.
            if let Some(value) = self.member(name) {
                visit(name, value);
            }
        }
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    /// The names of the root variables.
    pub(crate) const ROOTS: &'static [&'static str] = &["trigger", "contact", "flow", "widgets"];
    /// The name under `widgets` of the function of a short route, whatever it is called. A function
    /// of this name is the same one, and so hides nothing.
    pub(crate) const FUNCTION: &'static str = "function";

    /// The variables of an execution whose running flow is `flow`.
    pub(crate) fn new(flow: &'a Flow, execution: &'a Execution) -> Scope<'a> {
        // Variables belong to the running flow: a subflow does not see those of its caller.
        let frame = execution.frame();
        let ExecutionFrame { data, variables, widgets, .. } = frame;
        let (values, add_ons) = match &frame.trigger {
            super::Trigger::Form { params, parsed, .. } => {
                // Studio has the results of add-ons under `flow` as well.
                let add_ons = parsed.get("AddOns");
                (TriggerValues::Webhook(WebhookScope { params: params.as_ref(), parsed }), add_ons)
            }
            super::Trigger::Json { values, .. } => (TriggerValues::Json(values), None),
        };
        let (sid, flow_sid) = (execution.sid.as_str(), flow.sid.as_str());
        let channel = ChannelScope { address: &execution.address };
        Scope {
            trigger: TriggerScope { kind: frame.trigger.kind(), values },
            contact: ContactScope { channel: ChannelScope { address: &execution.contact } },
            flow: FlowScope { channel, sid, flow_sid, data, variables, add_ons },
            widgets: WidgetsScope { outputs: widgets, function: flow.function_widget() },
            has_parameters: flow.short_names.is_some(),
        }
    }
}

impl FixedMembers for Scope<'_> {
    const NAMES: &'static [&'static str] = Self::ROOTS;

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        match name {
            "trigger" => Some(ValueRef::Object(&self.trigger)),
            "contact" => Some(ValueRef::Object(&self.contact)),
            "flow" => Some(ValueRef::Object(&self.flow)),
            "widgets" => Some(ValueRef::Object(&self.widgets)),
            parameter if self.has_parameters => self.trigger.values.get(parameter),
            _ => None,
        }
    }
}

// === impl TriggerScope, ContactScope, FlowScope, ChannelScope ===

impl TriggerValues<'_> {
    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        match self {
            TriggerValues::Webhook(parameters) => parameters.get(name),
            TriggerValues::Json(values) => values.get(name).map(ValueRef::from),
        }
    }
}

impl FixedMembers for TriggerScope<'_> {
    const NAMES: &'static [&'static str] =
        &["call", "message", "conversation", "request", "parent"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        (name == self.kind.name()).then_some(match &self.values {
            TriggerValues::Webhook(parameters) => ValueRef::Object(parameters),
            TriggerValues::Json(values) => ValueRef::Object(*values),
        })
    }
}

impl FixedMembers for ContactScope<'_> {
    const NAMES: &'static [&'static str] = &["channel"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        (name == "channel").then_some(ValueRef::Object(&self.channel))
    }
}

impl FixedMembers for FlowScope<'_> {
    const NAMES: &'static [&'static str] =
        &["sid", "flow_sid", "channel", "data", "variables", "add_ons"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        match name {
            "sid" => Some(ValueRef::Str(self.sid)),
            "flow_sid" => Some(ValueRef::Str(self.flow_sid)),
            "channel" => Some(ValueRef::Object(&self.channel)),
            "data" => Some(ValueRef::Object(self.data)),
            "variables" => Some(ValueRef::Object(self.variables)),
            "add_ons" => self.add_ons.map(ValueRef::from),
            _ => None,
        }
    }
}

impl FixedMembers for ChannelScope<'_> {
    const NAMES: &'static [&'static str] = &["address"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        (name == "address").then_some(ValueRef::Str(self.address))
    }
}

// === impl WidgetsScope ===

impl TemplateData for WidgetsScope<'_> {
    fn len(&self) -> usize {
        self.outputs.len()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let widget = match self.function {
            Some(function) if key == Scope::FUNCTION => function,
            _ => key,
        };
        self.outputs.get(widget).map(ValueRef::from)
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        TemplateData::for_each(self.outputs, visit);
    }
}

// === impl WebhookScope ===

impl TemplateData for WebhookScope<'_> {
    fn len(&self) -> usize {
        self.params.len()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        // The parsed JSON replaces the text it was read from.
        let parsed = self.parsed.get(key).map(ValueRef::from);
        parsed.or_else(|| self.params.get(key).map(ValueRef::Str))
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn for_each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        for (name, value) in self.params.iter() {
            let parsed = self.parsed.get(name).map(ValueRef::from);
            visit(name, parsed.unwrap_or(ValueRef::Str(value)));
        }
    }
}
