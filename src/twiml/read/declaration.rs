//! The XML declaration, `<?xml version="1.0" encoding="UTF-8"?>`.

use super::characters::is_space;
use super::error::{TwimlErrorKind, abbreviate};

/// The declaration of nearly every document, so that it costs one comparison.
const USUAL: &str = " version=\"1.0\" encoding=\"UTF-8\"";

/// Refuses a declaration whose version or encoding is not supported. `inside` is the text between
/// `<?xml` and `?>`; `is_ascii` says whether the whole document is ASCII.
pub(super) fn check_declaration(inside: &str, is_ascii: bool) -> Result<(), TwimlErrorKind> {
    if inside == USUAL {
        return Ok(());
    }
    let mut rest = inside;
    // XML fixes this order; any other is malformed.
    let version = take_setting(&mut rest, "version")?.ok_or(TwimlErrorKind::Declaration)?;
    let encoding = take_setting(&mut rest, "encoding")?;
    let standalone = take_setting(&mut rest, "standalone")?;
    if !rest.bytes().all(is_space) || standalone.is_some_and(|word| word != "yes" && word != "no") {
        return Err(TwimlErrorKind::Declaration);
    }
    if version != "1.0" {
        return Err(TwimlErrorKind::Version(abbreviate(version)));
    }
    match encoding {
        None => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("us-ascii") && is_ascii => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("us-ascii") => Err(TwimlErrorKind::NotAscii),
        Some(name) => Err(TwimlErrorKind::Encoding(abbreviate(name))),
    }
}

/// Takes ` name = "value"` from the front of `rest` if the next setting has this name.
fn take_setting<'a>(rest: &mut &'a str, name: &str) -> Result<Option<&'a str>, TwimlErrorKind> {
    let space = |byte: char| byte.is_ascii() && is_space(byte as u8);
    let trimmed = rest.trim_start_matches(space);
    let Some(after) = trimmed.strip_prefix(name) else { return Ok(None) };
    // White space is required in front of each setting.
    if trimmed.len() == rest.len() {
        return Err(TwimlErrorKind::Declaration);
    }
    let after =
        after.trim_start_matches(space).strip_prefix('=').ok_or(TwimlErrorKind::Declaration)?;
    let after = after.trim_start_matches(space);
    let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''));
    let quote = quote.ok_or(TwimlErrorKind::Declaration)?;
    let (value, after) = after[1..].split_once(quote).ok_or(TwimlErrorKind::Declaration)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !value.bytes().all(plain) {
        return Err(TwimlErrorKind::Declaration);
    }
    *rest = after;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_it_can_read() {
        for inside in [
            r#" version="1.0""#,
            r#" version = '1.0' encoding="utf-8" standalone='yes' "#,
            "\n\tversion=\"1.0\" standalone=\"no\"",
        ] {
            assert_eq!(check_declaration(inside, false), Ok(()), "{inside}");
        }
        assert_eq!(check_declaration(r#" version="1.0" encoding="US-ASCII""#, true), Ok(()));
    }

    #[test]
    fn refuses_the_rest() {
        for inside in [
            "",
            r#" encoding="UTF-8""#,
            r#" encoding="UTF-8" version="1.0""#,
            r#" version="1.0"encoding="UTF-8""#,
            r#" version="1.0" encoding="UTF-8" x="y""#,
            r#" version="1.0" standalone="maybe""#,
            r#" version="1.0" version="1.0""#,
            r#" version=1.0"#,
            r#" version="1.0"#,
        ] {
            assert_eq!(
                check_declaration(inside, true),
                Err(TwimlErrorKind::Declaration),
                "{inside}"
            );
        }
        assert_eq!(
            check_declaration(r#" version="1.1""#, true),
            Err(TwimlErrorKind::Version("1.1".into()))
        );
        assert_eq!(
            check_declaration(r#" version="1.0" encoding="ISO-8859-1""#, true),
            Err(TwimlErrorKind::Encoding("ISO-8859-1".into()))
        );
    }
}
