//! The oracle for XML: expat, in a Python that runs as long as we do. No copy of expat is built in,
//! so that it is the one that the rest of the world uses; without Python nothing is compared.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use twimlgate::twiml::TwimlErrorKind;
use twimlgate::twiml::read::{DocumentNode, Element};

/// Reads documents (length, bytes) and answers each with its tree, or with nothing (length 0).
const JUDGE: &str = r#"
import sys, struct
from xml.parsers import expat
inp, out = sys.stdin.buffer, sys.stdout.buffer
def tree(document):
    said = []
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.ordered_attributes = True
    def start(name, attributes):
        said.append("<" + name)
        said.extend("@" + part for part in attributes)
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: said.append(">")
    parser.CharacterDataHandler = lambda text: said.append("=" + text)
    try:
        parser.Parse(document, True)
    except Exception:
        return b""
    return "\0".join(said).encode()
while True:
    head = inp.read(4)
    if len(head) < 4:
        break
    answer = tree(inp.read(struct.unpack(">I", head)[0]))
    out.write(struct.pack(">I", len(answer)) + answer)
    out.flush()
"#;

struct Oracle {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

thread_local! {
    /// `None`: there is no Python.
    static ORACLE: RefCell<Option<Oracle>> = RefCell::new(Oracle::start());
}

/// What expat says of a document: its tree in the words of [`flat`], empty where it refuses it.
/// `None` where nobody can be asked.
pub(crate) fn tree(document: &[u8]) -> Option<String> {
    ORACLE.with_borrow_mut(|oracle| {
        let answer = oracle.as_mut()?.ask(document);
        if answer.is_none() {
            // One that has gone is not asked again.
            *oracle = None;
        }
        answer
    })
}

/// A tree of ours in the words of the oracle.
pub(crate) fn flat(element: &Element) -> String {
    fn visit(element: &Element, said: &mut Vec<String>) {
        said.push(format!("<{}", element.name));
        for (name, value) in &element.attributes {
            said.extend([format!("@{name}"), format!("@{value}")]);
        }
        for node in &element.content {
            match node {
                DocumentNode::Element(element) => visit(element, said),
                DocumentNode::Text(text) if text.is_empty() => {}
                DocumentNode::Text(text) => said.push(format!("={text}")),
            }
        }
        said.push(">".to_owned());
    }
    let mut said = Vec::new();
    visit(element, &mut said);
    said.join("\0")
}

/// The differences that are meant: what expat may take and we never do.
pub(crate) fn is_stricter(kind: &TwimlErrorKind, text: &[u8]) -> bool {
    match kind {
        TwimlErrorKind::ByteOrderMark
        | TwimlErrorKind::Utf16
        | TwimlErrorKind::Version(_)
        | TwimlErrorKind::Encoding(_)
        | TwimlErrorKind::Doctype
        | TwimlErrorKind::Root(_)
        | TwimlErrorKind::TooLarge { .. }
        | TwimlErrorKind::Depth(_)
        | TwimlErrorKind::Elements(_)
        | TwimlErrorKind::Attributes(_) => true,
        // The bytes may be right in the declared encoding, which we do not read.
        TwimlErrorKind::NotUtf8 | TwimlErrorKind::Character('\u{FFFE}' | '\u{FFFF}') => {
            text.windows(8).any(|window| window == b"encoding")
        }
        _ => false,
    }
}

impl Oracle {
    fn start() -> Option<Oracle> {
        let mut child = Command::new("python3")
            .args(["-c", JUDGE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
        Some(Oracle { child, stdin, stdout })
    }

    fn ask(&mut self, document: &[u8]) -> Option<String> {
        let length = u32::try_from(document.len()).ok()?;
        self.stdin.write_all(&[&length.to_be_bytes(), document].concat()).ok()?;
        let mut head = [0; 4];
        self.stdout.read_exact(&mut head).ok()?;
        let mut answer = vec![0; u32::from_be_bytes(head) as usize];
        self.stdout.read_exact(&mut answer).ok()?;
        String::from_utf8(answer).ok()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
