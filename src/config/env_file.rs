//! The `.env` file beside a configuration: values for its `${NAME}` references.
//!
//! The format is that of the `dotenv` package of Node, which projects of Twilio Functions use:
//! `NAME=value`, an optional `export`, comments behind `#`, and values in single quotes, double
//! quotes or backticks, which may span lines. Only double quotes have escapes: `\n`, `\r`, `\t`,
//! `\"`, `\\`. References between the variables are not expanded.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::limits::CONFIG_BYTES_MAX;
use crate::read_limited::read_text_limited;

/// The name of the file, in the folder of the configuration.
pub(super) const ENV_FILE_NAME: &str = ".env";

/// The variables of a `.env` file.
#[derive(Debug, Default)]
pub(super) struct EnvFile(BTreeMap<String, String>);

impl EnvFile {
    /// Reads the file in a folder. A missing file has no variables.
    pub(super) fn read(folder: &Path, problems: &mut Problems) -> EnvFile {
        let path = folder.join(ENV_FILE_NAME);
        match read_text_limited(&path, CONFIG_BYTES_MAX) {
            Ok(text) => parse_env_file(&path.display().to_string(), &text, problems),
            Err(error) if error.kind() == io::ErrorKind::NotFound => EnvFile::default(),
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                let help = "its variables replace `${NAME}` in the configuration; make it \
                            readable, or remove it";
                problems.push(Problem::new(Severity::Error, message).help(help));
                EnvFile::default()
            }
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// Reads a `.env` file. The last value of a name counts, as in a shell.
fn parse_env_file(name: &str, text: &str, problems: &mut Problems) -> EnvFile {
    // Editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = EnvFileReader { name, text, position: 0, problems };
    let mut variables = BTreeMap::new();
    while reader.position < text.len() {
        if let Some((name, value)) = reader.read_line() {
            variables.insert(name, value);
        }
    }
    EnvFile(variables)
}

struct EnvFileReader<'a> {
    name: &'a str,
    text: &'a str,
    position: usize,
    problems: &'a mut Problems,
}

impl EnvFileReader<'_> {
    /// Reads one line, or several where a value in quotes spans them.
    fn read_line(&mut self) -> Option<(String, String)> {
        let start = self.position;
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        self.position = start + line.len() + 1;
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return None;
        }
        let Some((name, value)) = line.split_once('=') else {
            self.report(start..start + line.trim_end().len(), "a line without `=`");
            return None;
        };
        let value_start = start + name.len() + 1;
        let name = name.trim().strip_prefix("export ").unwrap_or(name).trim();
        if !is_variable_name(name) {
            // Only the name is quoted: what stands behind it may be a secret.
            self.report(start..value_start - 1, "this cannot be the name of a variable");
            return None;
        }
        let spaces = value.len() - value.trim_start().len();
        let value = match value.trim_start().chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => self.read_quoted(value_start + spaces, quote)?,
            _ => strip_comment(value).trim().to_owned(),
        };
        Some((name.to_owned(), value))
    }

    /// Reads a value whose opening quote is at `start`, and moves behind the line of its end.
    fn read_quoted(&mut self, start: usize, quote: char) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((offset, char)) = chars.next() {
            match char {
                _ if char == quote => {
                    let rest = &self.text[start + 1 + offset..];
                    self.position = start + 1 + offset + rest.find('\n').unwrap_or(rest.len()) + 1;
                    return Some(value);
                }
                '\\' if quote == '"' => push_escape(&mut value, chars.next().map(|(_, char)| char)),
                _ => value.push(char),
            }
        }
        self.report(start..start + 1, "this quote is not closed");
        None
    }

    fn report(&mut self, span: Range<usize>, message: &str) {
        // The excerpt of a problem shows its line. A line of this file has secrets, so the source
        // that is quoted has only the names.
        let source = Source::new(self.name, &hide_values(self.text));
        let span = span.start.min(source.text.len())..span.end.min(source.text.len());
        let problem = source.error(span, format!("{message} in `{ENV_FILE_NAME}`"));
        self.problems.push(problem.expected("`NAME=value`"));
    }
}

/// The text with each value replaced by as many `*`, so that places remain what they are.
fn hide_values(text: &str) -> String {
    let hide =
        |char: char| if char == '\n' { "\n".to_owned() } else { "*".repeat(char.len_utf8()) };
    let mut hidden = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let name = line.split_once('=').map_or("", |(name, _)| name);
        if is_variable_name(name.trim().trim_start_matches("export ").trim()) {
            hidden.push_str(name);
            hidden.push('=');
            hidden.extend(line[name.len() + 1..].chars().map(hide));
        } else {
            hidden.extend(line.chars().map(hide));
        }
    }
    hidden
}

fn push_escape(value: &mut String, escaped: Option<char>) {
    match escaped {
        Some('n') => value.push('\n'),
        Some('r') => value.push('\r'),
        Some('t') => value.push('\t'),
        Some(char @ ('"' | '\\')) => value.push(char),
        // An unknown escape stays as it is written: paths and patterns have many.
        Some(char) => value.extend(['\\', char]),
        None => value.push('\\'),
    }
}

/// A comment begins at a `#` behind a space: a colour or an anchor in a value is not one.
fn strip_comment(value: &str) -> &str {
    let comment = [" #", "\t#"].iter().filter_map(|start| value.find(start)).min();
    comment.map_or(value, |start| &value[..start])
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> Vec<(String, String)> {
        let mut problems = Problems::default();
        let file = parse_env_file(".env", text, &mut problems);
        assert_eq!(problems.iter().count(), 0, "{problems}");
        file.0.into_iter().collect()
    }

    #[test]
    fn reads_what_dotenv_reads() {
        let text = "\u{feff}# comment\r\nA=1\r\n  B = two words  # comment\nexport C='it''s'\n\
                    D=\"a\\nb \\\"c\\\" \\d\" # comment\nE=\nF=a#b\nG=`one\ntwo`\nH=x=y\nA=2\n";
        let read = variables(text);
        let expected = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "it"),
            ("D", "a\nb \"c\" \\d"),
            ("E", ""),
            ("F", "a#b"),
            ("G", "one\ntwo"),
            ("H", "x=y"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, expected);
    }

    #[test]
    fn says_where_a_line_is_wrong_and_shows_no_value() {
        for (text, place) in [
            ("A=secret1\nsecret2\n", ".env:2:1"),
            ("A=secret1\n1B=secret2\n", ".env:2:1"),
            ("A=secret1\nB='secret2\nsecret3", ".env:2:3"),
            ("A B=secret2", ".env:1:1"),
        ] {
            let mut problems = Problems::default();
            parse_env_file(".env", text, &mut problems);
            let printed = problems.to_string();
            assert!(printed.contains(place), "{printed}");
            assert!(!printed.contains("secret"), "{printed}");
        }
    }

    #[test]
    fn a_variable_before_a_mistake_is_read() {
        let mut problems = Problems::default();
        let file = parse_env_file(".env", "A=1\nrubbish\nB=2", &mut problems);
        assert_eq!(file.variable("B").as_deref(), Some("2"));
        assert_eq!(problems.iter().count(), 1);
    }
}
