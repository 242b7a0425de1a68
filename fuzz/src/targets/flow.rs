//! Flow files, Studio's JSON and our TOML: read, turned into the other notation and back, compiled,
//! and begun.
//!
//! An input is a file: JSON where it begins with `{`, else TOML. A finding is (besides a panic) a
//! problem without a place, a flow that is not the same on its way through a notation, one refused
//! without an error, or one that is taken and then says what is no document, or goes on for ever.

pub(super) mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use twimlgate::channel::Channel;
use twimlgate::config::{Config, Function};
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::flow::file::{self, FlowNode};
use twimlgate::flow::import::{FlowName, ImportContext, import};
use twimlgate::flow::{Execution, Flow, FlowGraph};
use twimlgate::liquid::{LiquidEngine, RenderLimits};
use twimlgate::picture::{FlowPicture, PictureMarks};
use twimlgate::tools::flow_export::{is_same_flow, write_json, write_toml};
use twimlgate::tools::flow_outline::{mermaid, outline};
use twimlgate::webhook::Params;

use super::random::Random;
use super::{Judged, Seen, Target, as_bytes, ensure, root, size, text, texts};

pub(crate) static TARGET: Target = Target {
    name: "flow",
    tokens: &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "null",
        "true",
        "false",
        "\"\"",
        "0",
        "-1",
        "1e9",
        "1.5",
        "\n",
        "é",
        "\u{0}",
        "\"states\":",
        "\"name\":",
        "\"type\":",
        "\"transitions\":",
        "\"event\":",
        "\"next\":",
        "\"conditions\":",
        "\"friendly_name\":",
        "\"arguments\":",
        "\"value\":",
        "\"properties\":",
        "\"offset\":",
        "\"initial_state\":",
        "\"flags\":",
        "\"description\":",
        "\"trigger\"",
        "\"set-variables\"",
        "\"split-based-on\"",
        "\"send-message\"",
        "\"say-play\"",
        "\"gather-input-on-call\"",
        "\"run-function\"",
        "\"make-http-request\"",
        "\"run-subflow\"",
        "\"send-and-wait-for-reply\"",
        "\"connect-call-to\"",
        "\"record-voicemail\"",
        "\"enqueue-call\"",
        "\"add-twiml-redirect\"",
        "\"incomingMessage\"",
        "\"incomingCall\"",
        "\"incomingRequest\"",
        "\"match\"",
        "\"noMatch\"",
        "\"regex\"",
        "\"equal_to\"",
        "\"matches_any_of\"",
        "(a+)+$",
        "{{trigger.call.From}}",
        "{{ flow.variables.x | plus: 1 }}",
        "{% for i in (1..9) %}x{% endfor %}",
        "{{widgets.a.Digits}}",
        "[widget.a]\n",
        "[widget.\"a b\"]\n",
        "type = ",
        "on = { ",
        " }",
        "match = [\n",
        "next = ",
        "json = ",
        "'''",
        "\"\"\"",
        "=",
        "#",
        "1979-05-27",
        "inf",
        "0x1",
        "+15550100",
        "https://example.com/a",
    ],
    seeds,
    grow: as_bytes,
    judge,
};

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for folder in ["tests/flows", "tests/flows/files", "tests/flows/limits", "tests/flows/rest"] {
        for ending in [".json", ".toml", ".toml.txt"] {
            seeds.extend(texts(folder, ending));
        }
    }
    seeds
}

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let text = text(input);
    let json = text.trim_start().starts_with('{');
    let source = Source::new(if json { "flow.json" } else { "flow.toml" }, &text);
    let mut problems = Problems::default();
    let Some(read) = file::read(&source, &mut problems) else {
        ensure!(problems.any_error(), "refused without an error");
        check(&problems, &mut seen)?;
        return Ok(seen);
    };
    ensure!(!problems.any_error(), "read in spite of an error: {problems}");
    ways(&read)?;
    let graph = FlowGraph::new(&read);
    seen.note((size(outline(&graph).len()), size(mermaid(&graph).len())));
    if let Ok(picture) = FlowPicture::new(&graph) {
        seen.note(size(picture.to_svg("flow", &PictureMarks::default()).len()));
    }
    if let Some(flow) = compile(&source, &read, &mut problems) {
        ensure!(!problems.any_error(), "taken in spite of an error: {problems}");
        for channel in [Channel::Voice, Channel::Message] {
            begun(&flow, channel, &mut Random::of(input), &mut seen)?;
        }
    } else {
        ensure!(problems.any_error(), "not taken, without an error");
    }
    check(&problems, &mut seen)?;
    Ok(seen)
}

/// Through both notations, nothing is lost.
fn ways(read: &FlowNode) -> Result<(), String> {
    for (name, written) in [("w.json", write_json(read)), ("w.toml", write_toml(read))] {
        let mut problems = Problems::default();
        let again = file::read(&Source::new(name, &written), &mut problems);
        let again = again.ok_or_else(|| format!("{name}, not read: {problems}\n{written}"))?;
        ensure!(is_same_flow(read, &again), "{name}, lost: {written}");
    }
    Ok(())
}

/// Makes a flow of a file.
pub(super) fn compile(source: &Source, read: &FlowNode, problems: &mut Problems) -> Option<Flow> {
    static SURROUNDINGS: OnceLock<(BTreeMap<String, Arc<Function>>, LiquidEngine)> =
        OnceLock::new();
    let (functions, liquid) = SURROUNDINGS.get_or_init(|| {
        let text = "[function.lookup]\nurl = \"http://127.0.0.1:9/\"\n";
        let config = Config::parse(&Source::new("", text), root(), &|_| None).0;
        let functions = config.map(|config| config.functions).unwrap_or_default();
        let limits = RenderLimits {
            output_bytes: 16 << 10,
            loop_rounds: Some(15),
            ..RenderLimits::default()
        };
        (functions, LiquidEngine::new(limits))
    });
    let around = ImportContext {
        function: &|name| functions.get(name).cloned(),
        rewrites: &[],
        project: &|_| true,
        liquid,
        document: &|_| None,
        subflow: &|_| None,
        carrier: true,
        strict_liquid: true,
    };
    let named = FlowName { name: "flow".to_owned(), sid: None };
    import(named, source, read, &around, problems)
}

/// It begins, and goes on with whatever happens.
fn begun(
    flow: &Flow,
    channel: Channel,
    random: &mut Random,
    seen: &mut Seen,
) -> Result<(), String> {
    let sid = if channel == Channel::Voice { "CallSid" } else { "MessageSid" };
    let params = [(sid, "X1"), ("From", "+1555"), ("To", "+1999"), ("Body", "hi <&>")];
    let params: Params = params.into_iter().collect();
    let mut execution = Execution::begin("FN1".to_owned(), channel, Arc::new(params));
    for turn in 0..6 {
        let taken = run::turn(flow, &mut execution, turn, random)?;
        seen.note((taken, flow.widgets.len().min(20)));
        if execution.wait().is_none() {
            break;
        }
    }
    for taken in &execution.transitions {
        seen.note((taken.kind, &taken.event, taken.to.is_some()));
    }
    Ok(())
}

fn check(problems: &Problems, seen: &mut Seen) -> Result<(), String> {
    for problem in problems.iter() {
        let said = problem.to_string();
        let words = said.lines().next().unwrap_or_default().split('`').step_by(2);
        seen.note(words.collect::<String>());
        let Some(place) = &problem.place else {
            return Err(format!("a problem without a place: {said}"));
        };
        let text = &place.source.text;
        let inside = place.span.start <= text.len() && place.span.end <= text.len() + 1;
        ensure!(inside && place.span.start <= place.span.end, "no such place: {said}");
        ensure!(text.is_char_boundary(place.span.start), "half a character: {said}");
        let control = |c: char| c.is_control() && c != '\n';
        ensure!(!said.contains(control), "a control character is shown: {said:?}");
    }
    Ok(())
}
