//! What templates see: `trigger`, `contact`, `flow`, `widgets`, borrowed from the execution.
//!
//! Nothing is copied and nothing allocated: a template asks step by step, and each step of a path
//! is a field of one of the structs here.

use super::definition::Flow;
use super::execution::Execution;
use crate::liquid::{Data, ValueRef};
use crate::webhook::{Channel, Params};

/// The roots of Studio's variables over one execution.
pub struct Scope<'a> {
    trigger: Trigger<'a>,
    contact: Contact<'a>,
    flow: About<'a>,
    widgets: Widgets<'a>,
}

/// `trigger`
struct Trigger<'a> {
    /// `call` or `message`.
    kind: &'static str,
    params: Parameters<'a>,
}

/// `contact`
struct Contact<'a> {
    channel: Address<'a>,
}

/// `flow`
struct About<'a> {
    channel: Address<'a>,
    sid: &'a str,
    flow_sid: &'a str,
}

/// `contact.channel`, `flow.channel`
struct Address<'a> {
    address: &'a str,
}

/// `trigger.call`, `trigger.message`: the carrier's words.
struct Parameters<'a>(&'a Params);

/// `widgets`
struct Widgets<'a> {
    flow: &'a Flow,
    execution: &'a Execution,
}

/// An object with a few members of fixed names.
trait Members {
    const NAMES: &'static [&'static str];

    /// A member, by one of the names.
    fn member(&self, name: &str) -> Option<ValueRef<'_>>;
}

impl<T: Members> Data for T {
    fn len(&self) -> usize {
        T::NAMES.len()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.member(key)
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        for name in T::NAMES {
            if let Some(value) = self.member(name) {
                visit(name, value);
            }
        }
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    /// The names of the roots.
    pub const ROOTS: &'static [&'static str] = &["trigger", "contact", "flow", "widgets"];

    /// The one member of `trigger` on a channel.
    pub fn trigger(channel: Channel) -> &'static str {
        match channel {
            Channel::Voice => "call",
            Channel::Message => "message",
        }
    }

    /// The view of an execution of a flow.
    pub fn new(flow: &'a Flow, execution: &'a Execution) -> Scope<'a> {
        let params = &execution.trigger.params;
        let address = |name| Address { address: params.get(name).unwrap_or_default() };
        let kind = Scope::trigger(execution.trigger.channel);
        Scope {
            trigger: Trigger { kind, params: Parameters(params) },
            contact: Contact { channel: address("From") },
            flow: About { channel: address("To"), sid: &execution.sid, flow_sid: &flow.name },
            widgets: Widgets { flow, execution },
        }
    }
}

impl Members for Scope<'_> {
    const NAMES: &'static [&'static str] = Self::ROOTS;

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        match name {
            "trigger" => Some(ValueRef::Object(&self.trigger)),
            "contact" => Some(ValueRef::Object(&self.contact)),
            "flow" => Some(ValueRef::Object(&self.flow)),
            "widgets" => Some(ValueRef::Object(&self.widgets)),
            _ => None,
        }
    }
}

// === impl Trigger, Contact, About, Address ===

impl Members for Trigger<'_> {
    const NAMES: &'static [&'static str] = &["call", "message"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        (name == self.kind).then_some(ValueRef::Object(&self.params))
    }
}

impl Members for Contact<'_> {
    const NAMES: &'static [&'static str] = &["channel"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        (name == "channel").then_some(ValueRef::Object(&self.channel))
    }
}

impl Members for About<'_> {
    const NAMES: &'static [&'static str] = &["sid", "flow_sid", "channel"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        match name {
            "sid" => Some(ValueRef::Str(self.sid)),
            "flow_sid" => Some(ValueRef::Str(self.flow_sid)),
            "channel" => Some(ValueRef::Object(&self.channel)),
            _ => None,
        }
    }
}

impl Members for Address<'_> {
    const NAMES: &'static [&'static str] = &["address"];

    fn member(&self, name: &str) -> Option<ValueRef<'_>> {
        (name == "address").then_some(ValueRef::Str(self.address))
    }
}

// === impl Parameters ===

impl Data for Parameters<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.0.get(key).map(ValueRef::Str)
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        self.0.iter().for_each(|(name, value)| visit(name, ValueRef::Str(value)));
    }
}

// === impl Widgets ===

impl Data for Widgets<'_> {
    fn len(&self) -> usize {
        self.execution.outputs.len()
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let outputs = &self.execution.outputs;
        let output = outputs.iter().find(|(id, _)| self.flow.widget(*id).name == key);
        output.map(|(_, output)| ValueRef::Object(output))
    }

    fn index(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn each<'d>(&'d self, visit: &mut dyn FnMut(&'d str, ValueRef<'d>)) {
        for (id, output) in &self.execution.outputs {
            visit(&self.flow.widget(*id).name, ValueRef::Object(output));
        }
    }
}
