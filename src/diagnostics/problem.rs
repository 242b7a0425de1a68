//! Something that a person must mend: what is wrong, where, what was expected, what to do.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostics::excerpt::{draw_excerpt, line_column};

/// A text file that problems point into.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as the user would type it.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// One problem of a configuration, a template or a flow.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Whether the gateway may start in spite of it.
    pub level: Severity,
    /// What is wrong, one line.
    pub message: String,
    /// Where, if it is in a file.
    pub place: Option<Box<SourceSpan>>,
    /// What was expected at that place; printed behind the caret.
    pub expected: String,
    /// What to do. May be empty.
    pub help: String,
}

/// Some bytes of a file.
#[derive(Clone, Debug)]
pub struct SourceSpan {
    /// The file.
    pub source: Source,
    /// The bytes.
    pub span: Range<usize>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `serve` refuses to start.
    Error,
    /// A part that can never work, beside others that do: `check` and a reload refuse it. A start
    /// does not, because no caller would be answered then.
    Defect,
    /// `check` prints it; it may be intended.
    Warning,
    /// `check` prints it; it is right, and there is something to know about it.
    Note,
}

/// Everything that is wrong.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

/// The further places of a warning that are listed.
const PLACES_MAX: usize = 5;

// === impl Source ===

impl Source {
    /// A file's name and text.
    pub fn new(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    /// An error at `span` of this text.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        self.locate(span, Problem::new(Severity::Error, message))
    }

    /// A warning at `span` of this text.
    pub(crate) fn warning(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        self.locate(span, Problem::new(Severity::Warning, message))
    }

    /// The problem, at `span` of this text.
    pub(crate) fn locate(&self, span: Range<usize>, problem: Problem) -> Problem {
        let source = self.clone();
        Problem { place: Some(Box::new(SourceSpan { source, span })), ..problem }
    }
}

// === impl Severity ===

impl Severity {
    /// Whether `check` and a reload refuse it.
    fn is_defect(self) -> bool {
        matches!(self, Severity::Error | Severity::Defect)
    }
}

// === impl Problem ===

impl Problem {
    /// A problem that is in no file, or of a file as a whole.
    pub fn new(level: Severity, message: impl Into<String>) -> Problem {
        Problem {
            level,
            message: message.into(),
            place: None,
            expected: String::new(),
            help: String::new(),
        }
    }

    /// Adds what was expected.
    pub fn expected(self, expected: impl Into<String>) -> Problem {
        Problem { expected: expected.into(), ..self }
    }

    /// Adds what to do.
    pub(crate) fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: help.into(), ..self }
    }

    fn is_at_same_place(&self, other: &Problem) -> bool {
        let span = |problem: &Problem| problem.place.as_ref().map(|place| place.span.clone());
        self.expected == other.expected && span(self) == span(other)
    }

    /// `file:line:column`, where there is a file.
    pub(crate) fn location(&self) -> Option<String> {
        let SourceSpan { source, span } = self.place.as_deref()?;
        let (line, column) = line_column(&source.text, span.start);
        Some(format!("{}:{line}:{column}", source.name))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Severity::Error | Severity::Defect => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let mut text = format!("{level}: {}", self.message);
        if let (Some(place), Some(location)) = (&self.place, self.location()) {
            let drawn = draw_excerpt(&place.source.text, place.span.clone(), &self.expected);
            text += &format!("\n --> {location}\n{drawn}");
        } else if !self.expected.is_empty() {
            text += &format!("\n  = expected: {}", self.expected);
        }
        if !self.help.is_empty() {
            text += &format!("\n  = help: {}", self.help);
        }
        // A flow comes from elsewhere: what its texts say must not move the cursor of a terminal.
        let harmless = |c: char| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c };
        formatter.write_str(&text.chars().map(harmless).collect::<String>())
    }
}

// === impl Problems ===

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds some.
    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// Puts them into the order of the file, which is the order of mending.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by_key(|problem| problem.place.as_ref().map(|place| place.span.start));
    }

    /// Whether any of them is an error, with which `serve` does not start.
    pub fn any_error(&self) -> bool {
        self.0.iter().any(|problem| problem.level == Severity::Error)
    }

    /// Whether `check` and a reload refuse it: any of them is more than a warning.
    pub(crate) fn any_defect(&self) -> bool {
        self.0.iter().any(|problem| problem.level.is_defect())
    }

    /// How many errors (defects included), and how many warnings. Those that are printed as one
    /// count as one.
    pub fn counts(&self) -> (usize, usize) {
        let groups = self.groups();
        let count = |counts: fn(Severity) -> bool| {
            groups.iter().filter(|group| counts(group[0].level)).count()
        };
        (count(Severity::is_defect), count(|level| level == Severity::Warning))
    }

    /// Removes the notes, which are for `check` alone.
    pub(crate) fn remove_notes(&mut self) {
        self.0.retain(|problem| problem.level != Severity::Note);
    }

    /// Leaves the problems for which `is_relevant` is true.
    pub(crate) fn retain(&mut self, is_relevant: impl Fn(&Problem) -> bool) {
        self.0.retain(is_relevant);
    }

    /// The problems, those together that differ only in their place, in the order of the first.
    fn groups(&self) -> Vec<Vec<&Problem>> {
        let mut groups: Vec<Vec<&Problem>> = Vec::new();
        let mut known: HashMap<(&str, &str, Option<&str>), usize> = HashMap::new();
        for problem in &self.0 {
            let file = problem.place.as_ref().map(|place| &*place.source.name);
            let key = (problem.message.as_str(), problem.help.as_str(), file);
            match known.entry(key) {
                // Each error has its own excerpt: it is mended at each place.
                Entry::Occupied(group) if !problem.level.is_defect() => {
                    groups[*group.get()].push(problem);
                }
                Entry::Occupied(group)
                    if groups[*group.get()].iter().any(|other| other.is_at_same_place(problem)) => {
                }
                entry => {
                    entry.insert_entry(groups.len());
                    groups.push(vec![problem]);
                }
            }
        }
        groups
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.groups() {
            write!(formatter, "{}", group[0])?;
            let mut places: Vec<String> =
                group.iter().filter_map(|problem| problem.location()).collect();
            places.dedup();
            if let [_, others @ ..] = places.as_slice()
                && !others.is_empty()
            {
                let shown = others.iter().take(PLACES_MAX).map(String::as_str);
                let mut shown = shown.collect::<Vec<_>>().join(", ");
                if others.len() > PLACES_MAX {
                    shown += &format!(" and {} more", others.len() - PLACES_MAX);
                }
                write!(formatter, "\n  = also at {shown}")?;
            }
            formatter.write_str("\n\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_no_cursor() {
        let source = Source::new("flow.json", "{\"name\": \"\u{1b}[2J\"}");
        let problem = source.error(9..15, "widget `\u{1b}[2J` is unknown").expected("a\tname");
        let said = problem.help("rename `\u{7}`").to_string();
        assert!(said.contains("widget `\u{FFFD}[2J` is unknown"), "{said}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }

    #[test]
    fn shows_place_and_advice() {
        let source = Source::new("config.toml", "[server]\nlisten = 5\n");
        let problem = source
            .error(18..19, "`server.listen` is a number")
            .expected("an address")
            .help("write `listen = \"127.0.0.1:8080\"`");
        assert_eq!(
            problem.to_string(),
            "error: `server.listen` is a number\n --> config.toml:2:10\n  |\n2 | listen = 5\n  \
             |          ^ an address\n  = help: write `listen = \"127.0.0.1:8080\"`"
        );
    }

    #[test]
    fn a_repeated_warning_is_printed_once_with_its_places() {
        let source = Source::new("flow.json", "a\nbb\na\na\n");
        let warning = |span| source.warning(span, "nothing sets `a`").expected("never set");
        let mut problems = Problems::default();
        problems.extend([0..1, 5..6, 5..6, 7..8].map(warning));
        problems.push(source.error(2..4, "wrong"));
        problems.push(source.error(2..4, "wrong"));
        problems.push(source.error(0..1, "wrong"));
        assert_eq!(problems.counts(), (2, 1));
        let text = problems.to_string();
        assert_eq!(text.matches("nothing sets `a`").count(), 1, "{text}");
        assert!(text.contains("\n  = also at flow.json:3:1, flow.json:4:1\n\nerror: "), "{text}");
        assert_eq!(text.matches("error: wrong").count(), 2, "{text}");
    }
}
