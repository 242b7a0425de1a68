//! The short form of a route as a flow: trigger, run-function, a document.

use std::sync::Arc;

use super::definition::{ConversationIdentity, Flow, Persistence, Transition, Widget, WidgetId};
use super::properties::{Callee, Pair, Properties};
use super::widget::{RESPOND, RUN_FUNCTION, TRIGGER};
use crate::config;
use crate::liquid::Template;

/// The parts of a short route, its templates compiled.
pub struct ShortFlow {
    /// What to call.
    pub function: Arc<config::Function>,
    /// Names and values of the configured parameters.
    pub parameters: Vec<Pair>,
    /// The document when the function succeeded.
    pub success: Option<Template>,
    /// The document when it failed, and when the success document could not be made.
    pub fail: Option<Template>,
}

/// Builds the flow of a short route. The function's widget has the function's name.
pub fn build_short_flow(route: &str, short: ShortFlow) -> Flow {
    const FUNCTION: WidgetId = WidgetId(1);
    let to = |event: &str, next| Transition {
        event: event.to_owned(),
        next: Some(next),
        conditions: Vec::new(),
    };
    let function = Properties {
        lists: vec![("parameters", short.parameters)],
        callee: Some(Callee::Function(Arc::clone(&short.function))),
        ..Properties::default()
    };
    let mut widgets = vec![
        Widget {
            name: "Trigger".to_owned(),
            widget_type: TRIGGER,
            properties: Properties::default(),
            transitions: vec![to("incomingCall", FUNCTION), to("incomingMessage", FUNCTION)],
        },
        Widget {
            name: short.function.name.clone(),
            widget_type: RUN_FUNCTION,
            properties: function,
            transitions: Vec::new(),
        },
    ];
    let mut respond = |name: &str, template: Option<Template>, transitions| {
        let texts = vec![("template", template?)];
        let properties = Properties { texts, ..Properties::default() };
        widgets.push(Widget {
            name: name.to_owned(),
            widget_type: RESPOND,
            properties,
            transitions,
        });
        Some(WidgetId(widgets.len() - 1))
    };
    let fail = respond("fail", short.fail, Vec::new());
    let failed = fail.map(|fail| to("failed", fail)).into_iter().collect();
    let success = respond("success", short.success, failed);
    let function = &mut widgets[FUNCTION.0].transitions;
    function.extend(success.map(|success| to("success", success)));
    function.extend(fail.map(|fail| to("fail", fail)));
    Flow {
        name: route.to_owned(),
        sid: route.to_owned(),
        revision: String::new(),
        definition: String::new(),
        persistence: match short.function.hold {
            Some(_) => Persistence::WhilePending,
            None => Persistence::Never,
        },
        identity: ConversationIdentity::Webhook,
        widgets,
        subflows: Vec::new(),
    }
}
