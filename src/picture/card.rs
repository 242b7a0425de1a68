//! The cards of a picture: a widget with its name, its main property, and its exits in a row.

use super::text::{Font, to_line};
use crate::flow::{GraphCondition, GraphTarget, GraphTransition, GraphWidget};

/// The font of a widget's name.
pub(super) const NAME_FONT: Font = Font { size: 12.5, is_bold: true };
/// The font of the main property, and of the number of unwired transitions.
pub(super) const DETAIL_FONT: Font = Font { size: 10.5, is_bold: false };
/// The font of the exits.
pub(super) const EXIT_FONT: Font = Font { size: 10.5, is_bold: false };
/// The font of the tags.
pub(super) const TAG_FONT: Font = Font { size: 10.0, is_bold: true };

/// The distance of texts from the left side of the card.
pub(super) const TEXT_LEFT: f64 = 14.0;
/// The height of an exit.
pub(super) const EXIT_HEIGHT: f64 = 17.0;
/// The height of a tag.
pub(super) const TAG_HEIGHT: f64 = 15.0;

const WIDTH_MIN: f64 = 190.0;
const NAME_WIDTH_MAX: f64 = 270.0;
const EXIT_WIDTH_MAX: f64 = 140.0;
const TAG_WIDTH_MAX: f64 = 150.0;
/// The height of the line with the name.
const NAME_LINE: f64 = 28.0;
/// The height of the line with the main property.
const PROPERTY_LINE: f64 = 15.0;
/// The space between the parts of a card.
const SPACE: f64 = 5.0;
/// The space of an exit or a tag beside its text, on both sides together.
const INSET: f64 = 12.0;

/// A widget, as it is drawn.
#[derive(Debug)]
pub(super) struct Card {
    /// The name, shortened to the card.
    pub(super) name: String,
    /// The main property, shortened to the card; empty if there is none.
    pub(super) property: String,
    /// The labels of the transitions that are not wired.
    pub(super) unwired: Vec<String>,
    /// The wired transitions, in their order.
    pub(super) exits: Vec<Exit>,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The distance of the exits from the top of the card.
    pub(super) exits_top: f64,
}

/// A wired transition.
#[derive(Debug)]
pub(super) struct Exit {
    /// The index of the transition.
    pub(super) transition: usize,
    /// The event or the condition.
    pub(super) label: String,
    /// The distance from the left side of the card.
    pub(super) left: f64,
    pub(super) width: f64,
    /// The tag, for an exit without a line.
    pub(super) tag: Option<String>,
}

// === impl Card ===

impl Card {
    /// Measures the card of a widget. `tags` has the tag of each transition that has one.
    pub(super) fn new(widget: &GraphWidget<'_>, tags: Vec<Option<String>>) -> Card {
        let mut unwired = Vec::new();
        let mut exits = Vec::new();
        let mut left = SPACE + 2.0;
        for (transition, (item, tag)) in widget.transitions.iter().zip(tags).enumerate() {
            let label = describe_exit(item);
            if item.target == GraphTarget::None {
                unwired.push(label);
                continue;
            }
            let label = EXIT_FONT.shorten(&label, EXIT_WIDTH_MAX - INSET);
            let tag = tag.map(|tag| TAG_FONT.shorten(&tag, TAG_WIDTH_MAX - INSET));
            let tag_width = tag.as_ref().map_or(0.0, |tag| TAG_FONT.width(tag));
            let width = EXIT_FONT.width(&label).max(tag_width) + INSET;
            exits.push(Exit { transition, label, left, width, tag });
            left += width + SPACE;
        }
        let name = NAME_FONT.shorten(&to_line(widget.name), NAME_WIDTH_MAX);
        let count = unwired.len();
        let count = if count == 0 { 0.0 } else { DETAIL_FONT.width(&format!("+{count}")) + SPACE };
        let head = TEXT_LEFT + NAME_FONT.width(&name) + count + 2.0 * SPACE;
        let width = WIDTH_MIN.max(head).max(left).ceil();
        // The exits share what is left, so that the card has no empty corner.
        let spare = (width - left) / exits.len().max(1) as f64;
        for (index, exit) in exits.iter_mut().enumerate() {
            exit.left += spare * index as f64;
            exit.width += spare;
        }
        let property = widget.property.as_ref().map(|(_, text)| to_line(text)).unwrap_or_default();
        let property = DETAIL_FONT.shorten(&property, width - TEXT_LEFT - SPACE);
        let property_line = if property.is_empty() { 0.0 } else { PROPERTY_LINE };
        let exits_top = NAME_LINE + property_line + SPACE;
        let has_tags = exits.iter().any(|exit| exit.tag.is_some());
        let exit_rows = match exits.is_empty() {
            true => 0.0,
            false => EXIT_HEIGHT + SPACE + if has_tags { TAG_HEIGHT + SPACE } else { 0.0 },
        };
        Card { name, property, unwired, exits, width, height: exits_top + exit_rows, exits_top }
    }
}

// === impl Exit ===

impl Exit {
    /// The distance of the line from the left side of the card.
    pub(super) fn middle(&self) -> f64 {
        self.left + self.width / 2.0
    }
}

/// The event of a transition, or its conditions in signs.
pub(super) fn describe_exit(transition: &GraphTransition<'_>) -> String {
    if transition.conditions.is_empty() {
        return to_line(transition.event);
    }
    let conditions: Vec<String> = transition.conditions.iter().map(describe_condition).collect();
    to_line(&conditions.join(" & "))
}

fn describe_condition(condition: &GraphCondition<'_>) -> String {
    let GraphCondition { comparison, value } = condition;
    match *comparison {
        "equal_to" => format!("= {value}"),
        "not_equal_to" => format!("≠ {value}"),
        "matches_any_of" => format!("∈ {value}"),
        "does_not_match_any_of" => format!("∉ {value}"),
        "contains" => format!("∋ {value}"),
        "does_not_contain" => format!("∌ {value}"),
        "regex" => format!("/{value}/"),
        "less_than" => format!("< {value}"),
        "greater_than" => format!("> {value}"),
        "is_blank" => "blank".to_owned(),
        "is_not_blank" => "not blank".to_owned(),
        other => format!("{} {value}", other.replace('_', " ")),
    }
}
