//! The records of a store: damage is detected, and no record that it returns makes us panic.
//!
//! An input is the name of a flow, and the state of an execution as JSON. A finding is (besides a
//! panic) a record that counts as intact although a bit of it, or of the columns beside it, has
//! changed; an intact one that is not returned; or a state that is read, and then cannot be
//! written and read again, or does not stay in its limits when it goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use twimlgate::channel::Channel;
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::flow::file;
use twimlgate::flow::{Execution, Flow};
use twimlgate::session::parts::{decode_context, decode_state, encode_context, encode_state};
use twimlgate::session::{STATE_VERSION, decode_execution};
use twimlgate::session::{StepRecord, StoredExecution};
use twimlgate::webhook::Params;

use super::flow::{compile, run};
use super::random::Random;
use super::{Judged, Seen, Target, ensure, files, size, text};

pub(crate) static TARGET: Target = Target {
    name: "record",
    tokens: &[
        "\"sid\":",
        "\"frames\":[",
        "\"position\":",
        "\"subflow\":",
        "\"trigger\":",
        "\"widgets\":",
        "\"variables\":",
        "\"data\":",
        "\"state\":",
        "\"Running\"",
        "\"Ended\"",
        "{\"Waiting\":{\"token\":\"\",\"due\":null,\"handed_over\":true}}",
        "\"steps\":",
        "\"in_a_row\":",
        "\"channel\":",
        "\"Voice\"",
        "\"Message\"",
        "\"call_sid\":",
        "null",
        "[]",
        "{}",
        "\"\"",
        "0",
        "-1",
        "999",
        "4294967295",
        "1e9",
        "\"secs\":",
        "\"nanos\":",
        ",",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        "true",
        "\\u0000",
        "\\ud800",
        "é",
        "hotline\n",
        "survey\n",
    ],
    seeds,
    grow,
    judge,
};

/// Widgets that nothing comes back to: an assertion in the engine says so.
const WAITS_FOR_NOTHING: [&str; 4] = ["trigger", "set-variables", "split-based-on", "fork-stream"];

/// Our own flows, by the names of their files.
fn flows() -> &'static BTreeMap<String, Flow> {
    static FLOWS: OnceLock<BTreeMap<String, Flow>> = OnceLock::new();
    FLOWS.get_or_init(|| {
        let flow = |(path, text): (std::path::PathBuf, Vec<u8>)| {
            let source = Source::new("flow.json", &String::from_utf8_lossy(&text));
            let mut problems = Problems::default();
            let read = file::read(&source, &mut problems)?;
            let name = path.file_stem()?.to_string_lossy().into_owned();
            Some((name, compile(&source, &read, &mut problems)?))
        };
        files("tests/flows", ".json").into_iter().filter_map(flow).collect()
    })
}

/// Executions after some turns.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (name, flow) in flows() {
        for (channel, sid) in [(Channel::Voice, "CallSid"), (Channel::Message, "MessageSid")] {
            let params: Params = [(sid, "X1"), ("From", "+1"), ("To", "+2")].into_iter().collect();
            let mut random = Random::of(name.as_bytes());
            let mut execution = Execution::begin("FN1".to_owned(), channel, Arc::new(params));
            for turn in 0..4 {
                if run::turn(flow, &mut execution, turn, &mut random).is_err() {
                    break;
                }
                let state = serde_json::to_string(&execution).unwrap_or_default();
                seeds.push(format!("{name}\n{state}").into_bytes());
            }
        }
    }
    seeds
}

/// Replaces one value of the state: bytes that are changed at random are rarely JSON any more.
fn grow(random: &mut Random, input: &mut Vec<u8>) {
    let text = text(input).into_owned();
    let Some((name, state)) = text.split_once('\n') else { return };
    let Ok(mut state) = serde_json::from_str::<Value>(state) else { return };
    let mut at = &mut state;
    loop {
        let inside = match at {
            Value::Object(members) => members.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        if inside == 0 || random.one_in(8) {
            break;
        }
        let index = random.below(inside);
        at = match at {
            Value::Object(members) => match members.values_mut().nth(index) {
                Some(member) => member,
                None => return,
            },
            other => &mut other[index],
        };
    }
    *at = match random.below(10) {
        0 => json!(null),
        1 => json!([]),
        2 => json!({}),
        3 => json!(random.below(70)),
        4 => json!([at.clone(), at.clone()]),
        5 => json!({"Waiting": {"token": "t", "due": null, "handed_over": random.one_in(2)}}),
        6 => json!(*random.pick(&["", "Ended", "Running", "Voice", "Message", "{{ x }}", "+1"])),
        7 => json!(*random.pick(&[u64::from(u32::MAX), u64::MAX, 1_000, 999, 10, 9])),
        8 => json!(random.one_in(2)),
        _ => json!(*random.pick(&[-1.0, 0.5, 1e300])),
    };
    *input = format!("{name}\n{state}").into_bytes();
}

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let text = text(input);
    let Some((name, state)) = text.split_once('\n') else { return Ok(seen) };
    let mut random = Random::of(input);
    let saved = record(name, state);
    check_execution(&saved, &mut random)?;
    check_step(&saved, &mut random)?;
    // What cannot be read is nothing to grow on: nearly all that grows from it cannot either.
    let Ok(execution) = decode_execution(&saved) else { return Ok(seen) };
    seen.note((size(state.len()), name, text.matches(':').count().min(60)));
    let written = |execution: &Execution| {
        serde_json::to_vec(execution).map_err(|error| format!("not written: {error}"))
    };
    let once = written(&execution)?;
    let again = decode_execution(&StoredExecution {
        state: [&[STATE_VERSION], &once[..]].concat(),
        ..saved.clone()
    });
    let mut again = again.map_err(|error| format!("not read again: {error}"))?;
    ensure!(written(&again)? == once, "changed on the way: {}", String::from_utf8_lossy(&once));
    let Some(flow) = flows().get(name) else { return Ok(seen) };
    seen.note(again.fits(flow));
    let stuck =
        !again.fits(flow) || WAITS_FOR_NOTHING.contains(&again.widget(flow).widget_type.name);
    if !stuck {
        for turn in 1..3 {
            let ended = run::turn(flow, &mut again, turn, &mut random)?;
            seen.note((ended, again.widget(flow).widget_type.name, again.steps > 900));
            let stuck = WAITS_FOR_NOTHING.contains(&again.widget(flow).widget_type.name);
            if again.wait().is_none() || stuck {
                break;
            }
        }
    }
    Ok(seen)
}

fn record(flow: &str, state: &str) -> StoredExecution {
    StoredExecution {
        sid: "FN1".to_owned(),
        session: "call:4:flowCA1".to_owned(),
        flow: flow.to_owned(),
        revision: "r1".to_owned(),
        version: 1,
        active: true,
        created: Duration::from_secs(1_700_000_000),
        updated: Duration::from_secs(1_700_000_001),
        due: None,
        state: [&[STATE_VERSION], state.as_bytes()].concat(),
    }
}

/// With its checksum a record is returned as it was, or not at all.
fn check_execution(saved: &StoredExecution, random: &mut Random) -> Result<(), String> {
    let encoded = StoredExecution { state: encode_state(saved), ..saved.clone() };
    ensure!(decode_state(encoded.clone()).as_ref() == Some(saved), "lost: {saved:?}");
    for _ in 0..6 {
        let mut damaged = encoded.clone();
        match random.below(12) {
            0 => damaged.sid.push('0'),
            1 => damaged.session.insert(random.below(4), '1'),
            2 => {
                // A letter from one column into the next.
                let letter = damaged.session.pop().unwrap_or('x');
                damaged.flow.insert(0, letter);
            }
            3 => damaged.revision.clear(),
            4 => damaged.active = false,
            5 => damaged.created += Duration::from_nanos(1 << random.below(40)),
            6 => damaged.updated -= Duration::from_nanos(1 << random.below(40)),
            7 => damaged.due = Some(Duration::from_secs(random.below(9) as u64)),
            _ => damage(&mut damaged.state, random),
        }
        let is_detected = damaged == encoded || decode_state(damaged.clone()).is_none();
        ensure!(is_detected, "damage is not detected: {damaged:?} of {encoded:?}");
    }
    Ok(())
}

/// The same for a step of its history.
fn check_step(saved: &StoredExecution, random: &mut Random) -> Result<(), String> {
    let step = StepRecord {
        sid: "FT1".to_owned(),
        execution: saved.sid.clone(),
        name: "match".to_owned(),
        from: "menu".to_owned(),
        to: "end".to_owned(),
        kind: "split-based-on".to_owned(),
        at: saved.updated,
        context: saved.state.clone(),
    };
    let encoded = StepRecord { context: encode_context(&step), ..step.clone() };
    ensure!(decode_context(encoded.clone()).as_ref() == Some(&step), "lost: {step:?}");
    let mut damaged = encoded.clone();
    match random.below(4) {
        0 => std::mem::swap(&mut damaged.from, &mut damaged.to),
        1 => damaged.name.push('x'),
        _ => damage(&mut damaged.context, random),
    }
    let is_detected = damaged == encoded || decode_context(damaged.clone()).is_none();
    ensure!(is_detected, "damage is not detected: {damaged:?} of {encoded:?}");
    Ok(())
}

/// Damage of a kind that a checksum of 32 bits always detects: up to 32 adjacent bits; and a
/// missing end.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << random.below(8),
        _ => {
            let end = (at + 4).min(bytes.len());
            bytes[at..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
        }
    }
}
