//! The short form of a route as a flow: trigger, run-function, a document.

use std::sync::Arc;

use super::definition::{Flow, Transition, Widget, WidgetId};
use super::widget::{Kind, Respond, RunFunction, TriggerWidget};
use crate::config;
use crate::liquid::Template;

/// The parts of a short route, its templates compiled.
pub struct Short {
    /// What to call.
    pub function: Arc<config::Function>,
    /// Names and templates of the configured parameters.
    pub parameters: Vec<(String, Template)>,
    /// The document when the function succeeded.
    pub success: Option<Template>,
    /// The document when it failed, and when the success document could not be made.
    pub fail: Option<Template>,
}

/// Builds the flow of a short route. The function's widget has the function's name.
pub fn from_short(route: &str, short: Short) -> Flow {
    const FUNCTION: WidgetId = WidgetId(1);
    let to = |event, next| Transition { event, next };
    let mut widgets = vec![
        Widget {
            name: "Trigger".to_owned(),
            kind: Kind::Trigger(TriggerWidget),
            transitions: vec![to("incomingCall", FUNCTION), to("incomingMessage", FUNCTION)],
        },
        Widget {
            name: short.function.name.clone(),
            kind: Kind::RunFunction(RunFunction {
                function: short.function,
                parameters: short.parameters,
            }),
            transitions: Vec::new(),
        },
    ];
    let mut respond = |name: &str, template: Option<Template>, transitions| {
        let kind = Kind::Respond(Respond { template: template? });
        widgets.push(Widget { name: name.to_owned(), kind, transitions });
        Some(WidgetId(widgets.len() - 1))
    };
    let fail = respond("fail", short.fail, Vec::new());
    let failed = fail.map(|fail| to("failed", fail)).into_iter().collect();
    let success = respond("success", short.success, failed);
    let function = &mut widgets[FUNCTION.0].transitions;
    function.extend(success.map(|success| to("success", success)));
    function.extend(fail.map(|fail| to("fail", fail)));
    Flow { name: route.to_owned(), widgets }
}
