//! The part of a flow that its wired triggers reach, and the flow's own dead ends: transitions
//! that nothing outside of the flow can lead along.

use std::collections::BTreeSet;

use twimlgate::flow::{Flow, TriggerKind, Widget, WidgetId};

use super::hints::Hints;
use super::walker::{Edge, Seen};

#[derive(Default)]
pub(crate) struct Reachable {
    pub(crate) widgets: BTreeSet<String>,
    pub(crate) edges: BTreeSet<Edge>,
    /// Each with the reason.
    pub(crate) dead_ends: Vec<(Edge, String)>,
}

impl Reachable {
    /// What can be reached, as far as the flow says so. After a walk that has ended by itself,
    /// `seen` also says what constant values cannot lead to.
    pub(crate) fn of(flow: &Flow, seen: Option<&Seen>) -> Reachable {
        let known = |event: &str| TriggerKind::ALL.iter().any(|kind| kind.event() == event);
        let hints = Hints::of(flow);
        let taken = seen.and_then(|seen| seen.edges.get(&flow.sid));
        let mut reachable = Reachable::default();
        let mut open = vec![WidgetId(0)];
        while let Some(id) = open.pop() {
            let widget = flow.widget(id);
            if !reachable.widgets.insert(widget.name.clone()) {
                continue;
            }
            for wired in &widget.transitions {
                let Some(next) = wired.next else { continue };
                if id.0 == 0 && !known(&wired.event) {
                    continue;
                }
                let to = flow.widget(next).name.clone();
                let edge = (widget.name.clone(), wired.event.clone(), to);
                let is_taken = taken.is_some_and(|taken| taken.contains(&edge));
                let dead = impossible(flow, widget, &wired.event).map(str::to_owned);
                let dead = dead.or_else(|| {
                    let ended = seen.is_some_and(|seen| seen.is_exhausted);
                    let constant = constant_input(widget, &wired.conditions, &hints);
                    constant.filter(|_| ended)
                });
                match dead {
                    Some(why) if !is_taken => reachable.dead_ends.push((edge, why)),
                    _ => {
                        reachable.edges.insert(edge);
                        open.push(next);
                    }
                }
            }
        }
        reachable
    }
}

/// Why a transition of a split cannot be taken: all that it compares are constants of the flow.
fn constant_input(
    widget: &Widget,
    conditions: &[twimlgate::flow::Condition],
    hints: &Hints,
) -> Option<String> {
    if widget.widget_type.name != "split-based-on" {
        return None;
    }
    let input = widget.properties.text("input");
    let arguments = conditions.iter().map(|condition| condition.argument.as_ref().or(input));
    // `noMatch` has no conditions: it depends on those of the others.
    let all: Vec<&str> =
        arguments.chain([input]).flatten().map(|template| template.source()).collect();
    let from_outside = all.iter().any(|source| hints.is_from_outside(source));
    let shown = all.first().copied().unwrap_or_default();
    (!from_outside).then(|| format!("`{shown}` has only values that the flow sets itself"))
}

/// Why nothing can lead along a transition. They are exceptions by kind.
fn impossible(flow: &Flow, widget: &Widget, event: &str) -> Option<&'static str> {
    let comes = |event: &str| flow.widgets[0].next(event).is_some();
    let calls =
        flow.widgets.iter().any(|widget| widget.widget_type.name.starts_with("make-outgoing"));
    let call = comes("incomingCall") || comes("incomingParent") || calls;
    let text = |name: &str| widget.properties.text(name).map(|text| text.source().to_owned());
    let (is_dead, why) = match (widget.widget_type.name, event) {
        ("run-subflow", "completed" | "failed") => {
            let sid = text("flow_sid").unwrap_or_default();
            let known = flow.subflows.iter().any(|subflow| subflow.sid == sid);
            if event == "completed" {
                (!known, "the flow of this subflow is not in the folder")
            } else {
                (known, "a subflow fails only by a widget that cannot run in it")
            }
        }
        ("send-message", "failed") => {
            let constant = text("body").is_some_and(|body| !body.contains("{{"));
            let api = text("content_sid").is_some() || text("content_template_sid").is_some();
            let by_api = api || call || comes("incomingRequest") || follows_timeout(flow, widget);
            let why = "the message is a part of the answer to a message, and cannot be refused";
            (constant && !by_api, why)
        }
        ("send-to-flex", "callFailure") => {
            (!call, "no call comes into this flow, and a chat is not in a queue")
        }
        ("add-twiml-redirect", "fail") => {
            let is_url = |url: &String| {
                url.starts_with("http") && !super::rewrites::beginning(url).contains("{{")
            };
            let why = "its host is a constant: only what Liquid makes of a URL can be none";
            (text("url").as_ref().is_some_and(is_url), why)
        }
        _ => (false, ""),
    };
    is_dead.then_some(why)
}

/// Whether a widget follows a timeout, without another wait between them: then no message waits for
/// an answer, and its own message goes over the API.
fn follows_timeout(flow: &Flow, widget: &Widget) -> bool {
    let mut open: Vec<WidgetId> =
        flow.widgets.iter().filter_map(|widget| widget.next("timeout")).collect();
    let mut known = BTreeSet::new();
    while let Some(id) = open.pop() {
        let next = flow.widget(id);
        if next.name == widget.name {
            return true;
        }
        if known.insert(id.0) && next.widget_type.name != "send-and-wait-for-reply" {
            open.extend(next.transitions.iter().filter_map(|wired| wired.next));
        }
    }
    false
}
