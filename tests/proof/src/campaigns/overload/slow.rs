//! A function that can do so much and no more, and one that is quick, on one address.

use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::http;

/// Both.
pub(super) struct Functions {
    pub(super) address: SocketAddr,
}

/// Places that have to be waited for.
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Functions {
    /// Starts them: `/slow` works on so many at a time, and takes so long.
    pub(super) fn start(at_once: usize, call: Duration) -> io::Result<Functions> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let places = Arc::new(Places { free: Mutex::new(at_once), freed: Condvar::new() });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let places = Arc::clone(&places);
                // The gateway ends when it is killed, and so does its connection.
                thread::spawn(move || serve(&stream, &places, call));
            }
        });
        Ok(Functions { address })
    }
}

fn serve(stream: &TcpStream, places: &Places, call: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let request = http::read(&mut reader)?;
        let said = if request.first.contains("/slow") {
            places.take();
            thread::sleep(call);
            places.give();
            "served"
        } else {
            "quick"
        };
        let body = format!("<Response><Message>{said}</Message></Response>");
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml";
        let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        writer.write_all(answer.as_bytes())?;
    }
}

impl Places {
    fn take(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
    }

    fn give(&self) {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
    }
}
