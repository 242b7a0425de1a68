//! The request of one step, for a tool that runs the engine itself.

use std::time::Duration;

use super::ExchangeContext;
use super::turn_runner::TurnRunner;
use crate::carrier_api;
use crate::flow::{Event, Execution, Flow, Step, TurnContext};
use crate::webhook::Params;

/// Sends the request of a step and returns the event that continues the execution, as the turn of
/// a webhook with these parameters does. `None` for a step without a request. The first account of
/// the configuration signs.
pub async fn send_step_request(
    context: ExchangeContext<'_>,
    flow: &Flow,
    execution: &Execution,
    step: &Step,
    webhook: &Params,
) -> Option<Event> {
    let runner = TurnRunner {
        context,
        flow,
        turn: TurnContext::without_return(Duration::ZERO),
        account: context.gateway.config.accounts.first(),
        params: webhook,
        form: None,
        payload: None,
        cookies: None,
        key: &execution.sid,
    };
    match step {
        Step::CallFunction(call) => {
            let widget = &execution.widget(flow).name;
            let (_, outcome) = runner.call(call, widget, execution.steps).await;
            Some(Event::FunctionReturned(outcome))
        }
        Step::SendRequest(request) => {
            let caller = runner.api_caller(&execution.sid);
            Some(Event::CarrierReturned(carrier_api::send_request(caller, request).await))
        }
        Step::Reply(_) | Step::End | Step::Failed(_) => None,
    }
}
