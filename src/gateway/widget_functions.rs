//! The functions that replace the URLs of widgets: which one is whose, and what is wrong with that.
//!
//! A function replaces the widgets that its `widgets` names. Without the key it replaces those with
//! its own name in every flow, which may be more than its owner means: Studio calls the first
//! request of each flow `http_1`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{Config, ConfigText, Function, quote_name, quote_text};
use crate::diagnostics::problem::{Problem, Problems};
use crate::diagnostics::suggest::did_you_mean;
use crate::diagnostics::toml_reader::hide_userinfo;
use crate::flow::import::{FlowName, scheme_and_host};
use crate::flow::{Callee, Flow, ReplacedUrl, Widget};

use super::Flows;

/// The functions by the widgets that they replace.
pub(super) struct WidgetFunctions {
    /// By what `widgets` says: the name or the sid of a flow, or `None` for all flows, and the
    /// widget.
    named: HashMap<(Option<String>, String), Arc<Function>>,
    /// The functions without `widgets`, by their names.
    by_name: BTreeMap<String, Arc<Function>>,
}

impl WidgetFunctions {
    pub(super) fn new(config: &Config) -> WidgetFunctions {
        let mut named = HashMap::new();
        for function in config.functions.values() {
            for widget in &function.widgets {
                let (flow, widget) = split(&widget.text);
                let key = (flow.map(str::to_owned), widget.to_owned());
                // A second function of one widget is reported.
                named.entry(key).or_insert_with(|| Arc::clone(function));
            }
        }
        let by_name = config.functions.iter().filter(|(_, function)| function.widgets.is_empty());
        let by_name = by_name.map(|(name, function)| (name.clone(), Arc::clone(function)));
        WidgetFunctions { named, by_name: by_name.collect() }
    }

    /// The function that replaces the URL of a widget. What names the flow has precedence.
    pub(super) fn find(&self, flow: &FlowName, widget: &str) -> Option<Arc<Function>> {
        let named = |flow: Option<&str>| {
            self.named.get(&(flow.map(str::to_owned), widget.to_owned())).cloned()
        };
        named(Some(&flow.name))
            .or_else(|| named(Some(flow.sid.as_deref()?)))
            .or_else(|| named(None))
            .or_else(|| self.by_name.get(widget).cloned())
    }
}

/// The flow and the widget of an entry of `widgets`. The flow may be a path, with slashes in it.
fn split(entry: &str) -> (Option<&str>, &str) {
    match entry.rsplit_once('/') {
        Some((flow, widget)) => (Some(flow), widget),
        None => (None, entry),
    }
}

/// Reports entries of `widgets` that name nothing, and warns of functions that replace more than
/// their owner may know.
pub(super) fn check_widget_functions(config: &Config, flows: &Flows, problems: &mut Problems) {
    if config.is_partial {
        return;
    }
    // A flow that was not compiled has problems of its own, and its widgets are not known.
    let all_known = flows.names().into_iter().all(|name| flows.get(name).is_some());
    let mut seen = HashMap::new();
    for function in config.functions.values() {
        for entry in &function.widgets {
            if let Some(before) = seen.insert(entry.text.as_str(), &function.name) {
                let message = format!("two functions replace the widget `{}`", entry.text);
                let problem = entry.source.error(entry.span.clone(), message);
                problems.push(
                    problem.help(format!("`[function.{}]` is the other one", quote_name(before))),
                );
            }
            problems.extend(check_entry(entry, flows, all_known));
        }
        if function.widgets.is_empty() {
            problems.extend(check_name(function, flows));
        }
    }
}

/// Reports an entry of `widgets` without a widget that calls a URL.
fn check_entry(entry: &ConfigText, flows: &Flows, all_known: bool) -> Option<Problem> {
    let (flow_name, widget_name) = split(&entry.text);
    let error = |message| entry.source.error(entry.span.clone(), message);
    let searched: Vec<&Flow> = match flow_name {
        Some(name) => match flows.iter().find(|flow| flow.name == name || flow.sid == name) {
            Some(flow) => vec![flow],
            None if flows.names().contains(name) => return None,
            None => {
                let problem = error(format!("`{}` names no flow", entry.text));
                let help = did_you_mean(name, flows.names());
                let known = || Vec::from_iter(flows.names()).join("`, `");
                let help = help.unwrap_or_else(|| format!("the flows are `{}`", known()));
                return Some(problem.expected("FLOW/WIDGET").help(help));
            }
        },
        None if !all_known => return None,
        None => flows.iter().map(Arc::as_ref).collect(),
    };
    let calls =
        || searched.iter().flat_map(|flow| &flow.widgets).filter(|widget| calls_url(widget));
    if calls().any(|widget| widget.name == widget_name) {
        return None;
    }
    let problem = error(format!("`{}` names no widget that calls a URL", entry.text));
    let help = did_you_mean(widget_name, calls().map(|widget| widget.name.as_str()));
    let expected = "the name of a `run-function` or `make-http-request`";
    Some(problem.expected(expected).help(help.unwrap_or_default()))
}

/// Warns of a function that replaces widgets of several flows by its name alone, or a URL that
/// could be called.
fn check_name(function: &Function, flows: &Flows) -> Option<Problem> {
    let replaced = flows.iter().filter_map(|flow| Some((flow, find_replaced(flow, function)?)));
    let replaced: Vec<(&Arc<Flow>, &ReplacedUrl)> = replaced.collect();
    let name = &function.name;
    let entries: Vec<String> =
        replaced.iter().map(|(flow, _)| quote_text(&format!("{}/{name}", flow.name))).collect();
    let widgets = format!("`widgets = [{}]`", entries.join(", "));
    let warn = |message| function.title.source.warning(function.title.span.clone(), message);
    if let [(flow, url)] = replaced.as_slice() {
        // The function's own URL is no surprise.
        let is_same = url.text == function.target.to_string();
        if !url.is_callable || is_same {
            return None;
        }
        let host = hide_userinfo(scheme_and_host(&url.text).to_owned());
        let message = format!(
            "`[function.{}]` replaces the URL of the widget `{name}` of flow `{}`",
            quote_name(name),
            flow.name
        );
        let problem = warn(message).expected(format!("`{host}` could be called"));
        return Some(problem.help(format!(
            "if that is meant, add {widgets}; if not, give the function another name"
        )));
    }
    (replaced.len() > 1).then(|| {
        let names: Vec<&str> = replaced.iter().map(|(flow, _)| flow.name.as_str()).collect();
        let message = format!(
            "`[function.{}]` replaces the widget `{name}` of {} flows: `{}`",
            quote_name(name),
            names.len(),
            names.join("`, `")
        );
        warn(message).expected("one function for all of them").help(format!(
            "if that is meant, add {widgets}; if not, name the widget of one flow there"
        ))
    })
}

/// The URL of the widget of a flow that a function replaces by its name.
fn find_replaced<'a>(flow: &'a Flow, function: &Function) -> Option<&'a ReplacedUrl> {
    let widget = flow.widgets.iter().find(|widget| widget.name == function.name)?;
    match &widget.properties.callee {
        Some(Callee::Function { function: own, replaced }) if own.name == function.name => {
            replaced.as_ref()
        }
        _ => None,
    }
}

fn calls_url(widget: &Widget) -> bool {
    widget.properties.callee.is_some()
}
