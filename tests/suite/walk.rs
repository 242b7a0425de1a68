//! Every flow of a folder, driven through all its branches without a network.
//!
//! The repository's own folder always; another one with
//! `tests/walk FOLDER`.

mod carrier;
mod folder;
mod hints;
mod walker;

use std::collections::BTreeSet;
use std::path::Path;

use twimlgate::diagnostics::problem::Severity;
use twimlgate::flow::{Flow, TriggerKind, Widget};

use folder::{File, files, sids};
use walker::{Edge, Seen, Walker};

/// Enough for the largest known flow. A larger one fails by its missing transitions.
const STEPS_MAX: usize = 20_000;

/// The part of a flow that its wired triggers reach.
#[derive(Default)]
struct Reachable {
    widgets: BTreeSet<String>,
    edges: BTreeSet<Edge>,
}

/// The result of a folder.
#[derive(Default)]
struct Total {
    flows: usize,
    refused: usize,
    widgets: (usize, usize),
    edges: (usize, usize),
    documents: usize,
    wrong: Vec<String>,
}

#[test]
fn every_branch_of_our_own_flows() {
    let total = walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows"));
    assert!(total.wrong.is_empty(), "\n{}", total.wrong.join("\n"));
    assert!(total.flows > 0 && total.refused == 0);
    total.reaches(100, 95);
}

#[test]
fn our_own_flows_have_every_type_of_widget() {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows"));
    let of = |file: &File| -> Vec<String> {
        let kind = |state: &serde_json::Value| state["type"].as_str().map(str::to_owned);
        file.states().iter().filter_map(kind).collect()
    };
    let used: BTreeSet<String> = files.iter().flat_map(of).collect();
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
    let total = walk(Path::new(&folder));
    assert!(total.wrong.is_empty(), "\n{}", total.wrong.join("\n"));
    total.reaches(100, 95);
}

/// Walks every flow of a folder and prints the coverage.
fn walk(folder: &Path) -> Total {
    let mut total = Total::default();
    let files = files(folder);
    let sids = sids(&files);
    for file in &files {
        let (gateway, problems) = file.load(&sids);
        let Some(gateway) = gateway else {
            total.refuse(file, &problems);
            continue;
        };
        let flow = gateway.flows.get(&file.name()).expect("it was loaded");
        let all = reachable(flow);
        let done =
            |seen: &Seen| seen.edges.get(&flow.sid).is_some_and(|edges| all.edges.is_subset(edges));
        let seen = Walker::new(flow).walk(STEPS_MAX, done);
        total.add(flow, &seen);
        for subflow in &flow.subflows {
            total.tell(&format!("{} in {}", subflow.name, flow.name), subflow, &seen);
        }
    }
    println!(
        "total: {} flows, {} refused; widgets {}/{}, transitions {}/{}, {} documents",
        total.flows,
        total.refused,
        total.widgets.0,
        total.widgets.1,
        total.edges.0,
        total.edges.1,
        total.documents
    );
    total
}

// === impl Total ===

impl Total {
    fn refuse(&mut self, file: &File, problems: &twimlgate::diagnostics::problem::Problems) {
        self.refused += 1;
        let errors: Vec<_> = problems.iter().filter(|it| it.level == Severity::Error).collect();
        println!("{}: refused\n{problems}", file.name());
        let unknown = file.unknown();
        let placed = errors.iter().all(|error| error.place.is_some());
        if unknown == 0 || errors.len() < unknown || !placed {
            let what = format!("{}: refused, with {unknown} unknown types", file.name());
            self.wrong.push(format!("{what}:\n{problems}"));
        }
    }

    fn add(&mut self, flow: &Flow, seen: &Seen) {
        self.flows += 1;
        self.documents += seen.documents;
        let (widgets, edges) = self.tell(&flow.name, flow, seen);
        self.widgets = (self.widgets.0 + widgets.0, self.widgets.1 + widgets.1);
        self.edges = (self.edges.0 + edges.0, self.edges.1 + edges.1);
        let wrong = seen.wrong.iter().map(|what| format!("{}: {what}", flow.name));
        self.wrong.extend(wrong);
    }

    /// Tells what of a flow was seen; gives the widgets and transitions seen, each of how many.
    fn tell(&self, name: &str, flow: &Flow, seen: &Seen) -> ((usize, usize), (usize, usize)) {
        let reachable = reachable(flow);
        let none = (BTreeSet::new(), BTreeSet::new());
        let widgets = seen.widgets.get(&flow.sid).unwrap_or(&none.0);
        let edges = seen.edges.get(&flow.sid).unwrap_or(&none.1);
        let missed: Vec<&Edge> = reachable.edges.difference(edges).collect();
        let of = |all: usize, missed: usize| (all - missed, all);
        let widgets = of(reachable.widgets.len(), reachable.widgets.difference(widgets).count());
        let edges = of(reachable.edges.len(), missed.len());
        println!(
            "{name}: widgets {}/{}, transitions {}/{}, {} documents, {} steps, {:?}",
            widgets.0, widgets.1, edges.0, edges.1, seen.documents, seen.steps, seen.expected
        );
        for (from, event, to) in missed {
            println!("    not taken: {from} --{event}--> {to}");
        }
        (widgets, edges)
    }

    fn reaches(&self, widgets: usize, edges: usize) {
        let enough = |(seen, all): (usize, usize), percent| seen * 100 >= all * percent;
        assert!(enough(self.widgets, widgets), "widgets: {:?}", self.widgets);
        assert!(enough(self.edges, edges), "transitions: {:?}", self.edges);
    }
}

fn reachable(flow: &Flow) -> Reachable {
    let known = |event: &str| TriggerKind::ALL.iter().any(|kind| kind.event() == event);
    let mut reachable = Reachable::default();
    let mut open = vec![twimlgate::flow::WidgetId(0)];
    while let Some(id) = open.pop() {
        let widget = flow.widget(id);
        if !reachable.widgets.insert(widget.name.clone()) {
            continue;
        }
        for wired in &widget.transitions {
            let Some(next) = wired.next else { continue };
            let trigger = id.0 == 0;
            if trigger && !known(&wired.event) || impossible(flow, widget, &wired.event) {
                continue;
            }
            let to = flow.widget(next).name.clone();
            reachable.edges.insert((widget.name.clone(), wired.event.clone(), to));
            open.push(next);
        }
    }
    reachable
}

/// Transitions that nothing can lead along. They are exceptions by kind:
/// * what the subflow of a `run-subflow` leaves, where that flow is not in the folder;
/// * the failure of a message in a flow that only ever answers messages with messages: a reply is
///   accepted with the webhook that it answers, and no API can refuse it;
/// * a call in a queue, in a flow that no call comes into;
/// * the failure of a redirect to a constant URL: only what Liquid makes of a URL can be none.
fn impossible(flow: &Flow, widget: &Widget, event: &str) -> bool {
    let comes = |event: &str| flow.widgets[0].next(event).is_some();
    let calls =
        flow.widgets.iter().any(|widget| widget.widget_type.name.starts_with("make-outgoing"));
    let call = comes("incomingCall") || comes("incomingParent") || calls;
    let text = |name: &str| widget.properties.text(name).map(|text| text.source().to_owned());
    match (widget.widget_type.name, event) {
        ("run-subflow", "completed") => {
            let sid = text("flow_sid").unwrap_or_default();
            !flow.subflows.iter().any(|subflow| subflow.sid == sid)
        }
        ("send-message", "failed") => {
            let constant = text("body").is_some_and(|body| !body.contains("{{"));
            let api = text("content_sid").is_some() || text("content_template_sid").is_some();
            constant && !api && !call && !comes("incomingRequest") && !waits(flow)
        }
        ("send-to-flex", "callFailure") => !call,
        ("add-twiml-redirect", "fail") => {
            let is_url = |url: &String| url.starts_with("http") && !url.contains("{{");
            text("url").as_ref().is_some_and(is_url)
        }
        _ => false,
    }
}

/// Whether a flow continues after a timeout: then messages go over the API.
fn waits(flow: &Flow) -> bool {
    let on = |widget: &Widget| widget.next("timeout").is_some();
    flow.widgets.iter().any(on)
}
