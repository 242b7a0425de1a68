//! Every flow of a folder, driven through all its branches; each request that it makes is sent to
//! a server of the test and compared with the flow's file.
//!
//! The repository's own folder always; another one with `tests/walk FOLDER`.

mod carrier;
mod comparison;
mod expectation;
mod folder;
mod hints;
mod network;
mod planted;
mod reachable;
mod report;
mod rewrites;
mod walker;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use folder::{File, files};
use network::{Network, Sender};
use report::{Report, Total};
use walker::Walker;

/// Enough for the largest known flow. A larger one fails by its missing transitions.
const STEPS_MAX: usize = 20_000;

/// Flows that are walked at a time.
const THREADS: usize = 2;

#[test]
fn every_branch_of_our_own_flows() {
    let total = walk(&own_flows());
    total.check(100, 95);
    assert!(total.refused == 0 && total.requests > 500, "{total}");
}

#[test]
fn our_own_flows_have_every_type_of_widget() {
    let of = |file: &File| -> Vec<String> {
        let kind = |state: &serde_json::Value| state["type"].as_str().map(str::to_owned);
        file.states().iter().filter_map(kind).collect()
    };
    let used: BTreeSet<String> = own_flows().iter().flat_map(of).collect();
    for known in twimlgate::flow::WIDGET_TYPES {
        assert!(used.contains(known.name), "no flow has a `{}`", known.name);
    }
}

#[test]
fn every_branch_of_a_folder_of_flows() {
    let Some(folder) = std::env::var_os("TWIMLGATE_FLOWS") else {
        println!("TWIMLGATE_FLOWS is not set: no other folder is walked");
        return;
    };
    let files = files(Path::new(&folder));
    assert!(!files.is_empty(), "there is no flow in {}", folder.display());
    walk(&files).check(95, 95);
}

/// The flows of the repository: with every widget, and as people export them.
fn own_flows() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let mut all = files(&folder);
    all.extend(files(&folder.join("exports")));
    all
}

/// Walks flows and prints the coverage of each.
fn walk(files: &[File]) -> Total {
    let (next, reports) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS.min(files.len()) {
            scope.spawn(|| {
                let network = Network::start();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = walk_file(file, files, &network);
                    reports.lock().unwrap().push(report);
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by(|one, other| one.name.cmp(&other.name));
    let mut total = Total::default();
    for report in reports {
        print!("{report}");
        total.add(report);
    }
    println!("total: {total}");
    total
}

/// Walks the flow of one file.
fn walk_file(file: &File, files: &[File], network: &Network) -> Report {
    let loaded = file.load(files, network);
    let Some(gateway) = &loaded.gateway else { return Report::refused(file, &loaded.problems) };
    let flow = gateway.flows.get(&file.name()).expect("it was loaded");
    let walker = Walker::new(flow, file, &loaded, Sender::new(network, gateway));
    Report::walked(flow, walker.walk(STEPS_MAX))
}
