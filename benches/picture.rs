//! The layout and the drawing of flows: `cargo bench --bench picture`.
//!
//! Without arguments, chains of menus with 10 to 1,000 widgets; with arguments, the flow files that
//! they name. Each row is the median of the rounds.

use std::fmt::Write as _;
use std::path::PathBuf;

use twimlgate::clock;
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::flow::FlowGraph;
use twimlgate::flow::file::{self, FlowNode};
use twimlgate::picture::{FlowPicture, PictureMarks};

const ROUNDS: usize = 21;

fn main() {
    // Cargo adds `--bench`.
    let files = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut flows: Vec<(String, FlowNode)> = files
        .map(|file| {
            let text = std::fs::read_to_string(PathBuf::from(&file)).expect("a readable file");
            let flow = parse(&file, &text);
            (file, flow)
        })
        .collect();
    if flows.is_empty() {
        flows = [10, 91, 300, 1_000]
            .map(|widgets| (format!("{widgets} widgets"), parse("menus.toml", &menus(widgets))))
            .into();
    }
    println!("{:<40} {:>12} {:>12}", "flow", "layout, ms", "with SVG, ms");
    for (name, flow) in &flows {
        let graph = FlowGraph::new(flow);
        let lay_out = || FlowPicture::new(&graph).expect("a picture");
        let layout = median_ms(|| drop(lay_out()));
        let drawn = median_ms(|| drop(lay_out().to_svg(name, &PictureMarks::default())));
        println!("{name:<40} {layout:>12.2} {drawn:>12.2}");
    }
}

fn parse(name: &str, text: &str) -> FlowNode {
    file::read(&Source::new(name, text), &mut Problems::default()).expect("a flow")
}

/// Menus with three keys each: the next menu, a message far below, and back to the top.
fn menus(widgets: usize) -> String {
    let mut flow = "initial_state = \"menu_0\"\n".to_owned();
    for index in 0..widgets {
        let next = |step: usize| format!("menu_{}", (index + step) % widgets);
        let _ = write!(
            flow,
            "[[states]]\nname = \"menu_{index}\"\ntype = \"gather-input-on-call\"\n\
             properties = {{ say = \"Press 1, 2 or 3, or wait for the next menu.\" }}\n\
             transitions = [\n\
             {{ event = \"keypress\", next = \"{}\" }},\n\
             {{ event = \"speech\", next = \"{}\" }},\n\
             {{ event = \"timeout\", next = \"{}\" }},\n]\n",
            next(1),
            next(1 + index % 5),
            next(widgets - index % 7),
        );
    }
    flow
}

/// The median time of one call.
fn median_ms(mut call: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = clock::now();
            call();
            clock::now().duration_since(begin).as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}
