//! What a walk has seen, for a person: the coverage, why the rest was not taken, and what is wrong.

use std::collections::BTreeSet;
use std::fmt;

use twimlgate::diagnostics::problem::{Problems, Severity};
use twimlgate::flow::{Flow, Widget};

use super::folder::File;
use super::reachable::Reachable;
use super::walker::{Edge, Seen};

/// How many there are, and how many of them were seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coverage {
    seen: usize,
    all: usize,
}

/// The result of one flow.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) name: String,
    is_refused: bool,
    widgets: Coverage,
    transitions: Coverage,
    requests: usize,
    /// What is printed.
    text: String,
    /// Transitions that were not taken, each with the reason.
    missed: Vec<String>,
    /// Each with its cause in the first line.
    pub(crate) wrong: Vec<String>,
}

/// The result of a folder.
#[derive(Debug, Default)]
pub(crate) struct Total {
    pub(crate) flows: usize,
    pub(crate) refused: usize,
    widgets: Coverage,
    transitions: Coverage,
    pub(crate) requests: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
}

// === impl Coverage ===

impl Coverage {
    fn of<T: Ord>(all: &BTreeSet<T>, seen: &BTreeSet<T>) -> Coverage {
        Coverage { seen: all.intersection(seen).count(), all: all.len() }
    }

    fn add(&mut self, other: Coverage) {
        self.seen += other.seen;
        self.all += other.all;
    }

    fn reaches(self, percent: usize) -> bool {
        self.seen * 100 >= self.all * percent
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.seen, self.all)
    }
}

// === impl Report ===

impl Report {
    /// A flow that the gateway refuses. It may have types of widgets that nothing knows; then each
    /// has an error with its place, and all other flows are refused wrongly.
    pub(crate) fn refused(file: &File, problems: &Problems) -> Report {
        let errors: Vec<_> = problems.iter().filter(|it| it.level == Severity::Error).collect();
        let unknown = file.unknown();
        let placed = errors.iter().all(|error| error.place.is_some());
        let mut report = Report { name: file.name(), is_refused: true, ..Report::default() };
        report.text = format!("{}: refused\n{problems}\n", report.name);
        if unknown == 0 || errors.len() < unknown || !placed {
            let first = errors.first().map_or("no error says why", |error| &error.message);
            report.wrong.push(format!("it is refused: {first}\n{problems}"));
        }
        report
    }

    /// A flow that was walked.
    pub(crate) fn walked(flow: &Flow, seen: Seen) -> Report {
        let mut report = Report { name: flow.name.clone(), ..Report::default() };
        report.requests = seen.requests;
        (report.widgets, report.transitions) = report.describe(&flow.name.clone(), flow, &seen);
        for subflow in &flow.subflows {
            let name = format!("{} in {}", subflow.name, flow.name);
            report.describe(&name, subflow, &seen);
        }
        report.wrong = seen.wrong.into_iter().collect();
        report
    }

    /// Describes what of a flow was seen.
    fn describe(&mut self, name: &str, flow: &Flow, seen: &Seen) -> (Coverage, Coverage) {
        let reachable = Reachable::of(flow, Some(seen));
        let none = (BTreeSet::new(), BTreeSet::new());
        let widgets = seen.widgets.get(&flow.sid).unwrap_or(&none.0);
        let edges = seen.edges.get(&flow.sid).unwrap_or(&none.1);
        let coverage =
            (Coverage::of(&reachable.widgets, widgets), Coverage::of(&reachable.edges, edges));
        self.text += &format!(
            "{name}: widgets {}, transitions {}, {} requests, {} documents, {} steps, {:?}\n",
            coverage.0, coverage.1, seen.requests, seen.documents, seen.steps, seen.expected
        );
        for ((from, event, to), why) in &reachable.dead_ends {
            self.text += &format!("    dead end: {from} --{event}--> {to}: {why}\n");
        }
        for edge in reachable.edges.difference(edges) {
            let (from, event, to) = edge;
            let why = reason(flow, seen, widgets, edge);
            let line = format!("{from} --{event}--> {to}: {why}");
            self.text += &format!("    not taken: {line}\n");
            self.missed.push(format!("{name}: {line}"));
        }
        coverage
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Why a transition was not taken.
fn reason(flow: &Flow, seen: &Seen, reached: &BTreeSet<String>, edge: &Edge) -> String {
    let (from, event, _) = edge;
    let widget = flow.widgets.iter().find(|widget| widget.name == *from);
    if !reached.contains(from) {
        return format!("no way leads to `{from}`");
    }
    if let Some(url) = seen.elsewhere.get(from) {
        return format!("its URL `{url}` leads to a server that is not of the walk");
    }
    if let Some(why) = seen.unsent.get(from).filter(|_| event == "success") {
        return format!("its request is never sent: {why}");
    }
    if let Some(split) = widget.filter(|it| it.widget_type.name == "split-based-on") {
        return reason_of_split(split, seen, edge);
    }
    let ended = if seen.is_exhausted { "all that was tried" } else { "the steps of the walk" };
    format!("`{event}` did not come in {ended}")
}

fn reason_of_split(split: &Widget, seen: &Seen, edge: &Edge) -> String {
    let input = split.properties.text("input").map_or("", |input| input.source());
    let values = seen.inputs.get(&split.name).into_iter().flatten();
    let values: Vec<String> = values.map(|value| format!("`{value}`")).collect();
    let wired = split.transitions.iter().filter(|wired| wired.event == edge.1);
    let conditions = wired.flat_map(|wired| &wired.conditions);
    let tests = conditions.map(|it| format!("{:?} `{}`", it.test, it.value.source()));
    let tests: Vec<String> = tests.collect();
    let tests = if tests.is_empty() { "none of the others".to_owned() } else { tests.join(", ") };
    format!("`{input}` was never {tests}; it was, for example, {}", values.join(", "))
}

// === impl Total ===

impl Total {
    pub(crate) fn add(&mut self, report: Report) {
        self.flows += usize::from(!report.is_refused);
        self.refused += usize::from(report.is_refused);
        self.widgets.add(report.widgets);
        self.transitions.add(report.transitions);
        self.requests += report.requests;
        self.missed.extend(report.missed);
        let wrong = report.wrong.iter().map(|what| format!("{}: {what}", report.name));
        self.wrong.extend(wrong);
    }

    /// What is wrong with the folder, with the cause in the first line.
    pub(crate) fn failure(&self, widgets: usize, transitions: usize) -> Option<String> {
        if !self.wrong.is_empty() {
            return Some(self.wrong.join("\n"));
        }
        let (what, coverage, percent) = if !self.transitions.reaches(transitions) {
            ("transitions", self.transitions, transitions)
        } else if !self.widgets.reaches(widgets) {
            ("widgets", self.widgets, widgets)
        } else {
            return None;
        };
        let first = self.missed.first().map_or("", String::as_str);
        let missed = self.missed.join("\n    ");
        Some(format!(
            "{coverage} {what} are less than {percent} %: {first}\n    not taken:\n    {missed}"
        ))
    }

    /// Fails for what is wrong, and for a coverage below these percentages.
    pub(crate) fn check(&self, widgets: usize, transitions: usize) {
        if let Some(failure) = self.failure(widgets, transitions) {
            panic!("{failure}");
        }
    }
}

impl fmt::Display for Total {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} flows, {} refused; widgets {}, transitions {}, {} requests compared",
            self.flows, self.refused, self.widgets, self.transitions, self.requests
        )
    }
}
