//! The hold documents of a configuration: what a caller hears while a function is running.

use std::collections::HashMap;

use crate::channel::Channel;
use crate::config::{Config, Function, HoldSettings};
use crate::diagnostics::problem::{Problem, Problems};
use crate::flow::Flow;
use crate::limits::HOLD_WITHIN;
use crate::liquid::Template;
use crate::pending::hold_document_fault;
use crate::route::Route;
use crate::template::TemplateFolder;

/// Loads the hold documents, by the names of their functions. `used` lists the flows that answer,
/// each with its channel.
pub(super) fn load(
    config: &Config,
    templates: &TemplateFolder,
    used: &[(&Flow, Channel)],
    problems: &mut Problems,
) -> HashMap<String, Template> {
    let mut documents = HashMap::new();
    for function in config.functions.values() {
        let Some(hold) = &function.hold else { continue };
        let in_use =
            |channel| used.iter().any(|(flow, of)| *of == channel && flow.calls(&function.name));
        let (voice, message) = (in_use(Channel::Voice), in_use(Channel::Message));
        problems.extend(check_hold_after(config, function, hold));
        if message {
            problems.extend(check_account(config, function, hold));
        }
        let Some((template, source)) = templates.document(&hold.document, problems) else {
            continue;
        };
        // A function that no flow calls is checked as one for calls.
        let channel = if message && !voice { Channel::Message } else { Channel::Voice };
        match template.render(&serde_json::Map::new(), 0) {
            // A document for calls is an empty answer to a message, so it is also valid there.
            Ok(text) => {
                let fault = hold_document_fault(text.as_bytes(), channel).filter(|_| {
                    channel == Channel::Voice
                        || hold_document_fault(text.as_bytes(), Channel::Voice).is_some()
                });
                problems.extend(fault.map(|why| {
                    let message = format!("the hold document `{}` {why}", hold.document.text);
                    let place = hold.document.source.error(hold.document.span.clone(), message);
                    place.expected("a document that only speaks").help(
                        "the way back to the gateway is written behind it, and must be reached",
                    )
                }));
            }
            Err(error) => problems.push(crate::template::to_problem(&error, &source)),
        }
        documents.insert(function.name.clone(), template);
    }
    documents
}

/// Reports a `hold_after_ms` that leaves no time to send the hold document.
fn check_hold_after(config: &Config, function: &Function, hold: &HoldSettings) -> Option<Problem> {
    let most = config.server.answer_within.saturating_sub(HOLD_WITHIN);
    (hold.after > most).then(|| {
        let message = format!(
            "`hold_after_ms` of function `{}` is {}, too late for `server.answer_within_ms`",
            function.name,
            hold.after.as_millis()
        );
        let problem = hold.document.source.error(hold.document.span.clone(), message);
        problem
            .expected(format!("at most {}", most.as_millis()))
            .help("the document must be rendered and stored before the carrier gives up")
    })
}

/// Reports a function that holds messages if no account can send its result later: after the
/// webhook was answered, only the carrier's API can.
fn check_account(config: &Config, function: &Function, hold: &HoldSettings) -> Option<Problem> {
    let credentials = config.accounts.iter().any(|account| !account.auth_tokens.is_empty());
    (!credentials).then(|| {
        let message = format!(
            "function `{}` has `hold` and answers messages, and no `[[account]]` has `auth_tokens`",
            function.name
        );
        let problem = hold.document.source.error(hold.document.span.clone(), message);
        problem
            .expected("an account with a token")
            .help("the result of a slow function is sent over the carrier's API")
    })
}

/// The flows that answer, each with its channel: those of the routes, and those without a route.
pub(super) fn flows_in_use<'a>(
    routes: &'a [Route],
    flows: impl Iterator<Item = &'a Flow>,
) -> Vec<(&'a Flow, Channel)> {
    let routes = routes.iter().map(|route| (route.flow.as_ref(), route.channel));
    let on_routes: Vec<_> = routes.collect();
    let has_route = |flow: &Flow| on_routes.iter().any(|(other, _)| other.name == flow.name);
    // Only Studio's REST API begins a flow without a route, and such executions send messages.
    let others: Vec<_> =
        flows.filter(|flow| !has_route(flow)).map(|flow| (flow, Channel::Message)).collect();
    on_routes.into_iter().chain(others).collect()
}
