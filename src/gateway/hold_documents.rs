//! The hold documents of a configuration: what a call hears, and a message gets, while a function is
//! at work.

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

/// The hold documents, by the names of their functions. `used` are the flows that answer, each with
/// the channel that it answers in.
pub(super) fn load(
    config: &Config,
    templates: &TemplateFolder,
    used: &[(&Flow, Channel)],
    problems: &mut Problems,
) -> HashMap<String, Template> {
    let mut holds = HashMap::new();
    for function in config.functions.values() {
        let Some(hold) = &function.hold else { continue };
        let in_use =
            |channel| used.iter().any(|(flow, of)| *of == channel && flow.calls(&function.name));
        let (voice, message) = (in_use(Channel::Voice), in_use(Channel::Message));
        problems.extend(too_late(config, function, hold));
        if message {
            problems.extend(without_account(config, function, hold));
        }
        let Some((template, source)) = templates.document(&hold.document, problems) else {
            continue;
        };
        let channel = if message && !voice { Channel::Message } else { Channel::Voice };
        match template.render(&serde_json::Map::new(), 0) {
            // A document for calls says nothing in the answer to a message, so it is fit for both.
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
        holds.insert(function.name.clone(), template);
    }
    holds
}

/// The answer must be there in time also when its caller is held.
fn too_late(config: &Config, function: &Function, hold: &HoldSettings) -> Option<Problem> {
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
            .help("the document must be written and kept before the carrier gives up")
    })
}

/// What is said to a message after its webhook was answered goes over the carrier's API.
fn without_account(config: &Config, function: &Function, hold: &HoldSettings) -> Option<Problem> {
    let credentials = config.accounts.iter().any(|account| !account.auth_tokens.is_empty());
    (!credentials).then(|| {
        let message = format!(
            "function `{}` has `hold` and answers messages, and no `[[account]]` has `auth_tokens`",
            function.name
        );
        let problem = hold.document.source.error(hold.document.span.clone(), message);
        problem
            .expected("an account with a token")
            .help("what a slow function has to say is sent over the carrier's API")
    })
}

/// The flows of routes in their channels, and those that are begun over REST, which send messages.
pub(super) fn flows_in_use<'a>(
    routes: &'a [Route],
    named: impl Iterator<Item = &'a Flow>,
) -> Vec<(&'a Flow, Channel)> {
    let routes = routes.iter().map(|route| (route.flow.as_ref(), route.channel));
    let routed: Vec<_> = routes.collect();
    let alone = |flow: &&Flow| !routed.iter().any(|(routed, _)| routed.name == flow.name);
    let others: Vec<_> = named.filter(alone).map(|flow| (flow, Channel::Message)).collect();
    routed.into_iter().chain(others).collect()
}
