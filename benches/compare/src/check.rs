//! Whether a server does its work at all: a fast wrong answer is not worth measuring.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Poll, Token};

use crate::connection::{Connection, Progress};
use crate::webhook::Webhooks;

/// For one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Sends a signed webhook, an altered one, and another signed one. The error says what was wrong.
///
/// `refuses` tells whether the server looks at signatures: then the altered one must get 403.
pub fn check(
    server: SocketAddr,
    webhooks: &mut Webhooks,
    expected: &str,
    refuses: bool,
) -> Result<(), String> {
    for what in ["a signed webhook", "another signed webhook"] {
        let answer =
            exchange(server, webhooks.make()).map_err(|error| format!("{what}: {error}"))?;
        if answer.0 != 200 || !answer.1.contains(expected) {
            return Err(format!("{what}: expected 200 with `{expected}`, got {answer:?}"));
        }
    }
    let altered = webhooks.make_altered();
    let (status, _) = exchange(server, &altered).map_err(|e| format!("an altered one: {e}"))?;
    let wanted = if refuses { 403 } else { 200 };
    if status != wanted {
        return Err(format!("an altered webhook: expected {wanted}, got {status}"));
    }
    Ok(())
}

/// One request on a connection of its own.
fn exchange(server: SocketAddr, request: &[u8]) -> io::Result<(u16, String)> {
    let mut poll = Poll::new()?;
    let mut connection = Connection::open(server, poll.registry(), Token(0))?;
    connection.send(request)?;
    let mut events = Events::with_capacity(1);
    loop {
        poll.poll(&mut events, Some(ANSWER_WITHIN))?;
        if events.is_empty() {
            return Err(io::Error::other(format!("no answer within {ANSWER_WITHIN:?}")));
        }
        match connection.receive()? {
            Progress::Waiting => {}
            Progress::Closed => return Err(io::Error::other("the connection was closed")),
            Progress::Answered(status, body) => {
                return Ok((status, String::from_utf8_lossy(body).into_owned()));
            }
        }
    }
}
