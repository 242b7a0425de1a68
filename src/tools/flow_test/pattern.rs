//! Patterns of expectations: a whole text, parts of it, or a regular expression.

use std::fmt;

use quick_xml::escape::partial_escape;
use regex::Regex;

use crate::tools::text::collapse_whitespace;
use crate::twiml::read::{DocumentLimits, DocumentNode, Element, parse_document};

/// The pattern of an expected text.
#[derive(Clone, Debug)]
pub(crate) enum TextPattern {
    /// The whole text.
    Exact(String),
    /// `beginning … part … end`: at least two parts in order, the first at the beginning and the
    /// last at the end. An empty part matches anywhere.
    Parts(Vec<String>),
    /// `/expression/`
    Regex(Regex),
}

// === impl TextPattern ===

impl TextPattern {
    /// Reads `text`, `… part …`, `/expression/`. Three dots are the same as `…`.
    ///
    /// # Errors
    /// If a regular expression is invalid: the message of its parser.
    pub(super) fn parse(text: &str) -> Result<TextPattern, String> {
        // `/` alone is a text, not an empty expression, which would match anything.
        let expression = text.strip_prefix('/').and_then(|text| text.strip_suffix('/'));
        if let Some(expression) = expression.filter(|expression| !expression.is_empty()) {
            return Regex::new(expression).map(TextPattern::Regex).map_err(|error| {
                let error = error.to_string();
                error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            });
        }
        let text = text.replace("...", "…");
        let parts: Vec<String> = text.split('…').map(collapse_whitespace).collect();
        match parts.len() {
            1 => Ok(TextPattern::Exact(collapse_whitespace(&text))),
            _ => Ok(TextPattern::Parts(parts)),
        }
    }

    /// Whether a text matches. White space counts as a single space.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = collapse_whitespace(text);
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
                // The earliest match of each part leaves the most text for the following ones.
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

/// Whether a document is the expected one: the same elements, the same attributes in any order.
/// Texts and values are patterns.
///
/// # Errors
/// If one of the documents cannot be read.
pub(super) fn document_matches(expected: &str, found: &str) -> Result<bool, String> {
    let read = |text: &str| {
        parse_document(text.trim().as_bytes(), &DocumentLimits::default())
            .map_err(|error| error.to_string())
    };
    Ok(element_matches(&read(expected)?, &read(found)?))
}

fn element_matches(expected: &Element, found: &Element) -> bool {
    let (wanted, there) = (children(expected), children(found));
    expected.name == found.name
        && expected.attributes.len() == found.attributes.len()
        && expected.attributes.iter().all(|(name, value)| {
            found.attribute(name).is_some_and(|found| text_matches(value, found))
        })
        && wanted.len() == there.len()
        && wanted.iter().zip(&there).all(|pair| match pair {
            (DocumentNode::Element(expected), DocumentNode::Element(found)) => {
                element_matches(expected, found)
            }
            (DocumentNode::Text(expected), DocumentNode::Text(found)) => {
                text_matches(expected, found)
            }
            _ => false,
        })
}

fn text_matches(expected: &str, found: &str) -> bool {
    TextPattern::parse(expected.trim()).is_ok_and(|pattern| pattern.matches(found))
}

/// The content of an element, without the white space between elements.
fn children(element: &Element) -> Vec<&DocumentNode> {
    let blank =
        |node: &&DocumentNode| matches!(node, DocumentNode::Text(text) if text.trim().is_empty());
    element.content.iter().filter(|node| !blank(node)).collect()
}

/// A document with one element per line, for a difference.
pub(super) fn format_document(document: &str) -> Vec<String> {
    match parse_document(document.trim().as_bytes(), &DocumentLimits::default()) {
        Ok(root) => {
            let mut lines = Vec::new();
            format_element(&root, 0, &mut lines);
            lines
        }
        Err(_) => document.lines().map(str::to_owned).collect(),
    }
}

/// A text or a value in the notation of XML.
fn escape_xml(text: &str) -> String {
    partial_escape(text).replace('"', "&quot;")
}

fn format_element(element: &Element, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let mut attributes: Vec<_> = element.attributes.iter().collect();
    attributes.sort();
    let attributes: String = attributes
        .iter()
        .map(|(name, value)| format!(" {name}=\"{}\"", escape_xml(value)))
        .collect();
    let (name, content) = (&element.name, children(element));
    match content.as_slice() {
        [] => lines.push(format!("{indent}<{name}{attributes}/>")),
        [DocumentNode::Text(text)] => {
            lines.push(format!(
                "{indent}<{name}{attributes}>{}</{name}>",
                escape_xml(&collapse_whitespace(text))
            ));
        }
        _ => {
            lines.push(format!("{indent}<{name}{attributes}>"));
            for node in content {
                match node {
                    DocumentNode::Element(element) => format_element(element, depth + 1, lines),
                    DocumentNode::Text(text) => {
                        lines.push(format!("{indent}  {}", escape_xml(&collapse_whitespace(text))))
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
            assert_eq!(
                TextPattern::parse(pattern).unwrap().matches(text),
                fits,
                "{pattern} ~ {text}"
            );
        }
        assert!(TextPattern::parse("/(/").unwrap_err().contains("unclosed"));
    }

    #[test]
    fn documents_are_compared_as_trees() {
        let found = r#"<?xml version="1.0"?><Response><Gather action="/v?step=x" numDigits="1">
            <Say>Press  1.</Say></Gather><Hangup/></Response>"#;
        let same = |expected| document_matches(expected, found).unwrap();
        assert!(same(
            r#"<Response><Gather numDigits="1" action="/v?step=…"><Say>Press 1.</Say></Gather>
               <Hangup></Hangup></Response>"#
        ));
        assert!(!same("<Response><Gather/><Hangup/></Response>"));
        assert!(document_matches("<Response>", found).is_err());
    }
}
