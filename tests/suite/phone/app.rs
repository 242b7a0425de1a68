//! Any TwiML application: paths and what they answer, each connection on a thread of its own, so
//! that one which is never answered keeps no other waiting.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use twimlgate::webhook::Params;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) params: Params,
}

/// A running application; it ends with the test's process.
pub(crate) struct App {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl App {
    /// Starts one. What `answer` gives is a whole HTTP answer, or a document alone.
    pub(crate) fn start(answer: impl Fn(&Got) -> String + Send + Sync + 'static) -> App {
        App::start_at(([127, 0, 0, 1], 0).into(), answer)
    }

    /// The same at an address.
    pub(crate) fn start_at(
        address: SocketAddr,
        answer: impl Fn(&Got) -> String + Send + Sync + 'static,
    ) -> App {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (book, answer) = (Arc::clone(&got), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (book, answer) = (Arc::clone(&book), Arc::clone(&answer));
                thread::spawn(move || serve(stream.unwrap(), &*answer, &book));
            }
        });
        App { address, got }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// All requests so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &impl Fn(&Got) -> String,
    book: &Mutex<Vec<Got>>,
) -> std::io::Result<()> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    let head = loop {
        let length = stream.read(&mut buffer)?;
        read.extend_from_slice(&buffer[..length]);
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8_lossy(&read[..end]).into_owned();
        }
        if length == 0 {
            return Ok(());
        }
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = head.len() + 4;
    while read.len() < body + length.unwrap_or(0) {
        let length = stream.read(&mut buffer)?;
        read.extend_from_slice(&buffer[..length]);
    }
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let query = target.split_once('?').map_or("", |(_, query)| query).as_bytes().to_vec();
    let form = if method == "GET" { query } else { read[body..].to_vec() };
    let params = Params::decode(&form).unwrap();
    let got = Got { method, target, head, params };
    book.lock().unwrap().push(got.clone());
    let answer = answer(&got);
    let answer = if answer.starts_with("HTTP/") {
        answer
    } else {
        reply("200 OK", "Content-Type: text/xml\r\n", &answer)
    };
    stream.write_all(answer.as_bytes())
}

/// The answer of an application that never answers.
pub(crate) fn never() -> String {
    loop {
        thread::park();
    }
}

/// An HTTP answer.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
