//! The layers of a drawing: which edges lead backward, and the row of each box.

/// A connection of two boxes, by their indices.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerEdge {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Rounds in which boxes move towards their neighbours. The layers of real flows are stable after
/// three.
const PULL_ROUNDS: usize = 8;
/// Layers that a box moves down at most, so that no long edge appears above it.
const PULL_MAX: usize = 4;

/// Whether each edge leads backward: to a box on the way that led to it. The way is that of a walk
/// depth first, in the order of the boxes and edges, so that the main path leads forward. Without
/// the backward edges there are no cycles.
pub(super) fn find_backward(boxes: usize, edges: &[LayerEdge]) -> Vec<bool> {
    /// The progress of the walk at a box.
    #[derive(Clone, Copy, PartialEq)]
    enum Visit {
        Waiting,
        OnTheWay,
        Done,
    }
    let outgoing = outgoing(boxes, edges, |_| true);
    let mut backward = vec![false; edges.len()];
    let mut visits = vec![Visit::Waiting; boxes];
    for root in 0..boxes {
        if visits[root] != Visit::Waiting {
            continue;
        }
        visits[root] = Visit::OnTheWay;
        // A stack of its own: a flow may be as deep as it has widgets.
        let mut way = vec![(root, 0)];
        while let Some((at, next)) = way.last_mut() {
            let Some(&edge) = outgoing[*at].get(*next) else {
                visits[*at] = Visit::Done;
                way.pop();
                continue;
            };
            *next += 1;
            let to = edges[edge].to;
            match visits[to] {
                Visit::Waiting => {
                    visits[to] = Visit::OnTheWay;
                    way.push((to, 0));
                }
                Visit::OnTheWay => backward[edge] = true,
                Visit::Done => {}
            }
        }
    }
    backward
}

/// The layer of each box, from 0. Edges without `is_drawn` do not count; the others have no cycle,
/// and lead at least one layer down.
pub(super) fn assign_layers(boxes: usize, edges: &[LayerEdge], is_drawn: &[bool]) -> Vec<usize> {
    let outgoing = outgoing(boxes, edges, |edge| is_drawn[edge]);
    let mut incoming: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for edge in outgoing.iter().flatten() {
        incoming[edges[*edge].to].push(*edge);
    }
    let order = topological_order(edges, &outgoing, &incoming);
    let mut layers = vec![0; boxes];
    for &at in &order {
        for edge in &outgoing[at] {
            let to = edges[*edge].to;
            layers[to] = layers[to].max(layers[at] + 1);
        }
    }
    // The longest path puts boxes too high. Each moves to the side on which it has more edges.
    for _ in 0..PULL_ROUNDS {
        for &at in order.iter().rev() {
            let lowest = incoming[at].iter().map(|edge| layers[edges[*edge].from] + 1).max();
            let highest = outgoing[at].iter().map(|edge| layers[edges[*edge].to] - 1).min();
            if let Some(highest) = highest.filter(|_| outgoing[at].len() > incoming[at].len()) {
                layers[at] = lowest.map_or(highest, |lowest| highest.min(lowest + PULL_MAX));
            } else if outgoing[at].len() < incoming[at].len() {
                layers[at] = lowest.unwrap_or_default();
            }
        }
    }
    layers
}

/// The drawn edges that leave each box, in their order.
fn outgoing(
    boxes: usize,
    edges: &[LayerEdge],
    is_drawn: impl Fn(usize) -> bool,
) -> Vec<Vec<usize>> {
    let mut outgoing = vec![Vec::new(); boxes];
    for (index, edge) in edges.iter().enumerate().filter(|(index, _)| is_drawn(*index)) {
        outgoing[edge.from].push(index);
    }
    outgoing
}

/// The boxes, each behind those that lead to it.
fn topological_order(
    edges: &[LayerEdge],
    outgoing: &[Vec<usize>],
    incoming: &[Vec<usize>],
) -> Vec<usize> {
    let mut missing: Vec<usize> = incoming.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..missing.len()).filter(|at| missing[*at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for edge in &outgoing[at] {
            let to = edges[*edge].to;
            missing[to] -= 1;
            if missing[to] == 0 {
                order.push(to);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[[usize; 2]]) -> Vec<LayerEdge> {
        pairs.iter().map(|[from, to]| LayerEdge { from: *from, to: *to }).collect()
    }

    #[test]
    fn edges_to_the_way_lead_backward() {
        let edges = edges(&[[0, 1], [1, 2], [2, 1], [1, 1], [0, 2], [2, 3], [3, 0]]);
        let backward = find_backward(4, &edges);
        assert_eq!(backward, [false, false, true, true, false, false, true]);
    }

    #[test]
    fn each_edge_leads_down() {
        let edges = edges(&[[0, 1], [0, 2], [1, 3], [2, 3], [3, 4], [0, 4], [5, 4]]);
        let layers = assign_layers(6, &edges, &[true; 7]);
        assert_eq!(layers, [0, 1, 1, 2, 3, 2]);
        for edge in edges {
            assert!(layers[edge.to] > layers[edge.from], "{edge:?}");
        }
    }

    #[test]
    fn a_deep_flow_needs_no_deep_stack() {
        let edges: Vec<LayerEdge> =
            (0..100_000).map(|at| LayerEdge { from: at, to: at + 1 }).collect();
        let backward = find_backward(100_001, &edges);
        assert!(!backward.contains(&true));
    }
}
