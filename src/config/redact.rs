//! The text of a configuration as it may be shown: without its secrets.
//!
//! Excerpts show whole lines, also of files that are not TOML at all because a quote is missing.
//! So this works on the text and not on what was parsed, and rather hides too much.

use crate::diagnostics::toml_reader::hide_userinfo;

/// Keys whose values are secrets.
const SECRETS: [&str; 2] = ["auth_tokens", "secret"];

/// The text with every secret as asterisks, byte for byte as long as before, so that places stay
/// places. A reference like `${NAME}` is no secret, a default in it is.
pub(super) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    // On the text, not on what was parsed: a file whose quotes do not match is shown as well.
    while let Some(start) = find_secret(rest) {
        let end = start + value_end(&rest[start..]);
        shown.push_str(&rest[..start]);
        push_hidden(&rest[start..end], &mut shown);
        rest = &rest[end..];
    }
    shown.push_str(rest);
    hide_userinfo(shown)
}

/// Where the value of the next secret begins.
fn find_secret(text: &str) -> Option<usize> {
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

/// Where a value ends: a list at its bracket, anything else with its line.
fn value_end(value: &str) -> usize {
    let line = value.find('\n').unwrap_or(value.len());
    if value.trim_start().starts_with('[') {
        // A bracket within a token ends the list early; what follows is another value then, and
        // shown. Tokens of Twilio are hexadecimal.
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

fn push_hidden(value: &str, shown: &mut String) {
    let mut rest = value;
    while let Some(character) = rest.chars().next() {
        let reference = reference_length(rest);
        if reference > 0 {
            shown.push_str(&rest[..reference]);
            rest = &rest[reference..];
            continue;
        }
        let plain = character.is_ascii_whitespace() || "[],\"'".contains(character);
        if plain {
            shown.push(character);
        } else {
            // As many asterisks as bytes: places behind it stay places.
            shown.extend(std::iter::repeat_n('*', character.len_utf8()));
        }
        rest = &rest[character.len_utf8()..];
    }
}

/// The length of a `${NAME}` at the beginning, else 0.
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
