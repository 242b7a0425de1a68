//! Escaping: text into XML, and the HTML escapes of the `escape` filters.

/// Appends `text` escaped for XML, between tags and inside attributes alike.
///
/// Line breaks and tabs are written as references, so that attribute normalisation (XML 1.0,
/// section 3.3.3) does not turn them into spaces and a carriage return is not read as a line feed
/// (section 2.11). Characters that XML 1.0 does not allow at all (section 2.2) become U+FFFD. As
/// `>` is always escaped, the output never contains `]]>`.
pub(super) fn escape_xml_into(out: &mut String, text: &str) {
    let mut plain_from = 0;
    let bytes = text.as_bytes();
    for (offset, byte) in bytes.iter().enumerate() {
        // Plain text is copied in runs, and a test of one byte is the whole cost of most of it.
        if !may_need_escape(*byte) {
            continue;
        }
        let Some(replacement) = find_replacement(bytes, offset) else { continue };
        out.push_str(&text[plain_from..offset]);
        out.push_str(replacement);
        // U+FFFE and U+FFFF are three bytes, every other replaced character is one.
        plain_from = offset + if *byte == 0xEF { 3 } else { 1 };
    }
    out.push_str(&text[plain_from..]);
}

/// The text escaped for XML.
pub(super) fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    escape_xml_into(&mut out, text);
    out
}

/// The text escaped for XML, except for the `&` of what already is a character reference.
pub(super) fn escape_xml_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        escape_xml_into(&mut out, &rest[..at]);
        rest = &rest[at + 1..];
        // Only references that need no declaration stay: `&nbsp;` would break the document.
        out.push_str(if is_xml_reference(rest) { "&" } else { "&amp;" });
    }
    escape_xml_into(&mut out, rest);
    out
}

/// The text escaped as Ruby's `CGI.escapeHTML` does: the filter `escape` outside of XML.
pub(super) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match find_html_entity(character) {
            Some(entity) => out.push_str(entity),
            None => out.push(character),
        }
    }
    out
}

/// The text escaped for HTML, except for the `&` of what already is a character reference.
pub(super) fn escape_html_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (offset, character) in text.char_indices() {
        match find_html_entity(character) {
            Some(_) if character == '&' && is_html_reference(&text[offset + 1..]) => out.push('&'),
            Some(entity) => out.push_str(entity),
            None => out.push(character),
        }
    }
    out
}

/// Whether the byte may begin a character to be replaced. `0xEF` begins U+FFFE and U+FFFF.
#[inline]
fn may_need_escape(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | 0xEF)
}

/// The replacement for the character at `offset`; `None` where it stays.
fn find_replacement(bytes: &[u8], offset: usize) -> Option<&'static str> {
    match bytes[offset] {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        b'\r' => Some("&#13;"),
        0xEF if bytes[offset + 1..].starts_with(&[0xBF, 0xBE]) => Some("\u{FFFD}"),
        0xEF if bytes[offset + 1..].starts_with(&[0xBF, 0xBF]) => Some("\u{FFFD}"),
        // Any other character that begins with this byte.
        0xEF => None,
        _ => Some("\u{FFFD}"),
    }
}

fn find_html_entity(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Whether the text behind an `&` makes it a reference: letters, or `#` and digits, up to a `;`.
fn is_html_reference(text: &str) -> bool {
    let (digits, name) = match text.strip_prefix('#') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let fits = |byte: &u8| if digits { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    let length = name.bytes().take_while(fits).count();
    length > 0 && name.as_bytes().get(length) == Some(&b';')
}

/// Whether it is a reference that any XML document may hold: one of the five names that need no
/// declaration, or the number of a character that XML can carry.
fn is_xml_reference(text: &str) -> bool {
    // The longest such reference is `#1114111;`.
    let Some(end) = text.bytes().take(9).position(|byte| byte == b';') else { return false };
    let name = &text[..end];
    match name.strip_prefix('#') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => matches!(
            digits.parse(),
            Ok(9 | 10 | 13 | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x10FFFF)
        ),
        Some(_) => false,
        None => matches!(name, "amp" | "lt" | "gt" | "quot" | "apos"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_for_xml() {
        assert_eq!(
            escape_xml("a<b & \"c\" 'd' ]]>"),
            "a&lt;b &amp; &quot;c&quot; &#39;d&#39; ]]&gt;"
        );
        assert_eq!(escape_xml("\0\u{1}\u{8}\u{b}\u{1f}"), "\u{FFFD}".repeat(5));
        assert_eq!(escape_xml("\u{FFFE}x\u{FFFF}y\u{FFFD}\u{F000}é😀\u{7f}"), {
            "\u{FFFD}x\u{FFFD}y\u{FFFD}\u{F000}é😀\u{7f}"
        });
        assert_eq!(escape_xml("\t\r\n"), "&#9;&#13;&#10;");
    }

    #[test]
    fn escapes_once() {
        assert_eq!(
            escape_html_once("1 &lt; 2 & 3 &#39; &#x; &;"),
            "1 &lt; 2 &amp; 3 &#39; &amp;#x; &amp;;"
        );
    }
}
