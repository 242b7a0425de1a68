//! The protocol with a Node process: frames of a little-endian `u32` and that many bytes of JSON.
//! The first frame to a process is the script in `runtime/` itself.

use std::borrow::Cow;
use std::io;

use actix_web::http::header::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::limits::NODE_FRAME_BYTES_MAX;

/// The script, in the order of its parts: they share one scope.
pub(super) const RUNTIME: &str = concat!(
    include_str!("runtime/frames.cjs"),
    include_str!("runtime/query.cjs"),
    include_str!("runtime/surroundings.cjs"),
    include_str!("runtime/calls.cjs"),
    include_str!("runtime/check.cjs"),
);

/// The program text of `node -e`: it reads the script from descriptor 0 and runs it.
// Nothing is written to disk, and the list of processes stays readable.
pub(super) const BOOT: &str = "const f=require('fs'),r=n=>{const b=Buffer.alloc(n);\
    for(let i=0,k;i<n;i+=k)if(!(k=f.readSync(0,b,i,n-i)))process.exit();return b};\
    const m=new(require('module'))('twimlgate');m.filename='twimlgate-functions.cjs';m.paths=[];\
    m._compile(r(r(4).readUInt32LE()).toString(),m.filename)";

/// The frame of one call.
#[derive(Debug, Serialize)]
pub(crate) struct CallFrame<'a> {
    /// Chosen by the pool: the answer has the same one.
    pub(super) id: u64,
    /// `context.PATH`.
    path: &'a str,
    /// The file of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<&'a str>,
    /// The function whose code is in the configuration, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// `GET`, `POST`, …
    method: &'a str,
    /// The header fields, names in lower case.
    headers: Vec<(&'a str, Cow<'a, str>)>,
    /// The query of the URL, as it came.
    #[serde(skip_serializing_if = "str::is_empty")]
    query: &'a str,
    #[serde(flatten)]
    body: Option<EventBody<'a>>,
}

/// The body of a call. Other bodies are not a part of `event`, as at Twilio.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventBody<'a> {
    /// `application/x-www-form-urlencoded`, as it came.
    Form(&'a str),
    /// `application/json`, as it came.
    Json(&'a str),
}

/// The answer of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessReply {
    /// The status; 500 where the handler failed.
    pub(crate) status: u16,
    /// The header fields, in the order in which the function set them.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Whether the handler failed. What it threw was logged.
    pub(crate) failed: bool,
}

/// The project, for a new process.
#[derive(Debug, Serialize)]
pub(super) struct InitFrame<'a> {
    pub(super) base: &'a str,
    pub(super) domain: &'a str,
    pub(super) env: &'a serde_json::Map<String, serde_json::Value>,
    pub(super) functions: &'a [FileEntry],
    pub(super) assets: &'a [FileEntry],
    pub(super) code: &'a serde_json::Map<String, serde_json::Value>,
    pub(super) twilio: bool,
    pub(super) preload: &'a [String],
}

/// A file that functions find by its path.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FileEntry {
    pub(super) path: String,
    pub(super) file: String,
}

/// A frame of a process.
#[derive(Debug)]
pub(super) enum ProcessFrame {
    /// The project is loaded.
    Ready,
    /// The answer to a call. The flag says that the process must be replaced.
    Answer(u64, ProcessReply, bool),
    /// A line of a console, with the call that it belongs to.
    Console { level: String, id: Option<u64>, text: String },
    /// The process must be replaced after the call in progress.
    Tainted,
    /// What the check found.
    Checked(Vec<Mistake>),
}

/// A mistake in a file, which the check found.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Mistake {
    /// The file; `None` for the code of `name`.
    pub(super) file: Option<String>,
    /// The function whose code is in the configuration.
    pub(super) name: Option<String>,
    /// From 1.
    pub(super) line: usize,
    /// From 1.
    pub(super) column: usize,
    /// The syntax error.
    #[serde(default)]
    pub(super) message: String,
    /// The package that is not installed.
    pub(super) missing: Option<String>,
}

/// All fields that a frame of a process may have.
#[derive(Deserialize)]
struct RawFrame {
    #[serde(default)]
    ready: bool,
    id: Option<u64>,
    status: Option<f64>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    binary: bool,
    #[serde(default)]
    failed: bool,
    #[serde(default)]
    tainted: bool,
    log: Option<String>,
    #[serde(default)]
    text: String,
    checked: Option<Vec<Mistake>>,
}

impl<'a> CallFrame<'a> {
    /// A call of the function with this path: `context.PATH`.
    pub(crate) fn new(path: &'a str, method: &'a str) -> CallFrame<'a> {
        let headers = Vec::new();
        CallFrame { id: 0, path, file: None, code: None, method, headers, query: "", body: None }
    }

    /// Sets the file of the function; `None`: its code is in the configuration, under `name`.
    pub(crate) fn with_target(self, file: Option<&'a str>, name: &'a str) -> CallFrame<'a> {
        CallFrame { file, code: file.is_none().then_some(name), ..self }
    }

    /// Sets the query of the URL, as it came.
    pub(crate) fn with_query(self, query: &'a str) -> CallFrame<'a> {
        CallFrame { query, ..self }
    }

    /// Sets the header fields.
    pub(crate) fn with_headers(self, headers: &'a HeaderMap) -> CallFrame<'a> {
        let text = |value: &'a HeaderValue| match value.to_str() {
            Ok(text) => Cow::Borrowed(text),
            // Each byte is a letter, as for a server of Node.
            Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
        };
        let fields = headers.iter().map(|(name, value)| (name.as_str(), text(value)));
        CallFrame { headers: fields.collect(), ..self }
    }

    /// Sets the body.
    pub(crate) fn with_body(self, body: Option<EventBody<'a>>) -> CallFrame<'a> {
        CallFrame { body, ..self }
    }
}

impl ProcessFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// It is not one. A process that sends such bytes must be ended.
    pub(super) fn read(bytes: &[u8]) -> io::Result<ProcessFrame> {
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidData);
        let raw: RawFrame = serde_json::from_slice(bytes).map_err(invalid)?;
        if let Some(level) = raw.log {
            return Ok(ProcessFrame::Console { level, id: raw.id, text: raw.text });
        }
        if let (Some(id), Some(status)) = (raw.id, raw.status) {
            let body = if raw.binary {
                STANDARD
                    .decode(raw.body)
                    .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?
            } else {
                raw.body.into_bytes()
            };
            // A status that HTTP does not have is a mistake of the function, like a throw.
            let is_status = (200.0..600.0).contains(&status) && status.fract() == 0.0;
            let (status, failed) =
                if is_status { (status as u16, raw.failed) } else { (500, true) };
            let reply = ProcessReply { status, headers: raw.headers, body, failed };
            return Ok(ProcessFrame::Answer(id, reply, raw.tainted));
        }
        match raw {
            RawFrame { checked: Some(mistakes), .. } => Ok(ProcessFrame::Checked(mistakes)),
            RawFrame { tainted: true, .. } => Ok(ProcessFrame::Tainted),
            RawFrame { ready: true, .. } => Ok(ProcessFrame::Ready),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// A frame of some bytes.
pub(super) fn frame_bytes(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(4 + content.len());
    frame.extend_from_slice(&(content.len() as u32).to_le_bytes());
    frame.extend_from_slice(content);
    frame
}

/// A frame of a value.
pub(super) fn frame_json(value: &impl Serialize) -> Vec<u8> {
    let mut frame = vec![0; 4];
    // Writing into memory cannot fail, and the values have string keys only.
    let _ = serde_json::to_writer(&mut frame, value);
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame
}

/// The bytes that a process has sent, until they are whole frames.
#[derive(Debug, Default)]
pub(super) struct FrameBuffer {
    pub(super) bytes: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
}

impl FrameBuffer {
    /// The next whole frame; `None` if more bytes are needed.
    ///
    /// # Errors
    /// It is larger than a frame may be, or it is not one.
    pub(super) fn next_frame(&mut self) -> io::Result<Option<ProcessFrame>> {
        let rest = &self.bytes[self.start..];
        let Some((head, rest)) = rest.split_first_chunk::<4>() else { return Ok(self.compact()) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > NODE_FRAME_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let Some(content) = rest.get(..length) else { return Ok(self.compact()) };
        let frame = ProcessFrame::read(content)?;
        self.start += 4 + length;
        if self.start == self.bytes.len() {
            self.compact();
        }
        Ok(Some(frame))
    }

    /// Moves the rest to the front, so that the buffer does not grow with every frame.
    fn compact(&mut self) -> Option<ProcessFrame> {
        self.bytes.drain(..self.start);
        self.start = 0;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(buffer: &mut FrameBuffer) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(frame) = buffer.next_frame().unwrap() {
            found.push(format!("{frame:?}"));
        }
        found
    }

    #[test]
    fn frames_come_in_any_pieces() {
        let mut bytes = frame_bytes(br#"{"ready":true}"#);
        bytes.extend(frame_bytes(br#"{"log":"warn","id":7,"text":"x"}"#));
        bytes.extend(frame_bytes(br#"{"id":7,"status":200,"headers":[["a","b"]],"body":"c"}"#));
        bytes.extend(frame_bytes(br#"{"tainted":true}"#));
        let mut whole = FrameBuffer { bytes: bytes.clone(), start: 0 };
        let expected = frames(&mut whole);
        assert_eq!(expected.len(), 4);
        for size in 1..bytes.len() {
            let (mut buffer, mut found) = (FrameBuffer::default(), Vec::new());
            for piece in bytes.chunks(size) {
                buffer.bytes.extend_from_slice(piece);
                found.extend(frames(&mut buffer));
            }
            assert_eq!(found, expected, "pieces of {size}");
            assert!(buffer.bytes.is_empty());
        }
    }

    #[test]
    fn what_is_not_a_frame_is_an_error() {
        for content in [&b""[..], b"{}", b"[1]", b"\xff", br#"{"id":1}"#, br#"{"status":1}"#] {
            let mut buffer = FrameBuffer { bytes: frame_bytes(content), start: 0 };
            assert!(buffer.next_frame().is_err(), "{content:?}");
        }
        let mut buffer = FrameBuffer { bytes: u32::MAX.to_le_bytes().to_vec(), start: 0 };
        assert!(buffer.next_frame().is_err());
    }

    #[test]
    fn a_status_that_http_does_not_have_is_a_failure() {
        for (status, expected, failed) in
            [("200", 200, false), ("404.5", 500, true), ("7", 500, true), ("600", 500, true)]
        {
            let text = format!(r#"{{"id":1,"status":{status},"body":"aGk=","binary":true}}"#);
            let Ok(ProcessFrame::Answer(1, reply, false)) = ProcessFrame::read(text.as_bytes())
            else {
                panic!("{text}")
            };
            assert_eq!(
                (reply.status, reply.failed, &reply.body[..]),
                (expected, failed, &b"hi"[..])
            );
        }
    }
}
