//! The import: checks the tree of a flow file and compiles it to a [`Flow`].
//!
//! `properties` checks the properties of a widget against the table of its type, `wiring` the
//! transitions, `split` the conditions, `texts` the Liquid, `url` the URLs that a flow calls, and
//! `references` its other URLs, its sids and names; `unknown_type` proposes a type for a widget
//! whose own does not exist. Invariant: one import reports all problems of a file, and a flow with
//! an error is not built, so that the engine meets checked flows alone. The import knows widgets by
//! their [`WidgetType`], not by name, and neither reads files nor makes requests: the
//! [`ImportContext`] has what a flow may refer to.

mod properties;
mod references;
mod split;
mod texts;
mod unknown_type;
mod url;
mod wiring;

pub(crate) use url::{is_callable, scheme_and_host};

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::definition::{ConversationIdentity, Flow, Persistence, Transition, Widget};
use super::file::{FORMAT_HELP, FlowNode};
use super::trigger::TriggerKind;
use super::widget::{Requirement, TRIGGER, WidgetType, find_widget_type};
use crate::config;
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::hex::to_hex;
use crate::limits::{FLOW_FUNCTION_WITHIN, WIDGETS_MAX};
use crate::liquid::{LiquidEngine, Template};

/// The parts of the configuration that a flow may refer to.
pub struct ImportContext<'a> {
    /// Finds the configured function that replaces the URL of a widget, by the widget's name.
    pub function: &'a dyn Fn(&str) -> Option<Arc<config::Function>>,
    /// The `[[rewrite]]` sections, in order.
    pub rewrites: &'a [config::UrlRewrite],
    /// Whether a path is one of a function of the project.
    pub project: &'a dyn Fn(&str) -> bool,
    /// The template engine for the flow's texts, with Studio's limits.
    pub liquid: &'a LiquidEngine,
    /// Finds a template file by its name, for `respond`.
    pub document: &'a dyn Fn(&str) -> Option<Template>,
    /// Finds another flow by its sid, for `run-subflow`.
    pub subflow: &'a dyn Fn(&str) -> Option<Arc<Flow>>,
    /// Whether an account with credentials for the carrier's API is configured.
    pub carrier: bool,
    /// Whether an error in a Liquid text is one of the file and fails its widget. If not, it is a
    /// warning and an empty value, as in Studio (81018).
    pub strict_liquid: bool,
}

/// The name of a flow, and the sid by which `run-subflow` refers to it.
#[derive(Clone, Debug)]
pub struct FlowName {
    /// The name in logs and in Studio's REST.
    pub name: String,
    /// The configured sid, `FW…`; if `None`, it is derived from the name.
    pub sid: Option<String>,
}

/// The import of one flow file.
pub(super) struct FlowImporter<'a> {
    source: &'a Source,
    context: &'a ImportContext<'a>,
    problems: &'a mut Problems,
    /// The subflows that the flow runs, each once.
    subflows: Vec<Arc<Flow>>,
    /// The triggers that the flow has a transition for.
    trigger_kinds: Vec<TriggerKind>,
    /// The names of all widgets, whose variables templates may read.
    names: Vec<String>,
    /// The widgets of unknown types. Their types are reported, transitions to them are not.
    unknown_widgets: Vec<String>,
    /// Whether an error was reported.
    failed: bool,
}

/// One entry of `states`, whose type is known.
struct WidgetNode<'n> {
    node: &'n FlowNode,
    name: String,
    widget_type: &'static WidgetType,
}

/// Builds a flow from the tree of a file. `None` if the file has an error, which `problems` then
/// has.
pub fn import(
    flow_name: FlowName,
    source: &Source,
    root: &FlowNode,
    context: &ImportContext<'_>,
    problems: &mut Problems,
) -> Option<Flow> {
    let mut importer = FlowImporter {
        source,
        context,
        problems,
        subflows: Vec::new(),
        trigger_kinds: Vec::new(),
        names: Vec::new(),
        unknown_widgets: Vec::new(),
        failed: false,
    };
    let widgets = importer.import_widgets(root);
    if importer.failed {
        return None;
    }
    let subflows = importer.subflows;
    let sid = flow_name.sid.unwrap_or_else(|| derive_sid(&flow_name.name));
    let strict = context.strict_liquid;
    let definition = write_definition(&flow_name.name, &sid, root, &subflows, strict);
    let flag = root.get("flags").and_then(|flags| flags.get("allow_concurrent_calls"));
    Some(Flow {
        // 128 bits of the hash are enough: the operator edits revisions, and no attacker chooses
        // them.
        revision: hash_text(&definition)[..32].to_owned(),
        definition,
        persistence: Persistence::Always,
        identity: match flag.and_then(FlowNode::flag) {
            Some(false) => ConversationIdentity::Contact,
            // A flow without the flag allows concurrent calls.
            Some(true) | None => ConversationIdentity::CallOrContact,
        },
        functions_within: FLOW_FUNCTION_WITHIN,
        rewrites: context.rewrites.to_vec(),
        name: flow_name.name,
        sid,
        widgets,
        subflows,
        strict_liquid: strict,
        short_names: None,
    })
}

/// Writes the definition of a flow, from which a store builds the same revision again.
fn write_definition(
    name: &str,
    sid: &str,
    root: &FlowNode,
    subflows: &[Arc<Flow>],
    strict: bool,
) -> String {
    // A changed subflow changes the flow too: an execution must not continue in other widgets.
    let subflows: Vec<&str> = subflows.iter().map(|flow| flow.definition.as_str()).collect();
    let mut definition = serde_json::json!({
        "name": name, "sid": sid, "definition": root.to_json(), "subflows": subflows,
    });
    // Only where it is set: the revisions of imported flows stay what they were.
    if strict {
        definition["strict_liquid"] = true.into();
    }
    definition.to_string()
}

/// The kinds of trigger for which the trigger widget has a transition.
fn find_trigger_kinds(trigger: &WidgetNode<'_>) -> Vec<TriggerKind> {
    let transitions = trigger.node.get("transitions").and_then(FlowNode::list).unwrap_or_default();
    let is_wired = |kind: &TriggerKind| {
        transitions.iter().any(|transition| {
            let text = |key| transition.get(key).and_then(FlowNode::text);
            text("event") == Some(kind.event()) && text("next").is_some_and(|next| !next.is_empty())
        })
    };
    TriggerKind::ALL.into_iter().filter(is_wired).collect()
}

/// Derives the sid of a flow without a configured one, the same for a name on every machine.
pub(crate) fn derive_sid(name: &str) -> String {
    format!("FW{}", &hash_text(name)[..32])
}

fn hash_text(text: &str) -> String {
    to_hex(&Sha256::digest(text))
}

// === impl FlowImporter ===

impl FlowImporter<'_> {
    fn import_widgets(&mut self, root: &FlowNode) -> Vec<Widget> {
        for (key, node) in root.table().unwrap_or_default() {
            let name = key.name.as_str();
            // Studio may add members: an unknown one is a warning, so that its exports still load.
            if !FLOW_MEMBERS.contains(&name) {
                let help = did_you_mean(name, FLOW_MEMBERS).unwrap_or_default();
                self.warn(node, format!("`{name}` of a flow is not known"), "not used", &help);
            }
        }
        let Some(states) = root.get("states").and_then(FlowNode::list) else {
            self.fail(root, "it has no `states`", "an object with a list `states`", FORMAT_HELP);
            return Vec::new();
        };
        if states.is_empty() || states.len() > WIDGETS_MAX {
            let message = format!("it has {} widgets", states.len());
            self.fail(root, message, &format!("1 to {WIDGETS_MAX}"), "");
        }
        // All names first: a template may read a widget that comes later in the file.
        let name = |state: &FlowNode| state.get("name").and_then(FlowNode::text).map(str::to_owned);
        self.names = states.iter().filter_map(name).collect();
        let mut states: Vec<WidgetNode<'_>> =
            states.iter().filter_map(|state| self.read_widget(state)).collect();
        self.move_trigger_first(root, &mut states);
        self.check_names(&states);
        self.trigger_kinds = states.first().map(find_trigger_kinds).unwrap_or_default();
        let names: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
        let widgets: Vec<Widget> =
            states.iter().map(|state| self.build_widget(state, &names)).collect();
        // The transitions of a widget of an unknown type are not read, so what they lead to would
        // seem unreachable.
        if self.unknown_widgets.is_empty() {
            self.warn_of_unreachable_widgets(&states, &widgets);
        }
        widgets
    }

    fn read_widget<'n>(&mut self, node: &'n FlowNode) -> Option<WidgetNode<'n>> {
        let (name, type_node) = (node.get("name"), node.get("type"));
        let Some((name, type_node)) = name.and_then(FlowNode::text).zip(type_node) else {
            let expected = "a `name` and a `type`, both texts";
            self.fail(node, "this is not a widget", expected, FORMAT_HELP);
            return None;
        };
        let type_name = type_node.text().unwrap_or_default();
        let Some(widget_type) = find_widget_type(type_name) else {
            self.unknown_widgets.push(name.to_owned());
            self.report_unknown_type(node, name, type_node);
            return None;
        };
        Some(WidgetNode { node, name: name.to_owned(), widget_type })
    }

    /// Moves the trigger, where an execution begins, to the front.
    fn move_trigger_first(&mut self, root: &FlowNode, states: &mut [WidgetNode<'_>]) {
        let named = root.get("initial_state");
        let found = match named.and_then(FlowNode::text) {
            Some(name) => states.iter().position(|state| state.name == name),
            None => states.iter().position(|state| state.is_trigger()),
        };
        match found {
            // A rotation preserves the order of the other widgets for problems and outlines.
            Some(index) if states[index].is_trigger() => states[..=index].rotate_right(1),
            Some(index) => {
                let message = format!("`{}` is not a trigger", states[index].name);
                self.fail(named.unwrap_or(root), message, "the name of a `trigger` widget", "");
            }
            None => {
                let triggers = states.iter().filter(|state| state.is_trigger());
                let help = triggers.map(|state| format!("`{}` is one", state.name)).next();
                let message = "no widget has the name in `initial_state`";
                let help = help.unwrap_or_default();
                self.fail(named.unwrap_or(root), message, "the name of a `trigger`", &help);
            }
        }
    }

    fn check_names(&mut self, states: &[WidgetNode<'_>]) {
        for (index, state) in states.iter().enumerate() {
            if states[..index].iter().any(|before| before.name == state.name) {
                let message = format!("there are two widgets `{}`", state.name);
                let node = state.node.get("name").unwrap_or(state.node);
                self.fail(node, message, "a unique name", "");
            }
        }
    }

    fn build_widget(&mut self, state: &WidgetNode<'_>, names: &[&str]) -> Widget {
        let properties = self.read_properties(state);
        let transitions: Vec<Transition> = self.read_transitions(state, names);
        if self.needs_carrier(state.widget_type.requirement) && !self.context.carrier {
            let message = format!(
                "widget `{}` needs the carrier's API, and no `[[account]]` can ask it",
                state.name
            );
            let failure = state.widget_type.failure.unwrap_or_default();
            let help = format!(
                "add an `[[account]]` with `sid` and `auth_tokens`; without it, the flow takes \
                 `{failure}`"
            );
            self.warn(state.node.get("type").unwrap_or(state.node), message, "", &help);
        }
        Widget { name: state.name.clone(), widget_type: state.widget_type, properties, transitions }
    }

    /// Whether a trigger of this flow makes a widget use the carrier's API.
    fn needs_carrier(&self, requirement: Requirement) -> bool {
        let wired = |kind: TriggerKind| self.trigger_kinds.contains(&kind);
        match requirement {
            Requirement::Nothing => false,
            Requirement::Carrier => true,
            // An execution of Studio's REST answers no webhook, so it has neither channel.
            Requirement::CarrierOutsideOfMessages => {
                wired(TriggerKind::Call) || wired(TriggerKind::Request)
            }
            Requirement::CarrierOutsideOfCalls => {
                wired(TriggerKind::Message) || wired(TriggerKind::Request)
            }
        }
    }

    fn fail(&mut self, node: &FlowNode, message: impl Into<String>, expected: &str, help: &str) {
        self.failed = true;
        let problem = self.source.error(node.span.clone(), message);
        self.push(problem, expected, help);
    }

    fn warn(&mut self, node: &FlowNode, message: impl Into<String>, expected: &str, help: &str) {
        let problem = self.source.warning(node.span.clone(), message);
        self.push(problem, expected, help);
    }

    fn push(&mut self, problem: Problem, expected: &str, help: &str) {
        self.problems.push(problem.expected(expected).help(help));
    }
}

// === impl WidgetNode ===

impl WidgetNode<'_> {
    fn is_trigger(&self) -> bool {
        self.widget_type.name == TRIGGER.name
    }
}

/// The members of a flow.
const FLOW_MEMBERS: [&str; 6] =
    ["description", "states", "initial_state", "flags", "$schema", "sid"];

/// The types of widgets whose products Twilio has discontinued.
const DISCONTINUED_TYPES: [&str; 6] = [
    "send-to-auto-pilot",
    "understand",
    "add-member-to-chat-channel",
    "create-chat-channel",
    "create-task",
    "update-sync-object",
];
