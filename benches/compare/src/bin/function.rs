//! The user's function: `/twiml` and `/json`, as cheap as it goes, so that it is never what is
//! measured. `/calls` tells how often the others were called.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};

use compare::arguments::Arguments;
use compare::documents::{JSON, JSON_TYPE, TWIML, TWIML_TYPE};
use compare::message::head;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);

/// What a request can be at most.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

fn main() -> io::Result<()> {
    Function::listen(Arguments::of_process().required("--listen"))?.serve()
}

struct Function {
    poll: Poll,
    listener: TcpListener,
    clients: HashMap<Token, Client>,
    next: usize,
    answers: Answers,
}

struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    received: usize,
}

/// Whole answers, made once.
struct Answers {
    twiml: Vec<u8>,
    json: Vec<u8>,
    missing: Vec<u8>,
    calls: u64,
}

// === impl Function ===

impl Function {
    fn listen(address: std::net::SocketAddr) -> io::Result<Function> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let answers = Answers::new();
        Ok(Function { poll, listener, clients: HashMap::new(), next: 1, answers })
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    token => self.ready(token),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let token = Token(self.next);
            self.next += 1;
            self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
            let request = vec![0; REQUEST_BYTES_MAX];
            self.clients.insert(token, Client { stream, request, received: 0 });
        }
    }

    /// A client that closes, resets, or sends too much is let go.
    fn ready(&mut self, token: Token) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        if !matches!(client.serve(&mut self.answers), Ok(true)) {
            self.clients.remove(&token);
        }
    }
}

// === impl Client ===

impl Client {
    /// Reads what is there and answers each complete request; `false` once the client is gone.
    fn serve(&mut self, answers: &mut Answers) -> io::Result<bool> {
        loop {
            match self.stream.read(&mut self.request[self.received..]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.received += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let mut answered = false;
            while let Some(length) = self.complete() {
                self.stream.write_all(answers.to(&self.request[..length]))?;
                self.request.copy_within(length..self.received, 0);
                self.received -= length;
                answered = true;
            }
            // Asking for more would mostly be told that there is none: a new event will tell.
            if answered && self.received == 0 {
                return Ok(true);
            }
        }
    }

    /// The length of the request at the front, once it is there.
    fn complete(&self) -> Option<usize> {
        let head = head(&self.request[..self.received])?;
        let length = head.length + head.content_length.unwrap_or(0);
        (self.received >= length).then_some(length)
    }
}

// === impl Answers ===

impl Answers {
    fn new() -> Answers {
        Answers {
            twiml: answer("200 OK", TWIML_TYPE, TWIML),
            json: answer("200 OK", JSON_TYPE, JSON),
            missing: answer("404 Not Found", "text/plain", "expected /twiml or /json\n"),
            calls: 0,
        }
    }

    fn to(&mut self, request: &[u8]) -> &[u8] {
        if request.starts_with(b"GET /calls ") {
            self.missing = answer("200 OK", "text/plain", &self.calls.to_string());
            return &self.missing;
        }
        self.calls += 1;
        match request {
            _ if request.starts_with(b"POST /twiml ") => &self.twiml,
            _ if request.starts_with(b"POST /json ") => &self.json,
            _ => {
                self.missing = answer("404 Not Found", "text/plain", "expected POST /twiml\n");
                &self.missing
            }
        }
    }
}

fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n\r\n{body}"
    )
    .into_bytes()
}
