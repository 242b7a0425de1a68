//! The report as JUnit XML, which continuous integration reads.

use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};

use super::console_report::plain;
use super::runner::{CaseReport, FileReport, TestReport};

/// The whole report: a suite for each file.
///
/// # Errors
/// Where it cannot be written; a `Vec` always can.
pub fn junit(report: &TestReport, to: impl io::Write) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(to, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let (passed, failed, broken) = report.counts();
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "twimlgate test"));
    counted(&mut root, passed + failed + broken, failed, broken);
    root.push_attribute(("time", seconds(report.took).as_str()));
    writer.write_event(Event::Start(root.borrow()))?;
    for file in &report.files {
        suite(&mut writer, file)?;
    }
    writer.write_event(Event::End(root.to_end()))?;
    writer.get_mut().write_all(b"\n")
}

fn suite<W: io::Write>(writer: &mut Writer<W>, file: &FileReport) -> io::Result<()> {
    let path = file.path.display().to_string();
    let mut suite = BytesStart::new("testsuite");
    suite.push_attribute(("name", path.as_str()));
    match &file.cases {
        Ok(cases) => {
            let failed = cases.iter().filter(|case| !case.failures.is_empty()).count();
            counted(&mut suite, cases.len(), failed, 0);
            let took = cases.iter().map(|case| case.took).sum();
            suite.push_attribute(("time", seconds(took).as_str()));
            writer.write_event(Event::Start(suite.borrow()))?;
            for case in cases {
                self::case(writer, &path, case)?;
            }
        }
        Err(problems) => {
            counted(&mut suite, 1, 0, 1);
            suite.push_attribute(("time", "0.000"));
            writer.write_event(Event::Start(suite.borrow()))?;
            let case = testcase(&path, "it can be run", Duration::ZERO);
            let first = problems.iter().next().map_or("", |problem| problem.message.as_str());
            writer.write_event(Event::Start(case.borrow()))?;
            told(writer, "error", first, &problems.to_string())?;
            writer.write_event(Event::End(case.to_end()))?;
        }
    }
    writer.write_event(Event::End(suite.to_end()))
}

fn case<W: io::Write>(writer: &mut Writer<W>, path: &str, case: &CaseReport) -> io::Result<()> {
    let element = testcase(path, &case.name, case.took);
    let Some(first) = case.failures.first() else {
        return writer.write_event(Event::Empty(element));
    };
    let texts: Vec<String> = case.failures.iter().map(plain).collect();
    writer.write_event(Event::Start(element.borrow()))?;
    told(writer, "failure", &first.problem.message, &texts.join("\n\n"))?;
    writer.write_event(Event::End(element.to_end()))
}

fn testcase<'a>(path: &str, name: &str, took: Duration) -> BytesStart<'a> {
    let mut case = BytesStart::new("testcase");
    case.push_attribute(("name", legal(name).as_str()));
    case.push_attribute(("classname", path));
    case.push_attribute(("time", seconds(took).as_str()));
    case
}

fn told<W: io::Write>(
    writer: &mut Writer<W>,
    element: &str,
    message: &str,
    text: &str,
) -> io::Result<()> {
    let mut told = BytesStart::new(element);
    told.push_attribute(("message", legal(message).as_str()));
    told.push_attribute(("type", "flow test"));
    writer.write_event(Event::Start(told.borrow()))?;
    writer.write_event(Event::Text(BytesText::new(&legal(text))))?;
    writer.write_event(Event::End(told.to_end()))
}

fn counted(element: &mut BytesStart<'_>, tests: usize, failures: usize, errors: usize) {
    for (name, count) in [("tests", tests), ("failures", failures), ("errors", errors)] {
        element.push_attribute((name, count.to_string().as_str()));
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// A text without the control characters that XML cannot hold.
fn legal(text: &str) -> String {
    let kept = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars().filter(kept).filter(|letter| !matches!(letter, '\u{FFFE}' | '\u{FFFF}')).collect()
}
