//! `--update`: the failing lines of a test, written anew in place; every other byte stays.

use super::failure::{LineEdit, TestFailure};

/// The text with the lines of these failures as they would have been met, and how many lines that
/// are. What cannot be written as a line (an error that nothing expects, an act that came at the
/// wrong moment) is for a person to mend.
pub fn updated<'a>(text: &str, failures: impl Iterator<Item = &'a TestFailure>) -> (String, usize) {
    let mut edits: Vec<&LineEdit> = failures.filter_map(|failure| failure.edit.as_ref()).collect();
    edits.sort_by_key(|edit| edit.span.start);
    edits.dedup_by_key(|edit| edit.span.start);
    let (mut written, mut from) = (String::with_capacity(text.len()), 0);
    for LineEdit { span, text: instead } in &edits {
        match instead {
            Some(instead) => {
                written.push_str(&text[from..span.start]);
                written.push_str(instead);
                from = span.end;
            }
            None => {
                let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
                // A script that begins or ends on the line keeps its quotes.
                let whole = text[start..span.start].trim().is_empty()
                    && text[span.end..].trim_start_matches([' ', '\t', '\r']).starts_with('\n');
                let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
                let (start, end) = if whole { (start, end) } else { (span.start, span.end) };
                written.push_str(&text[from..start]);
                from = end;
            }
        }
    }
    written.push_str(&text[from..]);
    (written, edits.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::problem::{Problem, Severity};

    #[test]
    fn only_the_lines_that_fail_are_written() {
        let text = "a\n  hear  one\n  hear two\nplay x'''\n";
        let edit = |part: &str, instead: Option<&str>| {
            let start = text.find(part).unwrap();
            let span = start..start + part.len();
            let edit = LineEdit { span, text: instead.map(str::to_owned) };
            let problem = Problem::new(Severity::Error, "");
            TestFailure { edit: Some(edit), ..TestFailure::plain(problem) }
        };
        let failures = [edit("play x", None), edit("hear two", None), edit("one", Some("1"))];
        let (written, lines) = updated(text, failures.iter());
        assert_eq!((written.as_str(), lines), ("a\n  hear  1\n'''\n", 3));
    }
}
