//! The carrier's side of the wire: signed webhooks as bytes, and what comes back.

use std::fmt;
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use twimlgate::channel::Channel;
use twimlgate::config::HmacAlgorithm;
use twimlgate::secret::Secret;
use twimlgate::twiml::read::{DocumentLimits, check_document};
use twimlgate::verify::{SigningKey, sign_form};
use twimlgate::webhook::Params;

use crate::http;

/// The account of all campaigns.
pub(crate) const SID: &str = "AC00000000000000000000000000000000";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What the carrier signs.
pub(crate) const PUBLIC_URL: &str = "https://phone.example.com";

/// The carrier gives up after this.
const WITHIN: Duration = Duration::from_secs(15);

/// One webhook: sent again, it is the same.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) channel: Channel,
    pub(crate) target: String,
    pub(crate) params: Vec<(String, String)>,
    /// Each try of one delivery has the same.
    pub(crate) token: String,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Ask {
    /// The form, and the signature over it.
    pub(crate) fn signed(&self) -> (String, String) {
        let params: Params =
            self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        let url = format!("{PUBLIC_URL}{}", self.target);
        (params.encode(), sign_form(&key, &url, params.iter()))
    }

    /// What goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (body, signature) = self.signed();
        let (target, token, length) = (&self.target, &self.token, body.len());
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: phone.example.com\r\nUser-Agent: TwilioProxy/1.1\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
             I-Twilio-Idempotency-Token: {token}\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        (head + &body).into_bytes()
    }

    /// What is wrong with an answer as such, whatever it says.
    pub(crate) fn malformed(&self, reply: &Reply) -> Option<String> {
        malformed(self.channel, reply)
    }
}

/// What is wrong with an answer on a channel as such.
pub(crate) fn malformed(channel: Channel, reply: &Reply) -> Option<String> {
    if reply.status != 200 {
        return Some(format!("status {}", reply.status));
    }
    match check_document(reply.body.as_bytes(), channel, &DocumentLimits::default()) {
        Ok(read) if read.findings.is_empty() => None,
        Ok(read) => Some(format!("a document to warn of: {}", read.findings[0])),
        Err(error) => Some(format!("no TwiML: {error}")),
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (body, _) = self.signed();
        write!(formatter, "POST {} {body} (idempotency token {})", self.target, self.token)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.status, self.body)
    }
}

/// Asks Studio's REST for JSON.
pub(crate) fn rest(admin: SocketAddr, target: &str) -> io::Result<serde_json::Value> {
    let basic = STANDARD.encode(format!("{SID}:{TOKEN}"));
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {admin}\r\nAuthorization: Basic {basic}\r\n\
         Connection: close\r\n\r\n"
    );
    let reply = send(admin, request.as_bytes())?;
    Ok(serde_json::from_str(&reply.body)?)
}

/// Sends bytes once. An error is an answer that did not come, or not to its end.
pub(crate) fn send(address: SocketAddr, bytes: &[u8]) -> io::Result<Reply> {
    answer(&post(address, bytes)?)
}

/// Sends bytes, and does not wait for the answer.
pub(crate) fn post(address: SocketAddr, bytes: &[u8]) -> io::Result<TcpStream> {
    let stream = connect(address)?;
    (&stream).write_all(bytes)?;
    Ok(stream)
}

/// A connection on which nothing has been sent yet.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The answer to what was posted.
pub(crate) fn answer(stream: &TcpStream) -> io::Result<Reply> {
    let message = http::read(&mut BufReader::new(stream))?;
    let status = message.status();
    let body = String::from_utf8(message.body).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Reply { status, body })
}
