//! The boxes in rows, with a waypoint in each row that an edge passes.

use super::layout::{LayoutBox, LayoutEdge};

/// Nodes in rows, and the links between neighbouring rows.
#[derive(Debug)]
pub(super) struct Grid {
    /// The boxes, in their order, then the waypoints.
    pub(super) nodes: Vec<GridNode>,
    /// The links.
    pub(super) links: Vec<GridLink>,
    /// The nodes of each row, from left to right.
    pub(super) rows: Vec<Vec<usize>>,
    /// The links of each edge, from the top down.
    pub(super) chains: Vec<Vec<usize>>,
    /// The links that end at each node from above.
    pub(super) above: Vec<Vec<usize>>,
    /// The links that begin at each node.
    pub(super) below: Vec<Vec<usize>>,
}

/// A box, or a waypoint of an edge.
#[derive(Clone, Debug)]
pub(super) struct GridNode {
    /// The width; a waypoint has none.
    pub(super) width: f64,
    /// The row.
    pub(super) row: usize,
    /// Whether the node is a box.
    pub(super) is_box: bool,
}

/// A part of an edge: from a node to one of the next row.
#[derive(Clone, Debug)]
pub(super) struct GridLink {
    pub(super) upper: usize,
    pub(super) lower: usize,
    /// The distance from the left edge of the upper node to the beginning.
    pub(super) upper_offset: f64,
    /// The distance from the left edge of the lower node to the end.
    pub(super) lower_offset: f64,
}

/// The space between two boxes of a row.
const BOX_GAP: f64 = 36.0;
/// The space between a box and an edge that passes it.
const EDGE_GAP: f64 = 20.0;
/// The space between two edges that pass a row.
const LANE_GAP: f64 = 14.0;

impl Grid {
    /// Builds the grid. Every edge leads at least one layer down.
    pub(super) fn new(boxes: &[LayoutBox], edges: &[LayoutEdge], layers: &[usize]) -> Grid {
        let nodes = boxes.iter().zip(layers);
        let nodes: Vec<GridNode> = nodes
            .map(|(item, row)| GridNode { width: item.width, row: *row, is_box: true })
            .collect();
        let depth = layers.iter().max().map_or(0, |layer| layer + 1);
        let mut grid = Grid {
            above: Vec::new(),
            below: Vec::new(),
            links: Vec::new(),
            rows: vec![Vec::new(); depth],
            chains: Vec::new(),
            nodes,
        };
        // A waypoint begins behind the box from which its edge comes.
        let mut ranks: Vec<usize> = (0..boxes.len()).collect();
        for edge in edges {
            let chain = grid.add_chain(boxes, edge, &mut ranks);
            grid.chains.push(chain);
        }
        for (index, node) in grid.nodes.iter().enumerate() {
            grid.rows[node.row].push(index);
        }
        for row in &mut grid.rows {
            row.sort_by_key(|node| ranks[*node]);
        }
        grid.above = vec![Vec::new(); grid.nodes.len()];
        grid.below = grid.above.clone();
        for (index, link) in grid.links.iter().enumerate() {
            grid.above[link.lower].push(index);
            grid.below[link.upper].push(index);
        }
        grid
    }

    fn add_chain(
        &mut self,
        boxes: &[LayoutBox],
        edge: &LayoutEdge,
        ranks: &mut Vec<usize>,
    ) -> Vec<usize> {
        let mut chain = Vec::new();
        let (mut upper, mut upper_offset) = (edge.from, edge.exit);
        for row in self.nodes[edge.from].row + 1..self.nodes[edge.to].row {
            let waypoint = self.nodes.len();
            self.nodes.push(GridNode { width: 0.0, row, is_box: false });
            ranks.push(edge.from);
            chain.push(self.links.len());
            self.links.push(GridLink { upper, lower: waypoint, upper_offset, lower_offset: 0.0 });
            (upper, upper_offset) = (waypoint, 0.0);
        }
        chain.push(self.links.len());
        let lower_offset = boxes[edge.to].width / 2.0;
        self.links.push(GridLink { upper, lower: edge.to, upper_offset, lower_offset });
        chain
    }

    /// The least distance between the left edges of two neighbours of a row.
    pub(super) fn least_distance(&self, left: usize, right: usize) -> f64 {
        let gap = match [self.nodes[left].is_box, self.nodes[right].is_box] {
            [true, true] => BOX_GAP,
            [false, false] => LANE_GAP,
            _ => EDGE_GAP,
        };
        self.nodes[left].width + gap
    }

    /// The number of waypoints among the ends of a link.
    pub(super) fn waypoints(&self, link: &GridLink) -> usize {
        usize::from(!self.nodes[link.upper].is_box) + usize::from(!self.nodes[link.lower].is_box)
    }
}
