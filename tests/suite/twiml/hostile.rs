//! Text that tries to become markup, and documents that try to cost more than they should.

use twimlgate::twiml::read::{Element, Node, read, tree};
use twimlgate::twiml::verb::{Dial, Gather, Message, Number, Parameter, Say, Stream};
use twimlgate::twiml::{Bounds, Document, ErrorKind, Writer};
use twimlgate::webhook::Channel;

use super::random::Random;

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

/// The document with `text` in every kind of place.
fn document(text: &str) -> Document {
    let mut writer = Writer::response();
    writer.add(&Say { text, voice: Some(text), ..Say::default() });
    writer.nest(&Gather { action: Some(text), hints: Some(text), ..Gather::default() }, |inside| {
        inside.add(&Say { text, ..Say::default() });
    });
    writer.nest(&Dial { caller_id: Some(text), ..Dial::default() }, |inside| {
        inside.add(&Number { number: text, send_digits: Some(text), ..Number::default() });
    });
    writer.nest(&Stream { url: Some(text), ..Stream::default() }, |inside| {
        inside.add(&Parameter { name: Some(text), value: Some(text) });
    });
    writer.add(&Message { text, ..Message::default() });
    writer.finish()
}

/// The text as XML can carry it.
fn carried(text: &str) -> String {
    let replaced = |character| match character {
        '\t' | '\n' | '\r' => character,
        '\0'..' ' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
        other => other,
    };
    text.chars().map(replaced).collect()
}

/// Puts `text` in the place of each text and value that is `x`.
fn replace(element: &mut Element, text: &str) {
    for (_, value) in &mut element.attributes {
        *value = text.to_owned();
    }
    for node in &mut element.content {
        match node {
            Node::Element(element) => replace(element, text),
            Node::Text(inside) => *inside = text.to_owned(),
        }
    }
    // Places in the document move with the length of the text.
    (element.line, element.column) = (0, 0);
    element.content.retain(|node| !matches!(node, Node::Text(text) if text.is_empty()));
}

/// Asserts that the tree is the same as with `x`, but for the text.
fn assert_harmless(text: &str) {
    let bounds = Bounds { bytes: 1 << 20, ..Bounds::default() };
    let parse = |document: &Document| tree(document.as_str().as_bytes(), &bounds);
    let mut expected = parse(&document("x")).expect("a harmless document is read");
    replace(&mut expected, &carried(text));
    let mut found = parse(&document(text)).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    fn forget_places(element: &mut Element) {
        (element.line, element.column) = (0, 0);
        for node in &mut element.content {
            if let Node::Element(element) = node {
                forget_places(element);
            }
        }
    }
    forget_places(&mut found);
    assert_eq!(found, expected, "{text:?}");
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
    let large = Bounds { bytes: 16 << 20, attributes: usize::MAX, ..Bounds::default() };
    let attributes: String = (0..80_000).map(|index| format!(" a{index}=''")).collect();
    let document = format!("<Response><Say{attributes}>x</Say></Response>");
    assert_eq!(read(document.as_bytes(), Channel::Voice, &large).unwrap().findings.len(), 32);
    let document = format!("<Response><Say{attributes} a7=''>x</Say></Response>");
    let error = read(document.as_bytes(), Channel::Voice, &large).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Duplicate("a7".into()));
}

#[test]
fn bounds_hold() {
    let kind = |document: &str| {
        read(document.as_bytes(), Channel::Voice, &Bounds::default()).map_err(|error| error.kind)
    };
    let (bytes, depth) = (Bounds::default().bytes, Bounds::default().depth);
    let attributes = |count: usize| -> String {
        (0..count).map(|index| format!(" a{index}=''")).collect::<String>()
    };
    let filled = |size: usize| {
        let frame = "<Response></Response>";
        frame.replace("></", &format!(">{}</", " ".repeat(size - frame.len())))
    };
    assert!(kind(&filled(bytes)).is_ok());
    let over = bytes + 1;
    assert_eq!(kind(&filled(over)), Err(ErrorKind::TooLarge { bytes: over, max: bytes }));
    let nested = |levels: usize| {
        format!("<Response>{}{}</Response>", "<a>".repeat(levels), "</a>".repeat(levels))
    };
    assert!(kind(&nested(depth - 1)).is_ok());
    assert_eq!(kind(&nested(depth)), Err(ErrorKind::Depth(depth)));
    let many = |count: usize| format!("<Response>{}</Response>", "<a/>".repeat(count));
    assert!(kind(&many(999)).is_ok());
    assert_eq!(kind(&many(1_000)), Err(ErrorKind::Elements(1_000)));
    assert!(kind(&format!("<Response{}/>", attributes(64))).is_ok());
    assert_eq!(kind(&format!("<Response{}/>", attributes(65))), Err(ErrorKind::Attributes(64)));
}

#[test]
fn any_bytes_are_answered() {
    let mut random = Random::new(3);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.below(256) as u8).collect();
        if let Err(error) = read(&bytes, Channel::Message, &Bounds::default()) {
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
