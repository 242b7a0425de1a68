//! Escaping: any text comes back from between two tags and from an attribute, and moves nothing.
//!
//! An input is the text. A finding is a document with it that our reader or expat does not read as
//! the tree with `x` in its place, but for the text: there it is the same, each character that XML
//! cannot carry replaced. What a template says into a document is held to the same tree.

use std::sync::OnceLock;

use serde_json::json;
use twimlgate::liquid::{LiquidEngine, OutputFormat, RenderLimits, Template};
use twimlgate::twiml::read::{DocumentNode, Element, parse_document};
use twimlgate::twiml::verb::{Dial, Gather, Message, Number, Parameter, Say, Stream};
use twimlgate::twiml::{DocumentLimits, TwimlWriter};

use super::{Judged, Seen, Target, as_bytes, ensure, expat, size, text};

pub(crate) static TARGET: Target = Target {
    name: "escape",
    tokens: &[
        "\"><Dial>+15550100</Dial><Say x=\"",
        "]]>",
        "</Say></Response><Response>",
        "<![CDATA[",
        "<!--",
        "-->",
        "<?xml?>",
        "&amp;",
        "&#60;",
        "&#0;",
        "&bogus;",
        "&",
        "<",
        ">",
        "\"",
        "'",
        "\u{0}",
        "\u{1}",
        "\u{8}",
        "\u{b}",
        "\u{1f}",
        "\u{7f}",
        "\u{85}",
        "\u{FFFD}",
        "\u{FFFE}",
        "\u{FFFF}",
        "\u{FEFF}",
        "\u{FFF0}",
        "\u{EFFFE}",
        "\u{10FFFF}",
        "\u{D7FF}",
        "\u{E000}",
        "\u{2028}",
        "\t",
        "\n",
        "\r",
        "\r\n",
        " ",
        "é",
        "中",
        "😀",
        "{{ s }}",
    ],
    seeds: super::no_seeds,
    grow: as_bytes,
    judge,
};

fn judge(input: &[u8]) -> Judged {
    let text = text(input);
    let mut seen = Seen::default();
    let carried: String = text.chars().map(carried).collect();
    let written = document(&text);
    let bounds = DocumentLimits { bytes: 1 << 20, ..DocumentLimits::default() };
    let parse = |document: &str| {
        parse_document(document.as_bytes(), &bounds)
            .map_err(|error| format!("not read: {error}: {document}"))
    };
    let mut expected = parse(&document("x"))?;
    replace(&mut expected, &carried);
    let expected = expat::flat(&expected);
    let found = expat::flat(&parse(&written)?);
    ensure!(found == expected, "another tree: {found:?}, expected {expected:?}");
    if let Some(said) = expat::tree(written.as_bytes()) {
        ensure!(said == expected, "another tree for expat: {said:?}, expected {expected:?}");
    }
    let rendered = template().render(&json!({ "s": text }), 0);
    let rendered = rendered.map_err(|error| format!("not rendered: {error}"))?;
    let root = parse(&rendered)?;
    let shape = (shape(&root), shape(&parse(&template_of("x")?)?));
    ensure!(shape.0 == shape.1, "another shape: {rendered:?}");
    let say = root.children().next().map(Element::text);
    let lines = carried.replace("\r\n", "\n").replace('\r', "\n");
    let say = say.map(|say| say.replace("\r\n", "\n").replace('\r', "\n"));
    ensure!(say.as_ref() == Some(&lines), "another text: {say:?}, expected {lines:?}");
    seen.note(size(written.len() - document("").len()));
    seen.note(text.chars().take(2).map(class).collect::<Vec<_>>());
    Ok(seen)
}

/// Which branch a character is for.
fn class(character: char) -> u32 {
    match character {
        '\0'..='\u{7f}' => character as u32,
        other => 0x80 + size(other as usize) * 2 + u32::from(carried(other) != other),
    }
}

/// A document with `text` in every kind of place.
fn document(text: &str) -> String {
    let mut writer = TwimlWriter::response();
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
    writer.finish().into_string()
}

/// What a template says into a document, in a text and in an attribute.
fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let source =
            "<Response><Say>{{ s }}</Say><Say voice=\"{{ s }}\" loop='{{ s }}'/></Response>";
        let engine = LiquidEngine::new(RenderLimits::default());
        engine.compile("escape", source, OutputFormat::Xml).unwrap_or_else(|e| panic!("{:?}", e[0]))
    })
}

fn template_of(text: &str) -> Result<String, String> {
    template().render(&json!({ "s": text }), 0).map_err(|error| format!("not rendered: {error}"))
}

/// A character as XML can carry it.
fn carried(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => character,
        '\0'..' ' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
        other => other,
    }
}

/// Puts `text` in the place of each text and value.
fn replace(element: &mut Element, text: &str) {
    for (_, value) in &mut element.attributes {
        *value = text.to_owned();
    }
    for node in &mut element.content {
        match node {
            DocumentNode::Element(element) => replace(element, text),
            DocumentNode::Text(inside) => *inside = text.to_owned(),
        }
    }
}

/// Names of elements and attributes.
fn shape(element: &Element) -> String {
    let attributes = element.attributes.iter().map(|(name, _)| format!(" {name}"));
    let children = element.children().map(shape);
    let inside: String = attributes.chain(children).collect();
    format!("<{}{inside}>", element.name)
}
