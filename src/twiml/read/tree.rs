//! A document as a tree, for those who walk it: a simulated phone, a test, an imported flow.

use super::scan::{Attribute, Sink};
use super::unescape;

/// An element with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The name as written.
    pub name: String,
    /// Names and values in document order, the values as they are meant: references resolved,
    /// tabs and line ends turned to spaces.
    pub attributes: Vec<(String, String)>,
    /// Elements and text in document order; comments are left out.
    pub content: Vec<Node>,
    /// The line of its `<`, from 1.
    pub line: usize,
    /// The column of its `<` in characters, from 1.
    pub column: usize,
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
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
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The text of this element and of all elements in it, as `Say` speaks it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.text_into(&mut text);
        text
    }

    /// What a `Message` says: its body, and the URLs of what comes along. A text that stands beside
    /// its nouns is the body where there is no `Body`: the official packages write it in front of
    /// the `Media`.
    pub fn message(&self) -> (String, Vec<String>) {
        let parts = |name: &str| -> Vec<String> {
            let named = self.children().filter(|part| part.name == name);
            named.map(|part| part.text().trim().to_owned()).collect()
        };
        let bodies = parts("Body");
        let own = self.content.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        let body = match bodies.is_empty() {
            true => own.collect::<String>().trim().to_owned(),
            false => bodies.join("\n"),
        };
        (body, parts("Media"))
    }

    fn text_into(&self, text: &mut String) {
        for node in &self.content {
            match node {
                Node::Element(element) => element.text_into(text),
                Node::Text(piece) => text.push_str(piece),
            }
        }
    }

    fn text_end(&mut self) -> &mut String {
        if !matches!(self.content.last(), Some(Node::Text(_))) {
            self.content.push(Node::Text(String::new()));
        }
        match self.content.last_mut() {
            Some(Node::Text(text)) => text,
            _ => unreachable!("a text was just put there"),
        }
    }
}

// === impl Tree ===

/// The tree while it grows.
pub(super) struct Tree<'a> {
    text: &'a str,
    /// The open elements; at the end, the root alone.
    open: Vec<Element>,
    root: Option<Element>,
    /// How far lines and columns are counted: the pass only goes forward, so each byte counts once.
    counted: usize,
    line: usize,
    column: usize,
}

impl<'a> Tree<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Tree { text, open: Vec::new(), root: None, counted: 0, line: 1, column: 1 }
    }

    /// The root of a document that was read to its end.
    pub(super) fn root(self) -> Element {
        self.root.expect("the pass refuses a document without a root")
    }

    fn count_to(&mut self, at: usize) {
        for character in self.text[self.counted..at].chars() {
            match character {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.counted = at;
    }
}

impl<'a> Sink<'a> for Tree<'a> {
    fn start(&mut self, name: &'a str, at: usize) {
        self.count_to(at);
        self.open.push(Element {
            name: name.to_owned(),
            attributes: Vec::new(),
            content: Vec::new(),
            line: self.line,
            column: self.column,
        });
    }

    fn attribute(&mut self, attribute: Attribute<'a>) {
        // White space that is written as such is a space; written as a reference it stays.
        let spaced = attribute.raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
        if let Some(element) = self.open.last_mut() {
            element.attributes.push((attribute.name.to_owned(), unescape(&spaced).into_owned()));
        }
    }

    fn text(&mut self, text: &'a str, _: usize) {
        if let Some(element) = self.open.last_mut() {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            element.text_end().push_str(&lines);
        }
    }

    fn character(&mut self, character: char, _: usize) {
        if let Some(element) = self.open.last_mut() {
            element.text_end().push(character);
        }
    }

    fn end(&mut self) {
        let ended = self.open.pop();
        match (self.open.last_mut(), ended) {
            (Some(parent), Some(element)) => parent.content.push(Node::Element(element)),
            (None, element) => self.root = element,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::twiml::read::{Bounds, tree};

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
            let root = tree(document.as_bytes(), &Bounds::default()).unwrap();
            let (found, along) = root.children().next().unwrap().message();
            assert_eq!((found.as_str(), along.join(" ").as_str()), (body, media), "{message}");
        }
    }
}
