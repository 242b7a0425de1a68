//! The report for a person: a tree of files and cases, with their failures.

use std::fmt::Write as _;
use std::time::Duration;

use super::failure::TestFailure;
use super::runner::{CaseReport, FileReport, TestCounts, TestReport};
use crate::tools::text::{BOLD, DIM, GREEN, RED, TextColours, replace_control_chars_in_lines};

/// The failures of one case that are shown. Later ones are mostly consequences of them.
const SHOWN_MAX: usize = 3;

/// Renders the whole report.
pub fn render_tree(report: &TestReport, has_colours: bool) -> String {
    let colours = TextColours(has_colours);
    let mut out = String::new();
    for file in &report.files {
        write_file(&mut out, file, colours);
    }
    let TestCounts { passed, failed, broken_files } = report.counts();
    let mut total =
        vec![colours.paint(if passed > 0 { GREEN } else { "" }, &format!("{passed} passed"))];
    if failed > 0 {
        total.push(colours.paint(RED, &format!("{failed} failed")));
    }
    if broken_files > 0 {
        let files = if broken_files == 1 { "file" } else { "files" };
        total.push(colours.paint(RED, &format!("{broken_files} {files} cannot be run")));
    }
    let _ = writeln!(out, "{} in {}", total.join(", "), format_time(report.duration));
    out
}

fn write_file(out: &mut String, file: &FileReport, colours: TextColours) {
    let cases = match &file.cases {
        Ok(cases) if cases.is_empty() => return,
        Ok(cases) => cases,
        Err(problems) => {
            let _ = writeln!(out, "{}", colours.paint(BOLD, &file.path.display().to_string()));
            let text = colours.paint(RED, "  ✗ it cannot be run");
            let _ = writeln!(out, "{text}\n\n{}\n", indent(problems.to_string().trim_end()));
            return;
        }
    };
    let _ = writeln!(out, "{}", colours.paint(BOLD, &file.path.display().to_string()));
    // The times of all cases of a file are in one column.
    let width = cases.iter().map(|case| case.name.chars().count()).max().unwrap_or_default();
    for case in cases {
        write_case(out, case, width, colours);
    }
    out.push('\n');
}

fn write_case(out: &mut String, case: &CaseReport, width: usize, colours: TextColours) {
    let (mark, colour) = if case.failures.is_empty() { ("✓", GREEN) } else { ("✗", RED) };
    let pad = " ".repeat(width.saturating_sub(case.name.chars().count()));
    let took = colours.paint(DIM, &format!("{:>8}", format_time(case.duration)));
    let _ = writeln!(
        out,
        "  {} {}{pad}{took}",
        colours.paint(colour, mark),
        replace_control_chars_in_lines(&case.name)
    );
    for failure in case.failures.iter().take(SHOWN_MAX) {
        let _ = writeln!(out, "\n{}", indent(&render_failure(failure, colours)));
    }
    let more = case.failures.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        let lines = if more == 1 { "one more line fails" } else { "more lines fail" };
        let lines = if more == 1 { lines.to_owned() } else { format!("{more} {lines}") };
        let _ = writeln!(out, "\n      … and {lines} after it");
    }
    if !case.failures.is_empty() {
        out.push('\n');
    }
}

/// One failure: the line of the test, the difference, and the notes.
fn render_failure(failure: &TestFailure, colours: TextColours) -> String {
    let mut text = replace_control_chars_in_lines(&failure.problem.to_string());
    if !failure.difference.is_empty() {
        text.push('\n');
    }
    for line in &failure.difference {
        let colour = match line.chars().next() {
            Some('-') => RED,
            Some('+') => GREEN,
            _ => DIM,
        };
        let _ =
            write!(text, "\n  {}", colours.paint(colour, &replace_control_chars_in_lines(line)));
    }
    if !failure.difference.is_empty() {
        text.push('\n');
    }
    for note in &failure.notes {
        // An indented note continues the one before it.
        let mark = if note.starts_with(' ') { " " } else { "=" };
        let _ = write!(text, "\n  {mark} {}", replace_control_chars_in_lines(note));
    }
    text
}

/// One failure as plain text.
pub(super) fn render_plain(failure: &TestFailure) -> String {
    render_failure(failure, TextColours(false))
}

fn indent(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("      {line}") };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A time for a person, in the unit that fits.
fn format_time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.000_95 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 0.95 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}
