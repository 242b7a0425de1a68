//! A document as a tree, for code that walks it: the simulated phone, tests, delivery of replies.

use super::characters::unescape;
use super::scan::{ContentHandler, RawAttribute};

/// An element with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The name as written.
    pub name: String,
    /// Names and values in document order, the values as they are meant: references resolved,
    /// tabs and line ends turned to spaces.
    pub attributes: Vec<(String, String)>,
    /// Elements and text in document order; comments are left out.
    pub content: Vec<DocumentNode>,
    /// The line of its `<`, from 1.
    pub line: usize,
    /// The column of its `<` in characters, from 1.
    pub column: usize,
}

/// The content of an element, piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentNode {
    /// An element.
    Element(Element),
    /// Text as it is meant: references resolved, line ends as `\n`.
    Text(String),
}

// === impl Element ===

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The elements directly in this one.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.content.iter().filter_map(|node| match node {
            DocumentNode::Element(element) => Some(element),
            DocumentNode::Text(_) => None,
        })
    }

    /// The text of this element and of all elements in it, as `Say` speaks it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.text_into(&mut text);
        text
    }

    /// Whether the carrier answers a ringing call to run this verb. A call rings on through a
    /// `Pause`, through a `Dial` that answers when it is bridged, and until it is rejected.
    pub(crate) fn answers_call(&self) -> bool {
        match self.name.as_str() {
            "Message" | "Pause" | "Redirect" | "Reject" | "Sms" => false,
            "Dial" => {
                let value = self.attribute("answerOnBridge");
                !value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
            }
            _ => true,
        }
    }

    /// The body of a `Message`, and the URLs of its media. Text beside its nouns is the body where
    /// there is no `Body`: the official packages write it in front of the `Media`.
    pub(crate) fn message(&self) -> (String, Vec<String>) {
        let parts = |name: &str| -> Vec<String> {
            let named = self.children().filter(|part| part.name == name);
            named.map(|part| part.text().trim().to_owned()).collect()
        };
        let bodies = parts("Body");
        let own = self.content.iter().filter_map(|node| match node {
            DocumentNode::Text(text) => Some(text.as_str()),
            DocumentNode::Element(_) => None,
        });
        let body = if bodies.is_empty() {
            own.collect::<String>().trim().to_owned()
        } else {
            bodies.join("\n")
        };
        (body, parts("Media"))
    }

    fn text_into(&self, text: &mut String) {
        for node in &self.content {
            match node {
                DocumentNode::Element(element) => element.text_into(text),
                DocumentNode::Text(piece) => text.push_str(piece),
            }
        }
    }

    fn last_text(&mut self) -> &mut String {
        if !matches!(self.content.last(), Some(DocumentNode::Text(_))) {
            self.content.push(DocumentNode::Text(String::new()));
        }
        match self.content.last_mut() {
            Some(DocumentNode::Text(text)) => text,
            _ => unreachable!("a text was just added"),
        }
    }
}

// === impl Tree ===

/// The tree while the document is read.
pub(super) struct TreeBuilder<'a> {
    text: &'a str,
    /// The open elements; at the end, the root alone.
    open: Vec<Element>,
    root: Option<Element>,
    /// The offset of `line` and `column`: the scan only moves forward, so each byte is counted
    /// once.
    position: usize,
    line: usize,
    column: usize,
}

impl<'a> TreeBuilder<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        TreeBuilder { text, open: Vec::new(), root: None, position: 0, line: 1, column: 1 }
    }

    /// The root of a document that was read to its end.
    pub(super) fn into_root(self) -> Element {
        self.root.expect("the scan refuses a document without a root")
    }

    fn advance_to(&mut self, at: usize) {
        for character in self.text[self.position..at].chars() {
            match character {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.position = at;
    }
}

impl<'a> ContentHandler<'a> for TreeBuilder<'a> {
    fn start_element(&mut self, name: &'a str, at: usize) {
        self.advance_to(at);
        self.open.push(Element {
            name: name.to_owned(),
            attributes: Vec::new(),
            content: Vec::new(),
            line: self.line,
            column: self.column,
        });
    }

    fn attribute(&mut self, attribute: RawAttribute<'a>) {
        // White space that is written as such is a space; written as a reference it stays.
        let spaced = attribute.raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
        if let Some(element) = self.open.last_mut() {
            element.attributes.push((attribute.name.to_owned(), unescape(&spaced).into_owned()));
        }
    }

    fn text(&mut self, text: &'a str, _: usize) {
        if let Some(element) = self.open.last_mut() {
            // XML 1.0, section 2.11: readers see `\n` for every line end.
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            element.last_text().push_str(&lines);
        }
    }

    fn character(&mut self, character: char, _: usize) {
        if let Some(element) = self.open.last_mut() {
            element.last_text().push(character);
        }
    }

    fn end_element(&mut self) {
        let ended = self.open.pop();
        match (self.open.last_mut(), ended) {
            (Some(parent), Some(element)) => parent.content.push(DocumentNode::Element(element)),
            // No parent is open: the root has ended.
            (None, element) => self.root = element,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::twiml::read::{DocumentLimits, parse_document};

    #[test]
    fn a_message_is_read_however_it_is_written() {
        for (message, body, media) in [
            (" Hello ", "Hello", ""),
            ("<Body> One </Body><Body>Two</Body>", "One\nTwo", ""),
            ("So<Media>https://a.example/b</Media>", "So", "https://a.example/b"),
            ("So<Body>Not so</Body><Media> c </Media>", "Not so", "c"),
            ("<Media>c</Media><Media>d</Media>", "", "c d"),
        ] {
            let document = format!("<Response><Message>{message}</Message></Response>");
            let root = parse_document(document.as_bytes(), &DocumentLimits::default()).unwrap();
            let (found, along) = root.children().next().unwrap().message();
            assert_eq!((found.as_str(), along.join(" ").as_str()), (body, media), "{message}");
        }
    }
}
