//! A flow as a picture: a card for each widget, its exits in their order, and lines at right angles
//! from each exit to the widget that follows.
//!
//! `tags` decides which transitions are lines: those that lead back or far are tags at their exit,
//! with the name of the target. `layers`, `grid`, `order`, `columns` and `channels` are the steps
//! of the layered `layout`, which knows boxes alone. `card` measures the widgets, by the widths of
//! `text`, and `svg` draws. Everything is deterministic: a flow has one picture, which can be
//! compared and cached.

mod card;
mod channels;
mod columns;
mod grid;
mod layers;
mod layout;
mod order;
mod svg;
mod tags;
mod text;

#[cfg(test)]
mod tests;

use self::card::Card;
use self::layers::LayerEdge;
use self::layout::{Layout, LayoutBox, LayoutEdge, lay_out};
use self::tags::choose_tags;
use self::text::to_line;
use crate::flow::{FlowGraph, GraphTarget};
use crate::limits::{PICTURE_TRANSITIONS_MAX, WIDGETS_MAX};

/// A flow, laid out.
#[derive(Debug)]
pub struct FlowPicture<'a> {
    graph: &'a FlowGraph<'a>,
    cards: Vec<Card>,
    /// The transitions that are lines, as the routes of the layout.
    edges: Vec<PictureEdge>,
    layout: Layout,
}

/// A transition that is a line.
#[derive(Clone, Copy, Debug)]
struct PictureEdge {
    card: usize,
    /// The index in the exits of the card.
    exit: usize,
}

/// Marks on widgets and transitions, by their indices in the graph. What is missing has no mark.
#[derive(Clone, Debug, Default)]
pub struct PictureMarks {
    /// The marks of the widgets.
    pub widgets: Vec<PictureMark>,
    /// The marks of the transitions of each widget.
    pub transitions: Vec<Vec<PictureMark>>,
}

/// A mark on a widget or a transition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureMark {
    /// No mark.
    #[default]
    None,
    /// A flow test has used it.
    Covered,
    /// No flow test has used it.
    NotCovered,
}

/// The reason why a flow has no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The flow has too many widgets.
    #[error("the flow has {0} widgets; a picture has at most {WIDGETS_MAX}")]
    Widgets(usize),
    /// The flow has too many transitions.
    #[error("the flow has {0} transitions; a picture has at most {PICTURE_TRANSITIONS_MAX}")]
    Transitions(usize),
}

// === impl FlowPicture ===

impl<'a> FlowPicture<'a> {
    /// Lays a flow out.
    ///
    /// # Errors
    ///
    /// If the flow is larger than a picture can show.
    pub fn new(graph: &'a FlowGraph<'a>) -> Result<FlowPicture<'a>, PictureError> {
        let widgets = &graph.widgets;
        if widgets.len() > WIDGETS_MAX {
            return Err(PictureError::Widgets(widgets.len()));
        }
        let transitions = widgets.iter().map(|widget| widget.transitions.len()).sum();
        if transitions > PICTURE_TRANSITIONS_MAX {
            return Err(PictureError::Transitions(transitions));
        }
        let mut edges = Vec::new();
        // The transition of each edge.
        let mut places = Vec::new();
        let mut tags: Vec<Vec<Option<String>>> = Vec::with_capacity(widgets.len());
        for (from, widget) in widgets.iter().enumerate() {
            tags.push(vec![None; widget.transitions.len()]);
            for (index, transition) in widget.transitions.iter().enumerate() {
                match transition.target {
                    GraphTarget::None => {}
                    GraphTarget::Unknown(name) => {
                        tags[from][index] = Some(format!("{} ?", to_line(name)));
                    }
                    GraphTarget::Widget(to) => {
                        edges.push(LayerEdge { from, to });
                        places.push(index);
                    }
                }
            }
        }
        let tagging = choose_tags(widgets.len(), &edges);
        for (edge, (LayerEdge { from, to }, index)) in edges.iter().zip(places).enumerate() {
            if !tagging.is_line[edge] {
                let sign = match tagging.is_backward[edge] {
                    true if to == from => "↻",
                    true => "↑",
                    false => "↓",
                };
                tags[*from][index] = Some(format!("{sign} {}", to_line(widgets[*to].name)));
            }
        }
        let cards = widgets.iter().zip(tags).map(|(widget, tags)| Card::new(widget, tags));
        let cards: Vec<Card> = cards.collect();
        let mut layout_edges = Vec::new();
        let mut picture_edges = Vec::new();
        for (from, card) in cards.iter().enumerate() {
            for (index, exit) in card.exits.iter().enumerate() {
                let target = widgets[from].transitions[exit.transition].target;
                if let (None, GraphTarget::Widget(to)) = (&exit.tag, target) {
                    layout_edges.push(LayoutEdge { from, exit: exit.middle(), to });
                    picture_edges.push(PictureEdge { card: from, exit: index });
                }
            }
        }
        let boxes: Vec<LayoutBox> =
            cards.iter().map(|card| LayoutBox { width: card.width, height: card.height }).collect();
        let layout = lay_out(&boxes, &layout_edges, &tagging.layers);
        Ok(FlowPicture { graph, cards, edges: picture_edges, layout })
    }
}

// === impl PictureMarks ===

impl PictureMarks {
    fn of_widget(&self, widget: usize) -> PictureMark {
        self.widgets.get(widget).copied().unwrap_or_default()
    }

    fn of_transition(&self, widget: usize, transition: usize) -> PictureMark {
        let marks = self.transitions.get(widget);
        marks.and_then(|marks| marks.get(transition)).copied().unwrap_or_default()
    }
}
