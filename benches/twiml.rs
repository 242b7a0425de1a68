//! Nanoseconds per document for checking and for writing TwiML: `cargo bench --bench twiml`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use twimlgate::channel::Channel;
use twimlgate::twiml::verb::{Gather, Redirect, Say};
use twimlgate::twiml::{DocumentLimits, TwimlWriter, read};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An answer of 242 bytes.
const SMALL: &str = include_str!("../tests/twiml/voice/bench-small.xml");

/// An answer of 1,079 bytes.
const MENU: &str = include_str!("../tests/twiml/voice/bench-menu.xml");

/// Rounds are shorter than a scheduler's slice, and the best one counts: whatever disturbs a round
/// makes it longer, so the best of many is what the code itself takes also on a busy machine.
const ROUND: Duration = Duration::from_micros(300);
const ROUNDS: usize = 3_000;

fn main() {
    let bounds = DocumentLimits::default();
    for (name, text) in [("small", SMALL), ("menu", MENU)] {
        println!(
            "events {name:<5} {:>5} bytes {:>8.0} ns",
            text.len(),
            nanoseconds(|| events(text))
        );
        let check =
            || read::check_document(black_box(text.as_bytes()), Channel::Voice, &bounds).map(drop);
        assert!(check().is_ok(), "the document is well-formed");
        println!("check {name:<6} {:>5} bytes {:>8.0} ns", text.len(), nanoseconds(check));
        let tree = || read::parse_document(black_box(text.as_bytes()), &bounds).map(drop);
        println!("tree  {name:<6} {:>5} bytes {:>8.0} ns", text.len(), nanoseconds(tree));
    }
    println!("write small  {:>5} bytes {:>8.0} ns", write().len(), nanoseconds(write));
}

/// What the tokeniser alone takes, for comparison.
fn events(text: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(black_box(text));
    let mut count = 0;
    while !matches!(reader.read_event(), Ok(quick_xml::events::Event::Eof) | Err(_)) {
        count += 1;
    }
    count
}

/// A question, and the way on without an answer.
fn write() -> String {
    let mut writer = TwimlWriter::response();
    let gather =
        Gather { action: Some("/voice/menu?step=2&x=1"), digits: Some(1), ..Gather::default() };
    writer.nest(&gather, |inside| {
        inside.add(&Say { text: black_box("Press 1 for Tom & Jerry"), ..Say::default() });
    });
    writer.add(&Redirect { url: "/voice/menu", ..Redirect::default() });
    writer.finish().into_string()
}

/// How long one call takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark is about the real clock")]
fn nanoseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut calls = 10_u32;
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        let elapsed = start.elapsed();
        best = best.min(elapsed.as_nanos() as f64 / f64::from(calls));
        calls = (ROUND.as_nanos() as f64 / best) as u32 + 1;
    }
    best
}
