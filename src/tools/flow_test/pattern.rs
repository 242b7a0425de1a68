//! What an expectation expects of a text: all of it, a part of it, or a pattern.

use std::fmt;

use quick_xml::escape::partial_escape;
use regex::Regex;

use crate::twiml::read::{DocumentLimits, DocumentNode, Element, parse_document};

/// A text as it is expected.
#[derive(Clone, Debug)]
pub enum TextPattern {
    /// This and nothing else.
    Exact(String),
    /// `beginning … part … end`: these in order, the first at the beginning and the last at the
    /// end; an empty one fits anywhere. There are two at least.
    Parts(Vec<String>),
    /// `/expression/`
    Regex(Regex),
}

// === impl Pattern ===

impl TextPattern {
    /// Reads `text`, `… part …`, `/expression/`. Three dots are as good as `…`.
    ///
    /// # Errors
    /// Where an expression is none, in the words of the parser.
    pub fn parse(text: &str) -> Result<TextPattern, String> {
        let expression = text.strip_prefix('/').and_then(|text| text.strip_suffix('/'));
        if let Some(expression) = expression.filter(|expression| !expression.is_empty()) {
            return Regex::new(expression).map(TextPattern::Regex).map_err(|error| {
                let error = error.to_string();
                error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            });
        }
        let text = text.replace("...", "…");
        let parts: Vec<String> = text.split('…').map(spaced).collect();
        match parts.len() {
            1 => Ok(TextPattern::Exact(spaced(&text))),
            _ => Ok(TextPattern::Parts(parts)),
        }
    }

    /// Whether a text is what is expected; white space counts as a single space.
    pub fn fits(&self, text: &str) -> bool {
        let text = spaced(text);
        match self {
            TextPattern::Exact(exact) => text == *exact,
            TextPattern::Regex(regex) => regex.is_match(&text),
            TextPattern::Parts(parts) => {
                let (Some((first, more)), Some(last)) = (parts.split_first(), parts.last()) else {
                    return false;
                };
                let middle = &more[..more.len().saturating_sub(1)];
                let after = |rest: &'_ str, part: &String| {
                    rest.find(part.as_str()).map(|at| rest[at + part.len()..].to_owned())
                };
                let rest = text.strip_prefix(first.as_str()).map(str::to_owned);
                let rest = middle.iter().try_fold(rest, |rest, part| Some(after(&rest?, part)));
                rest.flatten().is_some_and(|rest| rest.ends_with(last.as_str()))
            }
        }
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextPattern::Exact(text) => formatter.write_str(text),
            TextPattern::Regex(regex) => write!(formatter, "/{regex}/"),
            TextPattern::Parts(parts) => formatter.write_str(parts.join(" … ").trim()),
        }
    }
}

/// A text with white space as single spaces.
pub(super) fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a document is the one that is expected: the same elements, the same attributes in any
/// order; texts and values are patterns.
///
/// # Errors
/// Where one of them cannot be read.
pub(super) fn same_document(expected: &str, found: &str) -> Result<bool, String> {
    let read = |text: &str| {
        parse_document(text.trim().as_bytes(), &DocumentLimits::default())
            .map_err(|error| error.to_string())
    };
    Ok(same(&read(expected)?, &read(found)?))
}

fn same(expected: &Element, found: &Element) -> bool {
    let (wanted, there) = (children(expected), children(found));
    expected.name == found.name
        && expected.attributes.len() == found.attributes.len()
        && expected
            .attributes
            .iter()
            .all(|(name, value)| found.attribute(name).is_some_and(|found| fits(value, found)))
        && wanted.len() == there.len()
        && wanted.iter().zip(&there).all(|pair| match pair {
            (DocumentNode::Element(expected), DocumentNode::Element(found)) => {
                same(expected, found)
            }
            (DocumentNode::Text(expected), DocumentNode::Text(found)) => fits(expected, found),
            _ => false,
        })
}

fn fits(expected: &str, found: &str) -> bool {
    TextPattern::parse(expected.trim()).is_ok_and(|pattern| pattern.fits(found))
}

/// What is in an element, without white space between elements.
fn children(element: &Element) -> Vec<&DocumentNode> {
    let blank =
        |node: &&DocumentNode| matches!(node, DocumentNode::Text(text) if text.trim().is_empty());
    element.content.iter().filter(|node| !blank(node)).collect()
}

/// A document on lines of its own, for a difference.
pub(super) fn pretty(document: &str) -> Vec<String> {
    match parse_document(document.trim().as_bytes(), &DocumentLimits::default()) {
        Ok(root) => {
            let mut lines = Vec::new();
            print(&root, 0, &mut lines);
            lines
        }
        Err(_) => document.lines().map(str::to_owned).collect(),
    }
}

/// A text as it stands in a document.
fn escape(text: &str) -> String {
    partial_escape(text).replace('"', "&quot;")
}

fn print(element: &Element, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let mut attributes: Vec<_> = element.attributes.iter().collect();
    attributes.sort();
    let attributes: String =
        attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escape(value))).collect();
    let (name, content) = (&element.name, children(element));
    match content.as_slice() {
        [] => lines.push(format!("{indent}<{name}{attributes}/>")),
        [DocumentNode::Text(text)] => {
            lines.push(format!("{indent}<{name}{attributes}>{}</{name}>", escape(&spaced(text))));
        }
        _ => {
            lines.push(format!("{indent}<{name}{attributes}>"));
            for node in content {
                match node {
                    DocumentNode::Element(element) => print(element, depth + 1, lines),
                    DocumentNode::Text(text) => {
                        lines.push(format!("{indent}  {}", escape(&spaced(text))))
                    }
                }
            }
            lines.push(format!("{indent}</{name}>"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_expected_whole_in_part_or_by_a_pattern() {
        for (pattern, text, fits) in [
            ("Hello  there.", "Hello there.", true),
            ("Hello", "Hello there.", false),
            ("Hello …", "Hello there.", true),
            ("... there.", "Hello there.", true),
            ("…ell…", "Hello there.", true),
            ("…ell", "Hello there.", false),
            ("He…the…", "Hello there.", true),
            ("He…re.", "Hello there. More here.", true),
            ("…a", "a b a", true),
            ("there …", "Hello there.", false),
            ("…", "anything", true),
            ("/^H.*o/", "Hello there.", true),
            ("/^o/", "Hello there.", false),
            ("/", "/", true),
        ] {
            assert_eq!(TextPattern::parse(pattern).unwrap().fits(text), fits, "{pattern} ~ {text}");
        }
        assert!(TextPattern::parse("/(/").unwrap_err().contains("unclosed"));
    }

    #[test]
    fn documents_are_compared_as_trees() {
        let found = r#"<?xml version="1.0"?><Response><Gather action="/v?step=x" numDigits="1">
            <Say>Press  1.</Say></Gather><Hangup/></Response>"#;
        let same = |expected| same_document(expected, found).unwrap();
        assert!(same(
            r#"<Response><Gather numDigits="1" action="/v?step=…"><Say>Press 1.</Say></Gather>
               <Hangup></Hangup></Response>"#
        ));
        assert!(!same("<Response><Gather/><Hangup/></Response>"));
        assert!(same_document("<Response>", found).is_err());
    }
}
