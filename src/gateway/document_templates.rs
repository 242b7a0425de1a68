//! The check of the templates that flows answer with: which template answers which channel.

use std::collections::BTreeMap;

use crate::channel::Channel;
use crate::diagnostics::problem::Problem;
use crate::flow::Flow;
use crate::liquid::Template;
use crate::route::Route;
use crate::template::TemplateFolder;

use super::Flows;

/// The templates by their names, each with the channels that it answers.
type UsedTemplates<'a> = BTreeMap<&'a str, (&'a Template, Vec<Channel>)>;

/// Checks the templates of all flows as documents, each once.
pub(super) fn check_templates(
    templates: &TemplateFolder,
    routes: &[Route],
    flows: &Flows,
) -> Vec<Problem> {
    let mut used = UsedTemplates::new();
    for route in routes {
        add_templates(&route.flow, Some(route.channel), &mut used);
    }
    // Studio's REST API begins flows without a route, whose channel is known to no configuration.
    for flow in flows.iter() {
        add_templates(flow, None, &mut used);
    }
    // A document of the configuration itself was checked with its route, which has its place.
    let files = used.into_values().filter(|(template, _)| templates.has_file(template));
    let checked =
        files.flat_map(|(template, channels)| templates.check_documents(template, None, &channels));
    checked.collect()
}

fn add_templates<'a>(flow: &'a Flow, channel: Option<Channel>, used: &mut UsedTemplates<'a>) {
    for template in flow.document_templates() {
        let (_, channels) = used.entry(template.name()).or_insert((template, Vec::new()));
        channels.extend(channel.filter(|channel| !channels.contains(channel)));
    }
    // A subflow answers on the route of its parent.
    for subflow in &flow.subflows {
        add_templates(subflow, channel, used);
    }
}
