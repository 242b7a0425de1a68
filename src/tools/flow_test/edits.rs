//! `--update`: rewrites the failing lines of a test. All other bytes of the file are unchanged.

use super::failure::{LineEdit, TestFailure};

/// A test file after its edits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EditedFile {
    pub(crate) text: String,
    /// The number of changed lines.
    pub(crate) lines: usize,
}

/// Applies the edits of failures to the text of their file. A failure without an edit (an
/// unexpected error, an action without effect) is left to a person.
pub(crate) fn apply_edits<'a>(
    text: &str,
    failures: impl Iterator<Item = &'a TestFailure>,
) -> EditedFile {
    let mut edits: Vec<&LineEdit> = failures.filter_map(|failure| failure.edit.as_ref()).collect();
    edits.sort_by_key(|edit| edit.span.start);
    // Two failures of one line have the same edit.
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
                // If the script begins or ends on this line, its quotes must remain.
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
    EditedFile { text: written, lines: edits.len() }
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
            TestFailure { edit: Some(edit), ..TestFailure::from_problem(problem) }
        };
        let failures = [edit("play x", None), edit("hear two", None), edit("one", Some("1"))];
        let edited = apply_edits(text, failures.iter());
        let text = "a\n  hear  1\n'''\n".to_owned();
        assert_eq!(edited, EditedFile { text, lines: 3 });
    }
}
