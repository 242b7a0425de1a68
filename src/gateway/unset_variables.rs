//! Warnings about variables of templates that are never set.

use crate::channel::Channel;
use crate::diagnostics::problem::{Problem, Severity, Source};
use crate::flow::{Flow, Scope, TriggerKind};
use crate::liquid::Template;

/// Warns of variables that are never set. They render as an empty text, which is rarely intended.
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
            // The advice skips the trigger. In a short route, only the next widget, its function,
            // has results to read.
            ["widgets", name, ..] if !widgets().any(|widget| widget == *name) => {
                (format!("widgets.{name}"), widgets().skip(1).take(1).collect())
            }
            [root, ..] if !Scope::ROOTS.contains(root) => {
                ((*root).to_owned(), Scope::ROOTS.to_vec())
            }
            _ => return None,
        };
        let message = format!("nothing sets `{what}`");
        // A variable of an included template is in another file, so it has no place in this one.
        let problem = if *variable.template == *template.name() {
            source.warning(variable.span.clone(), message)
        } else {
            let message = format!("{message}, which `{}` reads", variable.template);
            Problem::new(Severity::Warning, message)
        };
        let help = format!("it renders as nothing; there is: {}", known.join(", "));
        Some(problem.expected("never set").help(help))
    })
}
