//! A function server that does, byte for byte, what its script says: the worst ones included.
//!
//! It runs on threads of its own, so that neither a stopped clock nor a blocked runtime of the test
//! reaches it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One thing that the server does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Reads one request, head and body.
    Read,
    /// Waits until a request has begun to arrive, and leaves it in the socket.
    Await,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends what this makes of the request that was read last.
    Reply(fn(&Seen) -> Vec<u8>),
    /// Sends these bytes one by one, each in a packet of its own.
    Drip(Vec<u8>),
    /// Sends these bytes again and again, until the client has gone.
    Flood(Vec<u8>),
    /// Does nothing until the client has closed the connection.
    Hang,
    /// Closes at once; with unread bytes in the socket that is a reset.
    Close,
    /// Waits for the test to say so.
    Wait(Arc<Mutex<Receiver<()>>>),
    /// Takes its time, as a slow function does.
    Pause(Duration),
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Request line and header fields.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Book {
    connections: usize,
    closed: usize,
    sent: usize,
    requests: Vec<Seen>,
}

/// A running server; it ends with the test's process.
#[derive(Clone)]
pub(crate) struct Hostile {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Hostile {
    /// A server whose connections follow `scripts` in order, the last one for all further ones.
    /// After its script a connection is closed.
    pub(crate) fn new(scripts: Vec<Vec<Step>>) -> Hostile {
        Hostile::start(scripts, None)
    }

    /// The same behind TLS.
    pub(crate) fn with_tls(scripts: Vec<Vec<Step>>, tls: Arc<ServerConfig>) -> Hostile {
        Hostile::start(scripts, Some(tls))
    }

    /// Answers every request of every connection with these bytes.
    pub(crate) fn always(answer: impl AsRef<[u8]>) -> Hostile {
        let once = [Step::Read, Step::Send(answer.as_ref().to_vec())];
        Hostile::new(vec![once.iter().cloned().cycle().take(200).collect()])
    }

    fn start(scripts: Vec<Vec<Step>>, tls: Option<Arc<ServerConfig>>) -> Hostile {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = Hostile { address, book: Arc::default() };
        let book = Arc::clone(&server.book);
        thread::spawn(move || {
            for (index, tcp) in listener.incoming().enumerate() {
                let Ok(tcp) = tcp else { return };
                book.lock().expect("no test thread panics with it").connections += 1;
                let script = scripts[index.min(scripts.len() - 1)].clone();
                let (book, tls) = (Arc::clone(&book), tls.clone());
                thread::spawn(move || {
                    let _ = Line { tcp, book: Arc::clone(&book) }.follow(&script, tls);
                    book.lock().expect("no test thread panics with it").closed += 1;
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.book.lock().expect("no test thread panics with it").connections
    }

    /// `Step::Send`s that are done.
    pub(crate) fn sent(&self) -> usize {
        self.book.lock().expect("no test thread panics with it").sent
    }

    /// Connections that the server has closed.
    pub(crate) fn closed(&self) -> usize {
        self.book.lock().expect("no test thread panics with it").closed
    }

    /// Requests that were read since they were last taken.
    pub(crate) fn take_requests(&self) -> Vec<Seen> {
        let mut book = self.book.lock().expect("no test thread panics with it");
        std::mem::take(&mut book.requests)
    }

    /// Requests that were read so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.book.lock().expect("no test thread panics with it").requests.clone()
    }
}

/// One connection.
struct Line {
    tcp: TcpStream,
    book: Arc<Mutex<Book>>,
}

impl Line {
    /// Errors end the script: the client has gone, which is what many tests are about.
    fn follow(self, script: &[Step], tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
        self.tcp.set_nodelay(true)?;
        let Some(tls) = tls else {
            return self.play(script, &mut self.tcp.try_clone()?);
        };
        let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, self.tcp.try_clone()?);
        self.play(script, &mut stream)?;
        stream.conn.send_close_notify();
        stream.flush()
    }

    fn play(&self, script: &[Step], stream: &mut (impl Read + Write)) -> io::Result<()> {
        for step in script {
            match step {
                Step::Read => self.read(stream)?,
                Step::Await => {
                    if self.tcp.peek(&mut [0])? == 0 {
                        return Ok(());
                    }
                }
                Step::Send(bytes) => {
                    stream.write_all(bytes)?;
                    stream.flush()?;
                    self.book.lock().expect("no test thread panics with it").sent += 1;
                }
                Step::Reply(make) => {
                    let book = self.book.lock().expect("no test thread panics with it");
                    let reply = book.requests.last().map(make).unwrap_or_default();
                    drop(book);
                    stream.write_all(&reply)?;
                    stream.flush()?;
                }
                Step::Drip(bytes) => {
                    for byte in bytes {
                        stream.write_all(&[*byte])?;
                        stream.flush()?;
                    }
                }
                Step::Flood(bytes) => loop {
                    stream.write_all(bytes)?;
                    stream.flush()?;
                },
                Step::Hang => while stream.read(&mut [0; 4096])? > 0 {},
                Step::Close => return Ok(()),
                Step::Wait(signal) => {
                    let _ = signal.lock().expect("one connection waits").recv();
                }
                Step::Pause(time) => thread::sleep(*time),
            }
        }
        Ok(())
    }

    fn read(&self, stream: &mut impl Read) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut seen = Seen { head, body: Vec::new() };
        let length = seen.header("content-length").and_then(|text| text.parse().ok());
        seen.body.resize(length.unwrap_or(0), 0);
        stream.read_exact(&mut seen.body)?;
        self.book.lock().expect("no test thread panics with it").requests.push(seen);
        Ok(())
    }
}

impl Seen {
    /// `POST /path HTTP/1.1`
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

/// A whole answer with a body, framed by `Content-Length`.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len())
        .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The usual answer of a function that returns JSON.
pub(crate) fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}
