//! The reader of TwiML: what it lets through, expat lets through, and reads as the same tree.
//!
//! A finding is a document of which the two do not say the same (but for the differences that
//! `docs/twiml.md` lists), one of which `read` and `tree` do not, one beyond a bound, an error
//! without a place, or one that is no document any more when verbs are put in front of its own.

use twimlgate::channel::Channel;
use twimlgate::twiml::read::{Element, check_document, parse_document, unescape};
use twimlgate::twiml::verb::Pause;
use twimlgate::twiml::write::splice;
use twimlgate::twiml::{DocumentLimits, TwimlWriter};

use super::{Judged, Seen, Target, as_bytes, ensure, expat, size, text, texts};

pub(crate) static TARGET: Target = Target {
    name: "twiml",
    tokens: &[
        "<",
        ">",
        "/",
        "/>",
        "</",
        "=",
        "\"",
        "'",
        "&",
        ";",
        " ",
        "\t",
        "\r",
        "\n",
        "&amp;",
        "&lt;",
        "&#65;",
        "&#x41;",
        "&#0;",
        "&#9;",
        "&#xD;",
        "&#xD800;",
        "&#x;",
        "&#xFFFE;",
        "&#x10FFFF;",
        "&#x110000;",
        "&foo;",
        "]]>",
        "]]",
        "<![CDATA[",
        "<![CDATA[<&]]>",
        "<!--",
        "-->",
        "<!-- a -->",
        "<!---->",
        "<!--->",
        "--",
        "<?a b?>",
        "<?xml version=\"1.0\"?>",
        "<?XML a?>",
        "?>",
        "<?",
        "<!",
        "<!DOCTYPE a>",
        "<!DOCTYPE Response [<!ENTITY a 'b'>]>",
        "<![",
        "<a/>",
        "<a>",
        "</a>",
        "<a b='c'/>",
        "<a b=\"c\" b=\"d\"/>",
        "<a b='1'c='2'/>",
        "<a:b/>",
        "<-a/>",
        " x=\"y\"",
        " x='<'",
        " x='&bad;'",
        " xml:lang=\"en\"",
        " xmlns:p=\"u\"",
        " p:x='1'",
        "\u{0}",
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "é",
        "·",
        "\u{FFFE}",
        "\u{FEFF}",
        "\u{10000}",
        "<一/>",
        "encoding=\"us-ascii\"",
        "standalone='yes'",
        "version=\"1.1\"",
        "Response",
        "<Response>",
        "</Response>",
        "<!-- <Response> -->",
        "<?a <Response>?>",
        "<Say>",
        "</Say>",
        "<Dial>",
        "</Dial>",
        "<Gather numDigits=\"1\">",
        "</Gather>",
        "<Message>",
        "</Message>",
    ],
    seeds,
    grow: as_bytes,
    judge,
};

/// The cases of the reader's tests, and documents at the bounds.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = texts("tests/twiml/voice", ".xml");
    seeds.extend(texts("tests/twiml/message", ".xml"));
    for many in [30, 31, 32, 999, 1_000] {
        let nested = if many < 100 { ("<a>", "</a>") } else { ("<a/>", "") };
        let (open, close) = (nested.0.repeat(many), nested.1.repeat(many));
        seeds.push(format!("<Response>{open}{close}</Response>").into_bytes());
    }
    for many in [64, 65] {
        let attributes: String = (0..many).map(|index| format!(" a{index}=''")).collect();
        seeds.push(format!("<Response><Say{attributes}/></Response>").into_bytes());
    }
    seeds
}

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let bounds = DocumentLimits::default();
    let grown = parse_document(input, &bounds);
    for channel in [Channel::Voice, Channel::Message] {
        match (check_document(input, channel, &bounds), &grown) {
            (Ok(read), Ok(root)) => {
                let verbs = root.children().count();
                ensure!(read.verbs == verbs, "wrong number of verbs: {}, not {verbs}", read.verbs);
                ensure!(read.findings.len() <= bounds.findings, "bounds: findings");
                for finding in &read.findings {
                    let said = finding.to_string();
                    ensure!(!said.contains(['\n', '\u{1}']), "a finding shows data: {said:?}");
                    seen.note(said.split(' ').take(3).collect::<String>());
                }
                seen.note((read.first_verb, size(read.messages), size(verbs)));
            }
            (Err(error), Err(other)) => {
                ensure!(error.kind == other.kind, "two errors: {error} and {other}");
            }
            (read, _) => return Err(format!("read and tree differ: {:?}", read.err())),
        }
    }
    let said = expat::tree(input);
    match grown {
        Ok(root) => {
            let (depth, elements, attributes) = measure(&root);
            ensure!(input.len() <= bounds.bytes && depth <= bounds.depth, "bounds: depth {depth}");
            ensure!(elements <= bounds.elements, "bounds: {elements} elements");
            ensure!(attributes <= bounds.attributes, "bounds: {attributes} attributes");
            seen.note((size(depth), size(elements), size(attributes)));
            let flat = expat::flat(&root);
            seen.note(
                flat.bytes().filter(|byte| b"<@=&".contains(byte)).take(12).collect::<Vec<_>>(),
            );
            if let Some(said) = said {
                ensure!(!said.is_empty(), "expat refuses it: {:?}", text(input));
                ensure!(said == flat, "expat reads another tree: {said:?}, ours is {flat:?}");
            }
            spliced(input, &root)?;
        }
        Err(error) => {
            let line = error.to_string();
            ensure!(!line.contains('\n'), "an error of two lines: {line:?}");
            seen.note(std::mem::discriminant(&error.kind));
            if said.is_some_and(|said| !said.is_empty()) {
                let stricter = expat::is_stricter(&error.kind, input);
                ensure!(stricter, "expat takes it: and we say {error}");
            }
        }
    }
    let plain = text(input);
    let resolved = unescape(&plain);
    ensure!(resolved.len() <= plain.len(), "grew: {resolved:?}");
    Ok(seen)
}

/// With a verb in front, it is the same document with one verb more.
fn spliced(input: &[u8], root: &Element) -> Result<(), String> {
    let mut before = TwimlWriter::response();
    before.add(&Pause { seconds: Some(1) });
    let together = splice(before, input);
    let roomy = DocumentLimits { bytes: 1 << 20, elements: 2_000, ..DocumentLimits::default() };
    let both = parse_document(&together, &roomy).map_err(|error| format!("spliced: {error}"))?;
    let names = |element: &Element| -> Vec<String> {
        element.children().map(|child| child.name.clone()).collect()
    };
    let expected = [vec!["Pause".to_owned()], names(root)].concat();
    ensure!(names(&both) == expected, "spliced elsewhere: {:?}", text(&together));
    Ok(())
}

/// Depth, elements, and the most attributes.
fn measure(element: &Element) -> (usize, usize, usize) {
    let (mut depth, mut elements, mut attributes) = (0, 1, element.attributes.len());
    for child in element.children() {
        let of = measure(child);
        depth = depth.max(of.0);
        elements += of.1;
        attributes = attributes.max(of.2);
    }
    (depth + 1, elements, attributes)
}
