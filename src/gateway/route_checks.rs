//! Warnings about routes and flows that do not fit together.

use crate::channel::Channel;
use crate::config::{Config, ConfigText};
use crate::diagnostics::problem::Problem;
use crate::flow::{Flow, TriggerKind};
use crate::route::Route;

use super::Flows;

/// Warns of a route whose flow ignores the webhooks of its channel.
pub(super) fn check_trigger(flow: &Flow, channel: Channel, file: &ConfigText) -> Option<Problem> {
    let event = TriggerKind::from_channel(channel).event();
    let trigger = flow.widgets.first()?;
    // The webhooks of outgoing calls also arrive at the voice route. They resume an execution, so
    // the trigger needs no transition for them.
    let resumes = channel == Channel::Voice && flow.makes_calls();
    (trigger.next(event).is_none() && !resumes).then(|| {
        let message = format!("`{event}` of flow `{}` is wired to nothing", flow.name);
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
