//! A walk over every flow of a folder through all its branches: scripted functions, a simulated
//! carrier, the real engine. It reads only the flow's own transitions and the TwiML that comes
//! back, so it works for flows that it has never seen.
//!
//! `tests/flows` is always walked; `TWIMLGATE_FLOWS=FOLDER cargo test --test suite walk --
//! --nocapture` walks another folder too, and prints what was covered.

mod answers;
mod explore;
mod load;

use std::path::Path;

use explore::{Walk, walk};
use load::load;

/// Transitions that a walk must take, of those that something leads to, in per cent. What it may
/// miss are conditions that no value it can think of fulfils: a pattern, or a text that a function
/// computes from another one.
const COVERED_MIN: usize = 80;

fn walk_folder(folder: &Path) {
    let (mut whole, mut failed) = (Walk::default(), Vec::new());
    let flows = load(folder);
    assert!(!flows.is_empty(), "there are no flows in {}", folder.display());
    for loaded in &flows {
        let name = &loaded.name;
        let Ok(gateway) = &loaded.gateway else {
            println!("{name}: refused");
            continue;
        };
        let flow = gateway.flows.named(name).unwrap();
        let walked = walk(flow);
        println!("{name}: {walked}");
        for transition in walked.missed() {
            println!("    not taken: {transition}");
        }
        failed.extend(walked.violations.iter().map(|wrong| format!("{name}: {wrong}")));
        whole.add(walked);
    }
    println!("all: {whole}");
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    assert!(whole.covered_percent() >= COVERED_MIN, "{whole}");
}

#[test]
fn our_own_flows() {
    walk_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows"));
}

#[test]
fn the_flows_of_another_folder() {
    let Some(folder) = std::env::var_os("TWIMLGATE_FLOWS") else {
        println!("skipped: TWIMLGATE_FLOWS names no folder");
        return;
    };
    walk_folder(Path::new(&folder));
}

/// What INDEX.tsv says of a flow, where there is one: those that conform load, the others are
/// refused for what they are.
#[test]
fn conformant_flows_load_and_others_are_refused() {
    let Some(folder) = std::env::var_os("TWIMLGATE_FLOWS") else {
        println!("skipped: TWIMLGATE_FLOWS names no folder");
        return;
    };
    let index = std::fs::read_to_string(Path::new(&folder).join("INDEX.tsv")).unwrap_or_default();
    for loaded in load(Path::new(&folder)) {
        let file = format!("{}.json", loaded.name);
        let line = index.lines().find(|line| line.starts_with(&file)).unwrap_or_default();
        match (&loaded.gateway, line.contains("suspect")) {
            (Err(problems), false) => panic!("{file} does not load:\n{problems}"),
            (Ok(_), true) => panic!("{file} loads, and should not: {line}"),
            (Err(problems), true) => {
                let strange = line.split("type:").skip(1);
                for kind in strange.map(|kind| kind.trim_end_matches([',', ' '])) {
                    assert!(
                        problems.contains(kind),
                        "{file}: nothing is said of {kind}\n{problems}"
                    );
                }
            }
            (Ok(_), false) => {}
        }
    }
}
