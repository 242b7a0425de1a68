//! The order of the nodes in each row: few crossings between neighbouring rows.
//!
//! The order of two rows with the fewest crossings is hard to find. As in Sugiyama's method, each
//! node moves to the mean position of its neighbours, row by row, down and up; then neighbours
//! change places where that removes a crossing. The best order of all rounds stays.

use super::grid::Grid;

/// Rounds without a better order after which the search ends.
const STALE_ROUNDS_MAX: usize = 5;
/// Rounds at most.
const ROUNDS_MAX: usize = 40;
/// Passes in which neighbours change places, in each round.
const SWAP_PASSES_MAX: usize = 3;

/// Puts the rows of a grid into an order with few crossings.
pub(super) fn reduce_crossings(grid: &mut Grid) {
    let mut positions = vec![0.0; grid.nodes.len()];
    update_positions(grid, &mut positions);
    let mut fewest = count_crossings(grid, &positions);
    let mut best = grid.rows.clone();
    let mut stale = 0;
    for round in 0..ROUNDS_MAX {
        if fewest == 0 || stale > STALE_ROUNDS_MAX {
            break;
        }
        let goes_down = round % 2 == 0;
        for step in 0..grid.rows.len() {
            let row = if goes_down { step } else { grid.rows.len() - 1 - step };
            sort_row(grid, row, goes_down, &mut positions);
        }
        for _ in 0..SWAP_PASSES_MAX {
            if !swap_neighbours(grid, &mut positions) {
                break;
            }
        }
        let crossings = count_crossings(grid, &positions);
        if crossings < fewest {
            (fewest, best, stale) = (crossings, grid.rows.clone(), 0);
        } else {
            stale += 1;
        }
    }
    grid.rows = best;
}

/// Sorts a row by the mean position of the neighbours in the row above, or below.
fn sort_row(grid: &mut Grid, row: usize, by_above: bool, positions: &mut [f64]) {
    let mut wishes: Vec<(f64, usize)> = grid.rows[row]
        .iter()
        .map(|&node| {
            let keys = if by_above {
                keys_above(grid, node, positions)
            } else {
                keys_below(grid, node, positions)
            };
            let mean = keys.iter().sum::<f64>() / keys.len() as f64;
            (if keys.is_empty() { positions[node] } else { mean }, node)
        })
        .collect();
    // Stable: nodes with equal wishes stay in their order.
    wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
    grid.rows[row] = wishes.into_iter().map(|(_, node)| node).collect();
    for (position, node) in grid.rows[row].iter().enumerate() {
        positions[*node] = position as f64;
    }
}

/// Swaps neighbours whose links cross more often than after the exchange. Returns whether any were.
fn swap_neighbours(grid: &mut Grid, positions: &mut [f64]) -> bool {
    let mut has_swapped = false;
    for row in 0..grid.rows.len() {
        for place in 1..grid.rows[row].len() {
            let (left, right) = (grid.rows[row][place - 1], grid.rows[row][place]);
            let mut now = 0;
            let mut swapped = 0;
            for keys in [keys_above, keys_below] {
                let [left, right] = [left, right].map(|node| keys(grid, node, positions));
                now += count_greater(&left, &right);
                swapped += count_greater(&right, &left);
            }
            if swapped < now {
                grid.rows[row].swap(place - 1, place);
                positions.swap(left, right);
                has_swapped = true;
            }
        }
    }
    has_swapped
}

/// The sorted positions at which the links from above begin, exits included.
fn keys_above(grid: &Grid, node: usize, positions: &[f64]) -> Vec<f64> {
    let key = |link: &usize| {
        let link = &grid.links[*link];
        // Below 1, so that all exits of a node come before those of its right neighbour.
        positions[link.upper] + link.upper_offset / (grid.nodes[link.upper].width + 1.0)
    };
    let mut keys: Vec<f64> = grid.above[node].iter().map(key).collect();
    keys.sort_by(f64::total_cmp);
    keys
}

/// The sorted positions at which the links to the row below end. A box has one entry for all.
fn keys_below(grid: &Grid, node: usize, positions: &[f64]) -> Vec<f64> {
    let lower = |link: &usize| positions[grid.links[*link].lower] + 0.5;
    let mut keys: Vec<f64> = grid.below[node].iter().map(lower).collect();
    keys.sort_by(f64::total_cmp);
    keys
}

/// The number of pairs in which a key of `left` is greater than one of `right`. Both are sorted.
fn count_greater(left: &[f64], right: &[f64]) -> usize {
    let mut passed = 0;
    let mut pairs = 0;
    for key in left {
        while right.get(passed).is_some_and(|other| other < key) {
            passed += 1;
        }
        pairs += passed;
    }
    pairs
}

fn update_positions(grid: &Grid, positions: &mut [f64]) {
    for row in &grid.rows {
        for (position, node) in row.iter().enumerate() {
            positions[*node] = position as f64;
        }
    }
}

/// The crossings of all links.
fn count_crossings(grid: &Grid, positions: &[f64]) -> usize {
    let mut crossings = 0;
    for (index, row) in grid.rows.iter().enumerate() {
        let Some(lower_row) = grid.rows.get(index + 1) else { break };
        // The links from left to right by their beginning; a pair crosses if its ends are not in
        // this order. A binary indexed tree counts the ends so far by position.
        let mut ends = vec![0_usize; lower_row.len() + 1];
        let mut before = 0;
        for &node in row {
            let mut links: Vec<&usize> = grid.below[node].iter().collect();
            let exit = |link: &&usize| grid.links[**link].upper_offset;
            links.sort_by(|a, b| exit(a).total_cmp(&exit(b)));
            for link in links {
                let end = positions[grid.links[*link].lower] as usize + 1;
                crossings += before - sum_to(&ends, end);
                add_at(&mut ends, end);
                before += 1;
            }
        }
    }
    crossings
}

fn sum_to(tree: &[usize], mut at: usize) -> usize {
    let mut sum = 0;
    while at > 0 {
        sum += tree[at];
        at -= 1 << at.trailing_zeros();
    }
    sum
}

fn add_at(tree: &mut [usize], mut at: usize) {
    while at < tree.len() {
        tree[at] += 1;
        at += 1 << at.trailing_zeros();
    }
}
