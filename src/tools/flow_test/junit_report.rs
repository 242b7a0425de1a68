//! The report as JUnit XML, which continuous integration reads.

use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};

use super::console_report::render_plain;
use super::runner::{CaseReport, FileReport, TestCounts, TestReport};

/// Writes the whole report, with a suite for each file.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_junit(report: &TestReport, to: impl io::Write) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(to, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let TestCounts { passed, failed, broken_files } = report.counts();
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "twimlgate test"));
    push_counts(&mut root, passed + failed + broken_files, failed, broken_files);
    root.push_attribute(("time", seconds(report.duration).as_str()));
    writer.write_event(Event::Start(root.borrow()))?;
    for file in &report.files {
        write_suite(&mut writer, file)?;
    }
    writer.write_event(Event::End(root.to_end()))?;
    writer.get_mut().write_all(b"\n")
}

fn write_suite<W: io::Write>(writer: &mut Writer<W>, file: &FileReport) -> io::Result<()> {
    let path = file.path.display().to_string();
    let mut suite = BytesStart::new("testsuite");
    suite.push_attribute(("name", path.as_str()));
    match &file.cases {
        Ok(cases) => {
            let failed = cases.iter().filter(|case| !case.failures.is_empty()).count();
            push_counts(&mut suite, cases.len(), failed, 0);
            let duration = cases.iter().map(|case| case.duration).sum();
            suite.push_attribute(("time", seconds(duration).as_str()));
            writer.write_event(Event::Start(suite.borrow()))?;
            for case in cases {
                write_case(writer, &path, case)?;
            }
        }
        Err(problems) => {
            push_counts(&mut suite, 1, 0, 1);
            suite.push_attribute(("time", "0.000"));
            writer.write_event(Event::Start(suite.borrow()))?;
            // Readers of JUnit count cases: a broken file needs one to be an error.
            let case = testcase(&path, "it can be run", Duration::ZERO);
            let first = problems.iter().next().map_or("", |problem| problem.message.as_str());
            writer.write_event(Event::Start(case.borrow()))?;
            write_outcome(writer, "error", first, &problems.to_string())?;
            writer.write_event(Event::End(case.to_end()))?;
        }
    }
    writer.write_event(Event::End(suite.to_end()))
}

fn write_case<W: io::Write>(
    writer: &mut Writer<W>,
    path: &str,
    case: &CaseReport,
) -> io::Result<()> {
    let element = testcase(path, &case.name, case.duration);
    let Some(first) = case.failures.first() else {
        return writer.write_event(Event::Empty(element));
    };
    let texts: Vec<String> = case.failures.iter().map(render_plain).collect();
    writer.write_event(Event::Start(element.borrow()))?;
    write_outcome(writer, "failure", &first.problem.message, &texts.join("\n\n"))?;
    writer.write_event(Event::End(element.to_end()))
}

fn testcase<'a>(path: &str, name: &str, duration: Duration) -> BytesStart<'a> {
    let mut case = BytesStart::new("testcase");
    case.push_attribute(("name", remove_illegal(name).as_str()));
    case.push_attribute(("classname", path));
    case.push_attribute(("time", seconds(duration).as_str()));
    case
}

fn write_outcome<W: io::Write>(
    writer: &mut Writer<W>,
    element: &str,
    message: &str,
    text: &str,
) -> io::Result<()> {
    let mut outcome = BytesStart::new(element);
    outcome.push_attribute(("message", remove_illegal(message).as_str()));
    outcome.push_attribute(("type", "flow test"));
    writer.write_event(Event::Start(outcome.borrow()))?;
    writer.write_event(Event::Text(BytesText::new(&remove_illegal(text))))?;
    writer.write_event(Event::End(outcome.to_end()))
}

fn push_counts(element: &mut BytesStart<'_>, tests: usize, failures: usize, errors: usize) {
    for (name, count) in [("tests", tests), ("failures", failures), ("errors", errors)] {
        element.push_attribute((name, count.to_string().as_str()));
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Removes the characters that XML does not allow.
fn remove_illegal(text: &str) -> String {
    // Colours and messages of an application may contain them.
    let is_legal = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars()
        .filter(is_legal)
        .filter(|letter| !matches!(letter, '\u{FFFE}' | '\u{FFFF}'))
        .collect()
}
