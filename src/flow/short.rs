//! The short form of a route, as a flow: a trigger, a `run-function` widget, and a document for
//! each of its two events. Without a document for `success`, a text of the function answers.

use std::sync::Arc;

use super::definition::{ConversationIdentity, Flow, Persistence, Transition, Widget, WidgetId};
use super::properties::{Callee, Pair, Properties};
use super::widget::{ANSWER_WITH_TEXT, RESPOND, RUN_FUNCTION, TRIGGER};
use crate::config;
use crate::limits::FUNCTION_WITHIN;
use crate::liquid::Template;

/// The parts of a short route, with compiled templates.
pub(crate) struct ShortFlow {
    /// The function to call.
    pub function: Arc<config::Function>,
    /// The configured parameters of the call.
    pub parameters: Vec<Pair>,
    /// The document after a success. `None`: the function's text.
    pub success: Option<Template>,
    /// The document after a failure, also one of the template of `success`.
    pub fail: Option<Template>,
}

/// Builds the flow of a short route.
pub(crate) fn build_short_flow(route: &str, short: ShortFlow) -> Flow {
    const FUNCTION: WidgetId = WidgetId(1);
    let to = |event: &str, next| Transition {
        event: event.to_owned(),
        next: Some(next),
        conditions: Vec::new(),
    };
    let function = Properties {
        lists: vec![("parameters", short.parameters)],
        callee: Some(Callee::Function { function: Arc::clone(&short.function), replaced: None }),
        ..Properties::default()
    };
    // The trigger is first, as in every flow, and FUNCTION is the index of the second.
    let mut widgets = vec![
        Widget {
            name: "Trigger".to_owned(),
            widget_type: TRIGGER,
            properties: Properties::default(),
            // All that a webhook can be: the function takes whatever the route takes.
            transitions: vec![
                to("incomingCall", FUNCTION),
                to("incomingMessage", FUNCTION),
                to("incomingConversationMessage", FUNCTION),
            ],
        },
        Widget {
            // The log and `widgets.NAME` in the templates use the name of the function.
            name: short.function.name.clone(),
            widget_type: RUN_FUNCTION,
            properties: function,
            transitions: Vec::new(),
        },
    ];
    let mut add = |name: &str, widget_type, properties, transitions| {
        let name = name.to_owned();
        widgets.push(Widget { name, widget_type, properties, transitions });
        WidgetId(widgets.len() - 1)
    };
    let document =
        |template| Properties { texts: vec![("template", template)], ..Properties::default() };
    // The document of `fail` comes first: `success` falls back to it if its template fails.
    let fail = short.fail.map(|fail| add("fail", RESPOND, document(fail), Vec::new()));
    let failed = fail.map(|fail| to("failed", fail)).into_iter().collect();
    let success = match short.success {
        Some(template) => add("success", RESPOND, document(template), failed),
        None => {
            let function = Arc::clone(&short.function);
            let callee = Some(Callee::Function { function, replaced: None });
            let properties = Properties { callee, ..Properties::default() };
            add("success", ANSWER_WITH_TEXT, properties, failed)
        }
    };
    let function = &mut widgets[FUNCTION.0].transitions;
    function.push(to("success", success));
    function.extend(fail.map(|fail| to("fail", fail)));
    Flow {
        name: route.to_owned(),
        sid: route.to_owned(),
        revision: String::new(),
        definition: String::new(),
        // A short flow waits for nothing but a pending call, which only `hold` allows.
        persistence: match short.function.hold {
            Some(_) => Persistence::WhilePending,
            None => Persistence::Never,
        },
        identity: ConversationIdentity::Webhook,
        functions_within: FUNCTION_WITHIN,
        rewrites: Vec::new(),
        widgets,
        subflows: Vec::new(),
        strict_liquid: true,
    }
}
