//! Text that tries to become markup, and documents that try to cost more than they should.

use twimlgate::channel::Channel;
use twimlgate::twiml::read::check_document;
use twimlgate::twiml::{DocumentLimits, TwimlErrorKind};

use super::random::Random;
use crate::fuzz::finding;

const HOSTILE: &[&str] = &[
    r#""><Dial>+15550100</Dial><Say x=""#,
    "]]>&#0;",
    "</Say></Response><Response>",
    "<![CDATA[<Dial>+15550100</Dial>]]>",
    "<!-- ",
    "-->",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>&b;",
    "&amp;&lt;&#60;&bogus;&",
    "'\"'\"",
    "\0\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{85}\u{FFFE}\u{FFFF}\u{FFFD}\u{FEFF}",
    "a\tb\nc\rd\r\ne",
    "  ",
    "é 中 😀 \u{10FFFF} \u{2028}",
];

/// Asserts what the fuzz target `escape` does: that a document with the text in every kind of place
/// has the same tree as with `x`, but for the text, to us and to expat.
fn assert_harmless(text: &str) {
    assert_eq!(finding("escape", text.as_bytes()), None, "{text:?}");
}

#[test]
fn written_text_comes_back_and_moves_nothing() {
    assert_harmless("");
    for text in HOSTILE {
        assert_harmless(text);
    }
    let mut random = Random::new(7);
    for _ in 0..5_000 {
        let mut text = String::new();
        for _ in 0..random.below(6) {
            match random.below(3) {
                0 => text.push_str(random.pick::<&str>(HOSTILE)),
                1 => text.extend(char::from_u32(random.below(0x11_0000) as u32)),
                _ => text.extend(char::from_u32(random.below(0x80) as u32)),
            }
        }
        assert_harmless(&text);
    }
}

#[test]
fn many_attributes_cost_no_more_than_their_number() {
    let large =
        DocumentLimits { bytes: 16 << 20, attributes: usize::MAX, ..DocumentLimits::default() };
    let attributes: String = (0..80_000).map(|index| format!(" a{index}=''")).collect();
    let document = format!("<Response><Say{attributes}>x</Say></Response>");
    assert_eq!(
        check_document(document.as_bytes(), Channel::Voice, &large).unwrap().findings.len(),
        32
    );
    let document = format!("<Response><Say{attributes} a7=''>x</Say></Response>");
    let error = check_document(document.as_bytes(), Channel::Voice, &large).unwrap_err();
    assert_eq!(error.kind, TwimlErrorKind::Duplicate("a7".into()));
}

#[test]
fn bounds_hold() {
    let kind = |document: &str| {
        check_document(document.as_bytes(), Channel::Voice, &DocumentLimits::default())
            .map_err(|error| error.kind)
    };
    let (bytes, depth) = (DocumentLimits::default().bytes, DocumentLimits::default().depth);
    let attributes = |count: usize| -> String {
        (0..count).map(|index| format!(" a{index}=''")).collect::<String>()
    };
    let filled = |size: usize| {
        let frame = "<Response></Response>";
        frame.replace("></", &format!(">{}</", " ".repeat(size - frame.len())))
    };
    assert!(kind(&filled(bytes)).is_ok());
    let over = bytes + 1;
    assert_eq!(kind(&filled(over)), Err(TwimlErrorKind::TooLarge { bytes: over, max: bytes }));
    let nested = |levels: usize| {
        format!("<Response>{}{}</Response>", "<a>".repeat(levels), "</a>".repeat(levels))
    };
    assert!(kind(&nested(depth - 1)).is_ok());
    assert_eq!(kind(&nested(depth)), Err(TwimlErrorKind::Depth(depth)));
    let many = |count: usize| format!("<Response>{}</Response>", "<a/>".repeat(count));
    assert!(kind(&many(999)).is_ok());
    assert_eq!(kind(&many(1_000)), Err(TwimlErrorKind::Elements(1_000)));
    assert!(kind(&format!("<Response{}/>", attributes(64))).is_ok());
    assert_eq!(
        kind(&format!("<Response{}/>", attributes(65))),
        Err(TwimlErrorKind::Attributes(64))
    );
}

#[test]
fn any_bytes_are_answered() {
    let mut random = Random::new(3);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.below(256) as u8).collect();
        if let Err(error) = check_document(&bytes, Channel::Message, &DocumentLimits::default()) {
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
