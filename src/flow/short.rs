//! The short forms of a route, as flows. With a function: a trigger, a `run-function` widget, and a
//! document for each of its two events. Without a document for `success`, a text of the function
//! answers. Without a function: a trigger and a document.

use std::sync::Arc;

use super::definition::{
    ConversationIdentity, Flow, Persistence, ShortNames, Transition, Widget, WidgetId,
};
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
    let function = Properties {
        lists: vec![("parameters", short.parameters)],
        callee: Some(Callee::Function { function: Arc::clone(&short.function), replaced: None }),
        ..Properties::default()
    };
    // The trigger is first, as in every flow, and FUNCTION is the index of the second.
    let mut widgets = vec![
        trigger(FUNCTION),
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
    // A short flow waits for nothing but a pending call, which only `hold` allows.
    let persistence = match short.function.hold {
        Some(_) => Persistence::WhilePending,
        None => Persistence::Never,
    };
    short_flow(route, widgets, persistence, Some(FUNCTION))
}

/// Builds the flow of a route that answers with one document. `widget` is the name in the log.
pub(crate) fn build_document_flow(route: &str, widget: &str, template: Template) -> Flow {
    const DOCUMENT: WidgetId = WidgetId(1);
    let document = Widget {
        name: widget.to_owned(),
        widget_type: RESPOND,
        properties: document(template),
        // A document that cannot be rendered is answered by the route's fallback.
        transitions: Vec::new(),
    };
    short_flow(route, vec![trigger(DOCUMENT), document], Persistence::Never, None)
}

fn short_flow(
    route: &str,
    widgets: Vec<Widget>,
    persistence: Persistence,
    function: Option<WidgetId>,
) -> Flow {
    Flow {
        name: route.to_owned(),
        sid: route.to_owned(),
        revision: String::new(),
        definition: String::new(),
        persistence,
        identity: ConversationIdentity::Webhook,
        functions_within: FUNCTION_WITHIN,
        rewrites: Vec::new(),
        widgets,
        subflows: Vec::new(),
        strict_liquid: true,
        short_names: Some(ShortNames { function }),
    }
}

/// The trigger, wired for all that a webhook can be: the next widget takes whatever the route
/// takes.
fn trigger(next: WidgetId) -> Widget {
    Widget {
        name: "Trigger".to_owned(),
        widget_type: TRIGGER,
        properties: Properties::default(),
        transitions: vec![
            to("incomingCall", next),
            to("incomingMessage", next),
            to("incomingConversationMessage", next),
        ],
    }
}

fn to(event: &str, next: WidgetId) -> Transition {
    Transition { event: event.to_owned(), next: Some(next), conditions: Vec::new() }
}

fn document(template: Template) -> Properties {
    Properties { texts: vec![("template", template)], ..Properties::default() }
}
