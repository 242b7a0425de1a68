//! From a flow file to a [`Flow`]: everything that is wrong with it is found at once, and a flow
//! with an error in it is not made at all.

mod properties;
mod split;
mod url;
mod wiring;

pub use url::is_callable;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::definition::{ConversationIdentity, Flow, Persistence, Transition, Widget};
use super::file::FlowNode;
use super::scope::Scope;
use super::trigger::TriggerKind;
use super::widget::{Requirement, TRIGGER, WIDGET_TYPES, WidgetType, find_widget_type};
use crate::config;
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::diagnostics::suggest::{did_you_mean, nearest_name};
use crate::hex::to_hex;
use crate::limits::WIDGETS_MAX;
use crate::liquid::{LiquidEngine, OutputFormat, Template};

/// What a flow may refer to.
pub struct ImportContext<'a> {
    /// The configured functions: one with the name of a widget stands in for its URL.
    pub functions: &'a BTreeMap<String, Arc<config::Function>>,
    /// `[[rewrite]]`
    pub rewrites: &'a [config::UrlRewrite],
    /// The language of its texts, with Studio's limits.
    pub liquid: &'a LiquidEngine,
    /// The template files, for `respond`.
    pub document: &'a dyn Fn(&str) -> Option<Template>,
    /// The other flows, by their sid, for `run-subflow`.
    pub subflow: &'a dyn Fn(&str) -> Option<Arc<Flow>>,
    /// Whether the carrier's API can be asked.
    pub carrier: bool,
}

/// Names a flow: the name that people use, and the sid that `run-subflow` uses, if it has one.
#[derive(Clone, Debug)]
pub struct FlowName {
    /// For people and for Studio's REST.
    pub name: String,
    /// `FW…`; `None`: made from the name.
    pub sid: Option<String>,
}

/// Compiles one flow file; knows what is wrong with it.
pub(super) struct FlowImporter<'a> {
    source: &'a Source,
    context: &'a ImportContext<'a>,
    problems: &'a mut Problems,
    /// The subflows that it calls.
    subflows: Vec<Arc<Flow>>,
    /// The ways into the flow that lead somewhere.
    trigger_kinds: Vec<TriggerKind>,
    /// All widgets, for what templates may read.
    names: Vec<String>,
    /// Widgets of unknown types: said once, and not again for each transition to them.
    unknown_widgets: Vec<String>,
    /// Whether anything is an error.
    failed: bool,
}

/// One entry of `states`.
struct WidgetNode<'n> {
    node: &'n FlowNode,
    name: String,
    widget_type: &'static WidgetType,
}

/// Makes a flow of what was read from a file. `None` where an error was found.
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
    let definition = write_definition(&flow_name.name, &sid, root, &subflows);
    let flag = root.get("flags").and_then(|flags| flags.get("allow_concurrent_calls"));
    Some(Flow {
        revision: hash_text(&definition)[..32].to_owned(),
        definition,
        persistence: Persistence::Always,
        identity: match flag.and_then(FlowNode::flag) {
            Some(false) => ConversationIdentity::Contact,
            Some(true) | None => ConversationIdentity::CallOrContact,
        },
        name: flow_name.name,
        sid,
        widgets,
        subflows,
    })
}

/// The text under which a revision is kept: all that it takes to make the flow again.
fn write_definition(name: &str, sid: &str, root: &FlowNode, subflows: &[Arc<Flow>]) -> String {
    let subflows: Vec<&str> = subflows.iter().map(|flow| flow.definition.as_str()).collect();
    serde_json::json!({
        "name": name, "sid": sid, "definition": root.to_json(), "subflows": subflows,
    })
    .to_string()
}

/// The ways in that a trigger leads on from.
fn find_trigger_kinds(trigger: &WidgetNode<'_>) -> Vec<TriggerKind> {
    let transitions = trigger.node.get("transitions").and_then(FlowNode::list).unwrap_or_default();
    let leads_on = |way: &TriggerKind| {
        transitions.iter().any(|transition| {
            let text = |key| transition.get(key).and_then(FlowNode::text);
            text("event") == Some(way.event()) && text("next").is_some_and(|next| !next.is_empty())
        })
    };
    TriggerKind::ALL.into_iter().filter(leads_on).collect()
}

/// The sid of a flow that none is configured for: the same wherever the flow has this name.
pub fn derive_sid(name: &str) -> String {
    format!("FW{}", &hash_text(name)[..32])
}

fn hash_text(text: &str) -> String {
    to_hex(&Sha256::digest(text))
}

// === impl Import ===

impl FlowImporter<'_> {
    fn import_widgets(&mut self, root: &FlowNode) -> Vec<Widget> {
        for (key, node) in root.table().unwrap_or_default() {
            let name = key.name.as_str();
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
        if self.unknown_widgets.is_empty() {
            self.warn_of_unreachable_widgets(&states, &widgets);
        }
        widgets
    }

    fn read_widget<'n>(&mut self, node: &'n FlowNode) -> Option<WidgetNode<'n>> {
        let (name, kind) = (node.get("name"), node.get("type"));
        let Some((name, kind)) = name.and_then(FlowNode::text).zip(kind) else {
            let expected = "a `name` and a `type`, both texts";
            self.fail(node, "this is no widget", expected, FORMAT_HELP);
            return None;
        };
        let word = kind.text().unwrap_or_default();
        let Some(widget_type) = find_widget_type(word) else {
            self.unknown_widgets.push(name.to_owned());
            let names = WIDGET_TYPES.iter().map(|known| known.name);
            let help = match did_you_mean(word, names) {
                Some(question) => question,
                None if DISCONTINUED_TYPES.contains(&word) => {
                    "Twilio has ended the product behind it: take the widget out".to_owned()
                }
                None => "docs/studio.md lists the types there are; take the widget out, or do its \
                         work in a function"
                    .to_owned(),
            };
            let message = format!("widget `{name}` is of the unknown type `{word}`");
            self.fail(kind, message, "no such type of widget", &help);
            return None;
        };
        Some(WidgetNode { node, name: name.to_owned(), widget_type })
    }

    /// Puts the widget that an execution begins with first.
    fn move_trigger_first(&mut self, root: &FlowNode, states: &mut [WidgetNode<'_>]) {
        let named = root.get("initial_state");
        let found = match named.and_then(FlowNode::text) {
            Some(name) => states.iter().position(|state| state.name == name),
            None => states.iter().position(|state| state.is_trigger()),
        };
        match found {
            Some(index) if states[index].is_trigger() => states[..=index].rotate_right(1),
            Some(index) => {
                let message = format!("`{}` is not a trigger", states[index].name);
                self.fail(named.unwrap_or(root), message, "the name of a `trigger` widget", "");
            }
            None => {
                let triggers = states.iter().filter(|state| state.is_trigger());
                let help = triggers.map(|state| format!("`{}` is one", state.name)).next();
                let message = "no widget has the name that `initial_state` says";
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
                self.fail(node, message, "a name of its own", "");
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
                "add an `[[account]]` with `sid` and `auth_tokens`; without, `{failure}` is taken"
            );
            self.warn(state.node.get("type").unwrap_or(state.node), message, "", &help);
        }
        Widget { name: state.name.clone(), widget_type: state.widget_type, properties, transitions }
    }

    /// Whether a widget asks the carrier's API on one of the ways into this flow.
    fn needs_carrier(&self, requirement: Requirement) -> bool {
        let wired = |way: TriggerKind| self.trigger_kinds.contains(&way);
        match requirement {
            Requirement::Nothing => false,
            Requirement::Carrier => true,
            Requirement::CarrierOutsideOfMessages => {
                wired(TriggerKind::Call) || wired(TriggerKind::Request)
            }
            Requirement::CarrierOutsideOfCalls => {
                wired(TriggerKind::Message) || wired(TriggerKind::Request)
            }
        }
    }

    /// Compiles a text; what is wrong with it is shown where it stands.
    fn compile_template(&mut self, node: &FlowNode, text: &str) -> Option<Template> {
        match self.context.liquid.compile(&self.source.name, text, OutputFormat::Plain) {
            Ok(template) => {
                self.warn_of_unset_variables(node, text, &template);
                Some(template)
            }
            Err(errors) => {
                self.failed = true;
                for error in errors {
                    let mut problem = crate::template::to_problem(&error, self.source);
                    if let Some(place) = &mut problem.place {
                        place.span = self.locate(node, text, error.span());
                    }
                    self.problems.push(problem);
                }
                None
            }
        }
    }

    /// Warns of variables that nothing in the flow sets: they render as nothing.
    fn warn_of_unset_variables(&mut self, node: &FlowNode, text: &str, template: &Template) {
        for variable in template.variables() {
            let (what, help) = match variable.keys().as_slice() {
                ["widgets", name, ..] if !self.names.iter().any(|known| known == name) => {
                    let near = nearest_name(name, self.names.iter().map(String::as_str));
                    let help = near.map(|near| format!("did you mean `widgets.{near}`?"));
                    (format!("widgets.{name}"), help)
                }
                [root, ..] if !Scope::ROOTS.contains(root) => {
                    let roots = Scope::ROOTS.join(", ");
                    let help = format!("it renders as nothing; there is: {roots}");
                    ((*root).to_owned(), Some(help))
                }
                _ => continue,
            };
            let span = self.locate(node, text, variable.span.clone());
            let problem = self.source.warning(span, format!("nothing sets `{what}`"));
            self.push(problem, "never set", &help.unwrap_or_default());
        }
    }

    /// A place in a text as a place in the file, where the text stands there without escapes.
    fn locate(
        &self,
        node: &FlowNode,
        text: &str,
        place: std::ops::Range<usize>,
    ) -> std::ops::Range<usize> {
        let quoted = self.source.text.get(node.span.clone()).unwrap_or_default();
        match quoted.find(text) {
            Some(offset) if !text.is_empty() => {
                let start = node.span.start + offset;
                start + place.start..start + place.end
            }
            _ => node.span.clone(),
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

const FORMAT_HELP: &str =
    "a flow is what Studio exports under Settings, Flow JSON; docs/flows.md has ours";

/// What a flow has on top.
const FLOW_MEMBERS: [&str; 6] =
    ["description", "states", "initial_state", "flags", "$schema", "sid"];

/// Types of products that Twilio has ended.
const DISCONTINUED_TYPES: [&str; 6] = [
    "send-to-auto-pilot",
    "understand",
    "add-member-to-chat-channel",
    "create-chat-channel",
    "create-task",
    "update-sync-object",
];
