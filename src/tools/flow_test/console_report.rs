//! The report for a person: a tree of files and cases, with everything that failed.

use std::fmt::Write as _;
use std::time::Duration;

use super::failure::TestFailure;
use super::runner::{CaseReport, FileReport, TestReport};

/// Failures of one case that are told whole; what follows is mostly their consequence.
const TOLD_MAX: usize = 3;

/// Escape sequences of a terminal.
#[derive(Clone, Copy)]
struct Paint(bool);

/// The whole report; colours are for terminals.
pub fn tree(report: &TestReport, colours: bool) -> String {
    let paint = Paint(colours);
    let mut out = String::new();
    for file in &report.files {
        self::file(&mut out, file, paint);
    }
    let (passed, failed, broken) = report.counts();
    let mut total = vec![paint.when(passed > 0, "32", &format!("{passed} passed"))];
    if failed > 0 {
        total.push(paint.when(true, "31", &format!("{failed} failed")));
    }
    if broken > 0 {
        let files = if broken == 1 { "file" } else { "files" };
        total.push(paint.when(true, "31", &format!("{broken} {files} cannot be run")));
    }
    let _ = writeln!(out, "{} in {}", total.join(", "), time(report.took));
    out
}

fn file(out: &mut String, file: &FileReport, paint: Paint) {
    let cases = match &file.cases {
        Ok(cases) if cases.is_empty() => return,
        Ok(cases) => cases,
        Err(problems) => {
            let _ = writeln!(out, "{}", paint.when(true, "1", &file.path.display().to_string()));
            let text = paint.when(true, "31", "  ✗ it cannot be run");
            let _ = writeln!(out, "{text}\n\n{}\n", indented(problems.to_string().trim_end()));
            return;
        }
    };
    let _ = writeln!(out, "{}", paint.when(true, "1", &file.path.display().to_string()));
    let width = cases.iter().map(|case| case.name.chars().count()).max().unwrap_or_default();
    for case in cases {
        self::case(out, case, width, paint);
    }
    out.push('\n');
}

fn case(out: &mut String, case: &CaseReport, width: usize, paint: Paint) {
    let (mark, colour) = if case.failures.is_empty() { ("✓", "32") } else { ("✗", "31") };
    let pad = " ".repeat(width.saturating_sub(case.name.chars().count()));
    let took = paint.when(true, "2", &format!("{:>8}", time(case.took)));
    let _ =
        writeln!(out, "  {} {}{pad}{took}", paint.when(true, colour, mark), printable(&case.name));
    for failure in case.failures.iter().take(TOLD_MAX) {
        let _ = writeln!(out, "\n{}", indented(&self::failure(failure, paint)));
    }
    let more = case.failures.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        let lines = if more == 1 { "one more line fails" } else { "more lines fail" };
        let lines = if more == 1 { lines.to_owned() } else { format!("{more} {lines}") };
        let _ = writeln!(out, "\n      … and {lines} after it");
    }
    if !case.failures.is_empty() {
        out.push('\n');
    }
}

/// One failure: the line of the test, the difference, and what happened.
fn failure(failure: &TestFailure, paint: Paint) -> String {
    let mut text = printable(&failure.problem.to_string());
    if !failure.difference.is_empty() {
        text.push('\n');
    }
    for line in &failure.difference {
        let colour = match line.chars().next() {
            Some('-') => "31",
            Some('+') => "32",
            _ => "2",
        };
        let _ = write!(text, "\n  {}", paint.when(true, colour, &printable(line)));
    }
    if !failure.difference.is_empty() {
        text.push('\n');
    }
    for note in &failure.notes {
        let mark = if note.starts_with(' ') { " " } else { "=" };
        let _ = write!(text, "\n  {mark} {}", printable(note));
    }
    text
}

/// One failure as plain text.
pub(super) fn plain(failure: &TestFailure) -> String {
    self::failure(failure, Paint(false))
}

/// A text that cannot steer a terminal: flows and functions say what they like.
fn printable(text: &str) -> String {
    let shown = |letter: char| letter == '\n' || !letter.is_control();
    text.chars().map(|letter| if shown(letter) { letter } else { '\u{FFFD}' }).collect()
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("      {line}") };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A time for a person, in the unit that fits.
fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.000_95 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 0.95 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

// === impl Paint ===

impl Paint {
    fn when(self, really: bool, colour: &str, text: &str) -> String {
        match self.0 && really {
            true => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}
