//! Which widgets and transitions of a flow the tests went through.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::flow::{Flow, TransitionRecord, TriggerKind, WidgetId};

/// What was gone through, for each flow by its name for people.
#[derive(Clone, Debug, Default)]
pub struct CoverageReport(BTreeMap<String, FlowCoverage>);

/// A transition: widget, event, widget.
type Edge = (String, String, String);

/// One flow.
#[derive(Clone, Debug, Default)]
struct FlowCoverage {
    /// Those that can be reached, in the order of the flow.
    widgets: Vec<String>,
    edges: Vec<Edge>,
    entered: BTreeSet<String>,
    taken: BTreeSet<Edge>,
}

// === impl Coverage ===

impl CoverageReport {
    /// Knows a flow and its subflows; `name` is what people call it.
    pub fn knows(&mut self, name: &str, flow: &Flow) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), FlowCoverage::new(flow));
        }
        for subflow in &flow.subflows {
            self.0.entry(subflow.name.clone()).or_insert_with(|| FlowCoverage::new(subflow));
        }
    }

    /// Transitions were taken.
    pub fn took<'a>(
        &mut self,
        name: &str,
        flow: &Flow,
        taken: impl IntoIterator<Item = &'a TransitionRecord>,
    ) {
        self.knows(name, flow);
        for taken in taken {
            let subflow = taken.subflow.and_then(|index| flow.subflows.get(index));
            let name = subflow.map_or(name, |subflow| subflow.name.as_str());
            let Some(covered) = self.0.get_mut(name) else { continue };
            covered.entered.insert(taken.from.clone());
            if let Some(to) = &taken.to {
                covered.entered.insert(to.clone());
                covered.taken.insert((taken.from.clone(), taken.event.clone(), to.clone()));
            }
        }
    }
}

// === impl Covered ===

impl FlowCoverage {
    /// What a caller can reach: what begins over Studio's REST no caller can begin.
    fn new(flow: &Flow) -> FlowCoverage {
        let mut reached = vec![WidgetId(0)];
        let mut covered = FlowCoverage::default();
        let mut at = 0;
        while let Some(id) = reached.get(at).copied() {
            let widget = flow.widget(id);
            for transition in &widget.transitions {
                let request = transition.event == TriggerKind::Request.event();
                let Some(next) = transition.next.filter(|_| !request) else { continue };
                if !reached.contains(&next) {
                    reached.push(next);
                }
                let to = flow.widget(next).name.clone();
                let edge = (widget.name.clone(), transition.event.clone(), to);
                // A short route has one beginning, whatever is wired.
                let counts = at > 0 || flow.persistence.is_always();
                if counts && !covered.edges.contains(&edge) {
                    covered.edges.push(edge);
                }
            }
            at += 1;
        }
        reached.sort_by_key(|id| id.0);
        covered.widgets = reached.iter().map(|id| flow.widget(*id).name.clone()).collect();
        covered
    }

    /// How many widgets, of how many, and how many transitions, of how many.
    fn counts(&self) -> [(usize, usize); 2] {
        let widgets = self.widgets.iter().filter(|widget| self.entered.contains(*widget));
        let edges = self.edges.iter().filter(|edge| self.taken.contains(*edge));
        [(widgets.count(), self.widgets.len()), (edges.count(), self.edges.len())]
    }
}

impl fmt::Display for CoverageReport {
    /// A line for each flow, and below it the transitions that nobody tested.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.keys().map(|name| name.chars().count()).max().unwrap_or_default();
        let width = longest.max("total".len());
        let mut total = [(0, 0); 2];
        let line = |formatter: &mut fmt::Formatter<'_>, name: &str, counts: [(usize, usize); 2]| {
            let [widgets, transitions] = counts.map(share);
            writeln!(formatter, "{name:<width$}   widgets {widgets}   transitions {transitions}")
        };
        for (name, covered) in &self.0 {
            let counts = covered.counts();
            for (sum, (some, all)) in total.iter_mut().zip(counts) {
                *sum = (sum.0 + some, sum.1 + all);
            }
            line(formatter, name, counts)?;
            for edge in covered.edges.iter().filter(|edge| !covered.taken.contains(*edge)) {
                let (from, event, to) = edge;
                writeln!(formatter, "    not tested: {from} --{event}--> {to}")?;
            }
        }
        if self.0.len() > 1 {
            line(formatter, "total", total)?;
        }
        Ok(())
    }
}

/// `3/4 (75 %)`. All is only said of all.
fn share((some, all): (usize, usize)) -> String {
    let percent = (some * 100).checked_div(all).unwrap_or(100);
    format!("{:>7} ({percent:>3} %)", format!("{some}/{all}"))
}
