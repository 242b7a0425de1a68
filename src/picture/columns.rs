//! The horizontal place of each node, for a given order of the rows.

use super::grid::{Grid, GridLink};

/// Sweeps over the rows. The places of real flows are stable before.
const SWEEPS: usize = 60;
/// The last sweeps, in which the links to both sides count.
const BALANCED_SWEEPS: usize = 8;
/// A box moves at most so far to stand straight below the exit that leads to it.
const NUDGE_MAX: f64 = 28.0;

/// The left edge of each node.
pub(super) fn place_columns(grid: &Grid) -> Vec<f64> {
    let mut lefts = vec![0.0; grid.nodes.len()];
    for row in &grid.rows {
        for pair in row.windows(2) {
            lefts[pair[1]] = lefts[pair[0]] + grid.least_distance(pair[0], pair[1]);
        }
    }
    for sweep in 0..SWEEPS {
        let sides = match sweep {
            _ if sweep >= SWEEPS - BALANCED_SWEEPS => Sides { above: true, below: true },
            _ => Sides { above: sweep % 2 == 0, below: sweep % 2 == 1 },
        };
        for step in 0..grid.rows.len() {
            let row = if sides.above { step } else { grid.rows.len() - 1 - step };
            place_row(grid, row, sides, &mut lefts);
        }
    }
    let indices = row_indices(grid);
    for _ in 0..2 {
        align_boxes(grid, &indices, &mut lefts);
        straighten_chains(grid, &indices, &mut lefts);
    }
    lefts
}

/// The rows whose links count.
#[derive(Clone, Copy)]
struct Sides {
    above: bool,
    below: bool,
}

/// A run of neighbours that stand as close as they may.
struct Block {
    /// The weighted mean of the wishes, each less the distance from the first node of the row.
    mean: f64,
    weight: f64,
    nodes: usize,
}

/// Places a row as near to the wishes of its nodes as their order and distances allow: the exact
/// least squares, by pooling adjacent violators.
fn place_row(grid: &Grid, row: usize, sides: Sides, lefts: &mut [f64]) {
    let row = &grid.rows[row];
    let mut blocks: Vec<Block> = Vec::new();
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(row.len());
    for (index, &node) in row.iter().enumerate() {
        if index > 0 {
            offset += grid.least_distance(row[index - 1], node);
        }
        offsets.push(offset);
        let Wish { left, weight } = wish(grid, node, sides, lefts);
        let mut block = Block { mean: left - offset, weight, nodes: 1 };
        while let Some(before) = blocks.pop_if(|before| before.mean > block.mean) {
            let weight = before.weight + block.weight;
            let mean = (before.mean * before.weight + block.mean * block.weight) / weight;
            block = Block { mean, weight, nodes: before.nodes + block.nodes };
        }
        blocks.push(block);
    }
    let means = blocks.iter().flat_map(|block| std::iter::repeat_n(block.mean, block.nodes));
    for ((node, offset), mean) in row.iter().zip(offsets).zip(means) {
        lefts[*node] = mean + offset;
    }
}

/// The place at which the links of a node are straight on average.
struct Wish {
    left: f64,
    weight: f64,
}

fn wish(grid: &Grid, node: usize, sides: Sides, lefts: &[f64]) -> Wish {
    let mut sum = 0.0;
    let mut weights = 0.0;
    let mut add = |link: usize, left: f64| {
        // A bend within a long edge is seen more than one at a box.
        let weight = [1.0, 2.0, 8.0][grid.waypoints(&grid.links[link])];
        sum += weight * left;
        weights += weight;
    };
    if sides.above {
        for &index in &grid.above[node] {
            let link = &grid.links[index];
            add(index, lefts[link.upper] + link.upper_offset - link.lower_offset);
        }
    }
    if sides.below {
        for &index in &grid.below[node] {
            let link = &grid.links[index];
            add(index, lefts[link.lower] + link.lower_offset - link.upper_offset);
        }
    }
    if weights == 0.0 {
        // A node without a wish gives way to all others.
        return Wish { left: lefts[node], weight: 0.01 };
    }
    Wish { left: sum / weights, weight: weights }
}

/// The place of each node in its row.
fn row_indices(grid: &Grid) -> Vec<usize> {
    let mut indices = vec![0; grid.nodes.len()];
    for row in &grid.rows {
        for (index, node) in row.iter().enumerate() {
            indices[*node] = index;
        }
    }
    indices
}

/// The least and the greatest left edge that the neighbours leave to a node.
fn room(grid: &Grid, indices: &[usize], lefts: &[f64], node: usize) -> [f64; 2] {
    let row = &grid.rows[grid.nodes[node].row];
    let index = indices[node];
    let least = index.checked_sub(1).map_or(f64::NEG_INFINITY, |before| {
        lefts[row[before]] + grid.least_distance(row[before], node)
    });
    let most = row
        .get(index + 1)
        .map_or(f64::INFINITY, |next| lefts[*next] - grid.least_distance(node, *next));
    [least, most]
}

/// Makes each long edge one straight line, where its waypoints have a common room.
fn straighten_chains(grid: &Grid, indices: &[usize], lefts: &mut [f64]) {
    for chain in grid.chains.iter().filter(|chain| chain.len() > 1) {
        let [Some(first), Some(last)] = [chain.first(), chain.last()] else { continue };
        let [first, last] = [&grid.links[*first], &grid.links[*last]];
        let waypoints = || chain.iter().skip(1).map(|link| grid.links[*link].upper);
        let mut least = f64::NEG_INFINITY;
        let mut most = f64::INFINITY;
        for node in waypoints() {
            let [from, to] = room(grid, indices, lefts, node);
            least = least.max(from);
            most = most.min(to);
        }
        if least > most {
            continue;
        }
        let exit = lefts[first.upper] + first.upper_offset;
        let entry = lefts[last.lower] + last.lower_offset;
        // Straight below the exit or straight above the entry, if there is room for one of both.
        let fits = |x: &f64| (least..=most).contains(x);
        let x = [exit, entry].into_iter().find(fits).unwrap_or_else(|| exit.clamp(least, most));
        for node in waypoints() {
            lefts[node] = x;
        }
    }
}

/// Puts boxes straight below the exits that lead to them: those near that place, and those that
/// follow their box alone. Least squares spread a bend over such a chain like a staircase.
fn align_boxes(grid: &Grid, indices: &[usize], lefts: &mut [f64]) {
    for row in &grid.rows {
        for &node in row.iter().filter(|node| grid.nodes[**node].is_box) {
            let links: Vec<&GridLink> =
                grid.above[node].iter().map(|link| &grid.links[*link]).collect();
            let Some(first) = links.first() else { continue };
            let follows_alone = grid.nodes[first.upper].is_box
                && links.iter().all(|link| link.upper == first.upper)
                && grid.below[first.upper].len() == links.len();
            let wishes =
                links.iter().map(|link| lefts[link.upper] + link.upper_offset - link.lower_offset);
            let wished = wishes.sum::<f64>() / links.len() as f64;
            let is_near = links.len() == 1 && (wished - lefts[node]).abs() <= NUDGE_MAX;
            let [least, most] = room(grid, indices, lefts, node);
            if (follows_alone || is_near) && (least..=most).contains(&wished) {
                lefts[node] = wished;
            }
        }
    }
}
