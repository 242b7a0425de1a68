//! A gateway on port 0, a scripted function behind it, a carrier in front of it.
//!
//! What must hold for every test is asserted here, when the rig is taken down: every request left
//! exactly one record in the log, and every document that went out is one that a carrier can read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use twimlgate::config::{Config, HmacAlgorithm};
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::gateway::Gateway;
use twimlgate::journal::{Journal, LogWriter};
use twimlgate::metrics::Metrics;
use twimlgate::secret::Secret;
use twimlgate::server::{Listeners, Server};
use twimlgate::session::Sessions;
use twimlgate::template::TemplateFolder;
use twimlgate::twiml::read::{DocumentLimits, parse_document};
use twimlgate::verify::{SigningKey, add_body_hash, sign_form, sign_url};
use twimlgate::webhook::Params;

pub(crate) const SID: &str = "AC00000000000000000000000000000000";
pub(crate) const TOKEN: &str = "12345";

/// What every test's configuration begins with.
const BASE: &str = r#"
[server]
listen = "127.0.0.1:0"
templates = "tests/templates"
workers = 1
answer_within_ms = 10000

[admin]
listen = "127.0.0.1:0"

[[account]]
sid = "AC00000000000000000000000000000000"
auth_tokens = ["12345", "54321"]
"#;

/// A running gateway.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) journal: Journal,
    pub(crate) sessions: Sessions,
    log: Shared,
    requests: Mutex<usize>,
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no holder panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// === impl Rig ===

impl Rig {
    /// Starts a gateway with the base configuration and these sections; `${FUNCTION}` in them is
    /// the address of the function.
    pub(crate) fn start(function: SocketAddr, sections: &str) -> Rig {
        Rig::start_on(Sessions::memory(), function, sections)
    }

    /// The same with changes to the configuration.
    pub(crate) fn start_edited(
        function: SocketAddr,
        sections: &str,
        edit: impl FnOnce(&mut Config),
    ) -> Rig {
        let mut config = gateway(function, sections, &Metrics::new(), &mut Problems::default())
            .expect("it is valid")
            .config;
        edit(&mut config);
        Rig::start_with(config)
    }

    /// The same on a store of the test's.
    pub(crate) fn start_on(sessions: Sessions, function: SocketAddr, sections: &str) -> Rig {
        let mut problems = Problems::default();
        let meters = Metrics::new();
        let gateway = gateway(function, sections, &meters, &mut problems);
        let gateway = gateway.unwrap_or_else(|| panic!("{problems}"));
        Rig::serve(sessions, gateway, meters)
    }

    /// Starts a gateway with a configuration of the test's, without templates.
    pub(crate) fn start_with(config: Config) -> Rig {
        let (mut problems, meters) = (Problems::default(), Metrics::new());
        let zone = config.server.time_zone.clone();
        let templates = TemplateFolder::load(&config.server.templates, zone, &mut problems);
        let gateway = Gateway::build(config, &templates, &meters, &mut problems);
        let gateway = gateway.unwrap_or_else(|| panic!("{problems}"));
        Rig::serve(Sessions::memory(), gateway, meters)
    }

    fn serve(sessions: Sessions, gateway: Gateway, meters: Metrics) -> Rig {
        let log = Shared::default();
        let journal = Journal::new(LogWriter::to(log.clone(), false), Arc::new(meters));
        let journal = journal.with_traces(&gateway.config);
        let listeners = Listeners::bind(&gateway.config).expect("port 0 is free");
        let server = Server::start(listeners, gateway, sessions.clone(), journal.clone());
        let server = server.expect("it starts");
        Rig { server, journal, sessions, log, requests: Mutex::new(0) }
    }

    /// Sends a webhook as Twilio would, and waits for its answer.
    pub(crate) async fn post(&self, target: &str, params: &[(&str, &str)]) -> Reply {
        self.send(self.signed(target, params)).await
    }

    /// The bytes of a signed webhook.
    pub(crate) fn signed(&self, target: &str, params: &[(&str, &str)]) -> Vec<u8> {
        let url = format!("http://{}{target}", self.server.address);
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        let account = [("AccountSid", SID)];
        let params: Params = params.iter().chain(&account).copied().collect();
        let signature = sign_form(&key, &url, params.iter());
        let body = params.encode();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: TwilioProxy/1.1\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
             X-Twilio-Signature: {signature}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.server.address,
            body.len()
        );
        (head + &body).into_bytes()
    }

    /// The bytes of a signed webhook by GET: the parameters are behind the query of the target.
    pub(crate) fn signed_get(&self, target: &str, params: &[(&str, &str)]) -> Vec<u8> {
        let params: Params = params.iter().chain(&[("AccountSid", SID)]).copied().collect();
        let separator = if target.contains('?') { '&' } else { '?' };
        let target = format!("{target}{separator}{}", params.encode());
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        let signature = sign_url(&key, &format!("http://{}{target}", self.server.address));
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: TwilioProxy/1.1\r\n\
             X-Twilio-Signature: {signature}\r\nConnection: close\r\n\r\n",
            self.server.address
        );
        head.into_bytes()
    }

    /// The bytes of a signed webhook whose body is not a form.
    pub(crate) fn signed_body(&self, target: &str, content_type: &str, body: &str) -> Vec<u8> {
        let origin = format!("http://{}", self.server.address);
        let url = add_body_hash(&format!("{origin}{target}"), body.as_bytes());
        let url = url.expect("no other hash is there");
        let key = SigningKey::new(&Secret::new(TOKEN.to_owned()), HmacAlgorithm::Sha1);
        let signature = sign_url(&key, &url);
        let target = url.strip_prefix(&origin).expect("it is the beginning");
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: TwilioProxy/1.1\r\n\
             Content-Type: {content_type}\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.server.address,
            body.len()
        );
        (head + body).into_bytes()
    }

    /// Sends bytes over a connection of their own, and reads until the gateway closes it.
    pub(crate) async fn send(&self, bytes: Vec<u8>) -> Reply {
        *self.requests.lock().expect("no holder panics") += 1;
        exchange(self.server.address, bytes).await
    }

    /// A page of the admin listener.
    pub(crate) async fn admin(&self, path: &str) -> Reply {
        let address = self.server.admin.expect("the base configuration has one");
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        exchange(address, request.into_bytes()).await
    }

    /// A request to Studio's REST with these credentials: a sid and a token.
    pub(crate) async fn rest(
        &self,
        user: &str,
        (method, target): (&str, &str),
        form: &[(&str, &str)],
    ) -> Reply {
        let body = form.iter().copied().collect::<Params>().encode();
        let basic = STANDARD.encode(user);
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: admin.example:9\r\n\
             Authorization: Basic {basic}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        let address = self.server.admin.expect("the base configuration has one");
        exchange(address, (head + &body).into_bytes()).await
    }

    /// Takes the gateway down, and gives the records of its webhooks.
    pub(crate) async fn end(self) -> Vec<Value> {
        let mut lines = self.log().await;
        lines.retain(|line| line["message"] == "webhook");
        lines
    }

    /// Takes the gateway down, and gives its log.
    pub(crate) async fn log(self) -> Vec<Value> {
        self.server.stop().await;
        self.journal.traces.close();
        self.journal.log.close();
        let log = self.log.0.lock().expect("no holder panics").clone();
        let log = String::from_utf8(log).expect("the log is text");
        let line = |line: &str| serde_json::from_str(line).expect("each line is one JSON object");
        let lines: Vec<Value> = log.lines().map(line).collect();
        let records = lines.iter().filter(|line| line["message"] == "webhook").count();
        let requests = *self.requests.lock().expect("no holder panics");
        assert_eq!(records, requests, "each request leaves one record:\n{log}");
        lines
    }
}

/// The gateway of the base configuration and these sections.
pub(crate) fn gateway(
    function: SocketAddr,
    sections: &str,
    meters: &Metrics,
    problems: &mut Problems,
) -> Option<Gateway> {
    // The time for an answer is in a comment: a configuration has `[server]` only once.
    let within = sections.lines().find_map(|line| line.strip_prefix("# within "));
    let text = format!("{}{sections}", BASE.replace("10000", within.unwrap_or("10000")));
    let source = Source::new("config.toml", &text);
    let variable = |name: &str| match name {
        "FUNCTION" => Some(function.to_string()),
        _ => None,
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (config, mut found) = Config::parse(&source, folder, &variable);
    let gateway = config.and_then(|config| {
        let templates = TemplateFolder::load(
            &config.server.templates,
            config.server.time_zone.clone(),
            &mut found,
        );
        Gateway::build(config, &templates, meters, &mut found)
    });
    *problems = found;
    gateway
}

/// One request on a connection of its own. On a thread of its own, too: the test's runtime may
/// have its clock stopped.
pub(crate) async fn exchange(address: SocketAddr, request: Vec<u8>) -> Reply {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let reply = (|| {
            let mut stream = TcpStream::connect(address)?;
            // A gateway that refuses early may close while we still write.
            let _ = stream.write_all(&request);
            let mut bytes = Vec::new();
            let read = stream.read_to_end(&mut bytes);
            if bytes.is_empty() { read.map(|_| bytes) } else { Ok(bytes) }
        })();
        let _ = sender.send(reply);
    });
    let bytes = receiver.await.expect("the thread answers").expect("the gateway answers");
    Reply::parse(&bytes)
}

// === impl Reply ===

impl Reply {
    fn parse(bytes: &[u8]) -> Reply {
        // An asset may be an image.
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        let reply = Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() };
        if status == 200 && reply.head.contains("text/xml") {
            parse_document(body.as_bytes(), &DocumentLimits::default())
                .expect("a carrier can read it");
        }
        reply
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.strip_prefix(": "))
    }
}
