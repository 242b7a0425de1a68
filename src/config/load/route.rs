//! `[route."/path"]`: how to answer webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::named_tables;
use crate::channel::Channel;
use crate::config::{Function, RouteAnswer, RouteSection, ShortRoute};
use crate::diagnostics::suggest::did_you_mean;
use crate::diagnostics::toml_reader::{Spanned, TomlReader, TomlTable};

pub(super) fn read_routes(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
    functions: &BTreeMap<String, Arc<Function>>,
) -> BTreeMap<String, RouteSection> {
    let mut routes = BTreeMap::new();
    // From the file and not from `functions`: a function with a mistake in it is still configured.
    let configured: Vec<&str> = match file.get("function").map(|functions| functions.get_ref()) {
        Some(DeValue::Table(table)) => table.keys().map(|key| key.get_ref().as_ref()).collect(),
        _ => functions.keys().map(String::as_str).collect(),
    };
    for (path, value) in named_tables(reader, file, "route") {
        let name = format!("route.\"{}\"", path.get_ref());
        let section = reader.section("route.PATH", &name, Some(value));
        if !is_path(path.get_ref()) {
            let problem = reader.source.error(path.span(), format!("`{name}` is not a path"));
            reader.report(problem.expected("a path that begins with `/`, without query").help(
                "a path is compared as the carrier sends it: write other characters as `%20`",
            ));
        }
        if let Some(route) = read_route(reader, &section, &configured) {
            routes.insert(path.get_ref().to_string(), route);
        }
    }
    routes
}

/// Whether a request line can contain the text as a path.
fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#')
}

fn read_route(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    functions: &[&str],
) -> Option<RouteSection> {
    let channel = section.text(reader, "channel");
    let fallback = section.set_text(reader, "fallback");
    let answer = read_answer(reader, section, functions);
    // A flow has several functions and many webhooks, so its owner has to ask for cookies.
    let is_given = section.get("cookies").is_some();
    let cookies = section.bool(reader, "cookies");
    let answer = answer?;
    let cookies = cookies? && (is_given || answer.flow_file().is_none());
    Some(RouteSection {
        channel: if channel?.value == "voice" { Channel::Voice } else { Channel::Message },
        answer,
        fallback: fallback.map(|text| reader.config_text(text)),
        cookies,
    })
}

/// Reads the flow of a route: a file, or the short form.
fn read_answer(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    functions: &[&str],
) -> Option<RouteAnswer> {
    // All keys of both forms, so that each of them counts as known and is checked.
    let flow = section.set_text(reader, "flow");
    let function = section.set_text(reader, "function");
    let parameters = section.map(reader, "parameters");
    let success = section.set_text(reader, "success");
    let fail = section.set_text(reader, "fail");
    let status_callbacks = section.bool(reader, "status_callbacks");
    match (flow, function) {
        (Some(flow), None) => {
            // One message for all of them, at the first one.
            let short = success.or(fail).map(|text| text.span);
            if let Some(span) = short.or(parameters.first().map(|(_, text)| text.span.clone())) {
                let message = "a route with a `flow` takes no `parameters`, `success` or `fail`";
                let problem = reader.source.error(span, message);
                reader
                    .report(problem.expected("a key of the short form").help("a flow has its own"));
            }
            Some(RouteAnswer::Flow(reader.config_text(flow)))
        }
        (None, Some(function)) => {
            report_unknown_function(reader, section, functions, &function);
            let parameters = parameters.into_iter();
            Some(RouteAnswer::Short(ShortRoute {
                function: function.value,
                parameters: parameters
                    .map(|(name, text)| (name, reader.config_text(text)))
                    .collect(),
                success: success.map(|text| reader.config_text(text)),
                fail: fail.map(|text| reader.config_text(text)),
                status_callbacks: status_callbacks?,
            }))
        }
        (both, _) => {
            let message = match both {
                Some(_) => "a route has either a `flow` or a `function`, and this one has both",
                None => "a route needs a `flow` or a `function`, and this one has neither",
            };
            let problem = reader.source.error(section.span(), message);
            let help = "`function`: one call and two documents; `flow`: Studio's JSON or our TOML";
            reader.report(problem.expected("one of the two").help(help));
            None
        }
    }
}

fn report_unknown_function(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    functions: &[&str],
    function: &Spanned<String>,
) {
    if functions.contains(&function.value.as_str()) {
        return;
    }
    let help = did_you_mean(&function.value, functions.iter().copied())
        // Without the name: it may come from a variable, and be a secret.
        .unwrap_or_else(|| "add a section `[function.…]` of this name with its `url`".to_owned());
    reader.report(
        section
            .wrong(&reader.source, "function", function)
            .expected("the name of a `[function.NAME]`")
            .help(help),
    );
}
