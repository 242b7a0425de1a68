//! The coverage of flow tests: the widgets and transitions that the cases used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::flow::file::FlowNode;
use crate::flow::{Flow, FlowGraph, GraphTarget, TransitionRecord, TriggerKind, WidgetId};
use crate::picture::{FlowPicture, PictureError, PictureMark, PictureMarks};

/// The coverage of all flows, by their names in reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoverageReport(BTreeMap<String, FlowCoverage>);

/// A transition between two widgets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CoverageEdge {
    from: String,
    event: String,
    to: String,
}

/// The coverage of one flow.
#[derive(Clone, Debug, Default)]
struct FlowCoverage {
    /// The reachable widgets, in the order of the flow.
    widgets: Vec<String>,
    edges: Vec<CoverageEdge>,
    covered_widgets: BTreeSet<String>,
    covered_edges: BTreeSet<CoverageEdge>,
    /// The widgets as in the file of the flow; `None` for the flow of a route without a file.
    file: Option<FlowNode>,
}

/// A flow with its coverage as a picture.
#[derive(Debug)]
pub(crate) struct CoveragePicture {
    /// The name of the flow in reports.
    pub(crate) name: String,
    /// A name for a file, different from those of the other pictures.
    pub(crate) file_name: String,
    /// The picture as SVG, or the reason why there is none.
    pub(crate) svg: Result<String, PictureError>,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default)]
struct CoverageRatio {
    covered: usize,
    total: usize,
}

// === impl CoverageReport ===

impl CoverageReport {
    /// Adds the transitions of a case. `name` is the name of the flow in reports.
    pub(super) fn add_transitions<'a>(
        &mut self,
        name: &str,
        flow: &Flow,
        transitions: impl IntoIterator<Item = &'a TransitionRecord>,
    ) {
        self.add_flow(name, flow);
        for transition in transitions {
            let subflow = transition.subflow.and_then(|index| flow.subflows.get(index));
            let name = subflow.map_or(name, |subflow| subflow.name.as_str());
            let Some(coverage) = self.0.get_mut(name) else { continue };
            coverage.covered_widgets.insert(transition.from.clone());
            if let Some(to) = &transition.to {
                coverage.covered_widgets.insert(to.clone());
                coverage.covered_edges.insert(CoverageEdge {
                    from: transition.from.clone(),
                    event: transition.event.clone(),
                    to: to.clone(),
                });
            }
        }
    }

    fn add_flow(&mut self, name: &str, flow: &Flow) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), FlowCoverage::new(flow));
        }
        for subflow in &flow.subflows {
            let name = subflow.name.clone();
            self.0.entry(name).or_insert_with(|| FlowCoverage::new(subflow));
        }
    }

    /// A picture of each flow that has a file.
    pub(crate) fn pictures(&self) -> Vec<CoveragePicture> {
        let mut file_names = BTreeSet::new();
        let mut pictures = Vec::new();
        for (name, coverage) in &self.0 {
            let Some(file) = &coverage.file else { continue };
            let graph = FlowGraph::new(file);
            let svg = FlowPicture::new(&graph).map(|picture| {
                let [widgets, transitions] = coverage.ratios().map(format_ratio);
                let title = format!("{name}: widgets {widgets}, transitions {transitions}");
                picture.to_svg(&title, &coverage.marks(&graph))
            });
            let base = to_file_name(name);
            let numbered = (2..).map(|number| format!("{base}-{number}.svg"));
            let mut choices = std::iter::once(format!("{base}.svg")).chain(numbered);
            let is_new = |file_name: &String| file_names.insert(file_name.clone());
            let Some(file_name) = choices.find(is_new) else { continue };
            pictures.push(CoveragePicture { name: name.clone(), file_name, svg });
        }
        pictures
    }
}

/// The name of a flow, which may be a path, as the name of a file.
fn to_file_name(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let plain = name.chars().map(|letter| if is_plain(letter) { letter } else { '-' });
    plain.collect::<String>().trim_start_matches('.').to_owned()
}

// === impl FlowCoverage ===

impl FlowCoverage {
    /// Collects the widgets that a caller can reach. A script cannot begin an execution over
    /// Studio's REST, so that way into the flow is left out.
    fn new(flow: &Flow) -> FlowCoverage {
        let mut reached = vec![WidgetId(0)];
        let mut coverage = FlowCoverage::default();
        let mut at = 0;
        while let Some(id) = reached.get(at).copied() {
            let widget = flow.widget(id);
            for transition in &widget.transitions {
                let is_request = transition.event == TriggerKind::Request.event();
                let Some(next) = transition.next.filter(|_| !is_request) else { continue };
                if !reached.contains(&next) {
                    reached.push(next);
                }
                let edge = CoverageEdge {
                    from: widget.name.clone(),
                    event: transition.event.clone(),
                    to: flow.widget(next).name.clone(),
                };
                // The trigger of a short route has one transition in use, whatever is wired.
                let counts = at > 0 || flow.persistence.is_always();
                if counts && !coverage.edges.contains(&edge) {
                    coverage.edges.push(edge);
                }
            }
            at += 1;
        }
        // In the order of the flow, not of the search, so that reports are stable.
        reached.sort_by_key(|id| id.0);
        coverage.widgets = reached.iter().map(|id| flow.widget(*id).name.clone()).collect();
        let definition = serde_json::from_str::<serde_json::Value>(&flow.definition).ok();
        let file = definition.as_ref().and_then(|definition| definition.get("definition"));
        coverage.file = file.map(FlowNode::from_json);
        coverage
    }

    /// The marks of a picture. What a flow test cannot reach has none.
    fn marks(&self, graph: &FlowGraph<'_>) -> PictureMarks {
        let mark = |is_counted: bool, is_covered: bool| match [is_covered, is_counted] {
            [true, _] => PictureMark::Covered,
            [false, true] => PictureMark::NotCovered,
            [false, false] => PictureMark::None,
        };
        let mut marks = PictureMarks::default();
        for widget in &graph.widgets {
            let is_counted = self.widgets.iter().any(|name| name == widget.name);
            marks.widgets.push(mark(is_counted, self.covered_widgets.contains(widget.name)));
            let transitions = widget.transitions.iter().map(|transition| match transition.target {
                GraphTarget::Widget(to) => {
                    let edge = CoverageEdge {
                        from: widget.name.to_owned(),
                        event: transition.event.to_owned(),
                        to: graph.widgets[to].name.to_owned(),
                    };
                    mark(self.edges.contains(&edge), self.covered_edges.contains(&edge))
                }
                GraphTarget::None | GraphTarget::Unknown(_) => PictureMark::None,
            });
            marks.transitions.push(transitions.collect());
        }
        marks
    }

    /// The ratios of widgets and of transitions.
    fn ratios(&self) -> [CoverageRatio; 2] {
        let widgets = self.widgets.iter().filter(|name| self.covered_widgets.contains(*name));
        let edges = self.edges.iter().filter(|edge| self.covered_edges.contains(*edge));
        [
            CoverageRatio { covered: widgets.count(), total: self.widgets.len() },
            CoverageRatio { covered: edges.count(), total: self.edges.len() },
        ]
    }
}

impl fmt::Display for CoverageReport {
    /// A line for each flow, and below it the transitions without a test.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.0.keys().map(|name| name.chars().count()).max().unwrap_or_default();
        let width = longest.max("total".len());
        let mut sums = [CoverageRatio::default(); 2];
        let line = |formatter: &mut fmt::Formatter<'_>, name: &str, ratios: [CoverageRatio; 2]| {
            let [widgets, transitions] = ratios.map(format_ratio);
            writeln!(formatter, "{name:<width$}   widgets {widgets}   transitions {transitions}")
        };
        for (name, coverage) in &self.0 {
            let ratios = coverage.ratios();
            for (sum, ratio) in sums.iter_mut().zip(ratios) {
                sum.covered += ratio.covered;
                sum.total += ratio.total;
            }
            line(formatter, name, ratios)?;
            let is_covered = |edge: &&CoverageEdge| coverage.covered_edges.contains(*edge);
            for CoverageEdge { from, event, to } in
                coverage.edges.iter().filter(|edge| !is_covered(edge))
            {
                writeln!(formatter, "    not tested: {from} --{event}--> {to}")?;
            }
        }
        if self.0.len() > 1 {
            line(formatter, "total", sums)?;
        }
        Ok(())
    }
}

/// `3/4 (75 %)`. Rounded down, so that 100 % means all.
fn format_ratio(ratio: CoverageRatio) -> String {
    let CoverageRatio { covered, total } = ratio;
    // An empty flow has nothing left to test.
    let percent = (covered * 100).checked_div(total).unwrap_or(100);
    format!("{:>7} ({percent:>3} %)", format!("{covered}/{total}"))
}
