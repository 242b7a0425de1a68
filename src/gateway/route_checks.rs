//! Warnings about routes and flows that do not fit together.

use crate::channel::Channel;
use crate::config::{Config, ConfigText};
use crate::diagnostics::problem::Problem;
use crate::flow::{Flow, TriggerKind};
use crate::route::Route;

use super::Flows;

/// Warns of a route whose flow ignores all webhooks of its channel.
pub(super) fn check_trigger(flow: &Flow, channel: Channel, file: &ConfigText) -> Option<Problem> {
    let trigger = flow.widgets.first()?;
    let is_wired = |kind: TriggerKind| trigger.next(kind.event()).is_some();
    let (kinds, resumes): (&[_], _) = match channel {
        // The webhooks of outgoing calls also arrive at the voice route. They resume an execution,
        // so the trigger needs no transition for them.
        Channel::Voice => (&[TriggerKind::Call], flow.makes_calls()),
        // So do the replies to what a request to Studio's REST has asked.
        Channel::Message => (
            &[TriggerKind::Message, TriggerKind::Conversation],
            is_wired(TriggerKind::Request) && flow.awaits_messages(),
        ),
    };
    let is_ignored = !kinds.iter().any(|kind| is_wired(*kind)) && !resumes;
    is_ignored.then(|| {
        let events: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.event())).collect();
        let verb = if events.len() == 1 { "is" } else { "are" };
        let events = events.join(" and ");
        let message = format!("{events} of flow `{}` {verb} wired to nothing", flow.name);
        let problem = file.source.warning(file.span.clone(), message);
        problem.expected("always an empty answer").help("take another channel, or wire it")
    })
}

/// Warns of flows that make calls but have no voice route for the webhooks of these calls.
pub(super) fn check_voice_routes(config: &Config, flows: &Flows, routes: &[Route]) -> Vec<Problem> {
    let takes_calls = |flow: &Flow| {
        routes.iter().any(|route| route.channel == Channel::Voice && route.flow.name == flow.name)
    };
    let on_routes = routes.iter().filter_map(|route| {
        Some((&route.flow, config.routes.get(&route.path)?.answer.flow_file()?))
    });
    // A subflow runs within the execution of its parent, whose route takes the webhooks.
    let is_subflow = |flow: &Flow| {
        flows.iter().any(|other| other.subflows.iter().any(|subflow| subflow.name == flow.name))
    };
    let is_routed = |flow: &Flow| routes.iter().any(|route| route.flow.name == flow.name);
    // Studio's REST API begins flows without a route.
    let without_route = flows.iter().filter(|flow| !is_routed(flow) && !is_subflow(flow));
    let without_route =
        without_route.filter_map(|flow| Some((flow, &config.flows.get(&flow.name)?.file)));
    let candidates = on_routes.chain(without_route);
    candidates
        .filter(|(flow, _)| flow.makes_calls() && !takes_calls(flow))
        .map(|(flow, file)| {
            let message = format!("flow `{}` makes calls, and has no voice route", flow.name);
            let problem = file.source.warning(file.span.clone(), message);
            problem.expected("also the flow of a route with `channel = \"voice\"`").help(
                "the carrier asks there what follows once such a call is answered; without it \
                 the widget fails",
            )
        })
        .collect()
}
