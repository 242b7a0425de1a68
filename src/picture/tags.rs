//! The transitions that are tags: a label with the name of the target in place of a line.
//!
//! A line back to the top, or past many widgets to one that many others lead to, is what makes the
//! picture of a large flow unreadable. A tag answers at the exit where the transition leads.

use super::layers::{LayerEdge, assign_layers, find_backward};

/// A transition over so many layers is a tag.
const LONG: usize = 6;
/// A transition over so many layers is a tag if its target is a common one.
const LONG_TO_COMMON: usize = 2;
/// A widget to which so many transitions lead is a common target.
const COMMON: usize = 5;
/// Rounds in which layers are assigned anew. Without the tags the other edges may become longer.
const ROUNDS_MAX: usize = 16;

/// The edges that are lines, and the layers of the boxes.
#[derive(Debug)]
pub(super) struct Tagging {
    /// Whether each edge is a line. The others are tags.
    pub(super) is_line: Vec<bool>,
    /// Whether each edge leads backward.
    pub(super) is_backward: Vec<bool>,
    /// The layer of each box.
    pub(super) layers: Vec<usize>,
}

/// Decides which edges are tags. Each box that a forward edge leads to has at least one line.
pub(super) fn choose_tags(boxes: usize, edges: &[LayerEdge]) -> Tagging {
    let is_backward = find_backward(boxes, edges);
    let mut incoming = vec![0; boxes];
    for (edge, _) in edges.iter().zip(&is_backward).filter(|(_, is_backward)| !**is_backward) {
        incoming[edge.to] += 1;
    }
    let mut is_line: Vec<bool> = is_backward.iter().map(|is_backward| !is_backward).collect();
    let mut layers = assign_layers(boxes, edges, &is_line);
    for _ in 0..ROUNDS_MAX {
        let mut lines = vec![0; boxes];
        for (edge, _) in edges.iter().zip(&is_line).filter(|(_, is_line)| **is_line) {
            lines[edge.to] += 1;
        }
        let mut has_changed = false;
        for (index, edge) in edges.iter().enumerate() {
            // A tag may lead up by now.
            if !is_line[index] {
                continue;
            }
            let span = layers[edge.to] - layers[edge.from];
            let is_common = incoming[edge.to] >= COMMON;
            let is_long = span >= LONG || span >= LONG_TO_COMMON && is_common;
            if is_long && lines[edge.to] > 1 {
                is_line[index] = false;
                lines[edge.to] -= 1;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
        layers = assign_layers(boxes, edges, &is_line);
    }
    Tagging { is_line, is_backward, layers }
}
