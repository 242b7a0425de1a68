//! A server on the loopback, and the two ways to it: the wild one, and that of a good carrier.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::rt::System;
use twimlgate::config::{Config, HmacAlgorithm};
use twimlgate::diagnostics::problem::Source;
use twimlgate::gateway::Gateway;
use twimlgate::journal::{Journal, LogWriter};
use twimlgate::metrics::Metrics;
use twimlgate::secret::Secret;
use twimlgate::server::{Listeners, Server};
use twimlgate::session::Sessions;
use twimlgate::template::TemplateFolder;
use twimlgate::verify::{SigningKey, sign_form};
use twimlgate::webhook::Params;

use super::super::root;

/// How long an answer may take. Whatever does not come to its end is given up long before.
const WITHIN: Duration = Duration::from_secs(3);

/// How long something is waited for that need not come, once another webhook has been answered.
const GRACE: Duration = Duration::from_millis(2);

pub(super) struct Site {
    address: SocketAddr,
    /// The good carrier's connection.
    carrier: Option<TcpStream>,
    webhooks: u64,
}

impl Site {
    pub(super) fn open() -> Site {
        static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
        Site { address: *ADDRESS.get_or_init(serve), carrier: None, webhooks: 0 }
    }

    /// The input with signed webhooks in their places.
    pub(super) fn written_out(&self, input: &[u8]) -> Vec<u8> {
        const PLACE: &[u8] = b"@SIGNED@";
        let mut bytes = Vec::with_capacity(input.len());
        let mut rest = input;
        while let Some(at) = rest.windows(PLACE.len()).position(|place| place == PLACE) {
            bytes.extend_from_slice(&rest[..at]);
            bytes.extend(self.signed("SM0", "+1444"));
            rest = &rest[at + PLACE.len()..];
        }
        bytes.extend_from_slice(rest);
        bytes
    }

    /// Sends bytes over a connection of their own. What came back, and whether it was closed. Where
    /// more of the last request is `pending`, nobody waits until the server gives it up.
    pub(super) fn send(
        &mut self,
        bytes: &[u8],
        pending: bool,
        whole: usize,
    ) -> Result<(Vec<u8>, bool), String> {
        let mut stream = connect(self.address)?;
        // A server that refuses early may close while we still write.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let enough = pending && (whole == 0 || ends(&answer));
            if enough {
                // The server has one worker: it has seen these bytes, but for a hair's breadth.
                self.is_alive()?;
            }
            let _ = stream.set_read_timeout(Some(if enough { GRACE } else { WITHIN }));
            match stream.read(&mut buffer) {
                Ok(0) => return Ok((answer, true)),
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
                Err(error) => {
                    let late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                    return Ok((answer, !late));
                }
            }
        }
    }

    /// Sends a good webhook, over a connection that is kept.
    pub(super) fn is_alive(&mut self) -> Result<(), String> {
        self.webhooks += 1;
        let from = format!("+1555{}", self.webhooks);
        let request = self.signed(&format!("SM{}", self.webhooks), &from);
        let mut stream = match self.carrier.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        stream.write_all(&request).map_err(|error| format!("not alive: {error}"))?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while !answer.ends_with(b"</Response>") {
            let read = stream.read(&mut buffer).map_err(|error| format!("not alive: {error}"))?;
            if read == 0 {
                return Err(format!("not alive: {:?}", String::from_utf8_lossy(&answer)));
            }
            answer.extend_from_slice(&buffer[..read]);
        }
        let text = String::from_utf8_lossy(&answer);
        let good = text.starts_with("HTTP/1.1 200 ") && text.contains("What is your name?");
        self.carrier = Some(stream);
        if good { Ok(()) } else { Err(format!("not alive: {text:?}")) }
    }

    /// A webhook as the carrier sends it.
    fn signed(&self, sid: &str, from: &str) -> Vec<u8> {
        let url = format!("http://{}/sms", self.address);
        let key = SigningKey::new(&Secret::new("12345".to_owned()), HmacAlgorithm::Sha1);
        let pairs = [
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("MessageSid", sid),
            ("From", from),
            ("To", "+1999"),
        ];
        let params: Params = pairs.into_iter().chain([("Body", "hi")]).collect();
        let signature = sign_form(&key, &url, params.iter());
        let body = params.encode();
        let head = format!(
            "POST /sms HTTP/1.1\r\nHost: {}\r\nX-Twilio-Signature: {signature}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        (head + &body).into_bytes()
    }
}

/// Whether what came so far may be whole.
fn ends(answer: &[u8]) -> bool {
    answer.ends_with(b"\r\n\r\n") || answer.ends_with(b"</Response>")
}

fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).map_err(|error| format!("no connection: {error}"))?;
    let _ = stream.set_read_timeout(Some(WITHIN));
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Starts a server that ends with the process.
fn serve() -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        System::new().block_on(async move {
            let text = "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 1\nanswer_within_ms = 1000\n\
                        templates = \"tests/templates\"\n[admin]\nlisten = \"\"\n\
                        [[account]]\nsid = \"AC00000000000000000000000000000001\"\n\
                        auth_tokens = [\"12345\"]\n\
                        [route.\"/sms\"]\nchannel = \"message\"\n\
                        flow = \"tests/flows/survey.json\"\n";
            let source = Source::new("http.toml", text);
            let (config, mut problems) = Config::parse(&source, root(), &|_| None);
            let meters = Metrics::new();
            let gateway = config.and_then(|config| {
                let zone = config.server.time_zone.clone();
                let folder = root().join("tests/templates");
                let templates = TemplateFolder::load(&folder, zone, &mut Default::default());
                Gateway::build(config, &templates, &meters, &mut problems)
            });
            let gateway = gateway.unwrap_or_else(|| panic!("{problems}"));
            let listeners = Listeners::bind(&gateway.config).expect("port 0 is free");
            let journal = Journal::new(LogWriter::none(), Arc::new(meters));
            let server = Server::start(listeners, gateway, Sessions::memory(), journal);
            let server = server.expect("it starts");
            sender.send(server.address).expect("somebody waits for it");
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().expect("the server starts")
}
