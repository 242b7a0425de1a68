//! The place of a mistake in a text, drawn for a person: line, column, the line itself, a caret.

use std::fmt::Write as _;
use std::ops::Range;

/// Columns of an excerpt's source line; a longer line is cut around the caret, so that a template
/// of one 60 kB line still fits a terminal.
const COLUMNS_MAX: usize = 120;

/// The line and column, both from 1, of the byte at `offset`. A column is a character, not a byte.
/// An offset past the end gives the place just behind the last character.
pub(crate) fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..char_boundary(source, offset)];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// The source line of `span` with carets under it and `label` behind them:
///
/// ```text
///   |
/// 3 | timeout_ms = "5s"
///   |              ^^^^ expected a whole number of milliseconds
/// ```
///
/// A span that runs over several lines is marked to the end of its first one.
pub(crate) fn draw_excerpt(source: &str, span: Range<usize>, label: &str) -> String {
    let start = char_boundary(source, span.start);
    let end = char_boundary(source, span.end).max(start);
    let (line, _) = line_column(source, start);
    let line_start = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |newline| start + newline);
    let before: Vec<char> = to_printable(&source[line_start..start]);
    let marked = to_printable(&source[start..end.min(line_end)]).len().max(1);
    let whole = to_printable(source[line_start..line_end].trim_end_matches('\r'));

    // Half of the columns stay before the caret, where the reader looks for what it belongs to.
    let cut = before.len().saturating_sub(COLUMNS_MAX / 2).min(whole.len());
    let shown: String = whole[cut..].iter().take(COLUMNS_MAX).collect();
    let column = before.len() - cut;
    let marked = marked.min(COLUMNS_MAX.saturating_sub(column).max(1));
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let mut text = format!("{margin} |\n{number} | {shown}\n{margin} | ");
    let _ = write!(text, "{}{}", " ".repeat(column), "^".repeat(marked));
    if !label.is_empty() {
        let _ = write!(text, " {label}");
    }
    text
}

/// The characters of one line as a terminal may show them: a tab as one space, so that the caret
/// is under its character, and no control character that could move the cursor.
fn to_printable(text: &str) -> Vec<char> {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            other if other.is_control() => '\u{FFFD}',
            other => other,
        })
        .collect()
}

/// The largest character boundary that is not behind `offset`.
fn char_boundary(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_span() {
        let source = "a = 1\ntimeout_ms = \"5s\"\n";
        let start = source.find('"').unwrap();
        assert_eq!(line_column(source, start), (2, 14));
        assert_eq!(
            draw_excerpt(source, start..start + 4, "expected a number"),
            "  |\n2 | timeout_ms = \"5s\"\n  |              ^^^^ expected a number"
        );
    }

    #[test]
    fn survives_any_span() {
        for source in ["", "\n", "é\r\n\u{1b}[2Jé", &"x".repeat(9_000)] {
            for span in [0..0, 1..2, 2..2, 0..9_999, 8_999..9_001] {
                let text = draw_excerpt(source, span, "");
                assert!(!text.contains('\u{1b}') && text.len() < 1_000, "{text}");
            }
        }
    }
}
