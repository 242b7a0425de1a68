//! Text escaped for XML: markup as references, and U+FFFD for what XML cannot represent.

/// Appends `text` so that a reader of XML gets the same text from between two tags.
pub(super) fn escape_into(out: &mut String, text: &str) {
    escape(out, text, |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | b'\r'));
}

/// Appends `value` so that a reader of XML gets the same text from between the quotes of an
/// attribute, where it would turn bare tabs and line ends into spaces.
pub(super) fn escape_attribute_into(out: &mut String, value: &str) {
    // Line ends and tabs as references: a reader normalises bare ones to spaces.
    let special = b"&<>\"'\r\n\t";
    escape(out, value, |byte| special.contains(&byte));
}

fn escape(out: &mut String, text: &str, special: impl Fn(u8) -> bool) {
    out.reserve(text.len());
    let bytes = text.as_bytes();
    // Runs of plain text are copied at once: most texts have nothing to escape.
    let mut from = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (length, written) = match bytes[at] {
            byte if special(byte) => (1, reference_for(byte)),
            // Allowed as they are between tags; `special` has decided for attributes.
            b'\t' | b'\n' => (1, ""),
            ..0x20 => (1, "\u{FFFD}"),
            // U+FFFE and U+FFFF, the only ones from 0xEF on that XML does not allow.
            0xEF if matches!(bytes[at..], [_, 0xBF, 0xBE | 0xBF, ..]) => (3, "\u{FFFD}"),
            _ => (1, ""),
        };
        if !written.is_empty() {
            out.push_str(&text[from..at]);
            out.push_str(written);
            from = at + length;
        }
        at += length;
    }
    out.push_str(&text[from..]);
}

fn reference_for(byte: u8) -> &'static str {
    match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&apos;",
        b'\t' => "&#9;",
        b'\n' => "&#10;",
        _ => "&#13;",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> (String, String) {
        let (mut element, mut attribute) = (String::new(), String::new());
        escape_into(&mut element, text);
        escape_attribute_into(&mut attribute, text);
        (element, attribute)
    }

    #[test]
    fn escapes_markup_and_white_space() {
        let (text, attribute) = escaped("a<b>&\"c'\t\r\n");
        assert_eq!(text, "a&lt;b&gt;&amp;&quot;c&apos;\t&#13;\n");
        assert_eq!(attribute, "a&lt;b&gt;&amp;&quot;c&apos;&#9;&#13;&#10;");
    }

    #[test]
    fn replaces_what_xml_cannot_carry() {
        let (text, _) = escaped("\0\u{1}\u{1F}é\u{FFFE}\u{FFFF}\u{FFFD}\u{FEFF}\u{7F}😀");
        assert_eq!(text, "\u{FFFD}\u{FFFD}\u{FFFD}é\u{FFFD}\u{FFFD}\u{FFFD}\u{FEFF}\u{7F}😀");
    }
}
