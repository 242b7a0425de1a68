//! Properties of every picture, on the flows of the tests and on generated ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::layout::Point;
use super::*;
use crate::diagnostics::problem::{Problems, Source};
use crate::flow::file::{self, FlowNode};

/// The least space between two cards of a row, less what rounding takes.
const GAP_MIN: f64 = 35.9;

/// The flows of the tests.
fn flows() -> Vec<(PathBuf, FlowNode)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let mut waiting = vec![folder];
    let mut flows = Vec::new();
    while let Some(folder) = waiting.pop() {
        let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        for path in entries.collect::<BTreeSet<_>>() {
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if name.ends_with(".json") || name.ends_with(".toml") {
                let source = Source::new(&name, &std::fs::read_to_string(&path).unwrap());
                let flow = file::read(&source, &mut Problems::default());
                flows.extend(
                    flow.filter(|flow| flow.get("states").is_some()).map(|flow| (path, flow)),
                );
            }
        }
    }
    assert!(flows.len() > 15, "{}", flows.len());
    flows
}

/// A flow of `widgets` widgets. Each has up to five transitions, most to near widgets. The same
/// seed gives the same flow.
fn generated(widgets: usize, seed: u64) -> FlowNode {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: usize| {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    };
    let states = (0..widgets).map(|index| {
        let transitions = (0..draw(6)).map(|exit| {
            let next = match draw(10) {
                0 => None,
                1 => Some(draw(widgets)),
                2 => Some(index),
                _ => Some((index + 1 + draw(4)).min(widgets - 1)),
            };
            let next = next.map(|next| format!("widget_{next}"));
            serde_json::json!({ "event": format!("exit{exit}"), "next": next })
        });
        let transitions: Vec<serde_json::Value> = transitions.collect();
        let kind = ["say-play", "split-based-on", "run-function"][draw(3)];
        serde_json::json!({
            "name": format!("widget_{index}"),
            "type": kind,
            "properties": { "say": "x".repeat(draw(80)) },
            "transitions": transitions,
        })
    });
    let states: Vec<serde_json::Value> = states.collect();
    FlowNode::from_json(&serde_json::json!({ "initial_state": "widget_0", "states": states }))
}

#[test]
fn a_picture_of_any_flow_is_sound() {
    for (path, flow) in flows() {
        check_picture(&path.display().to_string(), &flow);
    }
    for seed in 0..60 {
        let widgets = 1 + seed as usize * 3 % 90;
        check_picture(&format!("{widgets} widgets, seed {seed}"), &generated(widgets, seed));
    }
    check_picture("the largest", &generated(WIDGETS_MAX, 7));
}

/// Checks that cards are apart, that every line leads from its exit to its card around all others,
/// and that every wired transition is drawn.
fn check_picture(name: &str, flow: &FlowNode) {
    let graph = FlowGraph::new(flow);
    let picture = FlowPicture::new(&graph).unwrap();
    let cards: Vec<(Point, &Card)> =
        picture.layout.places.iter().copied().zip(&picture.cards).collect();
    for (index, (place, card)) in cards.iter().enumerate() {
        let is_inside = place.x >= 0.0
            && place.y >= 0.0
            && place.x + card.width <= picture.layout.width
            && place.y + card.height <= picture.layout.height;
        assert!(is_inside, "{name}: card {index}");
        for (other_index, (other_place, other)) in cards.iter().enumerate().skip(index + 1) {
            let beside = other_place.x - (place.x + card.width) >= GAP_MIN
                || place.x - (other_place.x + other.width) >= GAP_MIN;
            let above = other_place.y - (place.y + card.height) >= GAP_MIN
                || place.y - (other_place.y + other.height) >= GAP_MIN;
            assert!(beside || above, "{name}: cards {index} and {other_index}");
        }
        check_exits(name, card, &graph.widgets[index]);
    }
    for (edge, route) in picture.edges.iter().zip(&picture.layout.routes) {
        let exit = &picture.cards[edge.card].exits[edge.exit];
        let transition = &graph.widgets[edge.card].transitions[exit.transition];
        let GraphTarget::Widget(to) = transition.target else { panic!("{name}: no target") };
        let ((from_place, from), (to_place, target)) = (cards[edge.card], cards[to]);
        let first = Point { x: from_place.x + exit.middle(), y: from_place.y + from.height };
        let last = Point { x: to_place.x + target.width / 2.0, y: to_place.y };
        assert_eq!(route[0], first, "{name}: {} {}", edge.card, exit.label);
        let end = route[route.len() - 1];
        assert!((end.x - last.x).abs() < 1.0 && end.y == last.y, "{name}: {end:?} {last:?}");
        for part in route.windows(2) {
            let is_straight = part[0].x == part[1].x || part[0].y == part[1].y;
            assert!(is_straight && part[1].y >= part[0].y, "{name}: {part:?}");
            for (index, (place, card)) in cards.iter().enumerate() {
                let passes = is_through(part, *place, card);
                assert!(!passes, "{name}: {part:?} passes through card {index}");
            }
        }
    }
}

/// Whether a part of a line passes through the inside of a card.
fn is_through(part: &[Point], place: Point, card: &Card) -> bool {
    let [from, to] = [part[0], part[1]];
    from.x.min(to.x) < place.x + card.width
        && from.x.max(to.x) > place.x
        && from.y.min(to.y) < place.y + card.height
        && from.y.max(to.y) > place.y
}

/// Checks that a card has all wired transitions in their order, each within the card and with a
/// text that fits.
fn check_exits(name: &str, card: &Card, widget: &crate::flow::GraphWidget<'_>) {
    let wired = widget.transitions.iter().enumerate();
    let wired = wired.filter(|(_, transition)| transition.target != GraphTarget::None);
    let wired: Vec<usize> = wired.map(|(index, _)| index).collect();
    let drawn: Vec<usize> = card.exits.iter().map(|exit| exit.transition).collect();
    assert_eq!(drawn, wired, "{name}: {}", widget.name);
    assert_eq!(card.exits.len() + card.unwired.len(), widget.transitions.len(), "{name}");
    let mut right = 0.0;
    for exit in &card.exits {
        assert!(exit.left >= right, "{name}: {}: {}", widget.name, exit.label);
        assert!(card::EXIT_FONT.width(&exit.label) <= exit.width, "{name}: {}", exit.label);
        let tag = exit.tag.as_ref().map_or(0.0, |tag| card::TAG_FONT.width(tag));
        assert!(tag <= exit.width, "{name}: {:?}", exit.tag);
        right = exit.left + exit.width;
    }
    assert!(right <= card.width, "{name}: {}", widget.name);
}

#[test]
fn a_flow_has_one_picture() {
    for flow in [generated(91, 3), generated(300, 5)] {
        let draw = || {
            let graph = FlowGraph::new(&flow);
            let picture = FlowPicture::new(&graph).unwrap();
            picture.to_svg("a flow", &PictureMarks::default())
        };
        assert_eq!(draw(), draw());
    }
}

#[test]
fn a_card_that_others_lead_to_has_a_line() {
    let flow = generated(200, 11);
    let graph = FlowGraph::new(&flow);
    let picture = FlowPicture::new(&graph).unwrap();
    let targets: BTreeSet<usize> = picture
        .edges
        .iter()
        .filter_map(|edge| {
            let exit = &picture.cards[edge.card].exits[edge.exit];
            match graph.widgets[edge.card].transitions[exit.transition].target {
                GraphTarget::Widget(to) => Some(to),
                _ => None,
            }
        })
        .collect();
    // A walk reaches each of them by an edge that does not lead backward.
    assert!((1..graph.reachable).all(|widget| targets.contains(&widget)));
}

#[test]
fn what_an_author_writes_is_text() {
    let hostile = "</text><script>alert(1)</script>\u{0}\u{202e}\"'&amp;]]>";
    let flow = FlowNode::from_json(&serde_json::json!({ "states": [
        { "name": hostile, "type": hostile, "properties": { "say": hostile }, "transitions": [
            { "event": hostile, "next": hostile },
            { "event": hostile, "next": "javascript:alert(1)" },
            { "event": "match", "conditions": [{ "type": hostile, "value": hostile }] },
        ] },
    ] }));
    let graph = FlowGraph::new(&flow);
    let svg = FlowPicture::new(&graph).unwrap().to_svg(hostile, &PictureMarks::default());
    assert!(!svg.contains("<script") && !svg.contains('\u{0}'), "{svg}");
    assert!(!svg.contains("href=\"javascript"), "{svg}");
    let mut reader = quick_xml::Reader::from_str(&svg);
    reader.config_mut().check_end_names = true;
    loop {
        if let quick_xml::events::Event::Eof = reader.read_event().unwrap() {
            break;
        }
    }
}

#[test]
fn a_flow_that_is_too_large_has_no_picture() {
    let flow = generated(WIDGETS_MAX + 1, 1);
    let error = FlowPicture::new(&FlowGraph::new(&flow)).unwrap_err();
    assert_eq!(error.to_string(), "the flow has 1001 widgets; a picture has at most 1000");
    let transitions = vec![serde_json::json!({ "event": "x" }); PICTURE_TRANSITIONS_MAX + 1];
    let state = serde_json::json!({ "name": "a", "type": "b", "transitions": transitions });
    let flow = FlowNode::from_json(&serde_json::json!({ "states": [state] }));
    let error = FlowPicture::new(&FlowGraph::new(&flow)).unwrap_err();
    assert_eq!(error.to_string(), "the flow has 10001 transitions; a picture has at most 10000");
}
