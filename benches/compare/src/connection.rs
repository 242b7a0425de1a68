//! One keep-alive connection of the load, with at most one request under way.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::message::{Head, head, status};

/// What an answer can be at most.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A connection to the server under test.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
    received: usize,
    /// When the request under way was sent; `None` between two requests.
    pub sent: Option<Instant>,
}

/// What reading gave.
pub enum Progress<'a> {
    /// Not all of the answer is there yet.
    Waiting,
    /// Status and body.
    Answered(u16, &'a [u8]),
    /// The server closed the connection.
    Closed,
}

impl Connection {
    /// Connects, and reports to `registry` under `token`.
    pub fn open(to: SocketAddr, registry: &Registry, token: Token) -> io::Result<Connection> {
        // Connected before it is made non-blocking: loopback answers at once or never.
        let stream = std::net::TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE)?;
        Ok(Connection { stream, answer: vec![0; ANSWER_BYTES_MAX], received: 0, sent: None })
    }

    /// Sends a request.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.received = 0;
        self.sent = Some(Instant::now());
        // A request fits many times into the empty send buffer, so it always goes out whole.
        match self.stream.write(request)? {
            written if written == request.len() => Ok(()),
            written => Err(io::Error::other(format!("{written} bytes of the request were taken"))),
        }
    }

    /// Reads until the answer is complete or nothing more is there.
    ///
    /// A complete answer ends the reading without asking for more, which saves a system call:
    /// nothing can follow before the next request, and then a new event comes.
    pub fn receive(&mut self) -> io::Result<Progress<'_>> {
        loop {
            match self.stream.read(&mut self.answer[self.received..]) {
                Ok(0) => return Ok(Progress::Closed),
                Ok(count) => self.received += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Progress::Waiting);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Ok(Progress::Closed);
                }
                Err(error) => return Err(error),
            }
            if let Some(body) = self.body()? {
                let answer = &self.answer[..self.received];
                return Ok(Progress::Answered(status(answer), &answer[body..]));
            }
        }
    }

    /// Where the body begins, once all of it is there.
    fn body(&self) -> io::Result<Option<usize>> {
        let Some(Head { length, content_length }) = head(&self.answer[..self.received]) else {
            return Ok(None);
        };
        let Some(body) = content_length else {
            return Err(io::Error::other("an answer without Content-Length cannot be measured"));
        };
        Ok((self.received >= length + body).then_some(length))
    }
}
