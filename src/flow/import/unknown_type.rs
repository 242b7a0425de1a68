//! The report of a widget of an unknown type, with the types that it could be.

use super::{DISCONTINUED_TYPES, FlowImporter};
use crate::diagnostics::suggest::did_you_mean;
use crate::flow::file::FlowNode;
use crate::flow::widget::{WIDGET_TYPES, WidgetType};

/// The most types that one problem proposes. More of them would not help to choose.
const PROPOSALS_MAX: usize = 3;

impl FlowImporter<'_> {
    /// Reports a widget whose type does not exist.
    pub(super) fn report_unknown_type(&mut self, widget: &FlowNode, name: &str, place: &FlowNode) {
        let type_name = place.text().unwrap_or_default();
        let message = format!("widget `{name}` is of the unknown type `{type_name}`");
        let help = propose_type(widget, type_name);
        self.fail(place, message, "no such type of widget", &help);
    }
}

/// The advice for a widget of an unknown type.
fn propose_type(widget: &FlowNode, type_name: &str) -> String {
    if DISCONTINUED_TYPES.contains(&type_name) {
        return "Twilio has discontinued its product; remove the widget".to_owned();
    }
    // A mistyped name says more than the content, which several types may share.
    if let Some(question) = did_you_mean(type_name, WIDGET_TYPES.iter().map(|known| known.name)) {
        return question;
    }
    let found: Vec<String> =
        find_types_by_content(widget).iter().map(|known| format!("`{}`", known.name)).collect();
    if found.is_empty() {
        return "docs/studio.md lists the known types; remove the widget, or replace it with a \
                function"
            .to_owned();
    }
    format!(
        "its events and properties are those of {}: write this type, or remove the widget",
        found.join(" or ")
    )
}

/// The types that the events and properties of a widget fit best; none if nothing fits, or if too
/// many types fit equally well.
fn find_types_by_content(widget: &FlowNode) -> Vec<&'static WidgetType> {
    let transitions = widget.get("transitions").and_then(FlowNode::list).unwrap_or_default();
    let events: Vec<&str> =
        transitions.iter().filter_map(|one| one.get("event").and_then(FlowNode::text)).collect();
    let properties = widget.get("properties").and_then(FlowNode::table).unwrap_or_default();
    // Studio's editor writes unset properties as `null`, and the place on its canvas everywhere.
    let properties: Vec<&str> = properties
        .iter()
        .filter(|(key, node)| !node.is_null() && key.name != "offset")
        .map(|(key, _)| key.name.as_str())
        .collect();

    let score = |known: &WidgetType| -> Option<usize> {
        let has_property = |name: &&&str| known.properties.iter().any(|one| one.name == **name);
        let shared_events = events.iter().filter(|event| known.events.contains(event)).count();
        let shared_properties = properties.iter().filter(has_property).count();
        // Every type has `hangup`. Any other event that a type does not have is an error later, so
        // the type is not proposed; a property that it does not have is only a warning.
        let fits = events.iter().all(|event| known.events.contains(event) || *event == "hangup");
        let unknown = properties.len() - shared_properties;
        // An event says more about a type than a property: few types share one.
        let score = (2 * shared_events + shared_properties).checked_sub(unknown)?;
        (fits && score > 0).then_some(score)
    };
    let scores: Vec<(usize, &'static WidgetType)> =
        WIDGET_TYPES.into_iter().filter_map(|known| Some((score(known)?, known))).collect();
    let best = scores.iter().map(|(score, _)| *score).max().unwrap_or_default();
    let found: Vec<&'static WidgetType> =
        scores.into_iter().filter(|(score, _)| *score == best).map(|(_, known)| known).collect();
    if found.len() > PROPOSALS_MAX { Vec::new() } else { found }
}
