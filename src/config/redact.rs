//! Hides the secrets in the text of a configuration, for excerpts in messages.
//!
//! An excerpt shows whole lines, even of a file that is not valid TOML because a quote is missing.
//! Therefore this works on the text and not on parsed values, and in doubt it hides too much.

use crate::diagnostics::toml_reader::hide_userinfo;

/// Keys whose values are secrets.
const SECRETS: [&str; 2] = ["auth_tokens", "secret"];

/// Replaces every secret by asterisks. The length in bytes does not change, so that places in the
/// text remain valid. A reference like `${NAME}` is not a secret, but a default in it is.
pub(super) fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = find_secret(rest) {
        let end = start + value_end(&rest[start..]);
        redacted.push_str(&rest[..start]);
        push_hidden(&rest[start..end], &mut redacted);
        rest = &rest[end..];
    }
    redacted.push_str(rest);
    // URLs may contain passwords too.
    hide_userinfo(redacted)
}

/// The place where the value of the next secret begins.
fn find_secret(text: &str) -> Option<usize> {
    // The key may be quoted, and `=` may have spaces before it. The word without `=` is not a key.
    let value = |key: &&str| {
        text.match_indices(*key).find_map(|(at, _)| {
            let behind = at + key.len();
            let after_key = text[behind..].trim_start_matches(['"', '\'', ' ', '\t']);
            let equals = text.len() - after_key.len();
            after_key.starts_with('=').then_some(equals + 1)
        })
    };
    SECRETS.iter().filter_map(value).min()
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
            ("# the secret of it\nx = \"auth_tokens\"", "# the secret of it\nx = \"auth_tokens\""),
        ] {
            assert_eq!(redact(text), shown);
            assert_eq!(redact(text).len(), text.len());
        }
    }
}
