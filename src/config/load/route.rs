//! `[route."/path"]`: how to answer webhooks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use actix_web::http::Method;
use toml::de::{DeTable, DeValue};

use super::forward::{is_forward, read_forward};
use super::named_tables;
use crate::channel::Channel;
use crate::config::{
    ForwardSection, Function, RouteAnswer, RouteDocument, RouteRedirect, RouteSection, ShortRoute,
};
use crate::diagnostics::suggest::did_you_mean;
use crate::diagnostics::toml_reader::{Spanned, TomlReader, TomlTable};
use crate::uri::http_url;

/// The keys of which a route has exactly one.
const ANSWERS: [&str; 5] = ["function", "flow", "document", "twiml", "redirect"];

pub(super) fn read_routes(
    reader: &mut TomlReader<'_>,
    file: &DeTable<'_>,
    functions: &BTreeMap<String, Arc<Function>>,
) -> (BTreeMap<String, RouteSection>, BTreeMap<String, ForwardSection>) {
    let (mut routes, mut forwards) = (BTreeMap::new(), BTreeMap::new());
    // From the file and not from `functions`: a function with a mistake in it is still configured.
    let configured: Vec<&str> = match file.get("function").map(|functions| functions.get_ref()) {
        Some(DeValue::Table(table)) => table.keys().map(|key| key.get_ref().as_ref()).collect(),
        _ => functions.keys().map(String::as_str).collect(),
    };
    for (path, value) in named_tables(reader, file, "route") {
        if is_forward(path.get_ref(), value) {
            let forward = read_forward(reader, path, value);
            forwards.extend(forward.map(|forward| (path.get_ref().to_string(), forward)));
            continue;
        }
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
    (routes, forwards)
}

/// Whether a request line can contain the text as a path.
pub(super) fn is_path(path: &str) -> bool {
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

/// Reads what answers on a route: the keys of [`ANSWERS`] say it.
fn read_answer(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    functions: &[&str],
) -> Option<RouteAnswer> {
    let answer = read_answer_key(reader, section);
    let method = read_redirect_method(reader, section, answer.as_ref().map(|(key, _)| *key));
    // All keys of the short form, so that each of them counts as known and is checked.
    let parameters = section.map(reader, "parameters");
    let success = section.set_text(reader, "success");
    let fail = section.set_text(reader, "fail");
    let status_callbacks = section.bool(reader, "status_callbacks");
    let (key, text) = answer?;
    if key != "function" {
        // One message for all of them, at the first one.
        let short = success.or(fail).map(|text| text.span);
        let short = short.or(parameters.first().map(|(_, text)| text.span.clone()));
        // A flow decides by its widgets which status callbacks it takes.
        let callbacks = section.get("status_callbacks").filter(|_| key != "flow");
        let callbacks = callbacks.filter(|_| status_callbacks == Some(true));
        report_keys_of_functions(reader, key, short.or(callbacks.map(|value| value.span())));
        return Some(match key {
            "flow" => RouteAnswer::Flow(reader.config_text(text)),
            "document" => RouteAnswer::Document(RouteDocument::File(reader.config_text(text))),
            "twiml" => RouteAnswer::Document(RouteDocument::Inline(reader.config_text(text))),
            _ => {
                report_bad_redirect(reader, section, &text);
                let url = reader.config_text(text);
                RouteAnswer::Redirect(RouteRedirect { url, method: method? })
            }
        });
    }
    report_unknown_function(reader, section, functions, &text);
    let parameters = parameters.into_iter();
    Some(RouteAnswer::Short(ShortRoute {
        function: text.value,
        parameters: parameters.map(|(name, text)| (name, reader.config_text(text))).collect(),
        success: success.map(|text| reader.config_text(text)),
        fail: fail.map(|text| reader.config_text(text)),
        status_callbacks: status_callbacks?,
    }))
}

/// Reads the one key of [`ANSWERS`] that a route has.
fn read_answer_key(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
) -> Option<(&'static str, Spanned<String>)> {
    let mut wrong = false;
    let mut found = Vec::new();
    for key in ANSWERS {
        match section.text(reader, key) {
            Some(text) if text.value.is_empty() => {}
            Some(text) => found.push((key, text)),
            // A value that cannot be read was reported, and counts as one that is there.
            None => wrong = true,
        }
    }
    // The order of the file: the second one is the one to remove.
    found.sort_by_key(|(_, text)| text.span.start);
    let mut found = found.into_iter();
    let (first, second) = (found.next(), found.next());
    let help = "`function`: a call of your code and two documents; `flow`: Studio's JSON or our \
                TOML; `document`: a template; `twiml`: the template itself; `redirect`: the URL \
                of other TwiML";
    match (first, second) {
        (Some((first, _)), Some((second, text))) => {
            let message = format!("a route with {} takes no `{second}`", with_article(first));
            let problem = reader.source.error(text.span, message);
            reader.report(problem.expected("one of the two").help(help));
            None
        }
        (None, _) if !wrong => {
            let message = "a route needs a `function`, a `flow`, a `document`, `twiml` or a \
                           `redirect`, and this one has none";
            let problem = reader.source.error(section.span(), message);
            reader.report(problem.expected("one of the five").help(help));
            None
        }
        (first, _) => first,
    }
}

/// A key of [`ANSWERS`] in a sentence.
fn with_article(key: &str) -> String {
    match key {
        "twiml" => "`twiml`".to_owned(),
        key => format!("a `{key}`"),
    }
}

/// Reports keys of the short form with a function on a route that calls none.
fn report_keys_of_functions(reader: &mut TomlReader<'_>, key: &str, span: Option<Range<usize>>) {
    let Some(span) = span else { return };
    let (keys, help) = match key {
        "flow" => ("`parameters`, `success` or `fail`", "a flow has its own"),
        _ => (
            "`parameters`, `success`, `fail` or `status_callbacks`",
            "these belong to a `function`; the answer to every failure is `fallback`",
        ),
    };
    let message = format!("a route with {} takes no {keys}", with_article(key));
    let problem = reader.source.error(span, message);
    reader.report(problem.expected("a key of the short form").help(help));
}

/// Reads `method`, which only a `redirect` has. `answer` is the key of the route's answer.
fn read_redirect_method(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    answer: Option<&str>,
) -> Option<Method> {
    let method = section.text(reader, "method")?;
    if method.value != "GET" {
        return Some(Method::POST);
    }
    if answer.is_some_and(|key| key != "redirect") {
        let problem = section.wrong(&reader.source, "method", &method);
        let help = "the carrier may use any method for the webhook itself; that of the call of a \
                    function is in its `[function.NAME]`";
        reader.report(problem.expected("only with `redirect`").help(help));
    }
    Some(Method::GET)
}

/// Reports a `redirect` that no carrier could follow.
fn report_bad_redirect(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
    url: &Spanned<String>,
) {
    let has_liquid = url.value.contains("{{") || url.value.contains("{%");
    let text = url.value.trim();
    // What has a scheme is absolute; everything else is relative to the URL of the route.
    let is_followed = http_url(text).is_some() || url::Url::parse(text).is_err();
    if has_liquid || !is_followed {
        let problem = section.wrong(&reader.source, "redirect", url);
        let expected = "a URL like `https://other.example/voice`, or a path like `/voice`";
        let help = if has_liquid {
            "the carrier sends the parameters of the webhook there, too; for a computed URL write \
             `twiml = '<Response><Redirect>…</Redirect></Response>'`"
        } else {
            "http or https, with a host"
        };
        reader.report(problem.expected(expected).help(help));
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
