//! Templates as TwiML, read without data: what can never become a document is found at the start,
//! and not by the first caller.
//!
//! Each outline of a template is checked as a document. A value is escaped, so that it can neither
//! open nor close an element: in place of it stands one letter, or nothing. An outline fails only
//! if it does so whatever the values are; a branch that fails on every way is an error, a way that
//! fails although its branches work on others is a warning.

mod outline_document;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::TemplateFolder;
use crate::channel::Channel;
use crate::diagnostics::problem::{Problem, Severity, Source};
use crate::liquid::{OutlineBranch, Template, TemplateOutline};
use crate::twiml::read::TwimlErrorKind;
use outline_document::{OutlineVerdict, judge_outline};

/// Ways through one template that are checked.
const OUTLINES_MAX: usize = 2_000;
/// The text of all ways through one template that is checked.
const OUTLINE_BYTES_MAX: usize = 4 << 20;
/// The pieces and choices of these ways: a template with hundreds of branches has too many ways.
const OUTLINE_SIZE_MAX: usize = 60_000;
/// Ways with more deviations are only visited to find one on which a branch works.
const DEVIATIONS_SHOWN: usize = 2;
/// Warnings about ways that fail. Further ones mostly have the same reason.
const WARNINGS_MAX: usize = 3;

/// A place in a template or a partial.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TemplatePlace {
    template: Box<str>,
    span: Range<usize>,
}

/// The reason why an outline is not TwiML.
#[derive(Debug)]
struct OutlineFailure {
    kind: TwimlErrorKind,
    place: TemplatePlace,
    /// The deviating choices, in words.
    choices: Vec<String>,
    /// Whether text that is not escaped comes before, which might make it well-formed.
    is_doubtful: bool,
}

/// Something that a carrier would warn about.
#[derive(Debug)]
struct OutlineFinding {
    message: String,
    help: String,
    place: TemplatePlace,
    severity: Severity,
}

/// The result of the outlines that were visited.
#[derive(Default)]
struct DocumentCheck {
    /// Branches that a document can have.
    working: HashSet<OutlineBranch>,
    /// Branches of outlines that fail, each with the index of its first failure.
    failing: HashMap<OutlineBranch, usize>,
    failures: Vec<OutlineFailure>,
    findings: Vec<OutlineFinding>,
    /// Whether an outline is TwiML, or might be.
    any_works: bool,
    /// Whether every way was visited whose branches a person would try.
    is_settled: bool,
}

// === impl TemplateFolder ===

impl TemplateFolder {
    /// Checks the documents of a template. `channels` are those that it answers: without one, only
    /// its form is checked, and not its verbs. `source` is the source of a template that is not in
    /// the folder.
    pub(crate) fn check_documents(
        &self,
        template: &Template,
        source: Option<&Source>,
        channels: &[Channel],
    ) -> Vec<Problem> {
        let mut check = DocumentCheck::default();
        check.visit_outlines(template, channels);
        let locate = |place: &TemplatePlace, problem: Problem| {
            let own = source.filter(|_| *place.template == *template.name());
            match own.or_else(|| self.source_of(&place.template)) {
                Some(source) => source.locate(place.span.clone(), problem),
                None => problem,
            }
        };
        check.report().into_iter().map(|(place, problem)| locate(&place, problem)).collect()
    }

    /// The source of a template of the folder.
    fn source_of(&self, name: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.name == name).map(|file| &file.source)
    }
}

// === impl DocumentCheck ===

impl DocumentCheck {
    fn visit_outlines(&mut self, template: &Template, channels: &[Channel]) {
        let mut walk = template.outlines();
        let (mut bytes, mut size) = (0, 0);
        for outline in walk.by_ref().take(OUTLINES_MAX) {
            if outline.deviations > DEVIATIONS_SHOWN {
                self.is_settled = true;
                if self.never_working().is_empty() {
                    break;
                }
            }
            bytes += outline.pieces.iter().map(|piece| piece.span().len()).sum::<usize>();
            size += outline.size();
            if bytes > OUTLINE_BYTES_MAX || size > OUTLINE_SIZE_MAX {
                break;
            }
            self.visit(&outline, channels, template.name());
        }
        self.is_settled |= walk.is_complete();
    }

    fn visit(&mut self, outline: &TemplateOutline, channels: &[Channel], template: &str) {
        let (verdict, findings) = judge_outline(outline, channels, template);
        for finding in findings {
            let is_known = |known: &OutlineFinding| {
                known.place == finding.place && known.message == finding.message
            };
            if !self.findings.iter().any(is_known) {
                self.findings.push(finding);
            }
        }
        match verdict {
            OutlineVerdict::Fails(failure) => {
                // One that is doubtful says nothing about its branches.
                if failure.is_doubtful {
                    self.mark_working(outline);
                } else {
                    for branch in &outline.branches {
                        self.failing.entry(*branch).or_insert(self.failures.len());
                    }
                }
                self.failures.push(failure);
            }
            OutlineVerdict::Works => self.mark_working(outline),
        }
    }

    fn mark_working(&mut self, outline: &TemplateOutline) {
        self.any_works = true;
        self.working.extend(&outline.branches);
    }

    /// The first failures of the branches that no document can have, in the order of the walk.
    fn never_working(&self) -> BTreeSet<usize> {
        let is_dead = |branch: &OutlineBranch| branch.is_written && !self.working.contains(branch);
        let branches = self.failing.iter().filter(|(branch, _)| is_dead(branch));
        // The template as a whole is the branch around all others.
        let whole = (!self.any_works && !self.failures.is_empty()).then_some(0);
        branches.map(|(_, failure)| *failure).chain(whole).collect()
    }

    /// The problems, each with its place: errors first.
    fn report(self) -> Vec<(TemplatePlace, Problem)> {
        let mut problems: Vec<(TemplatePlace, Problem)> = Vec::new();
        let mut reported: Vec<&TemplatePlace> = Vec::new();
        for index in self.never_working() {
            let failure = &self.failures[index];
            if reported.contains(&&failure.place) {
                continue;
            }
            reported.push(&failure.place);
            // Out of too many ways, one on which the branch works may have been left out.
            let is_certain = self.is_settled || failure.is_local();
            let severity = if is_certain { Severity::Defect } else { Severity::Warning };
            let scope = if self.any_works { "a branch" } else { "a template" };
            let problem = Problem::new(severity, format!("{scope} that is never TwiML: {failure}"));
            problems.push((failure.place.clone(), failure.explain(problem)));
        }
        let ways = self.failures.iter().filter(|_| self.any_works);
        for failure in ways.filter(|failure| failure.choices.len() <= DEVIATIONS_SHOWN) {
            if reported.contains(&&failure.place) || reported.len() >= WARNINGS_MAX {
                continue;
            }
            reported.push(&failure.place);
            let message = format!("a document that would not be TwiML: {failure}");
            let problem = Problem::new(Severity::Warning, message);
            problems.push((failure.place.clone(), failure.explain(problem)));
        }
        problems.extend(self.findings.into_iter().map(|finding| {
            let problem = Problem::new(finding.severity, finding.message).help(finding.help);
            (finding.place, problem)
        }));
        problems
    }
}

// === impl OutlineFailure ===

impl OutlineFailure {
    /// Whether the fixed text at the place is wrong wherever it is.
    fn is_local(&self) -> bool {
        use TwimlErrorKind as Kind;
        !matches!(
            self.kind,
            Kind::Mismatch { .. }
                | Kind::NotOpen(_)
                | Kind::NotClosed(_)
                | Kind::Open(..)
                | Kind::Outside
                | Kind::SecondRoot(_)
                | Kind::NoRoot
                | Kind::Empty
                | Kind::BeforeDeclaration
                | Kind::TooLarge { .. }
                | Kind::Depth(_)
                | Kind::Elements(_)
                | Kind::Attributes(_)
        )
    }

    fn explain(&self, problem: Problem) -> Problem {
        let fallback = "`fail` or the fallback is sent instead";
        let doubt = "unless a value that is not escaped makes it well-formed";
        problem.help(match (self.choices.as_slice(), self.is_doubtful) {
            ([], true) => format!("{fallback}, {doubt}"),
            ([], false) => fallback.to_owned(),
            (choices, true) => format!("if {}: {fallback}, {doubt}", choices.join(" and ")),
            (choices, false) => format!("if {}: {fallback}", choices.join(" and ")),
        })
    }
}

impl std::fmt::Display for OutlineFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.kind)?;
        match self.kind.code() {
            Some(code) => write!(formatter, " (Twilio {code})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
