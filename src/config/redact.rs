//! Hides the secrets in the text of a configuration, for excerpts in messages.
//!
//! An excerpt shows whole lines, even of a file that is not valid TOML because a quote is missing.
//! Therefore this works on the text and not on parsed values, and in doubt it hides too much.

use crate::diagnostics::toml_reader::hide_userinfo;

/// Keys whose values are secrets.
const SECRETS: [&str; 2] = ["auth_tokens", "secret"];

/// The key of a table whose values are secrets: `headers = { … }`, `headers.NAME = …`, or a section
/// `[function.NAME.headers]`.
const SECRET_TABLE: &str = "headers";

/// A part of the text to hide.
enum HiddenPart {
    /// One value.
    Value,
    /// A table in braces: its values.
    Table,
    /// The lines of a section: their values.
    Section,
}

/// Replaces every secret by asterisks. The length in bytes does not change, so that places in the
/// text remain valid. A reference like `${NAME}` is not a secret, but a default in it is.
pub(super) fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, part)) = find_secret(rest) {
        let (before, from) = rest.split_at(start);
        redacted.push_str(before);
        let end = match part {
            HiddenPart::Value => value_end(from),
            HiddenPart::Table => table_end(from),
            HiddenPart::Section => section_end(from),
        };
        match part {
            HiddenPart::Value => push_hidden(&from[..end], &mut redacted),
            HiddenPart::Table | HiddenPart::Section => push_values(&from[..end], &mut redacted),
        }
        rest = &from[end..];
    }
    redacted.push_str(rest);
    // URLs may contain passwords too.
    hide_userinfo(redacted)
}

/// The place where the next secret part begins.
fn find_secret(text: &str) -> Option<(usize, HiddenPart)> {
    // The key may be quoted, and `=` may have spaces before it. The word without `=` is not a key.
    let value = |key: &&str| {
        text.match_indices(*key).find_map(|(at, _)| {
            let equals = after_key(text, at + key.len());
            text[equals..].starts_with('=').then_some((equals + 1, HiddenPart::Value))
        })
    };
    let table = text.match_indices(SECRET_TABLE).find_map(|(at, _)| {
        let next = after_key(text, at + SECRET_TABLE.len());
        match text.as_bytes().get(next)? {
            b'=' if text[next + 1..].trim_start().starts_with('{') => {
                Some((next + 1, HiddenPart::Table))
            }
            b'=' => Some((next + 1, HiddenPart::Value)),
            b'.' => {
                let line = &text[next..];
                let line = &line[..line.find('\n').unwrap_or(line.len())];
                line.find('=').map(|equals| (next + equals + 1, HiddenPart::Value))
            }
            b']' => Some((next + 1, HiddenPart::Section)),
            _ => None,
        }
    });
    let found = SECRETS.iter().filter_map(value).chain(table);
    found.min_by_key(|(start, _)| *start)
}

/// The place behind the quote and the spaces that may follow a key.
fn after_key(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(['"', '\'', ' ', '\t']).len()
}

/// The end of a table in braces, which may have a brace in a text.
fn table_end(value: &str) -> usize {
    let mut quotes = QuoteState::default();
    let is_end = |&(_, character): &(usize, char)| quotes.is_outside(character) && character == '}';
    value.char_indices().find(is_end).map_or(value.len(), |(at, _)| at)
}

/// The end of a section: the next line that begins with a bracket.
fn section_end(section: &str) -> usize {
    section.find("\n[").map_or(section.len(), |at| at + 1)
}

/// Appends a table or a section with its keys, and without its values.
fn push_values(text: &str, redacted: &mut String) {
    let mut rest = text;
    loop {
        let key = key_length(rest);
        redacted.push_str(&rest[..key]);
        rest = &rest[key..];
        if rest.is_empty() {
            return;
        }
        let end = next_key(rest);
        push_hidden(&rest[..end], redacted);
        rest = &rest[end..];
    }
}

/// The length of a key with its `=` at the beginning of a text; 0 if something else is there.
fn key_length(text: &str) -> usize {
    let start = text.len() - text.trim_start_matches(['{', ',', ' ', '\t', '\n', '\r']).len();
    let key = &text[start..];
    let quote = key.chars().next().filter(|first| matches!(first, '"' | '\''));
    let name = key.trim_start_matches(['"', '\'']);
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let length = name.find(|c| !is_letter(c)).unwrap_or(name.len());
    let behind = match quote {
        Some(quote) => name[length..].strip_prefix(quote),
        None => Some(&name[length..]),
    };
    let value = behind.filter(|_| length > 0);
    let value = value.and_then(|behind| behind.trim_start_matches([' ', '\t']).strip_prefix('='));
    value.map_or(0, |value| text.len() - value.len())
}

/// Whether a place in a text is between quotes.
#[derive(Default)]
struct QuoteState {
    open: Option<char>,
    is_escaped: bool,
}

impl QuoteState {
    /// Takes the next character. `true` if it is outside of quotes, and is not a quote.
    fn is_outside(&mut self, character: char) -> bool {
        match (self.open, character) {
            (Some(_), _) if self.is_escaped => self.is_escaped = false,
            // Only in these quotes a backslash means something.
            (Some('"'), '\\') => self.is_escaped = true,
            (Some(open), close) if open == close => self.open = None,
            (None, '"' | '\'') => self.open = Some(character),
            (None, _) => return true,
            (Some(_), _) => {}
        }
        false
    }
}

/// The place behind a value: the comma or the line break outside of quotes, at which a key follows.
fn next_key(value: &str) -> usize {
    let mut quotes = QuoteState::default();
    let is_end = |&(at, character): &(usize, char)| {
        quotes.is_outside(character)
            && matches!(character, ',' | '\n')
            && key_length(&value[at..]) > 0
    };
    value.char_indices().find(is_end).map_or(value.len(), |(at, _)| at)
}

/// The end of a value: the bracket of a list, the quotes of a text over several lines, otherwise
/// the end of the line.
fn value_end(value: &str) -> usize {
    let line = value.find('\n').unwrap_or(value.len());
    if value.trim_start().starts_with('[') {
        // A bracket in a token would end the list early, and the rest would be shown. Twilio's
        // tokens are hexadecimal.
        value.find(']').unwrap_or(value.len())
    } else if let Some(quotes) =
        ["\"\"\"", "'''"].iter().find(|q| value.trim_start().starts_with(**q))
    {
        let open = value.find(quotes).unwrap_or_default() + 3;
        value[open..].find(quotes).map_or(value.len(), |close| open + close)
    } else {
        line
    }
}

/// Appends a value with asterisks in place of its characters.
fn push_hidden(value: &str, redacted: &mut String) {
    let mut rest = value;
    while let Some(character) = rest.chars().next() {
        let reference = reference_length(rest);
        if reference > 0 {
            redacted.push_str(&rest[..reference]);
            rest = &rest[reference..];
            continue;
        }
        // Quotes and brackets remain, so that an excerpt shows which of them is missing.
        let plain = character.is_ascii_whitespace() || "[],\"'".contains(character);
        if plain {
            redacted.push(character);
        } else {
            // As many asterisks as bytes: the places of what follows do not change.
            redacted.extend(std::iter::repeat_n('*', character.len_utf8()));
        }
        rest = &rest[character.len_utf8()..];
    }
}

/// The length of a `${NAME}` at the beginning of a text; 0 if there is none.
fn reference_length(text: &str) -> usize {
    let Some(name) = text.strip_prefix("${") else { return 0 };
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    if name[end..].starts_with('}') { end + 3 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_secrets_and_nothing_else() {
        for (text, shown) in [
            (
                "sid = \"AC1\"\nauth_tokens = [\"12345\", '67é']\nx = 1",
                "sid = \"AC1\"\nauth_tokens = [\"*****\", '****']\nx = 1",
            ),
            (
                "auth_tokens = [\"${TOKEN}\", \"${T:-secret}\"]",
                "auth_tokens = [\"${TOKEN}\", \"************\"]",
            ),
            ("auth_tokens = 12345 # old", "auth_tokens = ***** * ***"),
            ("\"secret\" = \"abc\nlisten = 1", "\"secret\" = \"***\nlisten = 1"),
            ("secret = '''\nab\ncd'''\nx = 2", "secret = '''\n**\n**'''\nx = 2"),
            ("auth_tokens = [\"12345", "auth_tokens = [\"*****"),
            ("{ auth_tokens=[\"1\"], secret=\"2\" }", "{ auth_tokens=[\"*\"], secret=\"*\" *"),
            ("url = \"http://me:p@ss@h/x@y\"", "url = \"http://*******@h/x@y\""),
            (
                "headers = { \"X-Key\" = \"a}b\", Y = '${Y:-c,d}' } # x",
                "headers = { \"X-Key\" = \"***\", Y = '******,**' } # x",
            ),
            ("headers.X-Key = \"ab\"\nx = 1", "headers.X-Key = \"**\"\nx = 1"),
            ("a.\"headers\".\"X\"=\"ab\"\nx = 1", "a.\"headers\".\"X\"=\"**\"\nx = 1"),
            (
                "[function.a.headers]\n\"X-Key\" = \"${K}\"\nY = \"b[\" # c\n[x]\ny = 1",
                "[function.a.headers]\n\"X-Key\" = \"${K}\"\nY = \"*[\" * *\n[x]\ny = 1",
            ),
            ("headers = { X = \"abc, Y = \"d\" }\n", "headers = { X = \"***, * * \"*\" *\n"),
            (
                "headers = { X = \"a\\\", Z = 1\" }\ny = 1",
                "headers = { X = \"**\", * * *\" }\ny = 1",
            ),
            ("headers = { \"abc\" }", "headers = * \"***\" }"),
            ("headers = \"abc\"\nx = 1", "headers = \"***\"\nx = 1"),
            ("# the secret of it\nx = \"auth_tokens\"", "# the secret of it\nx = \"auth_tokens\""),
        ] {
            assert_eq!(redact(text), shown);
            assert_eq!(redact(text).len(), text.len());
        }
    }
}
