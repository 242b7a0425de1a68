//! `.env` files, as the npm package `dotenv` (version 16) reads them.
//!
//! The configuration and a folder of Twilio Functions read them with one rule, because both may
//! share a file. Only a `#` behind a value without quotes is a part of the value in the folder: for
//! `twilio-run` and the cloud it is one, and a password may have it. `dotenv` skips what it does
//! not understand, so a mistake is not an error here either; [`DotenvFile::mistakes`] has them for
//! the author.

use std::ops::Range;

use crate::diagnostics::problem::Source;

/// The content of a `.env` file.
#[derive(Debug, Default)]
pub(crate) struct DotenvFile {
    /// The variables, in the order of the file. Of a name that comes twice the last value counts.
    pub(crate) variables: Vec<(String, String)>,
    /// Lines that are not assignments, and quotes that are not closed: ranges of the text in bytes.
    pub(crate) mistakes: Vec<(Range<usize>, &'static str)>,
    /// The text with line ends of Unix.
    text: String,
}

/// The mistake that only [`DotenvFile::parse_project`] reports.
pub(crate) const SHARP_IN_VALUE: &str = "this `#` does not begin a comment";

impl DotenvFile {
    /// Reads the text of a file.
    pub(crate) fn parse(text: &str) -> DotenvFile {
        DotenvFile::parse_with(text, CommentRule::BehindValues)
    }

    /// Reads the text of a file of a folder of Twilio Functions.
    pub(crate) fn parse_project(text: &str) -> DotenvFile {
        DotenvFile::parse_with(text, CommentRule::WholeLines)
    }

    fn parse_with(text: &str, comments: CommentRule) -> DotenvFile {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).replace("\r\n", "\n");
        let mut file = DotenvFile::default();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let start = text.len() - rest.len();
            let line = rest.lines().next().unwrap_or_default();
            let (variable, behind) = parse_line(rest, comments);
            let is_ambiguous = variable != parse_line(rest, CommentRule::BehindValues).0;
            rest = behind;
            let place = start..start + line.trim_end().len();
            match variable {
                Some((name, value)) => {
                    if value.starts_with(['"', '\'', '`']) && line.contains(value.as_str()) {
                        file.mistakes.push((place, "this quote is not closed"));
                    } else if is_ambiguous && value.contains(" #") {
                        file.mistakes.push((place, SHARP_IN_VALUE));
                    }
                    file.set(name, value);
                }
                None if line.trim().is_empty() || line.trim_start().starts_with('#') => {}
                None => file.mistakes.push((place, "this line is not an assignment")),
            }
        }
        DotenvFile { text, ..file }
    }

    /// The text for an excerpt, with `*` for each letter of a value: a line of this file has
    /// secrets.
    pub(crate) fn redacted_source(&self, name: &str) -> Source {
        let hide =
            |char: char| if char == '\n' { "\n".to_owned() } else { "*".repeat(char.len_utf8()) };
        let mut redacted = String::with_capacity(self.text.len());
        for line in self.text.split_inclusive('\n') {
            let name = line.find('=').map_or("", |at| &line[..=at]);
            let is_known = |(known, _): &(String, String)| name.contains(known.as_str());
            let shown = if self.variables.iter().any(is_known) { name } else { "" };
            redacted.push_str(shown);
            redacted.extend(line[shown.len()..].chars().map(hide));
        }
        Source::new(name, &redacted)
    }

    fn set(&mut self, name: String, value: String) {
        match self.variables.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name, value)),
        }
    }
}

/// Where a comment may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommentRule {
    /// Also behind a value.
    BehindValues,
    /// On lines of their own.
    WholeLines,
}

/// The assignment at the beginning of a text, and the text behind its line.
fn parse_line(text: &str, comments: CommentRule) -> (Option<(String, String)>, &str) {
    let (line, behind) = text.split_once('\n').unwrap_or((text, ""));
    let trimmed = line.trim_start();
    let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed);
    // `NAME=value`, and `NAME: value` as in YAML.
    let Some(at) = assignment.find(['=', ':']) else { return (None, behind) };
    let name = assignment[..at].trim();
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || !name.chars().all(is_letter) {
        return (None, behind);
    }
    // From here to the end of the text: a quoted value may have line breaks.
    let from = line.len() - assignment.len() + at + 1;
    let value = text[from..].trim_start_matches([' ', '\t']);
    let quote = value.chars().next().filter(|c| "\"'`".contains(*c));
    if let Some(quote) = quote
        && let Some(end) = value[1..].find(quote)
    {
        let (inside, after) = (&value[1..=end], &value[end + 2..]);
        let unescaped = match quote {
            '"' => inside.replace("\\n", "\n").replace("\\r", "\r"),
            _ => inside.to_owned(),
        };
        let behind = after.split_once('\n').map_or("", |(_, behind)| behind);
        return (Some((name.to_owned(), unescaped)), behind);
    }
    let unquoted = match comments {
        CommentRule::BehindValues => line[from..].split('#').next().unwrap_or_default(),
        CommentRule::WholeLines => &line[from..],
    };
    (Some((name.to_owned(), unquoted.trim().to_owned())), behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_dotenv_reads() {
        let text = "\u{FEFF}# a comment\nA=1\r\n export B = two words # and why\nC=\"x # y\\nz\"\n\
                    D='it\\n'\nE=`a \"b\"`\nF=\nG=\"first\nsecond\" # end\n\nnot one\nH: yaml\n\
                    I=a=b\nJ=\"open\nA=2\nK-L.M=1\n9 9=1";
        let expected = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "x # y\nz"),
            ("D", "it\\n"),
            ("E", "a \"b\""),
            ("F", ""),
            ("G", "first\nsecond"),
            ("H", "yaml"),
            ("I", "a=b"),
            ("J", "\"open"),
            ("K-L.M", "1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let file = DotenvFile::parse(text);
        assert_eq!(file.variables, expected);
        let mistakes: Vec<&str> =
            file.mistakes.iter().map(|(place, _)| &file.text[place.clone()]).collect();
        assert_eq!(mistakes, ["not one", "J=\"open", "9 9=1"]);
        assert!(DotenvFile::parse("").variables.is_empty());
    }

    #[test]
    fn in_a_folder_of_functions_a_sharp_is_a_part_of_the_value() {
        let file = DotenvFile::parse_project("A=x#1\nB=x # y\nC=\"x # y\" # z\n# D=1\nE=#f\n");
        let expected = [("A", "x#1"), ("B", "x # y"), ("C", "x # y"), ("E", "#f")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(file.variables, expected);
        let place = file.mistakes[0].0.clone();
        assert_eq!((&file.text[place], file.mistakes.len()), ("B=x # y", 1));
    }

    #[test]
    fn an_excerpt_shows_no_value() {
        let file = DotenvFile::parse("A=secret1\nB='secret2\nsecret3\n9 9=secret4");
        let source = file.redacted_source(".env");
        assert_eq!(&*source.text, "A=*******\nB=********\n*******\n***********");
    }
}
