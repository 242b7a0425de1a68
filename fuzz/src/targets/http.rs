//! Requests byte for byte, against a server on the loopback: a smuggled one is never answered.
//!
//! An input is what a client sends before it closes its half of the connection; `@SIGNED@` in it
//! stands for a whole signed webhook. A finding is a response that is not well-formed, anything but
//! an error for what is not a request beyond doubt, anything but that behind a response that closes
//! the connection, a request without a doubt that gets nothing, or a good webhook right behind it,
//! on another connection, that is not answered.

mod plain;
mod site;

use std::cell::RefCell;

use super::{Judged, Seen, Target, as_bytes, ensure, text};
use plain::{End, requests, responses};
use site::Site;

pub(crate) static TARGET: Target = Target {
    name: "http",
    tokens: &[
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        " ",
        "\t",
        ":",
        "\0",
        "\r\n ",
        "GET ",
        "POST ",
        "HEAD ",
        "PUT ",
        "OPTIONS ",
        "CONNECT ",
        "/sms",
        "/sms?a=b",
        "*",
        "http://a/sms",
        "HTTP/1.1",
        "HTTP/1.0",
        "HTTP/2.0",
        "HTTP/0.9",
        "Host: a\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: 65537\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length : 4\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "TE: trailers\r\n",
        "0\r\n\r\n",
        "4\r\nabcd\r\n",
        "4;a=b\r\nabcd\r\n",
        "-1\r\n",
        "0x4\r\n",
        "00000000004\r\n",
        "fffffffffffffffff\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "Connection: keep-alive\r\n",
        "Upgrade: h2c\r\n",
        "Connection: Upgrade\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "a=b",
        "@SIGNED@",
        "é",
    ],
    seeds: super::no_seeds,
    grow: as_bytes,
    judge,
};

thread_local! {
    static SITE: RefCell<Option<Site>> = const { RefCell::new(None) };
}

fn judge(input: &[u8]) -> Judged {
    SITE.with_borrow_mut(|site| {
        let site = site.get_or_insert_with(Site::open);
        let mut seen = Seen::default();
        let bytes = site.written_out(input);
        let expected = requests(&bytes);
        let pending = matches!(expected.end, End::Head | End::Body);
        let (answer, closed) = site.send(&bytes, pending, expected.heads.len())?;
        let statuses = responses(&answer, &expected.heads)?;
        let whole = expected.heads.len();
        seen.note((whole.min(4), expected.end));
        seen.note(statuses.iter().take(4).collect::<Vec<_>>());
        let shown = || format!("{statuses:?} to {:?}", text(&bytes));
        // Of what is in doubt only errors are said: one for its head, one for its body.
        ensure!(statuses.len() <= whole + 2, "smuggled: {}", shown());
        let refused = statuses.iter().skip(whole).all(|(status, _)| *status >= 400);
        ensure!(refused, "answered in doubt: {}", shown());
        let last = statuses.iter().position(|(_, closes)| *closes).unwrap_or(statuses.len());
        let nothing = statuses.iter().skip(last + 1).all(|(status, _)| *status == 400);
        ensure!(nothing, "answered behind its end: {}", shown());
        ensure!(closed || pending, "not closed: {}", shown());
        ensure!(whole == 0 || !statuses.is_empty(), "not answered: {}", shown());
        ensure!(statuses.iter().all(|(status, _)| *status < 500), "failed: {}", shown());
        site.is_alive()?;
        Ok(seen)
    })
}
