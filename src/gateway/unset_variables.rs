//! Warnings about variables of templates that are never set, and notes about those of TwiML Bins.

use crate::channel::Channel;
use crate::diagnostics::problem::{Problem, Severity, Source};
use crate::flow::{Flow, Scope, TriggerKind};
use crate::liquid::{Template, VariableUse};

/// Warns of variables that are never set. They render as an empty text, which is rarely intended.
/// A note says of a name that only TwiML Bins have what it is called elsewhere.
pub(super) fn check_variables<'a>(
    template: &'a Template,
    source: &'a Source,
    flow: &'a Flow,
    channel: Channel,
) -> impl Iterator<Item = Problem> + 'a {
    template.variables().into_iter().filter_map(move |variable| {
        let path = variable.keys();
        let trigger = TriggerKind::from_channel(channel).name();
        let widgets = || flow.widgets.iter().map(|widget| widget.name.as_str());
        let (what, known): (String, Vec<&str>) = match path.as_slice() {
            ["trigger", kind, ..] if *kind != trigger => (format!("trigger.{kind}"), vec![trigger]),
            ["widgets", Scope::FUNCTION, ..] if flow.function_widget().is_some() => return None,
            // The advice is about the one widget that has results to read.
            ["widgets", name, ..] if !widgets().any(|widget| widget == *name) => {
                let function = flow.function_widget().map(|name| [Scope::FUNCTION, name]);
                (format!("widgets.{name}"), function.into_iter().flatten().collect())
            }
            [name] if is_parameter(name, flow) => {
                return Some(note_parameter(&variable, name, template, source, trigger));
            }
            [root, ..] if !Scope::ROOTS.contains(root) => {
                ((*root).to_owned(), Scope::ROOTS.to_vec())
            }
            _ => return None,
        };
        let message = format!("nothing sets `{what}`");
        let problem = locate(&variable, Severity::Warning, message, template, source);
        let help = match known.as_slice() {
            [] => "it renders as nothing: the route calls no function".to_owned(),
            known => format!("it renders as nothing; there is: {}", known.join(", ")),
        };
        Some(problem.expected("never set").help(help))
    })
}

/// Whether a name is that of a parameter of the webhook, as TwiML Bins have them. Those of the
/// carrier begin with a capital; on a route without a function, others are of its URL.
fn is_parameter(name: &str, flow: &Flow) -> bool {
    let is_carriers = name.starts_with(|first: char| first.is_ascii_uppercase());
    flow.short_names.is_some()
        && !Scope::ROOTS.contains(&name)
        && (is_carriers || flow.function_widget().is_none())
}

fn note_parameter(
    variable: &VariableUse,
    name: &str,
    template: &Template,
    source: &Source,
    trigger: &str,
) -> Problem {
    let message = format!(
        "`{{{{{name}}}}}` is a variable of TwiML Bins: the parameter `{name}` of the webhook or \
         its URL"
    );
    let help = format!(
        "it works in the documents of this route; flows, and all other templates, say \
         `{{{{trigger.{trigger}.{name}}}}}`"
    );
    locate(variable, Severity::Note, message, template, source).help(help)
}

/// The problem with a variable, at its place.
fn locate(
    variable: &VariableUse,
    level: Severity,
    message: String,
    template: &Template,
    source: &Source,
) -> Problem {
    // A variable of an included template is in another file, so it has no place in this one.
    if *variable.template == *template.name() {
        source.locate(variable.span.clone(), Problem::new(level, message))
    } else {
        Problem::new(level, format!("{message}, which `{}` reads", variable.template))
    }
}
