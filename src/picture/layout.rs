//! A layered drawing from the top down: boxes in rows, edges at right angles from an exit at the
//! lower side of a box to the middle of the upper side of another.
//!
//! The layout knows boxes alone, not flows. It is the same for the same input: nothing in it
//! depends on chance, on time or on the order of a hash map.

use super::channels::{RowChannel, STRAIGHT};
use super::columns::place_columns;
use super::grid::Grid;
use super::order::reduce_crossings;

/// A place in the drawing, from the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The size of a box.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayoutBox {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// An edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayoutEdge {
    /// The box in which it begins.
    pub(super) from: usize,
    /// The distance of its exit from the left side of this box.
    pub(super) exit: f64,
    /// The box in which it ends, in a layer below.
    pub(super) to: usize,
}

/// A finished layout.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// The upper left corner of each box.
    pub(super) places: Vec<Point>,
    /// The corners of each edge, its ends included. Each part is horizontal or vertical.
    pub(super) routes: Vec<Vec<Point>>,
    /// The width of the drawing.
    pub(super) width: f64,
    /// The height of the drawing.
    pub(super) height: f64,
}

/// The space around the drawing.
const PADDING: f64 = 24.0;

/// Lays boxes and edges out. `layers` has the layer of each box; every edge leads down.
pub(super) fn lay_out(boxes: &[LayoutBox], edges: &[LayoutEdge], layers: &[usize]) -> Layout {
    let mut grid = Grid::new(boxes, edges, layers);
    reduce_crossings(&mut grid);
    let mut lefts = place_columns(&grid);
    let leftmost = lefts.iter().copied().fold(f64::INFINITY, f64::min);
    for left in &mut lefts {
        *left += PADDING - leftmost;
    }
    let channels: Vec<RowChannel> =
        (0..grid.rows.len()).map(|row| RowChannel::new(&grid, row, &lefts)).collect();
    let mut tops = Vec::with_capacity(channels.len());
    let mut bottoms = Vec::with_capacity(channels.len());
    let mut y = PADDING;
    for (row, channel) in grid.rows.iter().zip(&channels) {
        tops.push(y);
        let heights = row.iter().filter_map(|node| boxes.get(*node)).map(|item| item.height);
        y += heights.fold(0.0, f64::max);
        bottoms.push(y);
        y += channel.height();
    }
    let place = |index: usize| Point { x: lefts[index], y: tops[grid.nodes[index].row] };
    let places: Vec<Point> = (0..boxes.len()).map(place).collect();
    let routes = edges.iter().zip(&grid.chains).map(|(edge, chain)| {
        let from = places[edge.from];
        let mut x = from.x + edge.exit;
        let mut route = vec![Point { x, y: from.y + boxes[edge.from].height }];
        for link in chain {
            let link = &grid.links[*link];
            let row = grid.nodes[link.upper].row;
            let entry = lefts[link.lower] + link.lower_offset;
            if (x - entry).abs() >= STRAIGHT {
                let y = bottoms[row] + channels[row].track_offset(link.lower);
                route.extend([Point { x, y }, Point { x: entry, y }]);
                x = entry;
            }
        }
        route.push(Point { x, y: places[edge.to].y });
        route
    });
    let routes = routes.collect();
    let rights = grid.nodes.iter().zip(&lefts).map(|(node, left)| left + node.width);
    let width = rights.fold(0.0, f64::max) + PADDING;
    let height = bottoms.last().copied().unwrap_or_default() + PADDING;
    Layout { places, routes, width, height }
}
