//! A text of the configuration, with its place in the file.

use std::ops::Range;

use crate::diagnostics::problem::Source;
use crate::diagnostics::toml_reader::as_written;

/// A text of the configuration that is read later: a template, or the name of a file. Its place
/// lets a later problem point into the configuration file.
#[derive(Clone, Debug)]
pub struct ConfigText {
    /// The text, with every `${NAME}` replaced.
    pub text: String,
    /// The configuration file.
    pub source: Source,
    /// The bytes of the text in the file, quotes included.
    pub span: Range<usize>,
}

impl ConfigText {
    /// The text as the file has it, for messages: see [`as_written`].
    pub(crate) fn display_text(&self) -> &str {
        // The replaced text may contain a secret from the environment.
        as_written(&self.source, &self.span, &self.text)
    }

    /// The place in the file of a part of the text. Escapes and variables shift what follows them
    /// in their line: then the place is that whole line, or the whole value if it has one line.
    pub(crate) fn locate(&self, part: Range<usize>) -> Range<usize> {
        let written = self.source.text.get(self.span.clone()).unwrap_or_default();
        let is_block = written.starts_with("'''") || written.starts_with("\"\"\"");
        let quotes = if is_block { 3 } else { 1 };
        let inside = written.get(quotes..written.len().saturating_sub(quotes)).unwrap_or_default();
        // The line end behind the opening quotes of a block is not a part of the text.
        let stripped = inside.strip_prefix("\r\n").or_else(|| inside.strip_prefix('\n'));
        let content = stripped.filter(|_| is_block).unwrap_or(inside);
        let start = self.span.start + quotes + inside.len() - content.len();
        let (text, file) = (line_spans(&self.text), line_spans(content));
        if text.len() != file.len() {
            return self.span.clone();
        }
        let line_of = |at: usize| text.partition_point(|line| line.start <= at).saturating_sub(1);
        // A part that ends with its line does not reach into the next one.
        let (first, last) = (line_of(part.start), line_of(part.end.max(part.start + 1) - 1));
        let written_line = |line: usize| content.get(file[line].clone()).unwrap_or_default();
        let is_shifted = |line: usize| {
            let text = self.text.get(text[line].clone()).unwrap_or_default();
            text.trim_end() != written_line(line).trim_end()
        };
        if text.is_empty() || text.len() == 1 && is_shifted(0) {
            return self.span.clone();
        }
        let offset =
            |at: usize, line: usize| file[line].start + at.saturating_sub(text[line].start);
        let (from, to) = if is_shifted(first) || is_shifted(last) {
            let indent = written_line(first).len() - written_line(first).trim_start().len();
            (file[first].start + indent, file[last].start + written_line(last).trim_end().len())
        } else {
            (offset(part.start, first), offset(part.end, last))
        };
        start + from..start + to.max(from)
    }
}

/// The bytes of each line, line ends included.
fn line_spans(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let span = start..start + line.len();
        start = span.end;
        span
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(written: &str, text: &str, part: &str) -> String {
        let file = format!("twiml = {written}\n");
        let span = 8..8 + written.len();
        let source = Source::new("config.toml", &file);
        let text = ConfigText { text: text.to_owned(), source, span };
        let start = text.text.find(part).unwrap();
        file[text.locate(start..start + part.len())].to_owned()
    }

    #[test]
    fn a_part_of_a_text_has_its_place_in_the_file() {
        assert_eq!(located("'a b'", "a b", "b"), "b");
        assert_eq!(located("'''\n<A>\n  <B/>\n</A>'''", "<A>\n  <B/>\n</A>", "<B/>"), "<B/>");
        assert_eq!(located("'''\r\n<A>\r\n<B/>'''", "<A>\n<B/>", "<B/>"), "<B/>");
        assert_eq!(located("\"\"\"<A>\n<B/>\"\"\"", "<A>\n<B/>", "A>\n<B"), "A>\n<B");
    }

    #[test]
    fn a_line_with_a_variable_is_the_place_of_its_parts() {
        let written = "'''\n<A>\n  ${NAME} <B/>\n</A>'''";
        assert_eq!(located(written, "<A>\n  secret <B/>\n</A>", "<B/>"), "${NAME} <B/>");
        assert_eq!(located(written, "<A>\n  secret <B/>\n</A>", "</A>"), "</A>");
        // A value that adds lines leaves no line to compare with.
        assert_eq!(located(written, "<A>\n  one\ntwo <B/>\n</A>", "<B/>"), written);
        assert_eq!(located("\"a\\tb\"", "a\tb", "b"), "\"a\\tb\"");
        assert_eq!(located("''''''", "x", "x"), "''''''");
    }
}
