//! The channels between the rows: a horizontal track for each node that edges lead to.

use super::grid::Grid;

/// The space between a row and the nearest track.
const MARGIN: f64 = 22.0;
/// The space between two tracks.
const TRACK: f64 = 12.0;
/// The least space between the ends of two lines in one track.
const TRACK_GAP: f64 = 10.0;
/// Vertical lines that are closer look like one.
const LINE_GAP: f64 = 6.0;
/// A link with ends closer than this is straight.
pub(super) const STRAIGHT: f64 = 0.5;

/// The space below a row, with its tracks.
#[derive(Debug)]
pub(super) struct RowChannel {
    /// The number of tracks.
    tracks: usize,
    /// The nodes of the next row to which bent links lead, each with its track.
    tracks_by_node: Vec<(usize, usize)>,
}

/// The lines to one node: they share a track, and from there one line leads down.
struct Bus {
    node: usize,
    /// Where the lines from above begin.
    exits: Vec<f64>,
    /// Where the line to the node ends.
    entry: f64,
    least: f64,
    most: f64,
}

// === impl RowChannel ===

impl RowChannel {
    /// Lays the links below a row into tracks.
    pub(super) fn new(grid: &Grid, row: usize, lefts: &[f64]) -> RowChannel {
        let buses = buses(grid, row, lefts);
        // Two lines at one place do not touch if the one from above ends first: the buses that have
        // to be above each one.
        let is_above = |upper: &Bus, lower: &Bus| {
            upper.exits.iter().any(|exit| (exit - lower.entry).abs() < LINE_GAP)
        };
        let above = |lower: usize| {
            let is_above =
                |upper: &usize| *upper != lower && is_above(&buses[*upper], &buses[lower]);
            (0..buses.len()).filter(is_above).collect()
        };
        let above: Vec<Vec<usize>> = (0..buses.len()).map(above).collect();
        let mut tracks: Vec<Option<usize>> = vec![None; buses.len()];
        for _ in 0..buses.len() {
            let is_ready =
                |index: &usize| above[*index].iter().all(|upper| tracks[*upper].is_some());
            let mut open = (0..buses.len()).filter(|index| tracks[*index].is_none());
            // In a circle some pair has to touch.
            let Some(next) = open.clone().find(is_ready).or_else(|| open.next()) else { break };
            let bus = &buses[next];
            let lowest = above[next].iter().filter_map(|upper| tracks[*upper]).max();
            let lowest = lowest.map_or(0, |track| track + 1);
            let is_free = |track: &usize| {
                let in_track = (0..buses.len()).filter(|other| tracks[*other] == Some(*track));
                in_track.map(|other| &buses[other]).all(|other| {
                    bus.most + TRACK_GAP < other.least || bus.least - TRACK_GAP > other.most
                })
            };
            tracks[next] = (lowest..).find(is_free);
        }
        let placed = buses.iter().zip(&tracks);
        let tracks_by_node: Vec<(usize, usize)> =
            placed.filter_map(|(bus, track)| Some((bus.node, (*track)?))).collect();
        let tracks = tracks_by_node.iter().map(|(_, track)| track + 1).max().unwrap_or(1);
        RowChannel { tracks, tracks_by_node }
    }

    /// The height of the channel.
    pub(super) fn height(&self) -> f64 {
        2.0 * MARGIN + (self.tracks - 1) as f64 * TRACK
    }

    /// The distance from the top of the channel to the track of the links to a node.
    pub(super) fn track_offset(&self, node: usize) -> f64 {
        let track = self.tracks_by_node.iter().find(|(other, _)| *other == node);
        MARGIN + track.map_or(0, |(_, track)| *track) as f64 * TRACK
    }
}

/// The buses of a channel in the order in which they take tracks: of two that lead to the same
/// side, the longer one goes around the shorter.
fn buses(grid: &Grid, row: usize, lefts: &[f64]) -> Vec<Bus> {
    let mut buses: Vec<Bus> = Vec::new();
    for &node in grid.rows.get(row + 1).into_iter().flatten() {
        let ends = grid.above[node].iter().map(|link| {
            let link = &grid.links[*link];
            let exit = lefts[link.upper] + link.upper_offset;
            (exit, lefts[node] + link.lower_offset)
        });
        let bent: Vec<(f64, f64)> =
            ends.filter(|(exit, entry)| (exit - entry).abs() >= STRAIGHT).collect();
        let Some(&(_, entry)) = bent.first() else { continue };
        let exits: Vec<f64> = bent.iter().map(|(exit, _)| *exit).collect();
        let least = exits.iter().copied().fold(entry, f64::min);
        let most = exits.iter().copied().fold(entry, f64::max);
        buses.push(Bus { node, exits, entry, least, most });
    }
    let leads_right = |bus: &Bus| bus.entry - bus.least > bus.most - bus.entry;
    let key = |bus: &Bus| if leads_right(bus) { -bus.entry } else { bus.entry };
    buses.sort_by(|a, b| {
        leads_right(a).cmp(&leads_right(b)).then_with(|| key(a).total_cmp(&key(b)))
    });
    buses
}
